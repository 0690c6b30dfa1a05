"""Naive definitions, continued: special functions, reductions, cutting and joining, distances, losses, attention."""

import math

import numpy as np

log1p, sign, sin, cos = np.log1p, np.sign, np.sin, np.cos
tril, triu = np.tril, np.triu


def rsqrt(x):
    return 1 / np.sqrt(x)


def erf(x):
    return np.vectorize(math.erf, otypes=[x.dtype])(x) if x.size else x


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
    return x * (1 + erf(x / np.sqrt(2))) / 2


def silu(x):
    return x / (1 + np.exp(-x))


def selu(x):
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return scale * np.where(x > 0, x, alpha * (np.exp(x) - 1))


def hardtanh(x, min_val=-1.0, max_val=1.0):
    return np.where(x < min_val, min_val, np.where(x > max_val, max_val, x))


def prelu(x, weight):
    y = x.copy()
    for at in np.ndindex(x.shape):
        if x[at] <= 0:
            y[at] *= weight.flat[at[1]] if weight.size > 1 else weight.flat[0]
    return y


def _axes(x, dim):
    return tuple(range(x.ndim)) if dim is None else dim


def std(x, dim=None, correction=1, keepdim=False):
    return np.std(x, axis=_axes(x, dim), ddof=correction, keepdims=keepdim)


def prod(x, dim=None, keepdim=False):
    return np.prod(x, axis=_axes(x, dim), keepdims=keepdim)


def cumsum(x, dim):
    y = np.moveaxis(x.copy(), dim, 0)
    for i in range(1, len(y)):
        y[i] += y[i - 1]
    return np.moveaxis(y, 0, dim)


def split(x, sizes, dim=0):
    n = x.shape[dim]
    sizes = [sizes] * -(-n // sizes) if isinstance(sizes, int) else list(sizes)
    return tuple(np.split(x, np.cumsum(sizes)[:-1], dim))


def unbind(x, dim=0):
    return tuple(np.moveaxis(x, dim, 0))


def chunk(x, chunks, dim=0):
    return split(x, -(-x.shape[dim] // chunks), dim) if x.shape[dim] else (x,) * chunks


def roll(x, shifts, dims=None):
    return np.roll(x, shifts, dims)


def index_select(x, dim, index):
    return np.stack([np.take(x, i, dim) for i in index], dim) if len(index) else np.take(x, [], dim)


def take_along_dim(x, indices, dim=None):
    if dim is None:
        return np.array([x.reshape(-1)[i] for i in indices.reshape(-1)], x.dtype)
    dim %= x.ndim
    shape = [max(m, n) if m and n else 0 for m, n in zip(x.shape, indices.shape)]
    shape[dim] = indices.shape[dim]
    y = np.empty(shape, x.dtype)
    for at in np.ndindex(*shape):
        source = [0 if n == 1 else i for i, n in zip(at, x.shape)]
        source[dim] = indices[tuple(0 if n == 1 else i for i, n in zip(at, indices.shape))]
        y[at] = x[tuple(source)]
    return y


def pairwise_distance(a, b, p=2.0, eps=1e-6, keepdim=False):
    size = np.abs(a - b + eps)
    return np.max(size, -1, keepdims=keepdim) if p == math.inf else np.sum(size ** p, -1, keepdims=keepdim) ** (1 / p)


def cdist(a, b, p=2.0):
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = [np.broadcast_to(x, lead + x.shape[-2:]) for x in (a, b)]
    y = np.empty(lead + (a.shape[-2], b.shape[-2]), a.dtype)
    for i in range(a.shape[-2]):
        for j in range(b.shape[-2]):
            y[..., i, j] = pairwise_distance(a[..., i, :], b[..., j, :], p, 0.0)
    return y


def scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = [np.broadcast_to(x, lead + x.shape[-2:]) for x in (q, k, v)]
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    y = np.zeros(lead + (q.shape[-2], v.shape[-1]), q.dtype)
    extra = np.zeros((q.shape[-2], k.shape[-2]))
    if is_causal:
        extra[np.arange(k.shape[-2]) > np.arange(q.shape[-2])[:, None]] = -np.inf
    if attn_mask is not None:
        extra = extra + (np.where(attn_mask, 0.0, -np.inf) if attn_mask.dtype == bool else attn_mask)
    extra = np.broadcast_to(extra, lead + extra.shape[-2:])
    for at in np.ndindex(*lead, q.shape[-2]):
        weights = np.exp(k[at[:-1]] @ q[at] * scale + extra[at])
        y[at] = weights @ v[at[:-1]] / weights.sum() if weights.sum() > 0 else 0
    return y


# Losses


def reduced(loss, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](loss)


def binary_cross_entropy_with_logits(x, target, weight=None, reduction="mean", pos_weight=None):
    p = 1 / (1 + np.exp(-x))
    weight, pos_weight = [1.0 if w is None else w for w in (weight, pos_weight)]
    return reduced(-weight * (pos_weight * target * np.log(p) + (1 - target) * np.log(1 - p)), reduction)


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    logp = np.log(np.exp(x) / np.exp(x).sum(1, keepdims=True))
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    counts = np.ones(x.shape[:1] + x.shape[2:], x.dtype)
    if target.dtype.kind != "f":
        wanted = np.zeros(x.shape, x.dtype)
        for at in np.ndindex(target.shape):
            ignored = target[at] == ignore_index
            counts[at] = 0 if ignored else weight[target[at]]
            wanted[(at[0], slice(None), *at[1:])] = 0 if ignored else label_smoothing / x.shape[1]
            if not ignored:
                wanted[(at[0], target[at], *at[1:])] += 1 - label_smoothing
    else:
        wanted = target * (1 - label_smoothing) + label_smoothing / x.shape[1]
    loss = -(wanted * logp * weight.reshape(-1, *[1] * (x.ndim - 2))).sum(1)
    return loss.sum() / counts.sum() if reduction == "mean" else reduced(loss, reduction)


def nll_loss(x, target, weight=None, ignore_index=-100, reduction="mean"):
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    loss, counts = np.zeros(target.shape, x.dtype), np.zeros(target.shape, x.dtype)
    for at in np.ndindex(target.shape):
        if target[at] != ignore_index:
            counts[at] = weight[target[at]]
            loss[at] = -x[(at[0], target[at], *at[1:])] * counts[at]
    return loss.sum() / counts.sum() if reduction == "mean" else reduced(loss, reduction)


def kl_div(x, target, reduction="mean", log_target=False):
    p = np.exp(target) if log_target else target
    loss = np.where(p > 0, p * (np.log(np.where(p > 0, p, 1)) - x), 0)
    return loss.sum() / len(x) if reduction == "batchmean" else reduced(loss, reduction)


def smooth_l1_loss(x, target, reduction="mean", beta=1.0):
    loss = np.abs(x - target)
    if beta > 0:
        loss = np.where(loss < beta, loss ** 2 / (2 * beta), loss - beta / 2)
    return reduced(loss, reduction)
