"""Bias kernels: adding one number per channel, and the sum over everything but the channels; threads; memory orders."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.kernels import layout, threads
from tinygan.kernels.cpu import add_bias, bias, channel_sum


def channels_last(x):
    return layout.channels_first(np.moveaxis(x, 1, -1).copy())


@st.composite
def images(draw):
    shape = tuple(draw(st.integers(0, 4)) for _ in range(1)) + tuple(
        draw(st.lists(st.integers(1, 6), min_size=2, max_size=4)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return np.random.default_rng(draw(st.integers(0, 1000))).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("block, row", [(7, 1), (40, 12), (1 << 17, 1 << 12)])
@given(images())
def test_values(block, row, x):
    before = bias.BLOCK, bias._ROW
    bias.BLOCK, bias._ROW = block, row
    try:
        b = np.arange(x.shape[1], dtype=x.dtype)
        y = channels_last(x)
        copies = layout.copies
        add_bias(y, b)
        for g in (x, channels_last(x), x[..., ::-1]):
            total = channel_sum(g)
            assert total.dtype == x.dtype and total.shape == b.shape
            # at most 4 * 6 ** 3 terms of size 1, a rounding each at the worst
            np.testing.assert_allclose(total, x.astype(np.float64).sum(axis=(0, *range(2, x.ndim))),
                                       rtol=0, atol=1000 * np.finfo(x.dtype).eps)
        assert layout.copies == copies
    finally:
        bias.BLOCK, bias._ROW = before
    assert np.array_equal(y, x + b.reshape(1, -1, *(1,) * (x.ndim - 2)))


def test_the_number_of_threads_changes_no_bit():
    x = channels_last(np.random.default_rng(0).standard_normal((7, 24, 60, 61)).astype(np.float32))
    before = threads.get_num_threads()
    sums = []
    try:
        for n in (1, 2, 3):
            threads.set_num_threads(n)
            sums.append(channel_sum(x))
    finally:
        threads.set_num_threads(before)
    assert np.array_equal(sums[0], sums[1]) and np.array_equal(sums[0], sums[2])
    # 25,620 numbers of size 1 per channel in float32, added in tree-like order: far better than 1e-5 of sqrt(25,620)
    np.testing.assert_allclose(sums[0], x.astype(np.float64).sum((0, 2, 3)), atol=2e-3)
