"""Convolution with fewer multiplications: the minimal filtering algorithms, for the kernels that GANs use most.

Two neighbouring outputs of a filter with r taps need 2r multiplications when written out, but r + 1 suffice (Winograd
1980; for convolutional networks Lavin and Gray 2016, arXiv:1509.09308, section 4). With two taps,

    y0 = d0 w0 + d1 w1 = (d0 - d1) w0 + d1 (w0 + w1)
    y1 = d1 w0 + d2 w1 =                d1 (w0 + w1) + (d1 - d2) (-w1)

which in matrices is y = A ((G w) * (B d)), and in two dimensions the same along each axis. A tile of 2 x 2 outputs
costs 9 instead of 16 multiplications (r = 2) or 16 instead of 36 (r = 3); every multiplication becomes one matrix
product over channels, for all tiles at once. B and A contain only 0, 1 and -1, so that float32 loses about one bit.

Between those products tiles are added and copied, in memory that should be in the second-level cache, and in as few
NumPy calls as possible: between calls the threads take turns. So signs are such that rows of B and A which differ by a
shift become one call for all of them, and B and A are written as those calls.

A kernel of r * s taps with stride s is the sum of s * s such filters, one for each phase of the image (positions
with equal remainders modulo s), so phases simply count as channels. The adjoint with stride 2 is four filters, one for
each phase of the result. For the adjoint in the weight, w and y change places in the formula, and so do G and A.

One consequence of the differences: an infinite input can turn its whole tile into NaN.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinygan.kernels.cpu.conv_gather import boxes, piece, rows_within, workspace
from tinygan.kernels.cpu.conv_weights import channel_slices, turn_back, turned
from tinygan.kernels.threads import parallel_for

POINT_BYTES = 1 << 20          # the transformed tiles of a block take about this much, for the second-level cache,
WEIGHT_POINT_BYTES = 1 << 22   # or this much in the weight gradient, where each block adds a whole weight to its sum;
MAX_POINT_BYTES = 1 << 23      # more where outputs are many, since each block goes through a whole weight, up to this
PARTIAL_BYTES = 1 << 24        # a partial sum takes at most this much: larger weights are done some channels at a time
WEIGHT_PARTS = 4               # the weight gradient has at most this many partial sums in memory
# With fewer channels (on one side of the weight, on the other) additions outweigh the multiplications saved.
MIN_CHANNELS = {"correlate": (64, 64), "transpose": (32, 32), "weight": (64, 128)}
MIN_TILES = 256                # with fewer, transforming the weight takes longer than the products saved
POINT_PARTS = 4                # products into which the transform of an adjoint's weight is cut
MIN_SAVING = 1.4               # multiplications saved, the cut-off parts of tiles counted, before it pays

# The transforms by number of taps. G is a matrix, from taps to points. The others are steps (written, from, operation,
# and) on what lies along the first axis: written = from operation and, one after the other; None stands for "written".
G = {2: [[1, 0], [1, 1], [0, -1]],
     3: [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, -1]]}
B = {2: [(np.s_[0::2], np.s_[:-1], np.subtract, np.s_[1:]),      # d0 - d1, d1, d1 - d2, and so on for longer tiles
         (np.s_[1::2], np.s_[1:-1], None, None)],
     3: [(np.s_[0::3], np.s_[:2], np.subtract, np.s_[2:]),       # d0 - d2, d1 + d2, d2 - d1, d1 - d3
         (1, 1, np.add, 2),
         (2, 2, np.subtract, 1)]}
A = {2: [(np.s_[:], np.s_[:2], np.add, np.s_[1:])],              # m0 + m1, m1 + m2
     3: [(0, 1, np.add, 2),                                      # m0 + m1 + m2, m1 - m2 + m3
         (1, 1, np.subtract, 2),
         (np.s_[:], None, np.add, np.s_[0::3])]}
A_BACK = {2: [(np.s_[0::2], np.s_[:], None, None),               # the transpose of A: from two outputs to points
              (1, 0, np.add, 1)],
          3: [(np.s_[0::3], np.s_[:], None, None),
              (1, 0, np.add, 1),
              (2, 0, np.subtract, 1)]}

# Stride 2, four taps: the phases of a result need the filters over d0 d1 d2 and over d1 d2 d3. Of the five points that
# B[2] makes of d0 d1 d2 d3, the middle one serves both: for the first phase it is the last point, for the second the
# first one.
TAPS_OF_PHASE = [[3, 1], [2, 0]]


def taps_per_phase(kernel, stride, dilation, groups):
    """Return r if this is a 2-D kernel of r * stride taps along both axes, r = 2 or 3, undilated, ungrouped; else 0."""
    if len(kernel) != 2 or groups != 1 or dilation != (1, 1):
        return 0
    for r in (2, 3):
        if kernel == (r * stride[0], r * stride[1]):
            return r
    return 0


def worthwhile(images, out, channels, outputs, r, kernel):
    """Return whether tiles save time for a kernel: enough of them and of channels, not too much cut off."""
    fewer, more = MIN_CHANNELS[kernel]
    tiles = images * _tiles(out[0]) * _tiles(out[1])
    saved = 4 * r * r / (r + 1) ** 2 * out[0] * out[1] * images
    return (tiles >= MIN_TILES and min(channels, outputs) >= fewer and max(channels, outputs) >= more
            and saved >= MIN_SAVING * 4 * tiles)


def correlate_tiles(image, w, stride, offset, r, y):
    """y[n, i, o] = sum_{c, k} image[n, i*stride + k + offset, c] w[o, c, k], channels-last, by tiles of 2 x 2."""
    points = _filter_points(w, stride, r)
    grid = (y.shape[0], _tiles(y.shape[1]), _tiles(y.shape[2]))
    blocks = boxes(grid, _rows(POINT_BYTES, y.shape[3], points.shape[0] * points.shape[1], y.dtype))

    def block(i):
        tiles = _image_points(image, blocks[i], stride, offset, r)
        products = workspace("product", (len(points), tiles.shape[1], y.shape[3]), y.dtype)
        np.matmul(tiles, points, out=products)
        _write_outputs(products, r, blocks[i], y)

    parallel_for(block, len(blocks))


def transpose_tiles(g, w, padding, y):
    """Adjoint of a 4 x 4 correlation with stride 2 and odd padding, channels-last, by tiles of 2 x 2 per phase of y.

    Along an axis, y[2j + a] = sum_m g[j + a + (padding - 3) / 2 + m] w[3 - a - 2m], a and m in {0, 1}: both phases are
    filters of two taps, one position apart, and share most of the transformed tiles.
    """
    points = _adjoint_points(w)
    grid = (y.shape[0], *(_tiles(-(-n // 2)) for n in y.shape[1:3]))
    offset = [(p - 3) // 2 for p in padding]
    blocks = boxes(grid, _rows(POINT_BYTES, y.shape[3], 25 * w.shape[0], y.dtype))

    def block(i):
        box = blocks[i]
        low = [2 * part.start + o for part, o in zip(box[1:], offset)]
        high = [2 * part.stop + o + 2 for part, o in zip(box[1:], offset)]
        tiles = _points(piece(g, box[0], low, high)[:, :, None], B[2], 4, 5)
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
    step = max(MIN_CHANNELS["weight"][1], PARTIAL_BYTES // each)
    for start in range(0, gw.shape[1], step):
        some = slice(start, start + step)
        _weight_tiles_of(image[..., some], g, stride, offset, r, gw[:, some])


def _weight_tiles_of(image, g, stride, offset, r, gw):
    """Carry out `weight_tiles` for so few channels that the partial sums are small."""
    outputs, channels = gw.shape[:2]
    depth = stride[0] * stride[1] * channels
    n_points = (r + 1) ** 2
    grid = (g.shape[0], _tiles(g.shape[1]), _tiles(g.shape[2]))
    blocks = boxes(grid, _rows(WEIGHT_POINT_BYTES, 2 * outputs, n_points * depth, gw.dtype))
    n_parts = min(WEIGHT_PARTS, len(blocks))
    partial = np.empty((n_parts, n_points, depth, outputs), dtype=gw.dtype)

    def part(i):
        for j, box in enumerate(blocks[len(blocks) * i // n_parts:len(blocks) * (i + 1) // n_parts]):
            tiles = _image_points(image, box, stride, offset, r).swapaxes(1, 2)
            low, high = [2 * p.start for p in box[1:]], [2 * p.stop for p in box[1:]]
            cotangents = _points(piece(g, box[0], low, high)[:, :, None], A_BACK[r], 2, r + 1)
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


def _rows(n_bytes, enough, width, dtype):
    """Return the number of tiles of a block: what n_bytes hold, more where a block is better `enough` tiles large."""
    return max(rows_within(n_bytes, width, dtype), min(enough, rows_within(MAX_POINT_BYTES, width, dtype)))


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
    """Transform the weight (O, C, 4, 4) to points (2, 2, 3, 3, O, C) for both phases of both axes of the adjoint.

    A point is a sum of taps, so all points are one matrix product, which reads the weight as it lies.
    """
    points = np.empty((36, w.shape[0] * w.shape[1]), dtype=w.dtype)
    taps = w.reshape(-1, 16)
    to_points = np.zeros((2, 3, 4), dtype=w.dtype)            # along one axis: (phase, point, tap)
    for phase, of_phase in enumerate(TAPS_OF_PHASE):
        to_points[phase][:, of_phase] = G[2]
    to_points = np.einsum("aui,bvj->abuvij", to_points, to_points).reshape(36, 16)
    edges = [len(taps) * i // POINT_PARTS for i in range(POINT_PARTS + 1)]

    def part(i):
        some = slice(edges[i], edges[i + 1])
        np.matmul(to_points, taps[some].T, out=points[:, some])

    parallel_for(part, POINT_PARTS)
    return points.reshape(2, 2, 3, 3, *w.shape[:2])


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
    return _points(block.reshape(b, h // s0, s0, width // s1, s1 * c), B[r], r + 1, r + 1)


def _points(block, steps, size, n):
    """Transform all tiles of a block along both axes, from `size` positions to n points, tiles two positions apart.

    block (images, positions, phases, positions, channels) -> (points, tiles, phases * channels). First along the last
    positions, where neighbours lie `channels` numbers apart, then along the first, in pieces as long as a row of tiles.
    """
    b, height, phases, width, c = block.shape
    rows, columns = (height - size) // 2 + 1, (width - size) // 2 + 1
    s_image, s_row, s_phase, s_column, s_channel = block.strides
    windows = as_strided(block, (size, b, height, columns, phases, c),
                         (s_column, s_image, s_row, 2 * s_column, s_phase, s_channel))
    half = workspace("half", (n, b, height, columns * phases * c), block.dtype)
    _transform(steps, windows, half.reshape(n, *windows.shape[1:]))
    s_point, s_image, s_row, s_number = half.strides
    windows = as_strided(half, (size, n, b, rows, half.shape[-1]), (s_row, s_point, s_image, 2 * s_row, s_number))
    points = workspace("operand" if size > 2 else "cotangents", (n, *windows.shape[1:]), block.dtype)
    _transform(steps, windows, points)
    return points.reshape(n * n, b * rows * columns, phases * c)


def _transform(steps, source, target):
    """Carry out the steps of a transform along the first axis."""
    for written, first, operation, second in steps:
        if operation is None:
            np.copyto(target[written], source[first])
        else:
            operation(target[written] if first is None else source[first], source[second], out=target[written])


def _write_phases(products, box, y):
    """Write the products (3, 3, tiles, 2, C) of both column phases of y: as one of 2C channels where y has both."""
    n, height, width, channels = y.shape
    if width % 2 == 0:
        _write_outputs(products, 2, box, y.reshape(n, height, width // 2, 2 * channels))
    else:
        for b in (0, 1):
            _write_outputs(products[..., b, :], 2, box, y[:, :, b::2])


def _write_outputs(products, r, box, y):
    """Turn the products (points, tiles, O) of a box of tiles into outputs and write them to y, cut off at its edge."""
    images, rows, columns = (part.stop - part.start for part in box)
    products = products.reshape(r + 1, r + 1, images, rows, columns, -1)
    half = workspace("half", (2, *products.shape[1:]), y.dtype)
    _transform(A[r], products, half)
    target = y[box[0], 2 * box[1].start:2 * box[1].stop, 2 * box[2].start:2 * box[2].stop]
    whole = (images, 2 * rows, 2 * columns, y.shape[-1])
    outputs = target if target.shape == whole else workspace("outputs", whole, y.dtype)
    split = outputs.reshape(images, rows, 2, columns, 2, -1).transpose(4, 2, 0, 1, 3, 5)
    _transform(A[r], half.swapaxes(0, 1), split)
    if outputs is not target:
        np.copyto(target, outputs[:, :target.shape[1], :target.shape[2]])
