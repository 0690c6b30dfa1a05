"""Convolution in 1, 2 and 3 dimensions as three linear maps that are each other's derivatives.

With x (N, C, *S), w (O, C/groups, *K) and y (N, O, *T), cross-correlation is bilinear:

    correlate(x, w) = y          y[n, o, t] = sum_{c, k} w[o, c, k] x[n, c, t stride + k dilation - padding]
    transpose(y, w) = x          its adjoint in x: the transposed ("fractionally strided") convolution
    weight(x, y)    = w          its adjoint in w

<y, correlate(x, w)> = <transpose(y, w), x> = <weight(x, y), w>. Differentiating any of the three gives the other two,
so six rules of one line make every order of derivative (Dumoulin & Visin 2016, arXiv:1603.07285, for the shapes).
"""

from __future__ import annotations

from tinygan.autograd import Function
from tinygan.kernels import kernels_for
from tinygan.ops.reduce import expand
from tinygan.ops.shape import reshape


class Convolution(Function):
    """What the three maps share: the geometry. ``kernel`` and ``size`` are the spatial sizes of w and x."""

    saves = (0, 1)

    def __init__(self, kernel, size, stride, padding, dilation, groups):
        self.geometry = (kernel, size, stride, padding, dilation, groups)
        self.kernel, self.size = kernel, size
        self.rest = (stride, padding, dilation, groups)

    def correlate(self, x, w):
        return Correlate(*self.geometry)(x, w)

    def transpose(self, y, w):
        return Transpose(*self.geometry)(y, w)

    def weight(self, x, y):
        return Weight(*self.geometry)(x, y)

    def biased(self, y, bias):
        """``y``, to which nobody else has a reference yet, with ``bias`` (one number per channel or None) added."""
        if bias is not None:
            kernels_for(y).add_bias(y, bias)
        return y

    def bias_gradient(self, g):
        return [ChannelSum()(g) if need else None for need in self.needs[2:]]


class Correlate(Convolution):
    """(x, w) -> y, or (x, w, bias) -> y + bias."""

    def forward(self, x, w, bias=None):
        return self.biased(kernels_for(x).correlate(x, w, *self.rest), bias)

    def backward(self, g):
        x, w = self.saved
        return (self.transpose(g, w) if self.needs[0] else None,
                self.weight(x, g) if self.needs[1] else None, *self.bias_gradient(g))


class Transpose(Convolution):
    """(y, w) -> x, of spatial size ``size``, or (y, w, bias) -> x + bias."""

    def forward(self, y, w, bias=None):
        return self.biased(kernels_for(y).correlate_transpose(y, w, self.size, *self.rest), bias)

    def backward(self, g):
        y, w = self.saved
        return (self.correlate(g, w) if self.needs[0] else None,
                self.weight(g, y) if self.needs[1] else None, *self.bias_gradient(g))


class Weight(Convolution):
    """(x, y) -> w, of spatial size ``kernel``."""

    def forward(self, x, y):
        return kernels_for(x).correlate_weight(x, y, self.kernel, *self.rest)

    def backward(self, g):
        x, y = self.saved
        return self.transpose(y, g) if self.needs[0] else None, self.correlate(x, g) if self.needs[1] else None


class ChannelSum(Function):
    """(N, C, *S) -> (C,): the adjoint of a bias, repeated over the other dimensions."""

    def forward(self, g):
        self.shape = g.shape
        return kernels_for(g).channel_sum(g)

    def backward(self, h):
        return expand(reshape(h, (1, -1) + (1,) * (len(self.shape) - 2)), self.shape)


def tuple_of(name: str, value, n: int) -> tuple:
    """``value`` as ``n`` integers: one number counts for every dimension."""
    out = (value,) * n if isinstance(value, int) else tuple(value)
    if len(out) != n or not all(isinstance(v, int) for v in out):
        raise ValueError(f"{name}: expected an integer or {n} integers, got {value!r}")
    return out


def _check(name, input, weight, bias, n, channels, outputs, groups):
    if input.ndim != n + 2 or weight.ndim != n + 2:
        raise ValueError(f"{name}: expected input and weight with {n + 2} dimensions, got {input.shape} and "
                         f"{weight.shape}")
    if input.shape[1] != channels or channels % groups or outputs % groups:
        raise ValueError(f"{name}: expected input with {channels} channels (weight is {weight.shape}, "
                         f"groups {groups}), got {input.shape}")
    if bias is not None and bias.shape != (outputs,):
        raise ValueError(f"{name}: expected a bias of shape {(outputs,)}, got {bias.shape}")


def conv(name, n, input, weight, bias, stride, padding, dilation, groups):
    """The common body of conv1d, conv2d and conv3d."""
    _check(name, input, weight, bias, n, weight.shape[1] * groups, weight.shape[0], groups)
    stride, padding, dilation = [tuple_of(name, v, n) for v in (stride, padding, dilation)]
    kernel, size = weight.shape[2:], input.shape[2:]
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    if any(s + 2 * p < span for s, p, span in zip(size, padding, spans)):
        raise ValueError(f"{name}: expected a padded input of at least {tuple(spans)} (the dilated kernel), got size "
                         f"{size} with padding {padding}")
    return Correlate(kernel, size, stride, padding, dilation, groups)(input, weight, bias)


def conv_transpose(name, n, input, weight, bias, stride, padding, output_padding, groups, dilation):
    """The common body of the transposed convolutions: size (n - 1) s - 2 p + d (k - 1) + output_padding + 1."""
    _check(name, input, weight, bias, n, weight.shape[0], weight.shape[1] * groups, groups)
    stride, padding, dilation, extra = [tuple_of(name, v, n) for v in (stride, padding, dilation, output_padding)]
    kernel = weight.shape[2:]
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(f"{name}: expected an output_padding smaller than stride or dilation, got {extra} with stride "
                         f"{stride} and dilation {dilation}")
    size = tuple([(m - 1) * s - 2 * p + d * (k - 1) + e + 1
                  for m, s, p, d, k, e in zip(input.shape[2:], stride, padding, dilation, kernel, extra)])
    if any(m < 1 for m in size):
        raise ValueError(f"{name}: expected an output of positive size, got {size} for input {input.shape}")
    return Transpose(kernel, size, stride, padding, dilation, groups)(input, weight, bias)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation of (N, C, L) with weight (O, C/groups, K): (N, O, L')."""
    return conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation of (N, C, H, W) with weight (O, C/groups, KH, KW): (N, O, H', W')."""
    return conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation of (N, C, D, H, W) with weight (O, C/groups, KD, KH, KW): (N, O, D', H', W')."""
    return conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The adjoint of conv1d in its input: (N, C, L) with weight (C, O/groups, K) gives (N, O, L')."""
    return conv_transpose("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The adjoint of conv2d in its input: (N, C, H, W) with weight (C, O/groups, KH, KW) gives (N, O, H', W')."""
    return conv_transpose("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The adjoint of conv3d in its input: (N, C, *S) with weight (C, O/groups, *K) gives (N, O, *S')."""
    return conv_transpose("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
