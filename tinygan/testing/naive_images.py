"""Naive definitions, continued: operations on images, position by position."""

import itertools
import math

import numpy as np

from tinygan.testing import naive


def _several(value, n):
    return (value,) * n if isinstance(value, (int, float)) else tuple(value)


def pad(x, pad, mode="constant", value=0.0):
    """Every output position looks up where its value comes from."""
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]
    out = np.full([n + a + b for n, (a, b) in zip(x.shape, widths)], value, x.dtype)
    for at in np.ndindex(out.shape):
        source = [i - a for i, (a, _) in zip(at, widths)]
        for axis, n in enumerate(x.shape):
            i = source[axis]
            if mode == "circular":
                source[axis] = i % n
            elif mode == "replicate":
                source[axis] = min(max(i, 0), n - 1)
            elif mode == "reflect":
                source[axis] = -i if i < 0 else 2 * (n - 1) - i if i >= n else i
        if all(0 <= i < n for i, n in zip(source, x.shape)):
            out[at] = x[tuple(source)]
    return out


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    kernel, dilation, padding, stride = [_several(v, 2) for v in (kernel_size, dilation, padding, stride)]
    wide = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    columns = []
    for i in range(0, wide.shape[2] - dilation[0] * (kernel[0] - 1), stride[0]):
        for j in range(0, wide.shape[3] - dilation[1] * (kernel[1] - 1), stride[1]):
            window = wide[:, :, i:i + dilation[0] * (kernel[0] - 1) + 1:dilation[0],
                          j:j + dilation[1] * (kernel[1] - 1) + 1:dilation[1]]
            columns.append(window.reshape(len(x), x.shape[1] * kernel[0] * kernel[1]))
    return np.stack(columns, -1)


def fold(columns, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Every pixel's number goes through unfold; where it arrives, a column's value belongs to that pixel."""
    size, area = _several(output_size, 2), math.prod(_several(kernel_size, 2))
    channels = columns.shape[1] // area
    labels = np.arange(1, math.prod(size) + 1.0).reshape(1, 1, *size)
    where = unfold(labels, kernel_size, dilation, padding, stride)[0]
    y = np.zeros((len(columns), channels, math.prod(size)), columns.dtype)
    for k, l in np.ndindex(where.shape):
        if where[k, l]:
            y[:, :, int(where[k, l]) - 1] += columns[:, k::area, l]
    return y.reshape(len(columns), channels, *size)


def locally_connected2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    columns = unfold(x, weight.shape[2:4], dilation, padding, stride)
    flat = weight.reshape(len(weight), columns.shape[1], columns.shape[2])
    y = np.einsum("nkl,okl->nol", columns, flat).reshape(len(x), len(weight), *weight.shape[4:])
    return y if bias is None else y + bias


def _pooled_windows(size, kernel, stride, padding, dilation, ceil_mode):
    """Per axis, the list of (positions inside the image, how many positions with padding) of every window."""
    axes = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        windows, span = [], d * (k - 1) + 1
        start = -p
        while start + span <= n + p or ceil_mode and start < n and start - s + span < n + p:
            reached = [start + d * j for j in range(k)]
            windows.append(([i for i in reached if 0 <= i < n], len([i for i in reached if i < n + p])))
            start += s
        axes.append(windows)
    return axes


def _pool_geometry(x, kernel_size, stride, padding, dilation, ceil_mode):
    n = x.ndim - 2
    stride = kernel_size if stride is None else stride
    kernel, stride, padding, dilation = [_several(v, n) for v in (kernel_size, stride, padding, dilation)]
    axes = _pooled_windows(x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    return math.prod(kernel), axes, tuple(len(a) for a in axes)


def avg_pool(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    _, axes, out = _pool_geometry(x, kernel_size, stride, padding, 1, ceil_mode)
    y = np.empty((*x.shape[:2], *out), x.dtype)
    for at in np.ndindex(*out):
        chosen = [axis[i] for axis, i in zip(axes, at)]
        inside = x[np.ix_(*map(range, x.shape[:2]), *[c[0] for c in chosen])]
        count = math.prod(c[1] if count_include_pad else len(c[0]) for c in chosen)
        y[(..., *at)] = inside.sum(tuple(range(2, x.ndim))) / (divisor_override or count)
    return y


def max_pool(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    _, axes, out = _pool_geometry(x, kernel_size, stride, padding, dilation, ceil_mode)
    return _first_maxima(x, [[c[0] for c in axis] for axis in axes], out, return_indices)


def _first_maxima(x, axes, out, return_indices):
    y, index = np.empty((*x.shape[:2], *out), x.dtype), np.empty((*x.shape[:2], *out), np.int64)
    for at in np.ndindex(*out):
        positions = list(itertools.product(*[axis[i] for axis, i in zip(axes, at)]))
        for n, c in np.ndindex(*x.shape[:2]):
            best = max(positions, key=lambda p: x[(n, c, *p)])
            y[(n, c, *at)] = x[(n, c, *best)]
            index[(n, c, *at)] = np.ravel_multi_index(best, x.shape[2:])
    return (y, index) if return_indices else y


def _adaptive_axes(size, output_size):
    out = [n if o is None else o for n, o in zip(size, _several(output_size, len(size)) if output_size else size)]
    return [[range(i * n // o, math.ceil((i + 1) * n / o)) for i in range(o)] for n, o in zip(size, out)], out


def adaptive_avg_pool(x, output_size):
    axes, out = _adaptive_axes(x.shape[2:], output_size)
    y = np.empty((*x.shape[:2], *out), x.dtype)
    for at in np.ndindex(*out):
        inside = x[np.ix_(*map(range, x.shape[:2]), *[axis[i] for axis, i in zip(axes, at)])]
        y[(..., *at)] = inside.mean(tuple(range(2, x.ndim)))
    return y


def adaptive_max_pool(x, output_size, return_indices=False):
    axes, out = _adaptive_axes(x.shape[2:], output_size)
    return _first_maxima(x, axes, out, return_indices)


avg_pool1d = avg_pool2d = avg_pool3d = avg_pool
max_pool1d = max_pool2d = max_pool3d = max_pool
adaptive_avg_pool1d = adaptive_avg_pool2d = adaptive_avg_pool3d = adaptive_avg_pool
adaptive_max_pool1d = adaptive_max_pool2d = adaptive_max_pool3d = adaptive_max_pool


# Resizing


def _cubic(t, a):
    t = abs(t)
    if t <= 1:
        return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1
    return a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a if t < 2 else 0.0


def _smooth_taps(i, n, scale, cubic):
    """Taps of antialiased output i: the kernel stretched to the scale, cut off at the edges."""
    stretch = max(scale, 1.0)
    centre, reach = scale * (i + 0.5), (2 if cubic else 1) * stretch
    taps = []
    for j in range(max(math.floor(centre - reach + 0.5), 0), min(math.floor(centre + reach + 0.5), n)):
        t = (j + 0.5 - centre) / stretch
        taps.append((j, _cubic(t, -0.5) if cubic else max(1 - abs(t), 0)))
    total = sum(w for _, w in taps)
    return [(j, w / total) for j, w in taps]


def _taps(i, n, o, scale, mode, align_corners, antialias):
    """(position, weight) of everything that output i reads along one axis."""
    if mode.startswith("nearest"):
        source = np.float32(i + (0.5 if mode == "nearest-exact" else 0)) * np.float32(scale)
        return [(min(int(source), n - 1), 1.0)]
    cubic = mode == "bicubic"
    if align_corners:
        scale = (n - 1) / (o - 1) if o > 1 else 0.0
    if antialias:
        return _smooth_taps(i, n, scale, cubic)
    source = i * scale if align_corners else (i + 0.5) * scale - 0.5
    if not cubic:
        source = max(source, 0)
    low = math.floor(source)
    t = source - low
    taps = [(low, 1 - t), (low + 1, t)] if not cubic else [(low + j, _cubic(t - j, -0.75)) for j in (-1, 0, 1, 2)]
    return [(min(max(j, 0), n - 1), w) for j, w in taps]


def interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
                antialias=False):
    """Each output pixel as the weighted sum of the pixels it reads."""
    spatial = x.shape[2:]
    if size is None:
        factors = _several(scale_factor, len(spatial))
        out = [math.floor(n * f) for n, f in zip(spatial, factors)]
    else:
        out = _several(size, len(spatial))
    if mode == "area":
        return adaptive_avg_pool(x, out)
    exact = size is not None or recompute_scale_factor
    scales = [n / o for n, o in zip(spatial, out)] if exact else [1 / f for f in factors]
    y = np.zeros((*x.shape[:2], *out), x.dtype)
    for at in np.ndindex(*out):
        taps = [_taps(i, n, o, s, mode, align_corners, antialias) for i, n, o, s in zip(at, spatial, out, scales)]
        for corner in itertools.product(*taps):
            weight = math.prod(w for _, w in corner)
            y[(slice(None), slice(None), *at)] += weight * x[(slice(None), slice(None), *[p for p, _ in corner])]
    return y


def pixel_shuffle(x, r):
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c // r ** 2, h * r, w * r), x.dtype)
    for k, i, j in np.ndindex(y.shape[-3:]):
        y[..., k, i, j] = x[..., k * r * r + (i % r) * r + j % r, i // r, j // r]
    return y


def pixel_unshuffle(x, r):
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c * r * r, h // r, w // r), x.dtype)
    for k, i, j in np.ndindex(y.shape[-3:]):
        y[..., k, i, j] = x[..., k // (r * r), i * r + k // r % r, j * r + k % r]
    return y


# Sampling


def affine_grid(theta, size, align_corners=False):
    def along(n):
        if align_corners:
            return [-1 + 2 * i / (n - 1) if n > 1 else 0.0 for i in range(n)]
        return [-1 + (2 * i + 1) / n for i in range(n)]
    axes = [along(n) for n in size[2:]]
    y = np.empty((size[0], *size[2:], len(axes)), theta.dtype)
    for at in np.ndindex(*size[2:]):
        point = [axis[i] for axis, i in zip(axes, at)][::-1] + [1.0]
        y[(slice(None), *at)] = theta @ np.array(point)
    return y


def _reflected(x, low, high):
    """Bounced between low and high until it lies between them."""
    while not low <= x <= high:
        x = 2 * low - x if x < low else 2 * high - x
        if low == high:
            return low
    return x


def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    size = x.shape[2:]
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]), x.dtype)
    for n, *at in np.ndindex(*grid.shape[:-1]):
        taps = []
        for g, m in zip(grid[(n, *at)][::-1], size):
            p = (g + 1) / 2 * (m - 1) if align_corners else ((g + 1) * m - 1) / 2
            if padding_mode == "reflection":
                p = _reflected(p, *((0, m - 1) if align_corners else (-0.5, m - 0.5)))
            if padding_mode != "zeros":
                p = min(max(p, 0), m - 1)
            low = math.floor(p)
            taps.append([(round(p), 1.0)] if mode == "nearest" else [(low, 1 - (p - low)), (low + 1, p - low)])
        for corner in itertools.product(*taps):
            if all(0 <= p < m for (p, _), m in zip(corner, size)):
                weight = math.prod(w for _, w in corner)
                y[(n, slice(None), *at)] += weight * x[(n, slice(None), *[p for p, _ in corner])]
    return y


def upfirdn2d(x, f, up=1, down=1, padding=0, flip_filter=False, gain=1.0):
    """Zeros inserted, zeros around (or cropped), the filter at every place, and every n-th result kept."""
    (ux, uy), (dx, dy) = [_several(v, 2) for v in (up, down)]
    padding = _several(padding, 2)
    left, right, top, bottom = padding if len(padding) == 4 else (padding[0],) * 2 + (padding[1],) * 2
    f = np.ones((1, 1), x.dtype) if f is None else np.outer(f, f) if f.ndim == 1 else f
    f = f if flip_filter else f[::-1, ::-1]
    n, c, h, w = x.shape
    wide = np.zeros((n, c, h * uy, w * ux), x.dtype)
    wide[:, :, ::uy, ::ux] = x
    wide = pad(wide, (left, right, top, bottom))
    y = naive.correlate(wide.reshape(n * c, 1, *wide.shape[2:]), f[None, None], (1, 1), (0, 0), (1, 1), 1)
    return gain * y.reshape(n, c, *y.shape[2:])[:, :, ::dy, ::dx]


def per_sample_conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    stride, padding, dilation = [_several(v, 2) for v in (stride, padding, dilation)]
    rows = [naive.correlate(x[i:i + 1], weight[i], stride, padding, dilation, 1)[0] for i in range(len(x))]
    if not rows:
        return naive.correlate(x, np.zeros(weight.shape[1:]), stride, padding, dilation, 1)
    y = np.stack(rows)
    return y if bias is None else y + bias[:, :, None, None]


def modulated_conv2d(x, weight, style, demodulate=True, stride=1, padding=0, transposed=False, eps=1e-8):
    """With the weight of every image written out, as in the paper."""
    own = weight[None] * style[:, None, :, None, None]
    if demodulate:
        own = own / np.sqrt((own ** 2).sum((2, 3, 4), keepdims=True) + eps)
    if not transposed or not len(x):
        return per_sample_conv2d(x, own, None, stride, padding)
    stride, padding = _several(stride, 2), _several(padding, 2)
    size = [(m - 1) * s - 2 * p + k for m, s, p, k in zip(x.shape[2:], stride, padding, weight.shape[2:])]
    how = tuple(size), stride, padding, (1, 1), 1
    return np.concatenate([naive.correlate_transpose(x[i:i + 1], own[i].swapaxes(0, 1), *how) for i in range(len(x))])
