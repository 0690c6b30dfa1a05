"""Convolution with fewer multiplications: the minimal filtering algorithms, for the kernels that GANs use most.

Two neighbouring outputs of a filter with r taps need 2r multiplications when written out, but r + 1 suffice (Winograd
1980; for convolutional networks Lavin and Gray 2016, arXiv:1509.09308, section 4). With two taps,

    y0 = d0 w0 + d1 w1 = (d0 - d1) w0 + d1 (w0 + w1)
    y1 = d1 w0 + d2 w1 =                d1 (w0 + w1) + (d2 - d1) w1

which in matrices is y = A' ((G w) * (B' d)), and in two dimensions the same along each axis. A tile of 2 x 2 outputs
costs 9 instead of 16 multiplications (r = 2) or 16 instead of 36 (r = 3); every multiplication becomes one matrix
product over channels, for all tiles at once. B' and A' contain only 0, 1 and -1, so that float32 loses about one bit.

A kernel of r * s taps with stride s is the sum of s * s such filters, one for each phase of the image (positions
with equal remainders modulo s), so phases simply count as channels. The adjoint with stride 2 is four filters, one for
each phase of the result. For the adjoint in the weight, w and y change places in the formula, and so do G and A.

One consequence of the differences: an infinite input can turn its whole tile into NaN.
"""

import numpy as np

from tinygan.kernels.cpu.conv_gather import boxes, piece, rows_within, workspace
from tinygan.kernels.cpu.conv_weights import channel_slices, turn_back, turned
from tinygan.kernels.threads import parallel_for

POINT_BYTES = 1 << 22          # the transformed tiles of a block take about this much, whatever the batch
WEIGHT_POINT_BYTES = 1 << 22   # each block of the weight gradient adds a whole transformed weight to its sum,
MAX_POINT_BYTES = 1 << 23      # which with many outputs asks for larger ones, up to this
PARTIAL_BYTES = 1 << 24        # a partial sum takes at most this much: larger weights are done some channels at a time
WEIGHT_PARTS = 4               # the weight gradient has at most this many partial sums in memory
MIN_CHANNELS = 96              # with fewer, additions outweigh the multiplications saved: 64 are a tenth slower
ADJOINT_MIN_CHANNELS = 64      # this way, 128 a tenth faster; the adjoint with stride 2 pays sooner
MIN_TILES = 256                # with fewer, transforming the weight takes longer than the products saved
MIN_SAVING = 1.4               # multiplications saved, the cut-off parts of tiles counted, before it pays

# The transforms by number of taps: image tile of r + 1 -> points, taps -> points, points -> 2 outputs.
B = {2: [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
     3: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]}
G = {2: [[1, 0], [1, 1], [0, 1]],
     3: [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]}
A = {2: [[1, 1, 0], [0, 1, 1]],
     3: [[1, 1, 1, 0], [0, 1, -1, -1]]}

# Stride 2, four taps: the phases of a result need the filters over d0 d1 d2 and over d1 d2 d3. Of the five points, the
# middle one serves both (with the other sign in the first).
B_BOTH = [[1, -1, 0, 0], [0, 1, 0, 0], [0, 1, -1, 0], [0, 0, 1, 0], [0, 0, -1, 1]]
G_BOTH = [[[1, 0], [1, 1], [0, -1]], [[1, 0], [1, 1], [0, 1]]]


def taps_per_phase(kernel, stride, dilation, groups):
    """Return r if this is a 2-D kernel of r * stride taps along both axes, r = 2 or 3, undilated, ungrouped; else 0."""
    if len(kernel) != 2 or groups != 1 or dilation != (1, 1):
        return 0
    for r in (2, 3):
        if kernel == (r * stride[0], r * stride[1]):
            return r
    return 0


def worthwhile(images, out, channels, outputs, r, adjoint=False):
    """Return whether tiles save time: enough of them and of channels, not too much cut off."""
    enough = ADJOINT_MIN_CHANNELS if adjoint else MIN_CHANNELS
    tiles = images * _tiles(out[0]) * _tiles(out[1])
    saved = 4 * r * r / (r + 1) ** 2 * out[0] * out[1] * images
    return tiles >= MIN_TILES and min(channels, outputs) >= enough and saved >= MIN_SAVING * 4 * tiles


def correlate_tiles(image, w, stride, offset, r, y):
    """y[n, i, o] = sum_{c, k} image[n, i*stride + k + offset, c] w[o, c, k], channels-last, by tiles of 2 x 2."""
    points = _filter_points(w, stride, r)
    grid = (y.shape[0], _tiles(y.shape[1]), _tiles(y.shape[2]))
    blocks = boxes(grid, rows_within(POINT_BYTES, points.shape[0] * points.shape[1], y.dtype))

    def block(i):
        tiles = _image_points(image, blocks[i], stride, offset, r)
        products = workspace("product", (len(points), tiles.shape[1], y.shape[3]), y.dtype)
        np.matmul(tiles, points, out=products)
        _write_outputs(products, A[r], blocks[i], y)

    parallel_for(block, len(blocks))


def transpose_tiles(g, w, padding, y):
    """Adjoint of a 4 x 4 correlation with stride 2 and odd padding, channels-last, by tiles of 2 x 2 per phase of y.

    Along an axis, y[2j + a] = sum_m g[j + a + (padding - 3) / 2 + m] w[3 - a - 2m], a and m in {0, 1}: both phases are
    filters of two taps, one position apart, and share most of the transformed tiles.
    """
    points = _adjoint_points(w)
    grid = (y.shape[0], *(_tiles(-(-n // 2)) for n in y.shape[1:3]))
    offset = [(p - 3) // 2 for p in padding]
    blocks = boxes(grid, rows_within(POINT_BYTES, 25 * w.shape[0], y.dtype))

    def block(i):
        box = blocks[i]
        low = [2 * part.start + o for part, o in zip(box[1:], offset)]
        high = [2 * part.stop + o + 2 for part, o in zip(box[1:], offset)]
        tiles = _points(piece(g, box[0], low, high)[:, :, None], B_BOTH)
        tiles = tiles.reshape(5, 5, *tiles.shape[1:])
        products = workspace("product", (3, 3, tiles.shape[2], 2, y.shape[3]), y.dtype)
        for a in (0, 1):
            for b in (0, 1):
                np.matmul(tiles[2 * a:2 * a + 3, 2 * b:2 * b + 3], points[a, b], out=products[..., b, :])
            _write_phases(products, box, y[:, a::2])

    parallel_for(block, len(blocks))


def weight_tiles(image, g, stride, offset, r, gw):
    """gw[o, c, k] = sum_{n, i} g[n, i, o] image[n, i*stride + k + offset, c], image and g channels-last.

    The formula of one tile read backwards: points of the image times points of g (through A where the outputs came
    from), summed over tiles by a matrix product, then through G back to taps.
    """
    each = (r + 1) ** 2 * stride[0] * stride[1] * gw.shape[0] * gw.itemsize
    step = max(MIN_CHANNELS, PARTIAL_BYTES // each)
    for start in range(0, gw.shape[1], step):
        some = slice(start, start + step)
        _weight_tiles_of(image[..., some], g, stride, offset, r, gw[:, some])


def _weight_tiles_of(image, g, stride, offset, r, gw):
    """Carry out `weight_tiles` for so few channels that the partial sums are small."""
    outputs, channels = gw.shape[:2]
    depth = stride[0] * stride[1] * channels
    n_points = (r + 1) ** 2
    grid = (g.shape[0], _tiles(g.shape[1]), _tiles(g.shape[2]))
    rows = max(rows_within(WEIGHT_POINT_BYTES, n_points * depth, gw.dtype),
               min(2 * outputs, rows_within(MAX_POINT_BYTES, n_points * depth, gw.dtype)))
    blocks = boxes(grid, rows)
    n_parts = min(WEIGHT_PARTS, len(blocks))
    partial = np.empty((n_parts, n_points, depth, outputs), dtype=gw.dtype)
    from_outputs = list(zip(*A[r]))

    def part(i):
        for j, box in enumerate(blocks[len(blocks) * i // n_parts:len(blocks) * (i + 1) // n_parts]):
            tiles = _image_points(image, box, stride, offset, r).swapaxes(1, 2)
            low, high = [2 * p.start for p in box[1:]], [2 * p.stop for p in box[1:]]
            cotangents = _points(piece(g, box[0], low, high)[:, :, None], from_outputs)
            if j == 0:
                np.matmul(tiles, cotangents, out=partial[i])
            else:
                product = workspace("product", partial[i].shape, gw.dtype)
                partial[i] += np.matmul(tiles, cotangents, out=product)

    parallel_for(part, n_parts)
    _add_and_turn(partial, stride, r, gw)


def _add_and_turn(partial, stride, r, gw):
    """Write the sum of the partial sums (parts, points, phases * C, O), brought back to taps, to gw (O, C, *kernel)."""
    outputs, channels = gw.shape[:2]
    phases = stride[0] * stride[1]
    partial = partial.reshape(len(partial), r + 1, r + 1, phases, channels, outputs)
    slices = channel_slices(channels, r * r * phases, outputs, gw.dtype)
    to_taps = list(zip(*G[r]))

    def part(i):
        total = partial[0][:, :, :, slices[i]].copy()
        for other in partial[1:]:
            total += other[:, :, :, slices[i]]
        taps = _weight_points(total, [to_taps, to_taps]).reshape(r, r, *stride, -1, outputs)
        turn_back(taps.swapaxes(1, 2), gw[:, slices[i]].reshape(outputs, -1, r, stride[0], r, stride[1]))

    parallel_for(part, len(slices))


def _tiles(n):
    return -(-n // 2)


def _filter_points(w, stride, r):
    """Transform the weight (O, C, r*s0, r*s1) to points (points, phases * C, O)."""
    outputs, channels = w.shape[:2]
    phases, n = stride[0] * stride[1], (r + 1) ** 2
    points = np.empty((n, phases, channels, outputs), dtype=w.dtype)
    slices = channel_slices(channels, r * r * phases, outputs, w.dtype)

    def part(i):
        taps = turned(w[:, slices[i]].reshape(outputs, -1, r, stride[0], r, stride[1]))    # (r, s0, r, s1, c, O)
        taps = np.ascontiguousarray(taps.swapaxes(1, 2)).reshape(r, r, phases, -1, outputs)
        np.copyto(points[:, :, slices[i]], _weight_points(taps, [G[r], G[r]]))

    parallel_for(part, len(slices))
    return points.reshape(n, phases * channels, outputs)


def _adjoint_points(w):
    """Transform the weight (O, C, 4, 4) to points (2, 2, 3, 3, O, C) for both phases of both axes of the adjoint."""
    outputs, channels = w.shape[:2]
    points = np.empty((2, 2, 3, 3, outputs, channels), dtype=w.dtype)
    slices = channel_slices(outputs, 16, channels, w.dtype)

    def part(i):
        taps = w[slices[i], :, ::-1, ::-1].reshape(-1, channels, 2, 2, 2, 2)     # tap 3 - a - 2m is now [m, a]
        taps = np.ascontiguousarray(taps.transpose(3, 5, 2, 4, 0, 1))
        for a, b in np.ndindex(2, 2):
            some = _weight_points(taps[a, b], [G_BOTH[a], G_BOTH[b]])
            np.copyto(points[a, b, :, :, slices[i]], some.reshape(3, 3, *some.shape[1:]))

    parallel_for(part, len(slices))
    return points


def _weight_points(w, transforms):
    """Apply a transform along each of the two tap axes: (r, r, ...) -> (points, ...)."""
    rows, columns = (np.array(t, dtype=w.dtype) for t in transforms)
    r = w.shape[0]
    half = np.matmul(rows, w.reshape(r, -1)).reshape(len(rows), r, -1)
    return np.matmul(columns, half).reshape(len(rows) * len(columns), *w.shape[2:])


def _image_points(image, box, stride, offset, r):
    """Return the transformed image tiles of a box of the tile grid, (points, tiles, phases * channels)."""
    low = [2 * part.start * s + o for part, s, o in zip(box[1:], stride, offset)]
    span = [(2 * (part.stop - part.start) + r - 1) * s for part, s in zip(box[1:], stride)]
    block = piece(image, box[0], low, [a + n for a, n in zip(low, span)])
    b, h, width, c = block.shape
    s0, s1 = stride
    return _points(block.reshape(b, h // s0, s0, width // s1, s1 * c), B[r])


def _points(block, transform):
    """Transform all tiles of a block along both axes, tiles two positions apart.

    block (images, positions, phases, positions, channels) -> (points, tiles, phases * channels).
    """
    b, height, phases, width, c = block.shape
    n, size = len(transform), len(transform[0])
    rows, columns = (height - size) // 2 + 1, (width - size) // 2 + 1
    half = workspace("half", (n, b, rows, phases, width, c), block.dtype)
    for u, weights in enumerate(transform):
        _combine(weights, [block[:, i:i + 2 * rows - 1:2] for i in range(size)], half[u])
    points = workspace("operand" if size > 2 else "cotangents", (n, n, b, rows, columns, phases, c), block.dtype)
    for v, weights in enumerate(transform):
        _combine(weights, [half[:, :, :, :, j:j + 2 * columns - 1:2] for j in range(size)],
                 points[:, v].swapaxes(3, 4))
    return points.reshape(n * n, b * rows * columns, phases * c)


def _write_phases(products, box, y):
    """Write the products (3, 3, tiles, 2, C) of both column phases of y: as one of 2C channels where y has both."""
    n, height, width, channels = y.shape
    if width % 2 == 0:
        _write_outputs(products, A[2], box, y.reshape(n, height, width // 2, 2 * channels))
    else:
        for b in (0, 1):
            _write_outputs(products[..., b, :], A[2], box, y[:, :, b::2])


def _write_outputs(products, transform, box, y):
    """Turn the products (points, tiles, O) of a box of tiles into outputs and write them to y, cut off at its edge."""
    n = len(transform[0])
    count = [part.stop - part.start for part in box]
    products = products.reshape(n, n, *count, -1)
    half = workspace("half", products.shape[1:], y.dtype)
    for a, row in enumerate(transform):
        _combine(row, products, half)
        for b, column in enumerate(transform):
            target = y[box[0], 2 * box[1].start + a:2 * box[1].stop:2, 2 * box[2].start + b:2 * box[2].stop:2]
            _combine(column, half[:, :, :target.shape[1], :target.shape[2]], target)


def _combine(weights, arrays, out):
    """out = sum of weights * arrays, the weights being 0, 1 or -1."""
    terms = sorted(((weight, a) for weight, a in zip(weights, arrays) if weight), key=lambda term: -term[0])
    (sign, first), *rest = terms
    if not rest:
        np.copyto(out, first) if sign > 0 else np.negative(first, out=out)
    for weight, other in rest:
        (np.add if weight > 0 else np.subtract)(first, other, out=out)
        first = out
