"""tinygan's side on a GPU: cases of on_tinygan.py with everything there, timed between two events of the device."""

from __future__ import annotations

import on_tinygan

import tinygan

PRECISIONS = {"float32": "highest", "tf32": "tf32"}


def seconds_of(run, calls: int) -> float:
    """Seconds per call on the device's clock, over ``calls`` calls; the host waits once, at the end."""
    cuda = tinygan.device("cuda").xp.cuda
    start, end = cuda.Event(), cuda.Event()
    start.record()
    for _ in range(calls):
        run()
    end.record()
    end.synchronize()
    return cuda.get_elapsed_time(start, end) / 1e3 / calls


def on_the_gpu(case):
    """The case with its work on the GPU: its parts once in each of the settings' ``precisions``."""
    def makers(settings):
        on_tinygan.DEVICE = "cuda"
        return {f"{precision}: {part}": {label: lambda make=make, precision=precision: measured(
                    make(), settings["calls"], precision) for label, make in labels.items()}
                for precision in settings["precisions"] for part, labels in case(settings).items()}
    return makers


def measured(run, calls, precision):
    """A competitor that returns its own seconds, for ``calls`` calls at a time."""
    def call():
        tinygan.set_precision(PRECISIONS[precision])
        return seconds_of(run, calls)
    call.timed, call.once = True, run
    return call


def count(call) -> dict:
    """FLOPs and parameters of one call."""
    return on_tinygan.count(call.once)


convolution, dcgan, mlp_gan, wgan_gp = map(on_the_gpu, (on_tinygan.convolution, on_tinygan.dcgan, on_tinygan.mlp_gan,
                                                        on_tinygan.wgan_gp))
