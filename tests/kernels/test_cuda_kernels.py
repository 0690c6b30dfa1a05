"""The kernels for CuPy arrays, through the strict stand-in: equal to the CPU kernels, never waiting."""
import inspect

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygan import backend
from tinygan.kernels import cpu, cuda, kernels_for
from tinygan.kernels.windows import output_size

pytestmark = pytest.mark.usefixtures("host_shim")

# The fixture need not start afresh for every example: `both` sets its counters back.
ONE_FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
# Both sides sum at most some thousand products of numbers of size 1: errors below 4,500 roundings of such a number.
ROUNDINGS = 4500


def same(on_device, on_host):
    """Assert equal values, dtype and shape."""
    there = backend.to_numpy(on_device)
    assert there.shape == on_host.shape and there.dtype == on_host.dtype
    tolerance = ROUNDINGS * np.finfo(on_host.dtype).eps if on_host.dtype.kind == "f" else 0
    np.testing.assert_allclose(there, on_host, rtol=tolerance, atol=tolerance)


def both(name, standin, *args):
    """Run kernel ``name`` on the CPU and through the stand-in, and assert that they agree without a wait."""
    def send(value):
        return standin.asarray(value) if isinstance(value, np.ndarray) else value
    sent = [send(value) for value in args]
    standin.counters.reset()
    on_device = getattr(cuda, name)(*sent)
    assert standin.counters.synchronizations == standin.counters.transfers == 0
    on_host = getattr(cpu, name)(*args)
    if not isinstance(on_host, tuple):
        on_device, on_host = (on_device,), (on_host,)
    for there, here in zip(on_device, on_host, strict=True):
        assert (there is None) == (here is None)
        if here is not None:
            same(there, here)
    return on_device


@st.composite
def windows(draw, largest_dilation=3):
    """(size, kernel, stride, padding, dilation) in 1 to 3 dimensions, with at least one output."""
    dims = draw(st.integers(1, 3))
    kernel, stride, dilation = (tuple(draw(st.integers(1, n)) for _ in range(dims)) for n in (3, 3, largest_dilation))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = tuple(draw(st.integers(max(1, d * (k - 1) + 1 - p), 8)) for k, d, p in zip(kernel, dilation, padding))
    return size, kernel, stride, padding, dilation


def test_both_devices_offer_the_same_names_and_signatures():
    assert sorted(cpu.__all__) == sorted(cuda.__all__)
    for name in cpu.__all__:
        assert inspect.signature(getattr(cpu, name)) == inspect.signature(getattr(cuda, name)), name


def test_kernels_for_chooses_by_the_array(cupy_standin):
    assert kernels_for(np.zeros(1)) is cpu
    assert kernels_for(cupy_standin.zeros(1)) is cuda


def without_order(x):
    """The same numbers as a view whose memory is in nobody's order: every other number of a larger array, reversed."""
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    view = wide[..., ::-2]
    view[...] = x
    return view


@settings(max_examples=80, suppress_health_check=ONE_FIXTURE)
@given(geometry=windows(), groups=st.integers(1, 3), batch=st.integers(0, 3), per_group=st.sampled_from([1, 2, 4, 12]),
       outputs=st.sampled_from([1, 2, 9]), ordered=st.booleans(), dtype=st.sampled_from([np.float32, np.float64]),
       seed=st.integers(0, 99))
def test_convolution(geometry, groups, batch, per_group, outputs, ordered, dtype, seed, cupy_standin):
    size, kernel, stride, padding, dilation = geometry
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, groups * per_group, *size)).astype(dtype)
    w = rng.standard_normal((groups * outputs, per_group, *kernel)).astype(dtype)
    out = output_size(size, kernel, stride, padding, dilation)
    g = rng.standard_normal((batch, groups * outputs, *out)).astype(dtype)
    x, w, g = (x, w, g) if ordered else map(without_order, (x, w, g))
    rest = (stride, padding, dilation, groups)
    y, = both("correlate", cupy_standin, x, w, *rest)
    gx, = both("correlate_transpose", cupy_standin, g, w, size, *rest)
    gw, = both("correlate_weight", cupy_standin, x, g, kernel, *rest)
    assert y.transpose(0, *range(2, y.ndim), 1).flags.c_contiguous
    assert gx.transpose(0, *range(2, gx.ndim), 1).flags.c_contiguous
    assert gw.flags.c_contiguous


@pytest.mark.parametrize("size, kernel, groups", [
    ((5, 4), (1, 1), 1), ((5, 4), (1, 1), 2),    # the columns are the image
    ((3, 4), (3, 4), 1), ((3, 4), (3, 4), 2),    # a whole image is one row of columns
    ((6,), (3,), 4), ((6, 5, 4), (2, 1, 3), 1), ((9, 9), (4, 4), 1)])
def test_convolution_with_wide_positions(cupy_standin, monkeypatch, size, kernel, groups):
    monkeypatch.setattr("tinygan.kernels.cuda.launch.NARROW", 0)  # 64-bit positions, as beyond 2^30 elements
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 16 * groups, *size)), rng.standard_normal((4 * groups, 16, *kernel))
    ones, zeros = (1,) * len(size), (0,) * len(size)
    y, = both("correlate", cupy_standin, x, w, ones, zeros, ones, groups)
    g = rng.standard_normal(y.shape)
    both("correlate_transpose", cupy_standin, g, w, size, ones, zeros, ones, groups)
    both("correlate_weight", cupy_standin, x, g, kernel, ones, zeros, ones, groups)


@pytest.mark.parametrize("per_group", [3, 9, 12])  # a kernel of its own; columns by single numbers, and in lanes
def test_threads_share_the_work(cupy_standin, host_shim, per_group):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 2 * per_group, 7, 6)), rng.standard_normal((2 * per_group, per_group, 3, 2))
    rest = ((2, 1), (1, 1), (1, 2), 2)
    with host_shim.several(3):
        y, = both("correlate", cupy_standin, x, w, *rest)
        g = rng.standard_normal(y.shape)
        both("correlate_transpose", cupy_standin, g, w, (7, 6), *rest)
        both("correlate_weight", cupy_standin, x, g, (3, 2), *rest)
        both("max_pool_indices", cupy_standin, x, (2, 3), (1, 2), (1, 0), (2, 1))
        y, = both("window_sum", cupy_standin, x, (2, 3), (1, 2), (1, 0))
        both("window_sum_transpose", cupy_standin, rng.standard_normal(y.shape), (7, 6), (2, 3), (1, 2), (1, 0))


def test_convolution_in_blocks_is_the_same(cupy_standin, monkeypatch):
    monkeypatch.setattr("tinygan.kernels.cuda.conv.COLUMN_BYTES", 1)  # one image at a time
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((3, 24, 6, 5)), rng.standard_normal((6, 12, 3, 2))
    rest = ((2, 1), (1, 1), (1, 2), 2)
    y, = both("correlate", cupy_standin, x, w, *rest)
    g = rng.standard_normal(y.shape)
    both("correlate_transpose", cupy_standin, g, w, (6, 5), *rest)
    both("correlate_weight", cupy_standin, x, g, (3, 2), *rest)


@settings(max_examples=60, suppress_health_check=ONE_FIXTURE)
@given(geometry=windows(), batch=st.integers(0, 2), seed=st.integers(0, 99),
       dtype=st.sampled_from([np.float32, np.float64, np.int64]))
def test_pooling(geometry, batch, seed, dtype, cupy_standin):
    size, kernel, stride, padding, dilation = geometry
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (batch, 3, *size)).astype(dtype)  # few values: many ties
    if dtype is not np.int64:
        x[rng.random(x.shape) < 0.1] = rng.choice([np.nan, -np.inf])
    both("max_pool_indices", cupy_standin, x, kernel, stride, padding, dilation)
    both("max_pool", cupy_standin, x, kernel, stride, padding, dilation)
    ones = (1,) * len(size)
    if all(n + 2 * p >= k for n, p, k in zip(size, padding, kernel)):
        x = (8 * rng.standard_normal(x.shape)).astype(dtype)
        both("window_sum", cupy_standin, without_order(x), kernel, stride, padding)
        g = (8 * rng.standard_normal((batch, 3, *output_size(size, kernel, stride, padding, ones)))).astype(dtype)
        both("window_sum_transpose", cupy_standin, g, size, kernel, stride, padding)


@pytest.mark.parametrize("shape, axes, affine", [
    ((4, 3), (0,), (1, 3)), ((4, 3), (1,), (1, 3)), ((4, 3, 5), (0, 2), (1, 3, 1)),
    ((4, 3, 5, 2), (0, 2, 3), (1, 3, 1, 1)),
    ((4, 3, 5, 2), (2, 3), (1, 3, 1, 1)), ((4, 3, 5, 2), (2, 3), (4, 3, 1, 1)), ((4, 3, 5, 2), (1, 2, 3), (1, 3, 5, 2)),
    ((4, 2, 3, 5, 2), (2, 3, 4), (1, 2, 3, 1, 1)), ((4, 3, 5), (-1,), (1, 1, 5)),
    ((0, 3, 5, 2), (0, 2, 3), (1, 3, 1, 1)),
    ((4, 3, 5, 2), (2, 3), None),
])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalisation(cupy_standin, shape, axes, affine, dtype):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape).astype(dtype)
    scale, shift = (None, None) if affine is None else rng.standard_normal((2, *affine)).astype(dtype)
    send = lambda value: None if value is None else cupy_standin.asarray(value)  # noqa: E731
    device = [send(value) for value in (x, scale, shift, g)]
    y, mean, rstd = cuda.normalize(*device[:3], axes, 1e-5)
    needs = (True, affine is not None, affine is not None)
    grads = cuda.normalize_vjp(device[3], device[0], device[1], mean, rstd, axes, needs)
    assert cupy_standin.counters.synchronizations == 0
    host = cpu.normalize(x, scale, shift, axes, 1e-5)
    host += cpu.normalize_vjp(g, x, scale, *host[1:], axes, needs)
    # sums of at most 120 numbers of size 1, divided by a standard deviation that is not small
    tolerance = 300 * np.finfo(dtype).eps
    for there, here in zip((y, mean, rstd, *grads), host, strict=True):
        assert (there is None) == (here is None)
        if here is not None:
            assert there.shape == here.shape and there.dtype == here.dtype == dtype
            np.testing.assert_allclose(there.get(), here, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name, moments, rest", [
    ("sgd_step", 1, (0.1, 0.9, 0.2, 0.01, True, False)),
    ("sgd_step", 1, (0.1, 0.9, 0.0, 0.0, False, True)),
    ("sgd_step", 1, (0.1, 0.0, 0.0, 0.0, False, False)),
    ("rmsprop_step", 3, (0.1, 0.9, 1e-8, 0.01, 0.9, True)),
    ("rmsprop_step", 3, (0.1, 0.9, 1e-8, 0.0, 0.0, False)),
    ("adam_step", 2, (0.1, 0.9, 0.99, 1e-8, 0.01, 3)),
    ("adam_step", 2, (0.1, 0.4, 0.99, 1e-8, 0.0, 1)),
    ("adamw_step", 2, (0.1, 0.9, 0.99, 1e-8, 0.01, 3)),
    ("adagrad_step", 1, (0.1, 0.3, 1e-8, 0.01, 3)),
    ("adagrad_step", 1, (0.1, 0.0, 1e-8, 0.0, 1)),
])
def test_optimiser_steps(cupy_standin, name, moments, rest):
    rng = np.random.default_rng(0)
    host = [rng.random((3, 5), dtype=np.float32) for _ in range(2 + moments)]
    if name == "rmsprop_step":
        host[2] += 2  # above grad_avg squared, as it always is
    device = [cupy_standin.asarray(value) for value in host]
    getattr(cuda, name)(*device, *rest)
    assert cupy_standin.counters.synchronizations == 0
    getattr(cpu, name)(*host, *rest)
    for there, here in zip(device, host, strict=True):
        assert there.dtype == np.float32
        # the same operations in the same order, on the same numbers
        np.testing.assert_array_equal(there.get(), here)


@pytest.mark.parametrize("a, b", [((3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((2, 3, 4), (4, 5)), ((2, 0, 4), (4, 5)),
                                  ((0, 4), (4, 5)), ((3, 0), (0, 2))])
def test_matmul(cupy_standin, a, b):
    rng = np.random.default_rng(0)
    both("matmul", cupy_standin, rng.standard_normal(a), rng.standard_normal(b))


@pytest.mark.parametrize("shape", [(), (0, 3), (4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("slope", [0.0, 0.2, 1.5])
def test_activations(cupy_standin, shape, slope):
    rng = np.random.default_rng(0)
    x, g = (np.asarray(rng.standard_normal(shape)) for _ in range(2))
    if x.ndim == 4:
        x = np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    both("leaky_relu", cupy_standin, x, slope)
    both("leaky_relu_vjp", cupy_standin, g, x, slope)
    for name in ("sigmoid", "tanh"):
        both(name, cupy_standin, x)
        both(name + "_vjp", cupy_standin, g, x)


@pytest.mark.parametrize("shape", [(2, 3, 4), (0, 3, 4, 5), (2, 3, 4, 5)])
def test_bias(cupy_standin, shape):
    rng = np.random.default_rng(0)
    g, b = rng.standard_normal(shape), rng.standard_normal(3)
    both("channel_sum", cupy_standin, g)
    last = np.moveaxis(np.moveaxis(g, 1, -1).copy(), -1, 1)
    sent = backend.to_device(last, "cuda")
    cuda.add_bias(sent, backend.to_device(b, "cuda"))
    cpu.add_bias(last, b)
    same(sent, last)


@pytest.mark.parametrize("shape", [(40, 3, 9, 7), (3, 70, 2, 2), (700, 50), (2, 1, 5)])
def test_channel_sums_in_parts_by_threads_that_meet(cupy_standin, host_shim, monkeypatch, shape):
    monkeypatch.setattr("tinygan.kernels.cuda.bias.PART", 128)
    g = np.moveaxis(np.random.default_rng(0).standard_normal((shape[0], *shape[2:], shape[1])), -1, 1)
    for threads in (1, 5, 33):
        with host_shim.several(threads):
            both("channel_sum", cupy_standin, g)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape, index, values", [
    ((5, 3), (np.array([4, 0, 4, 4, -1, 0]),), (6, 3)),
    ((5, 3), (np.array([4, 0, 4, 4, 1, 0]),), (3,)),  # broadcast
    ((4, 5, 6), (slice(None), np.array([[1, 1], [2, 1]]), slice(1, 3)), (4, 2, 2, 2)),
    ((2, 7), (np.zeros((50, 1), np.int64), np.array([0, 3, 3])), (50, 3)),
    ((3, 2), (np.zeros(0, np.int64),), (0, 2)),
])
def test_values_add_up_at_positions_in_order(cupy_standin, host_shim, dtype, shape, index, values):
    rng = np.random.default_rng(0)
    host, values = rng.standard_normal(shape).astype(dtype), rng.standard_normal(values).astype(dtype)
    there = cupy_standin.asarray(host)
    sent = [tuple(cupy_standin.asarray(i) if isinstance(i, np.ndarray) else i for i in index),
            cupy_standin.asarray(values)]
    cupy_standin.counters.reset()
    with host_shim.several(2):
        cuda.add_at(there, *sent)
    assert cupy_standin.counters.synchronizations == cupy_standin.counters.transfers == 0
    cpu.add_at(host, index, values)
    np.testing.assert_array_equal(there.get(), host)  # the same additions in the same order
