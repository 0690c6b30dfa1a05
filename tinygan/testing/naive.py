"""Convolution and pooling as plain loops over their definitions: slow, obvious, the oracle of the kernel tests."""

import itertools

import numpy as np


def _positions(*extents):
    return itertools.product(*map(range, extents))


def _output_size(size, kernel, stride, padding, dilation):
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1
                 for n, k, s, p, d in zip(size, kernel, stride, padding, dilation))


def _meetings(size, out, kernel, stride, padding, dilation):
    """Yield (i, k, p): output i, tap k, position p = i*stride + k*dilation - padding inside the image."""
    for i in _positions(*out):
        for k in _positions(*kernel):
            p = tuple(a * s + b * d - q for a, b, s, d, q in zip(i, k, stride, dilation, padding))
            if all(0 <= a < n for a, n in zip(p, size)):
                yield i, k, p


def _channel_pairs(channels, outputs, groups):
    """Yield (o, c, c within its group) for every output channel and the input channels it is connected with."""
    per_group = channels // groups
    for o in range(outputs):
        first = o // (outputs // groups) * per_group
        for c in range(per_group):
            yield o, first + c, c


def correlate(x, w, stride, padding, dilation, groups):
    """y[n, o, i] = sum_{c, k} x[n, c, i*stride + k*dilation - padding] w[o, c, k]: w is (O, C/groups, *K)."""
    out = _output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.zeros((x.shape[0], w.shape[0], *out), dtype=x.dtype)
    for i, k, p in _meetings(x.shape[2:], out, w.shape[2:], stride, padding, dilation):
        for o, c, within in _channel_pairs(x.shape[1], w.shape[0], groups):
            y[(slice(None), o, *i)] += x[(slice(None), c, *p)] * w[(o, within, *k)]
    return y


def correlate_transpose(g, w, size, stride, padding, dilation, groups):
    """gx[n, c, i*stride + k*dilation - padding] += sum_o g[n, o, i] w[o, c, k]; g (N, O, *out) -> (N, C, *size)."""
    gx = np.zeros((g.shape[0], w.shape[1] * groups, *size), dtype=g.dtype)
    for i, k, p in _meetings(size, g.shape[2:], w.shape[2:], stride, padding, dilation):
        for o, c, within in _channel_pairs(gx.shape[1], w.shape[0], groups):
            gx[(slice(None), c, *p)] += g[(slice(None), o, *i)] * w[(o, within, *k)]
    return gx


def correlate_weight(x, g, kernel_size, stride, padding, dilation, groups):
    """gw[o, c, k] = sum_{n, i} g[n, o, i] x[n, c, i*stride + k*dilation - padding] -> (O, C/groups, *K)."""
    gw = np.zeros((g.shape[1], x.shape[1] // groups, *kernel_size), dtype=x.dtype)
    for i, k, p in _meetings(x.shape[2:], g.shape[2:], kernel_size, stride, padding, dilation):
        for o, c, within in _channel_pairs(x.shape[1], g.shape[1], groups):
            gw[(o, within, *k)] += np.sum(g[(slice(None), o, *i)] * x[(slice(None), c, *p)])
    return gw


def window_sum(x, kernel, stride, padding):
    """y[n, c, i] = sum_k x[n, c, i*stride + k - padding]: sum pooling, zeros outside the image."""
    ones = (1,) * len(kernel)
    out = _output_size(x.shape[2:], kernel, stride, padding, ones)
    y = np.zeros((*x.shape[:2], *out), dtype=x.dtype)
    for i, _, p in _meetings(x.shape[2:], out, kernel, stride, padding, ones):
        y[(slice(None), slice(None), *i)] += x[(slice(None), slice(None), *p)]
    return y


def window_sum_transpose(g, size, kernel, stride, padding):
    """gx[n, c, i*stride + k - padding] += g[n, c, i]: the adjoint of `window_sum`."""
    gx = np.zeros((*g.shape[:2], *size), dtype=g.dtype)
    for i, _, p in _meetings(size, g.shape[2:], kernel, stride, padding, (1,) * len(kernel)):
        gx[(slice(None), slice(None), *p)] += g[(slice(None), slice(None), *i)]
    return gx


def max_pool_indices(x, kernel, stride, padding, dilation):
    """Flat position in the image of each window's maximum: the first one, or the first NaN; padding never wins."""
    size = x.shape[2:]
    out = _output_size(size, kernel, stride, padding, dilation)
    indices = np.full((*x.shape[:2], *out), -1, dtype=np.int64)
    for i, _, p in _meetings(size, out, kernel, stride, padding, dilation):
        for n, c in _positions(*x.shape[:2]):
            here = (n, c, *i)
            flat = int(np.ravel_multi_index(p, size))
            best = x[n, c].reshape(-1)[indices[here]] if indices[here] >= 0 else None
            value = x[(n, c, *p)]
            if best is None or value > best or (np.isnan(value) and not np.isnan(best)):
                indices[here] = flat
    return indices
