"""Every public function as a NumPy expression or a loop over its definition: the oracle of the op table.

Names and arguments are those of ``tinygan.functional`` (and of Tensor's operators), on plain arrays. Nothing here is
fast, and nothing here shares code with the operation that it judges.
"""

import builtins
import math
import operator

import numpy as np

from tinygan.testing import naive
from tinygan.testing.naive_images import (  # noqa: F401  (found here by name)
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool2d,
    adaptive_max_pool3d, affine_grid, avg_pool1d, avg_pool2d, avg_pool3d, fold, grid_sample, interpolate,
    locally_connected2d, max_pool1d, max_pool2d, max_pool3d, modulated_conv2d, pad, per_sample_conv2d, pixel_shuffle,
    pixel_unshuffle, unfold, upfirdn2d)
from tinygan.testing.naive_more import (  # noqa: F401  (found here by name)
    binary_cross_entropy_with_logits, cdist, chunk, cos, cross_entropy, cumsum, erf, gelu, hardtanh, index_select,
    kl_div, log1p, nll_loss, pairwise_distance, prelu, prod, roll, rsqrt, scaled_dot_product_attention, selu, sign,
    silu, sin, smooth_l1_loss, split, std, take_along_dim, tril, triu, unbind)
from tinygan.testing.naive_more import reduced as _reduced

_least, _most = builtins.min, builtins.max  # the public names below hide them

add, sub, mul, div, neg = operator.add, operator.sub, operator.mul, operator.truediv, operator.neg
exp, log, sqrt, tanh, abs, expm1, square = np.exp, np.log, np.sqrt, np.tanh, np.abs, np.expm1, np.square
maximum, minimum, where, matmul, einsum = np.maximum, np.minimum, np.where, np.matmul, np.einsum
zeros_like, ones_like, radd, rmul, T = np.zeros_like, np.ones_like, add, mul, np.transpose
pow, getitem = operator.pow, operator.getitem
eq, ne, lt, le, gt, ge = operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge
transpose = np.swapaxes


def rsub(a, b):
    return b - a


def rdiv(a, b):
    return b / a


def rpow(a, b):
    return b ** a


def clamp(x, min=None, max=None):
    return np.clip(x, min, max)


def relu(x):
    return x * (x > 0)


def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, x * negative_slope)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x, beta=1.0):
    return np.log(1 + np.exp(beta * x)) / beta


def logsigmoid(x):
    return np.log(1 / (1 + np.exp(-x)))


def softmax(x, dim):
    return np.exp(x) / np.exp(x).sum(dim, keepdims=True)


def log_softmax(x, dim):
    return np.log(softmax(x, dim))


def dropout(x, p=0.5, training=True):
    from tinygan import random
    if not training or p == 0:
        return x
    keep = random.bernoulli(1.0 - p, x.shape, stream="dropout", dtype=x.dtype)
    return np.where(keep != 0, x / (1 - p) if p < 1 else 0, 0)


# Reductions


def _axes(x, dim):
    return tuple(range(x.ndim)) if dim is None else dim


def sum(x, dim=None, keepdim=False):
    return np.add.reduce(x, axis=_axes(x, dim), keepdims=keepdim)


def mean(x, dim=None, keepdim=False):
    return np.mean(x, axis=_axes(x, dim), keepdims=keepdim)


def var(x, dim=None, correction=1, keepdim=False):
    return np.var(x, axis=_axes(x, dim), ddof=correction, keepdims=keepdim)


def amax(x, dim=None, keepdim=False):
    return np.max(x, axis=_axes(x, dim), keepdims=keepdim)


def amin(x, dim=None, keepdim=False):
    return np.min(x, axis=_axes(x, dim), keepdims=keepdim)


def max(x, dim=None, keepdim=False):
    return np.max(x) if dim is None else (np.max(x, dim, keepdims=keepdim), np.argmax(x, dim, keepdims=keepdim))


def min(x, dim=None, keepdim=False):
    return np.min(x) if dim is None else (np.min(x, dim, keepdims=keepdim), np.argmin(x, dim, keepdims=keepdim))


def argmax(x, dim=None, keepdim=False):
    return np.argmax(x, axis=dim, keepdims=keepdim)


def argmin(x, dim=None, keepdim=False):
    return np.argmin(x, axis=dim, keepdims=keepdim)


def logsumexp(x, dim, keepdim=False):
    return np.log(np.sum(np.exp(x), axis=dim, keepdims=keepdim))


def norm(x, p=2, dim=None, keepdim=False):
    if p == math.inf:
        return np.max(np.abs(x), axis=_axes(x, dim), keepdims=keepdim)
    return np.sum(np.abs(x) ** p, axis=_axes(x, dim), keepdims=keepdim) ** (1 / p)


# Shapes and positions


def _shape(args):
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else args


def reshape(x, *shape):
    return np.reshape(x, _shape(shape))


view = reshape


def expand(x, *shape):
    shape = _shape(shape)
    kept = (0,) * (len(shape) - x.ndim) + x.shape
    return x + np.zeros([k if n == -1 else n for n, k in zip(shape, kept)], x.dtype)


def flatten(x, start_dim=0, end_dim=-1):
    end = end_dim % x.ndim
    return x.reshape(*x.shape[:start_dim], math.prod(x.shape[start_dim:end + 1]), *x.shape[end + 1:])


def permute(x, *dims):
    return np.transpose(x, _shape(dims))


def squeeze(x, dim=None):
    drop = [d % x.ndim for d in ([dim] if isinstance(dim, int) else range(x.ndim) if dim is None else dim)]
    return np.squeeze(x, tuple(d for d in drop if x.shape[d] == 1))


def unsqueeze(x, dim):
    return np.expand_dims(x, dim)


def flip(x, dims):
    return np.flip(x, dims)


def cat(tensors, dim=0):
    return np.concatenate(tensors, dim)


def stack(tensors, dim=0):
    return np.stack(tensors, dim)


def gather(x, dim, index):
    out = np.empty(index.shape, x.dtype)
    for at in np.ndindex(index.shape):
        source = list(at)
        source[dim] = index[at]
        out[at] = x[tuple(source)]
    return out


def scatter_add(x, dim, index, src):
    out = x.copy()
    for at in np.ndindex(index.shape):
        target = list(at)
        target[dim] = index[at]
        out[tuple(target)] += src[at]
    return out


def embedding(index, weight):
    out = np.empty((*index.shape, weight.shape[1]), weight.dtype)
    for at in np.ndindex(index.shape):
        out[at] = weight[index[at]]
    return out


def one_hot(index, num_classes, dtype=np.float32):
    return embedding(index, np.eye(num_classes, dtype=dtype))


# Layers


def linear(x, weight, bias=None):
    y = np.einsum("...i,oi->...o", x, weight)
    return y if bias is None else y + bias


def _several(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value)


def _with_bias(y, bias):
    return y if bias is None else y + bias.reshape(-1, *[1] * (y.ndim - 2))


def conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, padding, dilation = [_several(v, x.ndim - 2) for v in (stride, padding, dilation)]
    return _with_bias(naive.correlate(x, weight, stride, padding, dilation, groups), bias)


def conv_transpose(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    stride, padding, extra, dilation = [_several(v, x.ndim - 2) for v in (stride, padding, output_padding, dilation)]
    size = [(n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, s, p, d, k, e in zip(x.shape[2:], stride, padding, dilation, weight.shape[2:], extra)]
    return _with_bias(naive.correlate_transpose(x, weight, tuple(size), stride, padding, dilation, groups), bias)


conv1d = conv2d = conv3d = conv
conv_transpose1d = conv_transpose2d = conv_transpose3d = conv_transpose


def global_avg_pool(x):
    return np.array([[x[n, c].mean() for c in range(x.shape[1])] for n in range(x.shape[0])]).reshape(x.shape[:2])


# Normalisation: each group of values on its own


def _normalised(x, groups, eps):
    """x with the values that carry the same number in ``groups`` (of x's shape) normalised together."""
    out = np.empty_like(x)
    for k in np.unique(groups):
        values = x[groups == k]
        out[groups == k] = (values - values.mean()) / math.sqrt(np.mean((values - values.mean()) ** 2) + eps)
    return out


def _affine(y, weight, bias):
    shape = (-1,) + (1,) * (y.ndim - 2)
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training or running_mean is None:
        return _affine(_normalised(x, np.indices(x.shape)[1], eps), weight, bias)
    shape = (-1,) + (1,) * (x.ndim - 2)
    y = (x - running_mean.reshape(shape)) / np.sqrt(running_var.reshape(shape) + eps)
    return _affine(y, weight, bias)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    sample, channel = np.indices(x.shape)[:2]
    return _affine(_normalised(x, sample * num_groups + channel // (x.shape[1] // num_groups), eps), weight, bias)


def instance_norm(x, weight=None, bias=None, eps=1e-5):
    return group_norm(x, x.shape[1], weight, bias, eps)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    n = 1 if isinstance(normalized_shape, int) else len(normalized_shape)
    lead = x.shape[:x.ndim - n]
    groups = np.broadcast_to(np.arange(math.prod(lead)).reshape(lead + (1,) * n), x.shape)
    y = _normalised(x, groups, eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


# Losses


def mse_loss(x, target, reduction="mean"):
    return _reduced((x - target) ** 2, reduction)


def l1_loss(x, target, reduction="mean"):
    return _reduced(np.abs(x - target), reduction)
