"""The threaded matrix product against its definition."""

import numpy as np
import pytest

from tinygan.kernels import threads
from tinygan.kernels.cpu import matmul

# Shapes below and above the size from which the product is split, by rows, by columns, by batch.
SHAPES = [
    ((3, 4), (4, 5)), ((1, 1), (1, 1)), ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((2, 0, 4), (4, 5)),
    ((700, 130), (130, 140)), ((64, 300), (300, 900)), ((65, 4000), (4000, 66)), ((20000, 30), (30, 31)),
    ((40, 70, 80), (40, 80, 90)), ((3, 1, 200, 60), (4, 60, 300)), ((50, 90, 64), (64, 70)), ((70, 64), (30, 64, 90)),
]


def naive(a, b):
    """Sum over the inner axis of outer products, one after the other."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.zeros((*batch, a.shape[-2], b.shape[-1]), dtype=a.dtype)
    for k in range(a.shape[-1]):
        y += a[..., :, k, None] * b[..., None, k, :]
    return y


def draw(shapes, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_product_is_its_definition(shapes):
    a, b = draw(shapes)
    y = matmul(a, b)
    # Sums of up to 4000 products of unit normals: magnitude 60, error a few hundred units in the last place of that.
    np.testing.assert_allclose(y, naive(a, b), rtol=0, atol=1e-11)
    assert y.dtype == a.dtype and y.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_transposed_and_strided_operands(shapes, dtype):
    a, b = draw(shapes, dtype)
    expected = matmul(a, b)
    transposed = matmul(np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
                        np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2))
    strided = matmul(np.repeat(a, 2, axis=-1)[..., ::2], np.repeat(b, 2, axis=-2)[..., ::2, :])
    tolerance = 1e-11 if dtype == np.float64 else 5e-3
    np.testing.assert_allclose(transposed, expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(strided, expected, rtol=0, atol=tolerance)
    assert expected.dtype == dtype


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(shapes):
    a, b = draw(shapes, np.float32)
    before = threads.get_num_threads()
    try:
        results = []
        for n in (1, 2, 4):
            threads.set_num_threads(n)
            results.append(matmul(a, b))
    finally:
        threads.set_num_threads(before)
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


@pytest.mark.parametrize("shapes", [((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 5))], ids=str)
def test_vectors_are_multiplied_as_numpy_does(shapes):
    a, b = draw(shapes)
    assert np.array_equal(matmul(a, b), np.matmul(a, b))


MISFITS = [((3, 4), (5, 6)), ((900, 400), (401, 900)), ((2, 900, 400), (3, 400, 900))]


@pytest.mark.parametrize("shapes", MISFITS, ids=str)
def test_shapes_that_do_not_fit_raise(shapes):
    with pytest.raises(ValueError):
        matmul(*draw(shapes))


def test_operands_are_not_modified():
    a, b = draw(((700, 130), (130, 140)))
    before = a.copy(), b.copy()
    matmul(a, b)
    assert np.array_equal(a, before[0]) and np.array_equal(b, before[1])
