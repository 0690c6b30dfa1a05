"""The three convolution kernels against their loop definitions, as adjoints, and for any number of threads."""

import threading
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tinygan.kernels import cpu, layout, threads
from tinygan.kernels.cpu import conv_depthwise, conv_gather, conv_tiles
from tinygan.testing import naive

# float32 sums of at most a few hundred products of unit normals: error well below 1e-4 absolute.
TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-11}


@st.composite
def problems(draw):
    """Draw shapes and settings of a convolution whose output has at least one position."""
    dims = draw(st.integers(1, 3))
    small = 4 if dims == 3 else 9
    kernel, size, stride, padding, dilation = [], [], [], [], []
    for _ in range(dims):
        k, d = draw(st.integers(1, 3 if dims == 3 else 4)), draw(st.integers(1, 3))
        p = draw(st.integers(0, 3))
        kernel.append(k)
        dilation.append(d)
        padding.append(p)
        stride.append(draw(st.integers(1, 4)))
        size.append(draw(st.integers(max(1, d * (k - 1) + 1 - 2 * p), d * (k - 1) + 1 + small)))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    return dict(
        n=draw(st.integers(0, 3)), c=groups * draw(st.integers(1, 3)), o=groups * draw(st.integers(1, 3)),
        size=tuple(size), kernel=tuple(kernel), dtype=draw(st.sampled_from([np.float32, np.float64])),
        seed=draw(st.integers(0, 99)), memory=draw(st.sampled_from(["first", "last", "sliced"])),
        how=dict(stride=tuple(stride), padding=tuple(padding), dilation=tuple(dilation), groups=groups))


def arrays(p):
    """Return x, w, g of a problem, in the memory layout it asks for."""
    rng = np.random.default_rng(p["seed"])
    out = naive._output_size(p["size"], p["kernel"], p["how"]["stride"], p["how"]["padding"], p["how"]["dilation"])

    def make(shape):
        if p["memory"] == "sliced":
            wide = rng.standard_normal((*shape[:-1], 2 * shape[-1])).astype(p["dtype"])
            return wide[..., ::2]
        a = rng.standard_normal(shape).astype(p["dtype"])
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if p["memory"] == "last" else a

    return (make((p["n"], p["c"], *p["size"])), make((p["o"], p["c"] // p["how"]["groups"], *p["kernel"])),
            make((p["n"], p["o"], *out)))


def is_channels_last(y):
    return np.moveaxis(y, 1, -1).flags.c_contiguous


@settings(max_examples=120, deadline=None)
@given(problems())
def test_correlate_is_its_loops(p):
    x, w, _ = arrays(p)
    before = x.copy(), w.copy()
    y = cpu.correlate(x, w, **p["how"])
    np.testing.assert_allclose(y, naive.correlate(x, w, **p["how"]), rtol=0, atol=TOLERANCE[y.dtype])
    assert y.dtype == x.dtype and is_channels_last(y)
    assert np.array_equal(x, before[0]) and np.array_equal(w, before[1])


@settings(max_examples=120, deadline=None)
@given(problems())
def test_correlate_transpose_is_its_loops(p):
    _, w, g = arrays(p)
    before = w.copy(), g.copy()
    gx = cpu.correlate_transpose(g, w, p["size"], **p["how"])
    expected = naive.correlate_transpose(g, w, p["size"], **p["how"])
    np.testing.assert_allclose(gx, expected, rtol=0, atol=TOLERANCE[gx.dtype])
    assert gx.dtype == g.dtype and is_channels_last(gx)
    assert np.array_equal(w, before[0]) and np.array_equal(g, before[1])


@settings(max_examples=120, deadline=None)
@given(problems())
def test_correlate_weight_is_its_loops(p):
    x, _, g = arrays(p)
    before = x.copy(), g.copy()
    gw = cpu.correlate_weight(x, g, p["kernel"], **p["how"])
    np.testing.assert_allclose(gw, naive.correlate_weight(x, g, p["kernel"], **p["how"]), rtol=0,
                               atol=TOLERANCE[gw.dtype])
    assert gw.dtype == x.dtype and gw.flags.c_contiguous
    assert np.array_equal(x, before[0]) and np.array_equal(g, before[1])


# n, c, o, size, kernel, stride, padding, dilation, groups: large enough for several blocks, one row for each fast path
LARGE = [
    (9, 16, 24, (16, 16), (4, 4), (2, 2), (1, 1), (1, 1), 1),
    (5, 3, 16, (33, 31), (4, 4), (2, 2), (1, 1), (1, 1), 1),
    (5, 1, 8, (28, 28), (4, 4), (2, 2), (1, 1), (1, 1), 1),
    (5, 32, 1, (28, 28), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (5, 1, 32, (28, 28), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (7, 24, 16, (15, 17), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (6, 64, 32, (14, 14), (1, 1), (1, 1), (0, 0), (1, 1), 1),
    (6, 64, 32, (15, 14), (1, 1), (2, 2), (0, 0), (1, 1), 1),
    (70, 40, 1, (4, 4), (4, 4), (1, 1), (0, 0), (1, 1), 1),
    (70, 40, 33, (4, 4), (4, 4), (1, 1), (0, 0), (1, 1), 1),
    (3, 12, 12, (20, 21), (3, 3), (1, 1), (1, 1), (1, 1), 12),
    (3, 12, 24, (20, 21), (5, 3), (2, 1), (2, 0), (1, 2), 4),
    (5, 20, 18, (13, 11), (3, 3), (1, 1), (2, 0), (1, 1), 1),
    (7, 20, 18, (13, 14), (4, 4), (2, 2), (1, 3), (1, 1), 1),
    (6, 20, 18, (19, 17), (6, 6), (2, 2), (2, 1), (1, 1), 1),
    (6, 18, 20, (17, 18), (2, 2), (1, 1), (1, 1), (1, 1), 1),
    (40, 17, 16, (13, 10), (2, 6), (1, 3), (0, 2), (1, 1), 1),
    (2, 130, 70, (64, 9), (3, 3), (1, 1), (2, 2), (2, 2), 1),
    (2, 8, 6, (300,), (5,), (3,), (2,), (2,), 2),
    (2, 6, 8, (9, 10, 11), (3, 4, 2), (2, 1, 2), (1, 2, 0), (1, 1, 2), 1),
]


def large(row, dtype=np.float64):
    n, c, o, size, kernel, stride, padding, dilation, groups = row
    p = dict(n=n, c=c, o=o, size=size, kernel=kernel, dtype=dtype, seed=0, memory="first",
             how=dict(stride=stride, padding=padding, dilation=dilation, groups=groups))
    return p, *arrays(p)


def tiles_from(channels, monkeypatch):
    monkeypatch.setattr(conv_tiles, "MIN_CHANNELS", dict.fromkeys(conv_tiles.MIN_CHANNELS, (channels, channels)))
    monkeypatch.setattr(conv_tiles, "MIN_TILES", 64)


@pytest.fixture(params=[True, False], ids=["tiles", "columns"])
def small_tiles(request, monkeypatch):
    """Tiles for fewer channels than they pay for, so that small images try them; and the way such images take."""
    if request.param:
        tiles_from(16, monkeypatch)


@pytest.mark.parametrize("row", LARGE, ids=str)
def test_tiles_give_what_columns_give(row, monkeypatch):
    p, x, w, g = large(row)
    results = []
    for enough in (16, 1 << 30):
        tiles_from(enough, monkeypatch)
        results.append((cpu.correlate(x, w, **p["how"]), cpu.correlate_transpose(g, w, p["size"], **p["how"]),
                        cpu.correlate_weight(x, g, p["kernel"], **p["how"])))
    for tiles, columns in zip(*results):
        np.testing.assert_allclose(tiles, columns, rtol=0, atol=1e-11 * max(1, np.abs(columns).max()))


@pytest.mark.parametrize("row", LARGE, ids=str)
def test_three_maps_are_adjoint(row, small_tiles):
    p, x, w, g = large(row)
    products = [np.vdot(cpu.correlate(x, w, **p["how"]), g),
                np.vdot(x, cpu.correlate_transpose(g, w, p["size"], **p["how"])),
                np.vdot(w, cpu.correlate_weight(x, g, p["kernel"], **p["how"]))]
    # The products are sums of independent terms: their size is that of the norms, not of the possibly small total.
    scale = np.linalg.norm(g) * np.linalg.norm(cpu.correlate(x, w, **p["how"]))
    assert abs(products[0] - products[1]) <= 1e-12 * scale
    assert abs(products[0] - products[2]) <= 1e-12 * scale


@pytest.mark.parametrize("row", LARGE, ids=str)
def test_one_image_at_a_time_gives_the_same_values(row, small_tiles):
    p, x, w, g = large(row)
    y = cpu.correlate(x, w, **p["how"])
    alone = [cpu.correlate(x[i:i + 1], w, **p["how"]) for i in range(len(x))]
    np.testing.assert_allclose(y, np.concatenate(alone), rtol=0, atol=1e-11)
    gx = cpu.correlate_transpose(g, w, p["size"], **p["how"])
    alone = [cpu.correlate_transpose(g[i:i + 1], w, p["size"], **p["how"]) for i in range(len(x))]
    np.testing.assert_allclose(gx, np.concatenate(alone), rtol=0, atol=1e-11)


def one_filter(p, axis):
    """A problem's arrays with one filter of at least two taps, the same for all channels, along one axis."""
    only = {name: tuple(value if a == axis else idle for a, value in enumerate(p["how"][name]))
            for name, idle in (("stride", 1), ("padding", 0), ("dilation", 1))}
    kernel = tuple(max(2, k) if a == axis else 1 for a, k in enumerate(p["kernel"]))
    size = tuple(max(s, (kernel[axis] - 1) * only["dilation"][axis] + 1) if a == axis else s
                 for a, s in enumerate(p["size"]))
    channels = max(2, p["c"])
    how = dict(only, groups=channels)
    x, w, g = arrays(dict(p, c=channels, o=channels, size=size, kernel=kernel, memory="last", how=how))
    return x, np.broadcast_to(w[:1], w.shape), g, size, how


@settings(max_examples=100, deadline=None)
@given(problems(), st.data())
def test_one_filter_for_all_channels_is_its_loops(p, data):
    axis = data.draw(st.integers(0, len(p["kernel"]) - 1))
    x, w, g, size, how = one_filter(p, axis)
    with mock.patch.object(conv_depthwise, "BAND", data.draw(st.sampled_from([2, 32]))):
        with mock.patch.object(conv_depthwise, "_correlate_taps", side_effect=AssertionError("not by a matrix")):
            y = cpu.correlate(x, w, **how)
        gx = cpu.correlate_transpose(g, w, size, **how)
    np.testing.assert_allclose(y, naive.correlate(x, w, **how), rtol=0, atol=TOLERANCE[y.dtype])
    np.testing.assert_allclose(gx, naive.correlate_transpose(g, w, size, **how), rtol=0, atol=TOLERANCE[y.dtype])
    assert is_channels_last(y) and is_channels_last(gx)


@pytest.mark.parametrize("kernel", [(4, 1), (1, 4)])
def test_bits_of_one_filter_do_not_depend_on_the_number_of_threads(kernel, thread_count):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 20, 70, 75)).astype(np.float32)
    w = np.broadcast_to(rng.standard_normal(kernel).astype(np.float32), (20, 1, *kernel))
    found = []
    for n in (1, 2, 3):
        thread_count(n)
        found.append(cpu.correlate(x, w, (1, 1), tuple(k // 2 for k in kernel), (1, 1), 20))
    assert all(np.array_equal(found[0], other) for other in found[1:])


@pytest.fixture
def thread_count(monkeypatch):
    monkeypatch.setattr(threads, "WORTH_SHARING", 0)  # small convolutions are shared too
    before = threads.get_num_threads()
    yield threads.set_num_threads
    threads.set_num_threads(before)


@pytest.mark.parametrize("row", LARGE, ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(row, thread_count, small_tiles):
    p, x, w, g = large(row, np.float32)
    results = []
    for n in (1, 2, 3):
        thread_count(n)
        results.append((cpu.correlate(x, w, **p["how"]), cpu.correlate_transpose(g, w, p["size"], **p["how"]),
                        cpu.correlate_weight(x, g, p["kernel"], **p["how"])))
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other))


def test_large_weights_are_done_some_channels_at_a_time(monkeypatch):
    """The cut of the weight gradient into slices of channels, which only weights of megabytes need, changes nothing."""
    tiles_from(16, monkeypatch)
    p, x, w, g = large(LARGE[0])
    whole = cpu.correlate_weight(x, g, p["kernel"], **p["how"])
    monkeypatch.setattr(conv_tiles, "PARTIAL_BYTES", 1)
    tiles_from(5, monkeypatch)
    np.testing.assert_allclose(cpu.correlate_weight(x, g, p["kernel"], **p["how"]), whole, rtol=0, atol=1e-11)


def test_workspaces_do_not_grow_with_the_batch(thread_count):
    """In a thread of its own, whose workspaces start empty, and with no pool beside it."""
    def measure(n):
        x = np.ones((n, 32, 16, 16), np.float32)
        cpu.correlate(x, np.ones((32, 32, 3, 3), np.float32), (1, 1), (1, 1), (1, 1), 1)
        cpu.correlate(x, np.ones((8, 32, 5, 5), np.float32), (1, 1), (2, 2), (1, 1), 1)
        sizes[n] = sum(buffer.size for buffer in vars(conv_gather._workspaces).values())

    thread_count(1)
    sizes = {}
    for n in (64, 320):
        thread = threading.Thread(target=measure, args=(n,))
        thread.start()
        thread.join()
    # 64 images fill the blocks; those of 64 and of 320 differ by rounding, as whole images (or rows) go into a block.
    assert sizes[320] <= 1.5 * sizes[64]


def dcgan_layers(n, channels=64):
    """Yield x, w, g and settings of every convolution of a DCGAN at 32 x 32 x 1, all arrays channels-last.

    (channels, size, outputs, stride, padding) as D reads an image; the transposed convolutions of G are the adjoints of
    the same ones, and its first layer that of the last row.
    """
    for c, size, o, stride, padding in ((1, 32, channels, 2, 1), (channels, 16, 2 * channels, 2, 1),
                                        (2 * channels, 8, 4 * channels, 2, 1), (4 * channels, 4, 1, 1, 0),
                                        (4 * channels, 4, 100, 1, 0)):
        out = (size + 2 * padding - 4) // stride + 1
        x, g = (np.ones((n, s, s, k), np.float32).transpose(0, 3, 1, 2) for s, k in ((size, c), (out, o)))
        how = ((stride, stride), (padding, padding), (1, 1), 1)
        yield x, np.ones((o, c, 4, 4), np.float32), g, (size, size), how


@pytest.mark.parametrize("n", [16, 128, 1024])
def test_workspaces_of_a_dcgan_stay_within_their_budget(n, thread_count):
    """32 MiB per thread, for forward, input gradient and weight gradient of all layers of both networks together.

    The transformed tiles of a block, before and after each of their two steps, are most of it. A batch of 1024 in one
    piece would need 256 MiB for the columns of D's second layer.
    """
    def measure():
        for x, w, g, size, how in dcgan_layers(n):
            cpu.correlate(x, w, *how)
            cpu.correlate_transpose(g, w, size, *how)
            cpu.correlate_weight(x, g, (4, 4), *how)
        sizes.update({name: buffer.size for name, buffer in vars(conv_gather._workspaces).items()})

    thread_count(1)
    sizes = {}
    thread = threading.Thread(target=measure)      # whose workspaces start empty
    thread.start()
    thread.join()
    assert sum(sizes.values()) <= 32 << 20


def test_output_padding_is_zero_where_no_output_looks():
    g, w = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    gx = cpu.correlate_transpose(g, w, (9, 9), (2, 2), (0, 0), (1, 1), 1)
    expected = np.zeros((1, 1, 9, 9))
    expected[..., :6, :6] = 1
    assert np.array_equal(gx, expected)


def test_stride_larger_than_kernel_leaves_zeros_between():
    g, w = np.ones((2, 1, 3)), np.full((1, 1, 1), 5.0)
    gx = cpu.correlate_transpose(g, w, (9,), (4,), (0,), (1,), 1)
    assert np.array_equal(gx[0, 0], [5, 0, 0, 0, 5, 0, 0, 0, 5])


def test_channels_last_memory_is_not_copied():
    x = np.ones((2, 8, 8, 5), np.float32).transpose(0, 3, 1, 2)
    w = np.ones((4, 5, 3, 3), np.float32)
    before = layout.copies
    y = cpu.correlate(x, w, (1, 1), (1, 1), (1, 1), 1)
    cpu.correlate_transpose(y, w, (8, 8), (1, 1), (1, 1), (1, 1), 1)
    cpu.correlate_weight(x, y, (3, 3), (1, 1), (1, 1), (1, 1), 1)
    assert layout.copies == before
    cpu.correlate(np.ones((2, 5, 8, 8), np.float32), w, (1, 1), (1, 1), (1, 1), 1)
    assert layout.copies == before + 1


def test_read_only_inputs_are_accepted():
    x, w = np.ones((2, 3, 6, 6)), np.ones((4, 3, 3, 3))
    x.flags.writeable = w.flags.writeable = False
    y = cpu.correlate(x, w, (1, 1), (1, 1), (1, 1), 1)
    assert y.shape == (2, 4, 6, 6) and y[0, 0, 2, 2] == 27


@pytest.mark.parametrize("channels", [1, 20])
def test_an_infinite_input_is_not_lost(channels):
    """Whatever an output looks at shows in it, infinite or NaN, and nothing farther away than a few pixels does."""
    x = np.zeros((1, channels, 24, 24), np.float32)
    x[0, 0, 9, 9] = np.inf
    with np.errstate(invalid="ignore"):
        y = cpu.correlate(x, np.ones((20, channels, 3, 3), np.float32), (1, 1), (1, 1), (1, 1), 1)
    assert not np.isfinite(y[0, :, 8:11, 8:11]).any()
    assert np.isfinite(y[0, :, :4]).all() and np.isfinite(y[0, :, 16:]).all()


def test_an_infinite_input_of_one_filter_stays_in_its_line_and_channel():
    x = np.zeros((1, 3, 5, 99), np.float32)
    x[0, 1, 2, 40] = np.inf
    with np.errstate(invalid="ignore"):
        y = cpu.correlate(x, np.broadcast_to(np.ones(4, np.float32), (3, 1, 1, 4)), (1, 1), (0, 0), (1, 1), 3)
    assert not np.isfinite(y[0, 1, 2, 37:41]).any()
    y[0, 1, 2, 32:64] = 0  # the band of outputs that is one product
    assert not y.any()
