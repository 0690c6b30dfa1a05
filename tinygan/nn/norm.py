"""Normalisation layers: batch and instance norm with their running statistics, layer and group norm."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.kernels import kernels_for
from tinygan.nn.check import check_positive, check_tensor
from tinygan.nn.module import Module
from tinygan.ops.norm import batch_norm_train
from tinygan.tensor import Parameter, Tensor


def _affine(module, shape, weight: bool, bias: bool) -> None:
    module.register_parameter("weight", Parameter(np.ones(shape, np.float32)) if weight else None)
    module.register_parameter("bias", Parameter(np.zeros(shape, np.float32)) if bias else None)


class _RunningNorm(Module):
    """What batch and instance norm share: the affine map, and running averages of mean and unbiased variance.

    ``momentum`` is the weight of the newest value: running = (1 - momentum) running + momentum new; None averages all
    values equally. ``num_batches_tracked`` counts them (PyTorch's instance norm leaves it at 0). The averages
    are rebound to new Tensors: a graph that used the old ones keeps them.
    """

    dims: tuple = ()  # numbers of spatial dimensions that are accepted

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, bias):
        super().__init__()
        check_positive(self, num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        _affine(self, num_features, affine, affine and bias)
        tracked = track_running_stats
        self.register_buffer("running_mean", Tensor(np.zeros(num_features, np.float32)) if tracked else None)
        self.register_buffer("running_var", Tensor(np.ones(num_features, np.float32)) if tracked else None)
        self.register_buffer("num_batches_tracked", Tensor(np.zeros((), np.int64)) if tracked else None)

    def check(self, input):
        check_tensor(self, input)
        if input.ndim - 2 not in self.dims or input.shape[1] != self.num_features:
            shapes = {0: "", 1: ", L", 2: ", H, W", 3: ", D, H, W"}
            expected = " or ".join(f"(N, {self.num_features}{shapes[n]})" for n in self.dims)
            raise ValueError(f"{type(self).__name__}: expected input {expected}, got {input.shape}")

    def track(self, mean, variance):
        """Move the running averages towards the arrays ``mean`` and ``variance`` (C,)."""
        count = self.num_batches_tracked.data + 1
        self.num_batches_tracked = Tensor(np.asarray(count) if isinstance(count, np.generic) else count)
        factor = 1.0 / float(count) if self.momentum is None else self.momentum
        self.running_mean = Tensor(self.running_mean.data * (1.0 - factor) + mean * factor)
        self.running_var = Tensor(self.running_var.data * (1.0 - factor) + variance * factor)

    def track_batch(self, mean, rstd, count):
        """Move the running averages towards those of a batch, from what `batch_norm_train` gives."""
        moments = kernels_for(mean).running_moments(self.running_mean.data, self.running_var.data,
                                                    self.num_batches_tracked.data, mean, rstd, count, self.eps,
                                                    self.momentum)
        self.running_mean, self.running_var, self.num_batches_tracked = map(Tensor, moments)

    def extra_repr(self):
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")


class _BatchNorm(_RunningNorm):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, *, bias: bool = True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, input):
        self.check(input)
        if self.training or not self.track_running_stats:
            out, *moments = batch_norm_train(input, self.weight, self.bias, self.eps)
            if self.training and self.track_running_stats:
                self.track_batch(*moments)
            return out
        return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L) over all but the channels (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

    dims = (0, 1)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W) over N, H and W (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

    dims = (2,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (N, C, D, H, W) over all but the channels (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

    dims = (3,)


class _InstanceNorm(_RunningNorm):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
                 track_running_stats: bool = False, *, bias: bool = True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, input):
        self.check(input)
        if self.track_running_stats and not self.training:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        if self.track_running_stats:
            self.track(*self._statistics(input.data))
        return F.instance_norm(input, self.weight, self.bias, eps=self.eps)

    @staticmethod
    def _statistics(x):
        """The means over the batch of every image's mean and unbiased variance, per channel."""
        flat = x.reshape(x.shape[0], x.shape[1], -1)
        return flat.mean(axis=(0, 2)), flat.var(axis=2, ddof=1).mean(axis=0)


class InstanceNorm1d(_InstanceNorm):
    """(N, C, L) normalised over the positions of each sample and channel (Ulyanov et al. 2016, arXiv:1607.08022)."""

    dims = (1,)


class InstanceNorm2d(_InstanceNorm):
    """(N, C, H, W) normalised over the positions of each image and channel (Ulyanov et al. 2016, arXiv:1607.08022)."""

    dims = (2,)


class InstanceNorm3d(_InstanceNorm):
    """(N, C, D, H, W) normalised over the positions of each sample and channel (Ulyanov et al., arXiv:1607.08022)."""

    dims = (3,)


class LayerNorm(Module):
    """Normalised over the last dimensions, of sizes ``normalized_shape``, per sample (Ba et al., arXiv:1607.06450).

    weight and bias have that shape: every element has its own affine map.
    """

    def __init__(self, normalized_shape, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True):
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        if not shape:
            raise ValueError("LayerNorm: expected at least one dimension in normalized_shape, got ()")
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        _affine(self, shape, elementwise_affine, elementwise_affine and bias)

    def forward(self, input):
        check_tensor(self, input)
        shape = self.normalized_shape
        if input.shape[-len(shape):] != shape:
            raise ValueError(f"LayerNorm: expected input whose last dimensions are {shape}, got {input.shape}")
        return F.layer_norm(input, shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
                f"bias={self.bias is not None}")


class GroupNorm(Module):
    """(N, C, *S) normalised over each group of C / num_groups channels (Wu & He 2018, arXiv:1803.08494)."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *,
                 bias: bool = True):
        super().__init__()
        check_positive(self, num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: expected num_channels divisible by num_groups, got {num_channels} and "
                             f"{num_groups}")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        _affine(self, num_channels, affine, affine and bias)

    def forward(self, input):
        check_tensor(self, input)
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise ValueError(f"GroupNorm: expected input (N, {self.num_channels}, *), got {input.shape}")
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
                f"bias={self.bias is not None}")


class PixelNorm(Module):
    """b = a / sqrt(mean over channels of a^2 + eps) at every position of (N, C, *S): vectors of unit mean square.

    Source: Karras et al. 2017 (ProGAN), arXiv:1710.10196, section 4.2. Raises ValueError for an input without channels.
    """

    def __init__(self, eps: float = 1e-8):
        super().__init__()
        self.eps = eps

    def forward(self, input):
        check_tensor(self, input)
        if input.ndim < 2:
            raise ValueError(f"PixelNorm: expected input (N, C, *), got {input.shape}")
        return input * F.rsqrt(F.mean(F.square(input), 1, keepdim=True) + self.eps)

    def extra_repr(self):
        return f"eps={self.eps}"


__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d",
           "InstanceNorm3d", "LayerNorm", "PixelNorm"]
