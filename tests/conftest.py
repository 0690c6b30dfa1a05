"""Settings and fixtures shared by all tests."""
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

# Derandomised: a red run is red again on the next machine. No deadline and no complaint about slow generation: CI
# machines are slow at times, and a timed test states nothing about the code.
settings.register_profile("tinygan", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tinygan")


def pytest_addoption(parser):
    parser.addoption("--device", choices=("standin", "cuda"), default="standin", help="where GPU tests run: on a "
                     "strict stand-in for CuPy, or, with -m gpu, on the GPU that CuPy finds")


def pytest_configure(config):
    if config.getoption("--device") == "cuda":
        from tinygan import backend
        if not backend.cuda_available():
            raise pytest.UsageError("--device cuda: expected CuPy and a GPU that it finds, got none")
        config.addinivalue_line("filterwarnings", "ignore:::cupy.*")  # what CuPy warns of is no error of ours


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config, items):
    for item in items:
        if "cupy_standin" in getattr(item, "fixturenames", ()):
            if item.get_closest_marker("standin") is None:
                item.add_marker("gpu")
            elif config.getoption("--device") == "cuda":
                item.add_marker(pytest.mark.skip(reason="about the stand-in for CuPy, and the device is a GPU"))


def _load(name):
    """The module tests/``name``.py, the same for everybody."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_load("cupy_standin_cuda")  # cupy_standin.py imports it, also where pytest looks for doctests there


@pytest.fixture(scope="session")
def host_shim(request):
    """What compiles CUDA sources for the host; the test is skipped where there is no compiler."""
    module = _load("host_shim")
    if module.COMPILER is None and request.config.getoption("--device") == "standin":
        pytest.skip("expected g++ or clang++ to run CUDA sources on the host, found neither")
    return module


@pytest.fixture(scope="session")
def _standin_module():
    # under another name until a test asks for it, so that nobody else finds a "cupy" by accident
    module, shim = _load("cupy_standin"), _load("host_shim")
    module.RawModule, module.RawKernel = shim.RawModule, shim.RawKernel
    module.cuda.compiler = SimpleNamespace(CompileException=shim.CompileException)
    module.has_compiler = shim.COMPILER is not None
    return module


def _counted_cupy(monkeypatch, cupy):
    """CuPy itself with ``counters`` as the stand-in has them: waits of the host, and copies by ``asarray``."""
    counters, detector = _load("cupy_standin_cuda").Counters(), cupy._core.syncdetect
    declare, asarray = detector._declare_synchronize, cupy.asarray

    def declared():  # CuPy calls it wherever it makes the host wait
        counters.synchronizations += 1
        declare()

    def copied(a, *args, **kwargs):
        made = asarray(a, *args, **kwargs)
        if not isinstance(a, cupy.ndarray):
            counters.uploaded.append(made.nbytes)
        return made
    monkeypatch.setattr(detector, "_declare_synchronize", declared)
    monkeypatch.setattr(cupy, "asarray", copied)
    monkeypatch.setattr(cupy, "counters", counters, raising=False)
    return cupy


@pytest.fixture
def cupy_standin(request, _standin_module, monkeypatch):
    """A strict stand-in for CuPy as the module "cupy", with its counters at zero; device "cuda" works meanwhile.

    Its kernels are the CUDA sources, run on the host. Without a C++ compiler they are the kernels of the CPU instead,
    so that everything above them is still tested. With --device cuda it is CuPy itself.
    """
    from tinygan import backend, kernels  # here, so that a package that does not import fails tests one by one
    if request.config.getoption("--device") == "cuda":
        yield _counted_cupy(monkeypatch, backend._cupy())
        return
    monkeypatch.setitem(sys.modules, "cupy", _standin_module)
    cupyx = _standin_module.make_cupyx()
    for module in (cupyx, cupyx.scipy, cupyx.scipy.special):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    _standin_module.counters.reset()
    _forget_cupy(backend)
    if not _standin_module.has_compiler:
        cpu = kernels._module("cpu")
        modules = {"cpu": cpu, "cuda": _load("host_shim").without_compiler(cpu, _standin_module)}
        monkeypatch.setattr(kernels, "_module", modules.__getitem__)
    assert backend._cupy() is _standin_module  # loaded now, for backend knows CuPy's arrays from then on
    yield _standin_module
    _forget_cupy(backend)


@pytest.fixture
def launches(host_shim, monkeypatch):
    """A list to which every launch of a kernel of our own adds the kernel's name."""
    from tinygan.kernels.cuda import launch
    names, find = [], launch._function

    def noting(file, name, dtype, wide):
        function = find(file, name, dtype, wide)

        def noted(*args, **kwargs):
            names.append(name)
            return function(*args, **kwargs)
        return noted
    monkeypatch.setattr(launch, "_function", noting)
    return names


def _forget_cupy(backend):
    backend._cupy.cache_clear()
    backend.cuda_available.cache_clear()
