"""Normalisation and activations in CUDA, their sources run on the host: the plain formulas, accuracy, launches."""
import importlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygan.kernels import cpu, cuda, layout

pytestmark = pytest.mark.usefixtures("host_shim")
module = importlib.import_module("tinygan.kernels.cuda.normalize")  # of the name of its function
ONE_FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
EPS = 1e-5


def plain(x, scale, shift, axes):
    mean = x.mean(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(((x - mean) ** 2).mean(axis=axes, keepdims=True) + EPS)
    y = (x - mean) * rstd
    y = y if scale is None else y * scale
    return (y if shift is None else y + shift), mean, rstd


def plain_vjp(g, x, scale, mean, rstd, axes, needs):
    xhat, h = (x - mean) * rstd, g if scale is None else g * scale
    gx = rstd * (h - h.mean(axis=axes, keepdims=True) - xhat * (h * xhat).mean(axis=axes, keepdims=True))
    over = () if scale is None else tuple(i for i, n in enumerate(scale.shape) if n == 1)
    return (gx if needs[0] else None, (g * xhat).sum(axis=over, keepdims=True) if needs[1] else None,
            g.sum(axis=over, keepdims=True) if needs[2] else None)


def last(x):
    """The same numbers in channels-last memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


@st.composite
def problems(draw):
    """(x, g, scale, shift, axes, needs): any axes, any memory order, scale and shift along any axes or absent."""
    ndim = draw(st.integers(1, 5))
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=ndim, max_size=ndim)))
    axes = tuple(draw(st.lists(st.integers(0, ndim - 1), min_size=1, max_size=ndim, unique=True)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))

    def ordered(value):
        order = draw(st.permutations(range(ndim)))
        return np.ascontiguousarray(value.transpose(order)).transpose(np.argsort(order)).astype(dtype)

    x, g = [ordered(value) for value in rng.standard_normal((2, *shape))]
    kept = draw(st.lists(st.booleans(), min_size=ndim, max_size=ndim))
    affine = rng.standard_normal((2, *[n if keep else 1 for n, keep in zip(shape, kept)])).astype(dtype)
    scale, shift = [value if draw(st.booleans()) else None for value in affine]
    needs = tuple(draw(st.booleans()) and (i == 0 or scale is not None) for i in range(3))
    return x, g, scale, shift, axes, needs


def check(cupy, x, g, scale, shift, axes, needs, tolerance):
    """Assert that the kernels give the plain formulas, evaluated in float64, and leave their inputs alone."""
    sent = [None if value is None else cupy.asarray(value) for value in (x, g, scale, shift)]
    cupy.counters.reset()
    y, mean, rstd = cuda.normalize(sent[0], *sent[2:], axes, EPS)
    grads = cuda.normalize_vjp(sent[1], sent[0], sent[2], mean, rstd, axes, needs)
    assert cupy.counters.synchronizations == cupy.counters.transfers == 0
    wide = [None if value is None else value.astype(np.float64) for value in (x, g, scale, shift)]
    expected = plain(wide[0], *wide[2:], axes)
    expected += plain_vjp(wide[1], wide[0], wide[2], *expected[1:], axes, needs)
    for got, want in zip((y, mean, rstd, *grads), expected, strict=True):
        assert (got is None) == (want is None)
        if want is not None:
            assert got.shape == want.shape and got.dtype == x.dtype
            np.testing.assert_allclose(got.get(), want, rtol=0, atol=tolerance * max(1, np.abs(want).max()))
    for before, after in zip((x, g, scale, shift), sent):
        assert before is None or (after.get() == before).all()


@settings(max_examples=150, suppress_health_check=ONE_FIXTURE)
@given(problem=problems(), rows=st.integers(1, 4))
def test_any_axes_in_any_memory_order(cupy_standin, problem, rows):
    x, *_, axes, _ = problem
    lanes, least = module.LANES, module.ROWS
    module.LANES, module.ROWS = 1, rows  # pieces of a few rows each
    try:
        # Numbers of size 1; rstd reaches 316 where two values happen to lie close, and multiplies the roundings, some
        # tens of them (three such factors in gx); alone behind its mean a number is all rounding.
        tolerance = 3000 if np.prod([x.shape[axis] for axis in axes]) > 2 else 3e5
        check(cupy_standin, *problem, tolerance * np.finfo(x.dtype).eps)
    finally:
        module.LANES, module.ROWS = lanes, least


LAYERS = {  # shape, axes, shape of the scale, launches forward, launches of the vjp
    "batch": ((6, 5, 21, 20), (0, 2, 3), (1, 5, 1, 1), 2, 2),
    "batch of vectors": ((40, 70), (0,), (1, 70), 1, 2),
    "batch, one channel": ((6, 1, 40, 40), (0, 2, 3), (1, 1, 1, 1), 2, 2),
    "batch, no scale": ((6, 5, 21, 20), (0, 2, 3), None, 2, 2),
    "instance": ((5, 40, 6, 6), (2, 3), (1, 40, 1, 1), 1, 2),
    "instance, no scale": ((5, 40, 6, 6), (2, 3), None, 1, 1),
    "instance, a style each": ((5, 40, 6, 6), (2, 3), (5, 40, 1, 1), 1, 2),
    "group": ((3, 4, 10, 7, 7), (2, 3, 4), (1, 4, 10, 1, 1), 2, 2),
    "layer": ((9, 300), (1,), (1, 300), 1, 3),
    "layer over images": ((3, 5, 9, 9), (1, 2, 3), (1, 5, 9, 9), 1, 3),
    "layer, long rows": ((2, 40000), (1,), (1, 40000), 2, 4),
}


@pytest.mark.parametrize("name", LAYERS)
def test_what_layers_ask_for_takes_few_launches(cupy_standin, launches, name):
    shape, axes, affine, forward, backward = LAYERS[name]
    rng = np.random.default_rng(0)
    x, g = [last(value.astype(np.float32)) if name[:5] != "layer" else value.astype(np.float32)
            for value in rng.standard_normal((2, *shape)) + 1]
    if name == "group":  # as the layer splits the channels of an image
        x, g = [last(value.reshape(3, 40, 7, 7)).reshape(shape) for value in (x, g)]
    scale, shift = [None] * 2 if affine is None else rng.standard_normal((2, *affine)).astype(np.float32)
    copies = layout.copies
    # sums of up to 40,000 numbers of size 1 in runs of 64: some tens of roundings of each run's sum of size 8
    check(cupy_standin, x, g, scale, shift, axes, (True, affine is not None, affine is not None), 2e-5)
    assert layout.copies == copies and len(launches) == forward + backward, launches


@pytest.mark.parametrize("shape, axes", [((64, 8, 16, 16), (0, 2, 3)), ((16, 2048), (1,)), ((8, 4, 32, 32), (2, 3)),
                                         ((8, 2, 2, 32, 32), (2, 3, 4))])
def test_the_variance_survives_a_mean_a_thousand_times_larger(cupy_standin, shape, axes):
    x = (np.random.default_rng(0).standard_normal(shape) + 1000).astype(np.float32)
    y, mean, rstd = cuda.normalize(cupy_standin.asarray(x), None, None, axes, EPS)
    exact = plain(x.astype(np.float64), None, None, axes)
    # the result of the kernels for NumPy: E x^2 - (E x)^2 in float32 would err by 1e6 * 6e-8 = 6 %
    np.testing.assert_allclose(rstd.get(), exact[2], rtol=1e-6)
    np.testing.assert_allclose(mean.get(), exact[1], rtol=1e-7)
    # and y knows the mean better than a float32 near 1000 does, which is off by up to 3e-5
    np.testing.assert_allclose(y.get(), exact[0], atol=3e-6)


def test_the_first_image_may_be_far_from_all_others(cupy_standin):
    x = np.random.default_rng(0).standard_normal((65, 4, 16, 16)).astype(np.float32)
    x[0] += 1000
    exact = plain(x.astype(np.float64), None, None, (0, 2, 3))
    _, mean, rstd = cuda.normalize(cupy_standin.asarray(x), None, None, (0, 2, 3), EPS)
    np.testing.assert_allclose(rstd.get(), exact[2], rtol=1e-6)
    np.testing.assert_allclose(mean.get(), exact[1], rtol=1e-6)


def test_a_constant_channel_becomes_its_shift_and_nan_stays_where_it_is(cupy_standin):
    x = np.full((8, 3, 4, 4), 7.3, np.float32)
    x[0, 2, 0, 0] = np.nan
    scale, shift = cupy_standin.full((2, 1, 3, 1, 1), 0.5, np.float32)
    y, mean, rstd = cuda.normalize(cupy_standin.asarray(x), scale, shift, (0, 2, 3), EPS)
    # the mean of equal numbers is that number, to the last bit
    np.testing.assert_array_equal(y.get()[:, :2], 0.5)
    np.testing.assert_allclose(rstd.get()[:, :2], EPS ** -0.5, rtol=1e-6)
    assert np.isnan(y.get()[:, 2]).all() and np.isnan(mean.get()[:, 2]).all()


@pytest.mark.parametrize("name", ["batch", "instance", "group", "layer"])
def test_the_number_of_threads_changes_no_bit(cupy_standin, host_shim, name):
    shape, axes, affine, *_ = LAYERS[name]
    rng = np.random.default_rng(0)
    x, g = [cupy_standin.asarray(value) for value in rng.standard_normal((2, *shape)).astype(np.float32)]
    scale, shift = [cupy_standin.asarray(value) for value in rng.standard_normal((2, *affine)).astype(np.float32)]
    results = []
    for threads in (1, 6, 32):
        with host_shim.several(threads):
            forward = cuda.normalize(x, scale, shift, axes, EPS)
            results.append(forward + cuda.normalize_vjp(g, x, scale, *forward[1:], axes, (True, True, True)))
    for one, *others in zip(*results, strict=True):
        for other in others:
            np.testing.assert_array_equal(one.get(), other.get())


@settings(max_examples=40, suppress_health_check=ONE_FIXTURE)
@given(channels=st.integers(1, 9), batches=st.integers(0, 50), count=st.integers(0, 99), seed=st.integers(0, 99),
       momentum=st.sampled_from([None, 0.0, 0.1, 1.0]), dtype=st.sampled_from([np.float32, np.float64]))
def test_running_moments_have_the_bits_of_the_cpu(cupy_standin, launches, channels, batches, count, seed, momentum,
                                                  dtype):
    arrays = [*np.random.default_rng(seed).random((4, channels)).astype(dtype)]
    arrays[3] *= 400  # some variances fall below eps, to 0
    arrays.insert(2, np.array(batches))
    launches.clear()
    there = cuda.running_moments(*map(cupy_standin.asarray, arrays), count, EPS, momentum)
    assert launches == ["running_moments"]
    for got, want in zip(there, cpu.running_moments(*arrays, count, EPS, momentum), strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_array_equal(got.get(), want)


@settings(max_examples=40, suppress_health_check=ONE_FIXTURE)
@given(shape=st.lists(st.integers(0, 6), max_size=4).map(tuple), seed=st.integers(0, 99), threads=st.integers(1, 3),
       dtype=st.sampled_from([np.float32, np.float64]), slope=st.sampled_from([0.0, 0.01, 0.2, 1.0, 1.5]))
def test_activations_are_those_of_the_cpu(cupy_standin, host_shim, launches, shape, seed, threads, dtype, slope):
    rng = np.random.default_rng(seed)
    g, x = (np.asarray(rng.standard_normal(shape) * 3, dtype) for _ in range(2))
    if x.ndim > 1 and seed % 2:
        x = np.ascontiguousarray(x.T).T  # then g has another memory order
    for name, *numbers in (("leaky_relu", slope), ("sigmoid",), ("softplus",), ("tanh",)):
        for kernel, arrays in ((name, (x,)), (name + "_vjp", (g, x)))[:1 if name == "softplus" else 2]:
            launches.clear()
            with host_shim.several(threads):
                there = getattr(cuda, kernel)(*map(cupy_standin.asarray, arrays), *numbers)
            here = getattr(cpu, kernel)(*arrays, *numbers)
            assert there.shape == here.shape and there.dtype == dtype and len(launches) == bool(x.size)
            # exp and tanh of two libraries differ by a few roundings; 1 - y^2 may be one rounding or two, of y^2 < 200
            roundings = np.finfo(dtype).tiny if kernel == name else 200 * np.abs(g).max(initial=0) * np.finfo(dtype).eps
            np.testing.assert_allclose(there.get(), here, rtol=8 * np.finfo(dtype).eps, atol=roundings)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_at_the_ends_of_the_numbers(cupy_standin, dtype):
    x = cupy_standin.asarray(np.array([-np.inf, -1e30, -0.0, 0.0, 1e30, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(cuda.leaky_relu(x, 0.0).get(), np.array([0, 0, 0, 0, 1e30, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(cuda.sigmoid(x).get(), [0, 0, 0.5, 0.5, 1, 1, np.nan])
    np.testing.assert_allclose(cuda.softplus(x).get(), np.array([0, 0, *[np.log(2)] * 2, 1e30, np.inf, np.nan], dtype),
                               rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(cuda.tanh(x).get(), [-1, -1, 0, 0, 1, 1, np.nan])
