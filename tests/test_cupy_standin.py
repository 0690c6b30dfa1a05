"""The stand-in for CuPy refuses what CuPy refuses, counts what makes the host wait, and else computes as NumPy does."""
import inspect
import operator
import sys

import numpy as np
import pytest

from tinygan import backend

pytestmark = pytest.mark.standin

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul, operator.lt,
          operator.eq]


def pair(cupy):
    host = np.arange(1.0, 10.0, dtype=np.float32).reshape(3, 3)
    return host, cupy.asarray(host)


@pytest.mark.parametrize("operation", BINARY)
def test_mixing_with_a_numpy_array_raises(cupy_standin, operation):
    host, x = pair(cupy_standin)
    for a, b in ((x, host), (host, x)):
        with pytest.raises(TypeError):
            operation(a, b)


@pytest.mark.parametrize("attempt", [
    lambda cupy, host, x: np.asarray(x),
    lambda cupy, host, x: np.add(host, x),
    lambda cupy, host, x: np.concatenate([host, x]),
    lambda cupy, host, x: np.copyto(host, x),
    lambda cupy, host, x: cupy.maximum(x, host),
    lambda cupy, host, x: cupy.concatenate([x, host]),
    lambda cupy, host, x: cupy.add(x, x, out=host),
    lambda cupy, host, x: x.__iadd__(host),
    lambda cupy, host, x: x.__setitem__(0, host[0]),
    lambda cupy, host, x: x[np.array([0, 1])],
    lambda cupy, host, x: x[[0, 1]],
    lambda cupy, host, x: host[x.astype(np.int64)],
    lambda cupy, host, x: x.sum(where=x > 1),
    lambda cupy, host, x: cupy.sum(x, initial=1),
    lambda cupy, host, x: cupy.exp(x, where=x > 1),
    lambda cupy, host, x: np.add.at(x, 0, 1.0),
    lambda cupy, host, x: np.add.reduce(x),
    lambda cupy, host, x: np.apply_along_axis(np.sum, 0, x),
    lambda cupy, host, x: range(x[0, 0]),
    lambda cupy, host, x: {x},
    lambda cupy, host, x: cupy.random.Generator(np.random.Philox(0)),
])
def test_what_cupy_refuses_raises_type_error(cupy_standin, attempt):
    with pytest.raises(TypeError):
        attempt(cupy_standin, *pair(cupy_standin))


@pytest.mark.parametrize("name", ["ElementwiseKernel", "errstate", "insert", "testing", "vecdot", "ma",
                                  "einsum_path", "frompyfunc"])
def test_other_names_are_absent(cupy_standin, name):
    with pytest.raises(AttributeError):
        getattr(cupy_standin, name)


def test_only_some_ufuncs_have_methods(cupy_standin):
    _, x = pair(cupy_standin)
    cupy_standin.add.at(x, (0, 0), 2.0)
    assert x.get()[0, 0] == 3.0
    with pytest.raises(NotImplementedError):
        cupy_standin.multiply.at(x, (0, 0), 2.0)
    with pytest.raises(NotImplementedError):
        cupy_standin.maximum.reduce(x)
    with pytest.raises(AttributeError):
        x.flags.writeable


@pytest.mark.parametrize("wait", [
    lambda cupy, x: float(x[0, 0]),
    lambda cupy, x: int(x[0, 0]),
    lambda cupy, x: bool(x[0, 0]),
    lambda cupy, x: x[0, 0].item(),
    lambda cupy, x: x.tolist(),
    lambda cupy, x: x.get(),
    lambda cupy, x: cupy.asnumpy(x),
    lambda cupy, x: x[x > 1],
    lambda cupy, x: cupy.nonzero(x),
    lambda cupy, x: str(x),
    lambda cupy, x: f"{x}",
    lambda cupy, x: 1 if x[0, 0] > 2 else 0,
    lambda cupy, x: max(x[0]),
])
def test_waiting_for_the_device_is_counted(cupy_standin, wait):
    _, x = pair(cupy_standin)
    assert cupy_standin.counters.synchronizations == 0
    wait(cupy_standin, x)
    assert cupy_standin.counters.synchronizations >= 1


def test_ordinary_code_computes_as_numpy_does_and_never_waits(cupy_standin):
    def compute(xp, x):
        y = (2 - x) / 3 + np.float32(2) * x ** 2 @ x.T
        y -= x.mean(axis=0, keepdims=True)
        y[1:, ::2] = xp.where(y[1:, ::2] > 0, 1.0, y[1:, ::2])
        y[0, 0] += 5
        xp.exp(-abs(y), out=y)
        index = xp.argmax(y, axis=1)
        picked = y[xp.arange(3), index]
        rest = xp.concatenate([xp.moveaxis(y, 0, 1).reshape(-1), picked.astype(np.float32), xp.zeros(2, np.float32)])
        windows = xp.lib.stride_tricks.as_strided(rest, (7, 3), (rest.strides[0], rest.strides[0]))
        return xp.stack([windows.sum(axis=0), xp.maximum(windows, 0.5).max(axis=0), xp.add.reduce(windows)])
    host, x = pair(cupy_standin)
    result = compute(cupy_standin, x)
    assert isinstance(result, cupy_standin.ndarray) and isinstance(result[0, 0], cupy_standin.ndarray)
    assert cupy_standin.counters.synchronizations == 0
    expected = compute(np, host)
    assert result.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(result.get(), expected)


def test_elementwise_results_are_c_ordered_and_views_share_memory(cupy_standin):
    x = cupy_standin.asarray(np.ones((2, 3, 4))).transpose(0, 2, 1)
    assert not x.flags.c_contiguous
    assert (x + x).flags.c_contiguous and cupy_standin.exp(x).flags.c_contiguous
    x[0] = 7
    x[1, 2].fill(3)
    x[1, 1, 1] *= 2
    assert x.T.get()[1, 1, 1] == 2 and x.get().sum() == 12 * 7 + 9 + 9 + 1


def test_a_transfer_copies_and_is_counted(cupy_standin):
    host, x = pair(cupy_standin)
    host[...] = 0
    assert cupy_standin.counters.transfers == 1
    assert x.get().min() == 1 and cupy_standin.asarray(x) is x


def test_the_generator_is_seeded_and_lacks_what_cupys_lacks(cupy_standin):
    make = lambda seed: cupy_standin.random.Generator(cupy_standin.random.Philox4x3210(seed))  # noqa: E731
    first, again, other = (make(seed).standard_normal((2, 5), dtype=np.float32).get() for seed in (3, 3, 4))
    assert first.dtype == np.float32 and (first == again).all() and (first != other).any()
    assert not hasattr(make(0), "permutation") and not hasattr(make(0), "normal")
    drawn = make(0).integers(0, 2, size=(100,), endpoint=True).get()
    assert set(drawn) == {0, 1, 2}


def test_the_backend_takes_the_stand_in_for_cupy(cupy_standin):
    host, x = pair(cupy_standin)
    assert backend.cuda_available() and backend.resolve_device("auto") == "cuda"
    assert backend.array_module(x) is cupy_standin and backend.device_of(x) == "cuda:0"
    there = backend.to_device(host, "cuda")
    assert isinstance(there, cupy_standin.ndarray)
    np.testing.assert_array_equal(backend.to_numpy(there), host)


def test_a_gpu_that_a_program_chooses_becomes_the_current_one(cupy_standin, monkeypatch):
    monkeypatch.setattr(cupy_standin.cuda.Device, "count", 2)
    monkeypatch.setattr(cupy_standin.cuda.Device, "current", 0)
    assert backend.resolve_device("cuda:1") == "cuda:1" and cupy_standin.cuda.Device().id == 1
    with pytest.raises(RuntimeError, match="expected a GPU with index 2, CuPy finds 2"):
        backend.resolve_device("cuda:2")
    assert cupy_standin.cuda.Device().id == 1
    assert backend.resolve_device("cpu") == "cpu" and cupy_standin.cuda.Device().id == 1
    assert backend.resolve_device("auto") == "cuda:0" and cupy_standin.cuda.Device().id == 0


def test_every_name_exists_in_cupy_itself(_standin_module):
    """Runs where CuPy is installed (it imports without a GPU): nothing in the stand-in is invented."""
    cupy = pytest.importorskip("cupy")
    standin = _standin_module
    assert cupy is not standin is not sys.modules["cupy"]
    names = standin.UFUNCS + standin.COMPUTING + standin.VIEWING + standin.WRITING + standin.SYNCHRONIZING
    assert [name for name in names if not hasattr(cupy, name)] == []
    assert [name for name in standin.LINALG if not hasattr(cupy.linalg, name)] == []
    public = [name for name, _ in inspect.getmembers(standin.ndarray) if not name.startswith("__") and name != "_host"]
    assert [name for name in public if not hasattr(cupy.ndarray, name)] == []
    for made, real in ((standin._Generator, cupy.random.Generator), (standin.cuda.Device, cupy.cuda.Device)):
        assert [name for name in vars(made) if not name.startswith("_") and not hasattr(real, name)
                and name not in ("count", "current")] == []
