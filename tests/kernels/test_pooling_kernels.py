"""Pooling on the CPU: against plain loops over the definition, adjoint to each other, memory channels-last."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.kernels import layout, threads
from tinygan.kernels.cpu import max_pool, max_pool_indices, window_sum, window_sum_transpose
from tinygan.testing import naive


@st.composite
def geometries(draw, dilated=False):
    """(size, kernel, stride, padding, dilation) in 1 to 3 dimensions, with at least one window, each on the input."""
    dims = draw(st.integers(1, 3))
    kernel, stride = (tuple(draw(st.integers(1, 5 if dims == 1 else 3)) for _ in range(dims)) for _ in range(2))
    dilation = tuple(draw(st.integers(1, 3 if dilated else 1)) for _ in range(dims))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = tuple(draw(st.integers(max(1, d * (k - 1) + 1 - p), 13)) for k, d, p in zip(kernel, dilation, padding))
    return size, kernel, stride, padding, dilation


@given(geometries(), st.integers(0, 2), st.integers(0, 99))
def test_window_sum_is_the_loop(geometry, batch, seed):
    size, kernel, stride, padding, _ = geometry
    x = np.random.default_rng(seed).integers(-9, 10, (batch, 3, *size)).astype(np.float32)
    y = window_sum(x, kernel, stride, padding)
    assert y.dtype == np.float32 and y.transpose(0, *range(2, y.ndim), 1).flags.c_contiguous
    np.testing.assert_array_equal(y, naive.window_sum(x, kernel, stride, padding))  # small integers: sums are exact


@given(geometries(), st.integers(0, 2), st.integers(0, 99))
def test_window_sum_transpose_is_the_loop(geometry, batch, seed):
    size, kernel, stride, padding, _ = geometry
    out = naive.window_sum(np.zeros((1, 1, *size)), kernel, stride, padding).shape[2:]
    g = np.random.default_rng(seed).integers(-9, 10, (batch, 3, *out)).astype(np.float32)
    x = window_sum_transpose(g, size, kernel, stride, padding)
    assert x.dtype == np.float32 and x.transpose(0, *range(2, x.ndim), 1).flags.c_contiguous
    np.testing.assert_array_equal(x, naive.window_sum_transpose(g, size, kernel, stride, padding))


@given(geometries(dilated=True), st.integers(0, 2), st.integers(0, 99))
def test_max_pool_indices_are_the_loops_ties_and_infinities_included(geometry, batch, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (batch, 3, *geometry[0])).astype(np.float64)
    x[rng.random(x.shape) < 0.3] = -np.inf
    index = max_pool_indices(x, *geometry[1:])
    assert index.dtype == np.int64
    np.testing.assert_array_equal(index, naive.max_pool_indices(x, *geometry[1:]))


@given(geometries(dilated=True), st.integers(0, 2), st.integers(0, 99), st.booleans())
def test_maxima_are_the_values_at_their_positions(geometry, batch, seed, floating):
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 9, (batch, 3, *geometry[0])).astype(np.float32 if floating else np.int64)
    if floating:
        x[rng.random(x.shape) < 0.3] = -np.inf
        x[rng.random(x.shape) < 0.05] = np.nan
    y = max_pool(x, *geometry[1:])
    assert y.dtype == x.dtype and y.transpose(0, *range(2, y.ndim), 1).flags.c_contiguous
    index = naive.max_pool_indices(np.where(np.isnan(x), np.inf, x), *geometry[1:])  # which the naive loop lets win
    flat, flat_index = [a.reshape(*a.shape[:2], int(np.prod(a.shape[2:]))) for a in (x, index)]
    np.testing.assert_array_equal(y, np.take_along_axis(flat, flat_index, 2).reshape(index.shape))


def test_global_pooling_sums_everything():
    x = np.random.default_rng(0).integers(-9, 10, (2, 3, 7, 6)).astype(np.float64)
    np.testing.assert_array_equal(window_sum(x, (7, 6), (7, 6), (0, 0))[..., 0, 0], x.sum(axis=(2, 3)))


def test_minus_infinity_in_the_input_beats_the_padding():
    x = np.full((1, 1, 3, 3), -np.inf)
    index = max_pool_indices(x, (3, 3), (2, 2), (1, 1), (1, 1))
    np.testing.assert_array_equal(index[0, 0], [[0, 1], [3, 4]])


def test_nan_wins_and_the_last_of_several_as_in_pytorch():
    x = np.array([[[3.0, np.nan, 9.0, 1.0, np.nan, np.nan, 2.0]]])
    np.testing.assert_array_equal(max_pool_indices(x, (4,), (3,), (0,), (1,))[0, 0], [1, 5])


def test_a_kernel_of_more_than_256_positions_finds_its_maximum():
    x = np.zeros((1, 2, 20, 20))
    x[0, 0, 19, 18] = x[0, 1, 12, 17] = 1
    np.testing.assert_array_equal(max_pool_indices(x, (20, 20), (1, 1), (0, 0), (1, 1)).ravel(), [398, 257])


def test_a_window_in_the_padding_alone_raises():
    with pytest.raises(ValueError, match="max_pool: expected windows that meet the input"):
        max_pool_indices(np.zeros((1, 1, 2)), (2,), (1,), (1,), (3,))
    with pytest.raises(ValueError, match="max_pool: expected windows that meet the input"):
        max_pool(np.zeros((1, 1, 2)), (2,), (1,), (1,), (3,))


def test_no_layout_copy_on_channels_last_memory_and_the_input_is_left_alone():
    x = layout.channels_first(np.random.default_rng(0).standard_normal((2, 6, 6, 3)))
    before, copies = x.copy(), layout.copies
    window_sum_transpose(window_sum(x, (2, 2), (2, 2), (0, 0)), (6, 6), (2, 2), (2, 2), (0, 0))
    max_pool_indices(x, (2, 2), (2, 2), (0, 0), (1, 1))
    max_pool(x, (3, 3), (1, 1), (1, 1), (1, 1))
    assert layout.copies == copies
    np.testing.assert_array_equal(x, before)


def test_the_number_of_threads_changes_no_bit():
    x = np.random.default_rng(0).standard_normal((40, 32, 32, 32)).astype(np.float32)  # three blocks of images
    results, threads_before = [], threads.get_num_threads()
    try:
        for n in (1, 3):
            threads.set_num_threads(n)
            y = window_sum(x, (3, 3), (1, 1), (1, 1))
            results.append((y, window_sum_transpose(y, (32, 32), (3, 3), (1, 1), (1, 1)),
                            max_pool_indices(x, (2, 2), (2, 2), (0, 0), (1, 1)),
                            max_pool(x, (3, 3), (2, 2), (1, 1), (1, 1))))
    finally:
        threads.set_num_threads(threads_before)
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
