"""float32 stays float32, Python numbers are weak, mixed floats raise (DESIGN 2.7)."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F


def pair(dtype):
    rng = np.random.default_rng(0)
    return [tinygan.tensor(rng.standard_normal(3), dtype=dtype, requires_grad=True) for _ in range(2)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", [
    lambda a, b: a * 2 + 1.5, lambda a, b: 3 / (a * a + 1), lambda a, b: 1 - a, lambda a, b: a ** 2 + abs(b) ** 0.5,
    lambda a, b: 2.0 ** a, lambda a, b: a * np.float64(2.5), lambda a, b: a.mean() + b.var(), lambda a, b: a.sum(),
    lambda a, b: F.where(a > 0, a, 0.0), lambda a, b: a.clamp(-1, 1), lambda a, b: F.maximum(a, 0.5),
    lambda a, b: a * tinygan.tensor([1, 2, 3]), lambda a, b: a * (b > 0), lambda a, b: a.amax() - b.logsumexp(0)])
def test_values_and_gradients_keep_the_dtype(dtype, f):
    a, b = pair(dtype)
    y = f(a, b)
    assert y.dtype == dtype
    for g in tinygan.grad(y.sum(), [a, b], allow_unused=True, create_graph=True):
        assert g is None or g.dtype == dtype


def test_python_floats_become_float32_and_arrays_keep_their_dtype():
    assert tinygan.tensor([1.0, 2.0]).dtype == np.float32
    assert tinygan.tensor(1.5).dtype == np.float32
    assert tinygan.tensor(np.ones(2)).dtype == np.float64
    assert tinygan.tensor([1, 2]).dtype == np.int64


@pytest.mark.parametrize("f", [lambda a, b: a + b, lambda a, b: b * a, lambda a, b: F.maximum(a, b),
                               lambda a, b: a.reshape((1, 3)) @ b.reshape((3, 1)), lambda a, b: F.cat([a, b])])
def test_two_floating_dtypes_raise(f):
    with pytest.raises(TypeError, match="one floating dtype, got float(32|64) and float(32|64)"):
        f(pair(np.float32)[0], pair(np.float64)[0])


@pytest.mark.parametrize("f", [lambda a, x: a * x, lambda a, x: x * a, lambda a, x: a + x, lambda a, x: x - a,
                               lambda a, x: a / x])
def test_numpy_arrays_and_foreign_numpy_scalars_are_refused(f):
    a = pair(np.float32)[0]
    with pytest.raises(TypeError, match="expected a Tensor or a Python number, got ndarray"):
        f(a, np.ones(3))
    with pytest.raises(TypeError, match="got float32"):
        f(a, np.float32(2))


def test_results_without_dimensions_are_arrays():
    a, b = pair(np.float32)
    for y in (a.sum(), a.sum() * b.sum(), a[0], -a[0], a.mean(), a.sum().exp()):
        assert type(y.data) is np.ndarray and y.shape == ()


def test_cast_is_differentiable_and_brings_the_gradient_back():
    a = pair(np.float32)[0]
    (g,) = tinygan.grad((a.double() * 2.0).sum(), a)
    assert g.dtype == np.float32 and (g.numpy() == 2).all()


def test_integers_and_booleans_among_themselves_promote_as_in_numpy():
    i, b = tinygan.tensor([1, 2]), tinygan.tensor([True, False])
    assert (i + b).tolist() == [2, 2] and (i * i).dtype == np.int64 and not (i + b).requires_grad


def test_comparisons_are_boolean_and_carry_no_gradient():
    a, b = pair(np.float32)
    assert (a > b).dtype == bool and not (a == b).requires_grad and (a != a).tolist() == [False] * 3
