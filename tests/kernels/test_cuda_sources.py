"""Every CUDA source compiles, for each number type and width of positions, without a warning; the loader is strict."""
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tinygan import backend
from tinygan.kernels.cuda import launch

FILES = sorted(file.stem for file in launch.SOURCES.glob("*.cu"))
FLOAT, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
# What training uses, and all there is: each number type with positions of 32 and of 64 bits.
USUAL, ALL = [(FLOAT, False)], [(FLOAT, False), (FLOAT, True), (DOUBLE, False), (DOUBLE, True)]


def nvcc(folder, file, variant, architecture):
    """What nvcc has to say about sources/``file``.cu: nothing, when all is well."""
    made = folder / "-".join([file, variant[0].name, "wide" if variant[1] else "narrow", architecture])
    made.with_suffix(".cu").write_text(launch.source(file), encoding="utf-8")
    command = ["nvcc", *launch.options(*variant), "-cubin", f"-arch={architecture}", "-Werror", "all-warnings", "-o",
               str(made.with_suffix(".cubin")), str(made.with_suffix(".cu"))]
    return subprocess.run(command, capture_output=True, text=True, timeout=300).stderr


def compile_all(compile_one, variants, architectures):
    """The complaints about every file in all variants for all architectures, two at a time."""
    jobs = [(file, variant, architecture) for file in FILES for variant in variants for architecture in architectures]
    with ThreadPoolExecutor(2) as pool:
        return {job: said for job, said in zip(jobs, pool.map(lambda job: compile_one(*job), jobs)) if said}


def find_nvrtc():
    """CuPy's binding of NVIDIA's runtime compiler, which needs no GPU; None where either is missing."""
    try:
        from cupy_backends.cuda.libs import nvrtc
        nvrtc.getVersion()
    except Exception:  # no CuPy, or no library for it: its errors are of many classes
        return None
    return nvrtc


def nvrtc(file, variant, architecture):
    """What NVRTC has to say about sources/``file``.cu: nothing, when all is well."""
    compiler = find_nvrtc()
    program = compiler.createProgram(launch.source(file), f"{file}.cu", (), ())
    try:
        compiler.compileProgram(program, (*launch.options(*variant), f"-arch={architecture}"))
    except compiler.NVRTCError:
        return compiler.getProgramLog(program)
    return compiler.getProgramLog(program).strip("\0\n ")


NVCC = pytest.mark.skipif(shutil.which("nvcc") is None, reason="expected nvcc to compile CUDA sources, found none")
NVRTC = pytest.mark.skipif(find_nvrtc() is None, reason="expected CuPy with NVRTC to compile CUDA sources, found none")


@NVCC
def test_nvcc_compiles_every_source(tmp_path):
    assert FILES
    assert compile_all(lambda *job: nvcc(tmp_path, *job), USUAL, ["sm_90"]) == {}


@NVCC
@pytest.mark.slow
def test_nvcc_compiles_every_variant(tmp_path):
    assert compile_all(lambda *job: nvcc(tmp_path, *job), ALL, ["sm_80"]) == {}


@NVRTC
def test_nvrtc_compiles_every_source():
    assert compile_all(nvrtc, USUAL, ["sm_90"]) == {}


@NVRTC
@pytest.mark.slow
def test_nvrtc_compiles_every_variant():
    assert compile_all(nvrtc, ALL, ["sm_80"]) == {}


@pytest.mark.standin
def test_a_source_that_does_not_compile_says_so(cupy_standin, host_shim, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "SOURCES", tmp_path)
    (tmp_path / "broken.cu").write_text('extern "C" __global__ void f(real* x) {', encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"cuda kernels: expected broken.cu to compile for float32, got (.|\n)*CuPy"):
        launch.kernel("broken", "f")


@pytest.mark.standin
def test_numbers_are_eight_bytes_wide_and_structs_are_ints(cupy_standin, host_shim, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "SOURCES", tmp_path)
    (tmp_path / "echo.cu").write_text('''
struct Three { int a, b[2]; };
extern "C" __global__ void echo(REAL* y, const REAL* none, long long i, double x, Three three) {
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        y[0] = none == nullptr;
        y[1] = (REAL)i;
        y[2] = (REAL)x;
        y[3] = (REAL)(three.a * 100 + three.b[0] * 10 + three.b[1]);
    }
}''', encoding="utf-8")
    y = cupy_standin.empty(4, np.float64)
    launch.launch(launch.kernel("echo", "echo", y.dtype), 1, y, None, np.int32(7), np.float32(0.5),
                  launch.struct(1, (2, 3)))
    np.testing.assert_array_equal(y.get(), [1, 7, 0.5, 123])


def test_other_number_types_are_refused(cupy_standin):
    with pytest.raises(TypeError, match="cuda kernels: expected a dtype among float32, .*, got complex64"):
        launch.kernel("bias", "add_bias", np.complex64)


@pytest.mark.standin
@pytest.mark.parametrize("threads", [1, 2, 7, 32])
def test_the_sum_over_a_block_is_right_for_any_number_of_threads(cupy_standin, host_shim, tmp_path, monkeypatch,
                                                                 threads):
    text = launch.source("bias").partition("// y[i, c]")[0]  # common.cuh
    monkeypatch.setattr(launch, "SOURCES", tmp_path)
    (tmp_path / "rows.cu").write_text(text + '''
extern "C" __global__ void rows(real* y, const real* x, long long n_rows, long long length) {
    EACH_ROW(row, (index_t)n_rows) {
        real sum = 0;
        EACH_IN_BLOCK(i, (index_t)length) sum += x[row * (index_t)length + i];
        sum = block_sum(sum);
        if (threadIdx.x == 0) y[row] = sum;
    }
}''', encoding="utf-8")
    x = np.random.default_rng(0).integers(0, 100, (20, 45)).astype(np.float64)
    y = cupy_standin.empty(20, np.float64)
    with host_shim.several(threads):
        launch.launch_rows(launch.kernel("rows", "rows", y.dtype), 20, 45, y, cupy_standin.asarray(x), 20, 45)
    np.testing.assert_array_equal(y.get(), x.sum(axis=1))


@pytest.mark.standin
def test_the_stand_in_refuses_what_a_kernel_cannot_read(cupy_standin, host_shim):
    y = cupy_standin.zeros((2, 3, 4), np.float32)
    add = launch.kernel("bias", "add_bias")
    with pytest.raises(ValueError, match="C-contiguous"):
        launch.launch(add, 24, y.T, y, 24, 3)
    with pytest.raises(TypeError, match="expected arrays"):
        launch.launch(add, 24, np.zeros(3), y, 24, 3)
    assert backend.array_module(y) is cupy_standin
