"""Activation kernels: the plain formulas over drawn shapes and memory orders, exact where they can be; threads."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.kernels import threads
from tinygan.kernels.cpu import activation, leaky_relu, leaky_relu_vjp, sigmoid, sigmoid_vjp, softplus, tanh, tanh_vjp

ORDERS = {
    "C": lambda x: x,
    "channels-last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, 1e-30, -1e-30, 100.0, -100.0]


@st.composite
def arrays(draw):
    """Two float arrays of one drawn shape, each in a drawn memory order, special values among them."""
    shape = tuple(draw(st.lists(st.integers(0, 5), min_size=2, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    out = []
    for _ in range(2):
        x = rng.standard_normal(shape).astype(dtype)
        flat = x.reshape(-1)
        flat[:len(SPECIAL)] = SPECIAL[:flat.size]
        out.append(ORDERS[draw(st.sampled_from(sorted(ORDERS)))](x))
    return out


@pytest.fixture(autouse=True, params=[3, 1 << 17])
def block_size(request, monkeypatch):
    monkeypatch.setattr(activation, "BLOCK", request.param)


def close(y, expected, x):
    """Equal to a few roundings, with the dtype of x and, where its memory is dense, its memory order."""
    assert y.dtype == x.dtype and y.shape == x.shape
    assert y.strides == np.empty_like(x).strides
    np.testing.assert_allclose(y, expected, rtol=8 * np.finfo(x.dtype).eps, atol=np.finfo(x.dtype).tiny)


@pytest.mark.filterwarnings("ignore:invalid value")  # inf - inf and 0 inf among the special values, on both sides
@given(arrays(), st.sampled_from([0.0, 0.01, 0.2, 1.0, 1.5]))
def test_leaky_relu(xs, slope):
    x, g = xs
    with np.errstate(invalid="ignore"):
        expected = np.where(x > 0, x, x * x.dtype.type(slope) if slope else x.dtype.type(0))
        factor = np.where(x > 0, x.dtype.type(1), x.dtype.type(slope))
        assert np.array_equal(leaky_relu(x, slope), expected)
        assert np.array_equal(leaky_relu_vjp(g, x, slope), g * factor, equal_nan=True)
    close(leaky_relu(x, slope), expected, x)


@given(arrays())
def test_sigmoid(xs):
    x, g = xs
    g = np.where(np.isfinite(g), g, 1).astype(g.dtype)
    with np.errstate(over="ignore"):
        y = 1 / (1 + np.exp(-x.astype(np.float64)))
    # where e^-x is large, float32's exponential of up to 100 costs as many roundings as the exponent has units
    np.testing.assert_allclose(sigmoid(x), y, rtol=200 * np.finfo(x.dtype).eps, atol=np.finfo(x.dtype).tiny)
    close(sigmoid_vjp(g, sigmoid(x)), g * ((1 - sigmoid(x)) * sigmoid(x)), x)


@given(arrays())
def test_tanh(xs):
    x, g = xs
    g = np.where(np.isfinite(g), g, 1).astype(g.dtype)
    close(tanh(x), np.tanh(x), x)
    close(tanh_vjp(g, tanh(x)), g * (1 - tanh(x) ** 2), x)


def test_nan_stays_and_scalars_are_arrays():
    x = np.array(np.nan, np.float32)
    for f in (lambda x: leaky_relu(x, 0.0), lambda x: leaky_relu(x, 0.2), sigmoid, softplus, tanh):
        assert isinstance(f(x), np.ndarray) and np.isnan(f(x))


def test_the_number_of_threads_changes_no_bit():
    x = np.random.default_rng(0).standard_normal((3, 70, 41, 50)).astype(np.float32)
    before = threads.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3):
            threads.set_num_threads(n)
            found.append([leaky_relu(x, 0.2), leaky_relu_vjp(x[::-1], x, 0.2), sigmoid(x), tanh_vjp(x, x)])
    finally:
        threads.set_num_threads(before)
    assert all(np.array_equal(a, b) for other in found[1:] for a, b in zip(found[0], other))


def test_inputs_in_different_memory_orders_match_by_position():
    rng = np.random.default_rng(1)
    g, y = rng.standard_normal((2, 5, 6, 4, 3))
    last = ORDERS["channels-last"](y)
    assert np.array_equal(leaky_relu_vjp(g, last, 0.2), leaky_relu_vjp(g, y, 0.2))
    g, y = rng.standard_normal((2, 3, 40, 60, 50))  # large enough to be walked in pieces
    last = ORDERS["channels-last"](y)
    assert np.array_equal(leaky_relu_vjp(g, last, 0.2), leaky_relu_vjp(g, y, 0.2))
    assert np.array_equal(leaky_relu_vjp(ORDERS["channels-last"](g), y, 0.2), leaky_relu_vjp(g, y, 0.2))
