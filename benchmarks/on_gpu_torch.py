"""PyTorch's side on a GPU, eager: cases of on_torch.py with everything there, timed between two events of the device.

cuDNN chooses its fastest algorithm for each shape (``cudnn.benchmark``), and uses TF32 where the settings say so alone:
by itself PyTorch convolves in TF32 and multiplies matrices in float32.
"""

from __future__ import annotations

import on_torch
import torch


def on_the_gpu(case):
    """The case with its work on the GPU: its parts once in each of the settings' ``precisions``."""
    def makers(settings):
        on_torch.DEVICE = "cuda"
        torch.backends.cudnn.benchmark = True
        return {f"{precision}: {part}": {label: lambda make=make, precision=precision: measured(
                    make(), settings["calls"], precision) for label, make in labels.items()}
                for precision in settings["precisions"] for part, labels in case(settings).items()}
    return makers


def measured(run, calls, precision):
    """A competitor that returns its own seconds, for ``calls`` calls at a time."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def call():
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        start.record()
        for _ in range(calls):
            run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / calls
    call.timed, call.once = True, run
    return call


def count(call) -> dict:
    """FLOPs and parameters of one call."""
    return on_torch.count(call.once)


convolution, dcgan, mlp_gan, wgan_gp = map(on_the_gpu, (on_torch.convolution, on_torch.dcgan, on_torch.mlp_gan,
                                                        on_torch.wgan_gp))
