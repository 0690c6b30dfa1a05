"""The op table on the strict stand-in for CuPy: no NumPy array meets a device array, and the host never waits."""

from dataclasses import replace

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.backend import device_of, to_device, to_numpy
from tinygan.tensor import Tensor
from tinygan.testing.samples import as_tensors, table

SAMPLES = [s for s in table() if s.name != "dropout"]  # a device draws other numbers: dropout has its own test
BY_OP = {}
for _s in SAMPLES:
    BY_OP.setdefault(_s.op, []).append(_s)
EACH = pytest.mark.parametrize("samples", list(BY_OP.values()), ids=list(BY_OP))


def moved(x):
    """Arguments with the index arrays among them on the device, where a user's would be."""
    if isinstance(x, np.ndarray):
        return to_device(x, "cuda")
    return type(x)([moved(v) for v in x]) if type(x) in (list, tuple) else x


def on_device(sample):
    """The sample with its constant arrays on the device."""
    return replace(sample, args=moved(sample.args))


def has_mask(x) -> bool:
    """Whether a boolean index is among the arguments: how many elements it picks is known to the device alone."""
    if isinstance(x, (list, tuple)):
        return any(map(has_mask, x))
    return isinstance(x, np.ndarray) and x.dtype == bool


def derivatives(sample, arrays) -> list:
    """Values, first gradients for random cotangents and second ones along random directions."""
    inputs = as_tensors(arrays, requires_grad=sample.differentiable)
    y = sample.f(*inputs)
    outputs = [y] if isinstance(y, Tensor) else list(y)
    if not sample.differentiable:
        return outputs
    rng = np.random.default_rng(5)

    def like(t):
        return Tensor(to_device(rng.standard_normal(t.shape).astype(t.dtype), t.device))
    floating = [t for t in outputs if t.dtype.kind == "f"]
    wanted = [x for x in inputs if x.requires_grad]
    weighted = sum(((t * t.detach()).sum() + (t * t * like(t)).sum() for t in floating), 0.0)
    first = tinygan.grad(weighted, wanted, create_graph=True, allow_unused=True)
    total = sum(((g * like(x)).sum() for g, x in zip(first, wanted) if g is not None), 0.0)
    second = tinygan.grad(total, wanted, allow_unused=True) if total.requires_grad else []
    return [*outputs, *first, *second]


@EACH
def test_values_and_derivatives_equal_the_cpus_without_a_synchronisation(samples, cupy_standin):
    for s in samples:
        arrays = s.arrays(memory="C")
        expected = derivatives(s, arrays)
        device, copies = on_device(s), [to_device(a, "cuda") for a in arrays]
        cupy_standin.counters.synchronizations = 0
        got = derivatives(device, copies)
        assert has_mask(s.args) or cupy_standin.counters.synchronizations == 0, s
        for y, e in zip(got, expected, strict=True):
            assert (y is None) == (e is None), s
            if y is None:
                continue
            assert y.device == "cuda" and y.dtype == e.dtype and y.shape == e.shape, s
            # other kernels add in another order: float64 sums of a few hundred terms
            np.testing.assert_allclose(to_numpy(y.data), e.numpy(), rtol=1e-10, atol=1e-11, err_msg=str(s))


@EACH
def test_float32_stays_float32_on_the_device(samples, cupy_standin):
    for s in samples:
        arrays = s.arrays(dtype=np.float32)
        expected = [t if t is None else t.dtype for t in derivatives(s, arrays)]
        got = derivatives(on_device(s), [to_device(a, "cuda") for a in arrays])
        assert [t if t is None else t.dtype for t in got] == expected, s


def test_dropout_on_the_device(cupy_standin):
    x = Tensor(to_device(np.ones((50, 40), np.float32), "cuda"), requires_grad=True)
    cupy_standin.counters.synchronizations = 0
    y = F.dropout(x, 0.25)
    (g,) = tinygan.grad(y.sum(), x)
    assert cupy_standin.counters.synchronizations == 0
    values = to_numpy(y.data)
    assert set(np.unique(values)) == {np.float32(0), np.float32(1 / 0.75)} and y.dtype == np.float32
    # 2,000 draws with probability 3/4: a standard deviation of 0.01, so 5 of them
    assert abs((values > 0).mean() - 0.75) < 0.05 and np.array_equal(to_numpy(g.data), values)


def test_tensors_travel_and_their_gradients_travel_back(cupy_standin):
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = x.to("cuda")
    assert y.device == "cuda" and y.to("cuda") is y
    z = (y * y * y).sum()
    (g,) = tinygan.grad(z, x, create_graph=True)
    assert device_of(g.data) == "cpu" and np.array_equal(g.numpy(), 3 * x.numpy() ** 2)
    (h,) = tinygan.grad(g.sum(), x)
    assert device_of(h.data) == "cpu" and np.array_equal(h.numpy(), 6 * x.numpy())
    back = y.to("cpu")
    assert back.device == "cpu" and np.array_equal(back.numpy(), x.numpy())
    assert np.array_equal(tinygan.grad(back.sum(), x)[0].numpy(), np.ones((2, 3)))


@pytest.mark.parametrize("mix", [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a @ b.T, lambda a, b: F.cat([a, b]),
    lambda a, b: F.maximum(a, b), lambda a, b: F.linear(a, b)])
def test_mixing_devices_raises(mix, cupy_standin):
    host = Tensor(np.ones((2, 3)))
    with pytest.raises(TypeError):
        mix(host, host.to("cuda"))
    with pytest.raises(TypeError):
        mix(host.to("cuda"), host)
