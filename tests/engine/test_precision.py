"""set_precision reaches both of CuPy's ways to multiply matrices on every GPU, and leaves the CPU alone."""
import numpy as np
import pytest

import tinygan

pytestmark = pytest.mark.standin

TF32 = 3  # CUBLAS_TF32_TENSOR_OP_MATH in cublas_api.h


@pytest.fixture(autouse=True)
def _highest_again():
    yield
    tinygan.set_precision("highest")


def modes(cupy):
    """(The compute type of products of two float32 matrices, the mode of every device's handle)."""
    found = []
    for index in range(cupy.cuda.runtime.getDeviceCount()):
        with cupy.cuda.Device(index):
            found.append(cupy.cuda.cublas.getMathMode(cupy.cuda.get_cublas_handle()))
    return cupy._core.get_compute_type(np.float32), found


def test_float32_is_exact_until_asked_otherwise(cupy_standin, monkeypatch):
    monkeypatch.setattr(cupy_standin.cuda.Device, "count", 2)
    types = cupy_standin._core._routines_linalg
    assert tinygan.get_precision() == "highest" and modes(cupy_standin) == (types.COMPUTE_TYPE_DEFAULT, [0, 0])
    tinygan.set_precision("tf32")
    assert tinygan.get_precision() == "tf32" and modes(cupy_standin) == (types.COMPUTE_TYPE_TF32, [TF32, TF32])
    tinygan.set_precision("bf16")  # stacks of matrices have no mode of their own for it
    assert tinygan.get_precision() == "bf16" and modes(cupy_standin) == (types.COMPUTE_TYPE_BF16, [TF32, TF32])
    assert cupy_standin._core.get_compute_type(np.float64) == types.COMPUTE_TYPE_DEFAULT
    tinygan.set_precision("highest")
    assert modes(cupy_standin) == (types.COMPUTE_TYPE_DEFAULT, [0, 0])
    assert cupy_standin.counters.synchronizations == 0


@pytest.mark.parametrize("name", ["tf32", "bf16"])
def test_a_gpu_without_tensor_cores_for_it_stays_exact(name, cupy_standin, monkeypatch):
    monkeypatch.setattr(cupy_standin.cuda.Device, "compute_capability", "75")
    tinygan.set_precision(name)
    assert modes(cupy_standin) == (cupy_standin._core._routines_linalg.COMPUTE_TYPE_DEFAULT, [0])


def test_what_is_in_the_environment_is_overruled_when_cupy_is_loaded(cupy_standin):
    from tinygan import backend
    types = cupy_standin._core._routines_linalg
    cupy_standin._core.set_compute_type(np.float32, types.COMPUTE_TYPE_TF32)  # as CUPY_TF32=1 does
    backend._cupy.cache_clear()
    backend._cupy()
    assert modes(cupy_standin)[0] == types.COMPUTE_TYPE_DEFAULT


def test_the_cpu_computes_the_same_bits():
    rng = np.random.default_rng(0)
    a, b = (tinygan.tensor(rng.standard_normal((70, 70), dtype=np.float32)) for _ in range(2))
    exact = (a @ b).numpy()
    tinygan.set_precision("bf16")
    assert np.array_equal((a @ b).numpy(), exact)


@pytest.mark.parametrize("name", ["medium", "high", None, 1])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="set_precision: expected 'highest', 'tf32' or 'bf16', got"):
        tinygan.set_precision(name)
    assert tinygan.get_precision() == "highest"
