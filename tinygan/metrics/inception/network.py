"""Inception-v3 as in TensorFlow's weights of 2015-12-05, the network of FID and of the Inception score.

The tables below are the whole architecture. A step of a table is a convolution with batch norm and ReLU (``Conv``), a
pool, or a ``Fork``: branches that all see the same input and whose outputs are joined along the channels, in order.
Source: Szegedy et al. 2015, arXiv:1512.00567. The trained network is neither the paper's nor torchvision's to the last
detail: 3x3 averages divide by the number of *real* pixels, the pool of the last block is a maximum, and there are 1008
classes (0 is background, 1 to 1000 are ImageNet's, the rest padding).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygan import functional as F
from tinygan import nn
from tinygan.tensor import Parameter

CLASSES = 1008
EPSILON = 1e-3  # of batch norm


class Conv(NamedTuple):
    """A convolution without bias, batch norm, ReLU; padded to keep the size at stride 1, not padded at stride 2."""

    name: str
    outputs: int
    kernel: int | tuple
    stride: int = 1
    padding: int | tuple | None = None

    def geometry(self) -> dict:
        kernel = (self.kernel, self.kernel) if isinstance(self.kernel, int) else self.kernel
        same = tuple([k // 2 for k in kernel]) if self.stride == 1 else 0
        return dict(kernel_size=kernel, stride=self.stride, padding=same if self.padding is None else self.padding)


class Fork(NamedTuple):
    """Branches (lists of steps) side by side; ``name`` stands before the names of its convolutions."""

    branches: list
    name: str = ""


class Tap(NamedTuple):
    """Features are read here: the mean over all positions."""

    name: int


AVERAGE = "average 3x3, stride 1"
MAXIMUM = "maximum 3x3, stride 1"
HALVE = "maximum 3x3, stride 2"


def block_a(name: str, pool: int) -> Fork:
    """35 x 35."""
    return Fork(name=name, branches=[
        [Conv("branch1x1", 64, 1)],
        [Conv("branch5x5_1", 48, 1), Conv("branch5x5_2", 64, 5)],
        [Conv("branch3x3dbl_1", 64, 1), Conv("branch3x3dbl_2", 96, 3), Conv("branch3x3dbl_3", 96, 3)],
        [AVERAGE, Conv("branch_pool", pool, 1)]])


def block_b(name: str) -> Fork:
    """35 x 35 to 17 x 17."""
    return Fork(name=name, branches=[
        [Conv("branch3x3", 384, 3, 2)],
        [Conv("branch3x3dbl_1", 64, 1), Conv("branch3x3dbl_2", 96, 3), Conv("branch3x3dbl_3", 96, 3, 2)],
        [HALVE]])


def block_c(name: str, c: int) -> Fork:
    """17 x 17."""
    return Fork(name=name, branches=[
        [Conv("branch1x1", 192, 1)],
        [Conv("branch7x7_1", c, 1), Conv("branch7x7_2", c, (1, 7)), Conv("branch7x7_3", 192, (7, 1))],
        [Conv("branch7x7dbl_1", c, 1), Conv("branch7x7dbl_2", c, (7, 1)), Conv("branch7x7dbl_3", c, (1, 7)),
         Conv("branch7x7dbl_4", c, (7, 1)), Conv("branch7x7dbl_5", 192, (1, 7))],
        [AVERAGE, Conv("branch_pool", 192, 1)]])


def block_d(name: str) -> Fork:
    """17 x 17 to 8 x 8."""
    return Fork(name=name, branches=[
        [Conv("branch3x3_1", 192, 1), Conv("branch3x3_2", 320, 3, 2)],
        [Conv("branch7x7x3_1", 192, 1), Conv("branch7x7x3_2", 192, (1, 7)), Conv("branch7x7x3_3", 192, (7, 1)),
         Conv("branch7x7x3_4", 192, 3, 2)],
        [HALVE]])


def block_e(name: str, pool: str) -> Fork:
    """8 x 8."""
    def split(stem: str) -> Fork:
        return Fork([[Conv(stem + "a", 384, (1, 3))], [Conv(stem + "b", 384, (3, 1))]])

    return Fork(name=name, branches=[
        [Conv("branch1x1", 320, 1)],
        [Conv("branch3x3_1", 384, 1), split("branch3x3_2")],
        [Conv("branch3x3dbl_1", 448, 1), Conv("branch3x3dbl_2", 384, 3), split("branch3x3dbl_3")],
        [pool, Conv("branch_pool", 192, 1)]])


TABLE = [
    Conv("Conv2d_1a_3x3", 32, 3, 2), Conv("Conv2d_2a_3x3", 32, 3, padding=0), Conv("Conv2d_2b_3x3", 64, 3),
    HALVE, Tap(64),
    Conv("Conv2d_3b_1x1", 80, 1), Conv("Conv2d_4a_3x3", 192, 3, padding=0),
    HALVE, Tap(192),
    block_a("Mixed_5b", 32), block_a("Mixed_5c", 64), block_a("Mixed_5d", 64),
    block_b("Mixed_6a"),
    block_c("Mixed_6b", 128), block_c("Mixed_6c", 160), block_c("Mixed_6d", 160), block_c("Mixed_6e", 192), Tap(768),
    block_d("Mixed_7a"),
    block_e("Mixed_7b", AVERAGE), block_e("Mixed_7c", MAXIMUM), Tap(2048),
]
TAPS = tuple([step.name for step in TABLE if isinstance(step, Tap)])
LOGITS, UNBIASED = "logits", "logits without bias"


def convolutions(step=TABLE, channels: int = 3, prefix: str = ""):
    """(full name, input channels, Conv) of every convolution in a step, or list of steps, in order.

    A generator that returns the number of output channels.
    """
    if isinstance(step, list):
        for one in step:
            channels = yield from convolutions(one, channels, prefix)
        return channels
    if isinstance(step, Fork):
        inner, total = prefix + step.name + "." * bool(step.name), 0
        for branch in step.branches:
            total += yield from convolutions(branch, channels, inner)
        return total
    if isinstance(step, Conv):
        yield prefix + step.name, channels, step
        return step.outputs
    return channels


class ConvBlock(nn.Module):
    """relu(bn(conv(x))); once :meth:`fold` was called, relu(conv(x)) with the same values."""

    def __init__(self, channels: int, conv: Conv):
        super().__init__()
        self.conv = nn.Conv2d(channels, conv.outputs, bias=False, **conv.geometry())
        self.bn = nn.BatchNorm2d(conv.outputs, eps=EPSILON)

    def forward(self, x):
        y = self.conv(x)
        return F.relu(y if self.bn is None else self.bn(y))

    def fold(self) -> None:
        """Make batch norm, (y - mean) s + b with s = weight / sqrt(var + eps), part of the convolution.

        The factors are computed in float64, so folding rounds every weight once.
        """
        if self.bn is None:
            return
        weight, bn = self.conv.weight.data, self.bn
        scale = bn.weight.data.astype(np.float64) / (bn.running_var.data.astype(np.float64) + bn.eps) ** 0.5
        self.conv.weight.assign((weight * scale[:, None, None, None]).astype(weight.dtype), "ConvBlock.fold")
        self.conv.bias = Parameter((bn.bias.data - bn.running_mean.data * scale).astype(weight.dtype))
        self.bn = None


class InceptionNetwork(nn.Module):
    """Images (N, 3, H, W), scaled as :mod:`~tinygan.metrics.inception.resize` does -> features by the names of taps.

    H and W are 299 for every published number; from 75 on any size works. The keys of the state dict are those of the
    usual PyTorch ports ("Mixed_5b.branch1x1.conv.weight", ..., "fc.bias").
    """

    def __init__(self):
        super().__init__()
        for name, channels, conv in convolutions():
            holder = self
            *path, last = name.split(".")
            for part in path:
                if part not in holder._modules:
                    holder.add_module(part, nn.Module())
                holder = holder._modules[part]
            holder.add_module(last, ConvBlock(channels, conv))
        self.fc = nn.Linear(TAPS[-1], CLASSES)
        self.eval()

    def forward(self, images, taps=(TAPS[-1],)) -> dict:
        """{tap: Tensor} for ``taps`` out of 64, 192, 768, 2048 ((N, tap): means over positions), "logits" and
        "logits without bias" (N, 1008); nothing behind the last of them is computed. Raises ValueError for others.
        """
        unknown = [tap for tap in taps if tap not in (*TAPS, LOGITS, UNBIASED)]
        if unknown or not taps:
            raise ValueError(f"InceptionNetwork: expected taps out of {(*TAPS, LOGITS, UNBIASED)}, got {tuple(taps)}")
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < 75:
            raise ValueError(f"InceptionNetwork: expected images (N, 3, H, W) of at least 75 x 75, got {images.shape}")
        found, wanted = {}, set(taps)
        for step, x in self.stages(images):
            if isinstance(step, Tap) and (step.name in wanted or step.name == TAPS[-1]):
                found[step.name] = F.global_avg_pool(x)
                if wanted <= set(found):
                    break
        if UNBIASED in wanted or LOGITS in wanted:
            found[UNBIASED] = F.linear(found[TAPS[-1]], self.fc.weight)
            found[LOGITS] = found[UNBIASED] + self.fc.bias
        return {tap: found[tap] for tap in taps}

    def stages(self, images):
        """(step, its output) for every step of TABLE, one after the other; a tap's output is its input."""
        blocks = {name: block for name, block in self.named_modules() if isinstance(block, ConvBlock)}
        x = images
        for step in TABLE:
            x = run(step, x, blocks)
            yield step, x

    def fold(self) -> InceptionNetwork:
        """Fold every batch norm into its convolution, for speed, and return self; the state dict is another then."""
        for module in self.modules():
            if isinstance(module, ConvBlock):
                module.fold()
        return self


def run(step, x, blocks: dict, prefix: str = ""):
    """The output of one step, or list of steps, of the tables; ``blocks``: {name: ConvBlock}."""
    if isinstance(step, list):
        for one in step:
            x = run(one, x, blocks, prefix)
    elif isinstance(step, Fork):
        inner = prefix + step.name + "." * bool(step.name)
        x = F.cat([run(branch, x, blocks, inner) for branch in step.branches], dim=1)
    elif isinstance(step, Conv):
        x = blocks[prefix + step.name](x)
    elif step == AVERAGE:
        x = F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)
    elif step in (HALVE, MAXIMUM):
        x = F.max_pool2d(x, 3, 2) if step == HALVE else F.max_pool2d(x, 3, 1, padding=1)
    return x


__all__ = ["CLASSES", "InceptionNetwork", "LOGITS", "TABLE", "TAPS", "UNBIASED", "convolutions", "run"]
