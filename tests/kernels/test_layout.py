"""Channels-last memory: a view where memory allows, else one counted copy."""

import numpy as np
import pytest

from tinygan.kernels import kernels_for, layout


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 5, 7), (2, 3, 4, 5, 6), (0, 3, 5, 7)])
def test_a_c_contiguous_image_is_copied_once(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    before = layout.copies
    y = layout.channels_last(x)
    assert np.array_equal(y, np.moveaxis(x, 1, -1)) and y.flags.c_contiguous
    # An array without elements is contiguous in every order: there is nothing to copy.
    assert layout.copies == before + (x.size > 0)
    assert layout.channels_last(layout.channels_first(y)).ctypes.data == y.ctypes.data
    assert layout.copies == before + (x.size > 0)


@pytest.mark.parametrize("shape", [(2, 1, 5, 7), (2, 3, 1, 1), (1, 1, 1)])
def test_an_axis_of_length_one_needs_no_copy(shape):
    x = np.ones(shape)
    before = layout.copies
    assert np.shares_memory(layout.channels_last(x), x) and layout.copies == before


def test_a_strided_image_is_copied():
    x = np.arange(2 * 8 * 8 * 3.0).reshape(2, 8, 8, 3).transpose(0, 3, 1, 2)[:, :, ::2]
    before = layout.copies
    y = layout.channels_last(x)
    assert np.array_equal(y, np.moveaxis(x, 1, -1)) and y.flags.c_contiguous and layout.copies == before + 1


@pytest.mark.parametrize("shape", [(33, 40, 29, 31), (7, 40, 37, 31), (2, 33, 5, 33, 31), (90, 3, 33, 31)])
def test_a_large_image_is_copied_exactly(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for image in (x, x[:, ::-1], x[::2]):
        y = layout.channels_last(image)
        assert np.array_equal(y, np.moveaxis(image, 1, -1)) and y.flags.c_contiguous


def test_numpy_arrays_get_the_cpu_kernels():
    from tinygan.kernels import cpu
    assert kernels_for(np.ones(3)) is cpu
