"""benchmarks/gpu.py without a GPU: its parts through the stand-in for CuPy, its limits, its page."""
import json
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def scripts(monkeypatch):
    """The benchmark scripts as modules under their short names, for one test only."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = [path.stem for path in FOLDER.glob("*.py")]
    before = {name: sys.modules.pop(name, None) for name in names}
    import gpu
    import gpu_operations
    import gpu_parts
    import gpu_report
    import worker
    yield {"gpu": gpu, "operations": gpu_operations, "parts": gpu_parts, "report": gpu_report, "worker": worker}
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.fixture
def highest():
    import tinygan
    yield
    tinygan.set_precision("highest")


@pytest.mark.standin
@pytest.mark.parametrize("name", ["dcgan", "wgan_gp", "mlp_gan", "convolution"])
def test_our_side_of_a_case_on_the_device(scripts, cupy_standin, highest, name):
    tiny = sys.modules["cases"].CASES[name].tiny
    worker = scripts["worker"].Worker("gpu_tinygan", name, {**tiny, "precisions": ["float32", "tf32"], "calls": 2})
    parts = worker.list()
    assert {part.partition(": ")[0] for part in parts} == {"float32", "tf32"}
    modes = []
    for part, labels in parts.items():
        for label in labels:
            assert worker.time(part, label, repeat=1, warm=1)[0] > 0
            cupy_standin.counters.reset()
            worker.time(part, label, repeat=1, warm=0)
            # one wait, at the end of both calls, and no copies
            assert (cupy_standin.counters.synchronizations, cupy_standin.counters.transfers) == (1, 0)
            modes.append(cupy_standin.cuda.cublas.getMathMode(cupy_standin.cuda.get_cublas_handle()))
    assert modes == [0] * (len(parts) // 2) + [3] * (len(parts) // 2)
    if name == "dcgan":
        host = scripts["worker"].Worker("tinygan", name, tiny)
        there = worker.count("float32: iteration", "tinygan")
        sys.modules["on_tinygan"].DEVICE = "cpu"
        here = host.count("iteration", "tinygan")
        assert (there["flops"], there["parameters"]) == (here["flops"], here["parameters"]) and here["flops"] > 0


def collect():
    """(A ``save`` as parts take it, the list of what it was given.)"""
    saved = []
    return lambda found: saved.append(json.loads(json.dumps(found))), saved


@pytest.mark.standin
def test_the_parts_that_compare_with_nobody(scripts, cupy_standin, highest):
    parts, options = scripts["parts"], scripts["parts"].Options(60.0, quick=True, sides=("tinygan",))
    save, saved = collect()
    parts.peak(options, save, size=16)
    assert {"size", "float32", "tf32", "copy"} == set(saved[-1]) and min(saved[-1].values()) > 0
    tiny = sys.modules["cases"].SMALL_DCGAN
    parts.memory(options, save, tiny, iterations=20)
    found = saved[-1]
    # with the collector off no tensor is left behind: the fact that the part is for
    assert [record["iterations"] for record in found["records"]] == list(range(2, 21, 2)) and found["constant"]
    sys.modules["on_tinygan"].DEVICE = "cpu"


@pytest.mark.standin
def test_operations_agree_and_a_wrong_one_is_reported(scripts, cupy_standin, monkeypatch):
    operations, (save, saved) = scripts["operations"], collect()
    operations.compare(60.0, save, every=25)
    found = saved[-1]
    assert found["compared"] == found["samples"] > 10 and found["failed"] == []
    assert all(0 < w["error"] <= w["tolerance"] for w in found["worst"].values())
    monkeypatch.setattr(cupy_standin, "exp", cupy_standin.expm1)
    sample = next(s for s in operations.table() if s.op == "exp")
    assert operations.worst_of(sample, "float64", 1) > 1e-3
    operations.compare(-1.0, save)
    assert saved[-1]["compared"] == 0 < saved[-1]["samples"]


def test_the_difference_of_two_arrays(scripts):
    difference = scripts["operations"].difference
    x = np.array([1.0, -4.0, np.inf, np.nan])
    assert difference(x, x.copy()) == 0 and difference(x + [0, 0.5, 0, 0], x) == 0.5 / 4
    for other in (x[:3], x.astype(np.float32), np.array([1.0, -4.0, 1.0, np.nan]), np.array([np.nan, -4, np.inf, 1])):
        assert difference(other, x) == np.inf
    assert difference(np.arange(3), np.arange(3)) == 0 and difference(np.arange(3), np.arange(3)[::-1]) == np.inf


def test_a_part_that_fails_or_takes_too_long_is_said_so(scripts, tmp_path):
    run_part = scripts["gpu"].run_part
    found = run_part("peak", 60.0, ["--quick", "--alone"], tmp_path)       # no GPU here
    assert found["ended"].startswith("exit code 1: RuntimeError: device 'cuda'")
    (tmp_path / "memory.json").write_text('{"records": [1]}')               # as if saved before the limit
    found = run_part("memory", 0.01, ["--quick"], tmp_path)
    assert found["ended"] == "not done within its 0 s" and found["records"] == [1]


def test_all_parts_fit_into_the_time(scripts):
    gpu, parts = scripts["gpu"], scripts["parts"].PARTS
    # the tests of the GPU come last and take what is left
    assert list(parts)[-1] == "tests"
    for mode, minutes in enumerate(gpu.MINUTES):
        assert sum(part.limits[mode] for name, part in parts.items() if name != "tests") <= 60 * minutes - gpu.SPARE
    assert gpu.parse([]).data == "embedded" and gpu.parse(["--only", "peak", "memory"]).only == ["peak", "memory"]
    with pytest.raises(SystemExit):
        gpu.parse(["--only", "nothing"])


def test_without_a_gpu_it_says_so(scripts, capsys):
    assert scripts["gpu"].main([]) == 1
    assert "gpu.py: device 'cuda" in capsys.readouterr().err


def test_what_is_read_from_other_programs(scripts):
    parts = scripts["parts"]
    assert parts.judged("x\nsamples                          0.632               10        13.15\n") == {
        "confident": 0.632, "classes": 10, "fid_j": 13.15}
    assert parts.judged("nothing") == {}
    text = "..F.s [ 50%]\n.E.\n=== x\nFAILED tests/a.py::test_b\n1 failed, 5 passed, 1 error in 3.2s\n"
    assert parts.outcomes(text) == {"passed": 5, "failed": 2, "skipped": 1, "complete": True,
                                    "names": ["tests/a.py::test_b"]}
    assert parts.outcomes("....")["complete"] is False


def outcome(parts):
    return {"mode": "full", "against": "torch", "date": "2026-01-02T03:04:05", "machine": {"processor": "P"},
            "versions": {"torch": "2.0", "numpy": "2.1", "python": "3.11"}, "parts": parts,
            "gpu": {"name": "G", "capability": "9.0", "memory_gib": 140.0, "cupy": "14.2", "cuda_runtime": 12090,
                    "cuda_driver": 13000}}


def test_the_page(scripts):
    summary, cases = sys.modules["report"].summary, sys.modules["cases"].CASES
    rounds = {"float32: iteration": {"tinygan": [2e-3, 2e-3], "torch default": [4e-3, 4e-3]},
              "tf32: iteration": {"tinygan": [1e-3, 1e-3]}}
    text = scripts["report"].report(outcome({
        "peak": {"size": 8192, "float32": 5e13, "tf32": 4e14, "copy": 4e12},
        "dcgan_64": {"parts": summary(cases["dcgan"], rounds), "counts": {"tinygan": {"flops": 2e10}}, "notes": []},
        "wgan_gp": {"ended": "not done within its 50 s"},
        "memory": {"iterations": 100, "constant": True, "records": [
            {"iterations": n, "arrays": 5, "pool": 6, "objects": 7, "free": 8} for n in (10, 100)]},
        "mnist": {"data": "embedded", "epochs": 9, "seconds": 30.4, "fid_j": 13.15, "confident": 0.6, "classes": 10},
        "operations": {"compared": 3, "samples": 4, "failed": ["exp: 1"],
                       "worst": {"float64": {"error": 1e-15, "tolerance": 1e-9, "order": 3}}},
        "tests": {"passed": 9, "failed": 1, "skipped": 0, "complete": False, "names": ["t::x"]}}))
    # 2e10 operations in 2 ms are 1e13 a second, a fifth of 5e13; in 1 ms 2e13, a twentieth of 4e14
    assert ("| DCGAN iteration, batch 64 | float32 on both sides | 2.00 ms | 4.00 ms (torch default) | **0.50** (0.50 "
            "to 0.50) | 10000 | 0.20 | 1, 0.5 |") in text
    assert "| DCGAN iteration, batch 64 | TF32 on both sides | 1.00 ms | - | - | 20000 | 0.05 | 1, 0.5 |" in text
    for line in ("* WGAN-GP critic iteration, batch 64: not done within its 50 s", "CUDA 12.9, driver for up to 13.0",
                 "50.0 TFLOP/s in float32, 400.0 TFLOP/s in tf32, 4.00 TB/s in a copy", "constant after the first 10",
                 "FID_J 13.15", "3 of 4 samples compared, 1 differ", "9 passed, 1 failed, 0 skipped, stopped"):
        assert line in text, line


def test_the_main_table_takes_the_figure_of_the_gpu(scripts, tmp_path):
    report, cases = sys.modules["report"], sys.modules["cases"].CASES
    assert report.on_a_gpu(tmp_path, "dcgan_64") == "not measured: needs a GPU"
    rounds = {"float32: iteration": {"tinygan": [2e-3, 2e-3], "torch default": [4e-3, 4e-3]}}
    (tmp_path / "results" / "gpu").mkdir(parents=True)
    found = outcome({"dcgan_64": {"parts": report.summary(cases["dcgan"], rounds)}})
    (tmp_path / "results" / "gpu" / "gpu.json").write_text(json.dumps(found))
    assert report.on_a_gpu(tmp_path, "dcgan_64") == "**0.50** (0.50 to 0.50) in float32, on G"
    assert report.on_a_gpu(tmp_path, None) == "not measured: needs a GPU"


def test_the_results_are_written_after_every_part(scripts, tmp_path, monkeypatch, capsys):
    gpu, seen = scripts["gpu"], []
    monkeypatch.setenv("OUT", str(tmp_path))
    monkeypatch.setattr(gpu, "gpu", lambda: outcome({})["gpu"])

    def part(name, seconds, arguments, folder):
        seen.append((name, arguments, json.loads((tmp_path / "gpu.json").read_text())["parts"].keys() if seen else ()))
        (folder / f"{name}.log").write_text("first\nlast line\n")
        return {"ended": "as was to be shown"}
    monkeypatch.setattr(gpu, "run_part", part)
    assert gpu.main(["--quick", "--alone", "--only", "peak", "tests"]) == 0
    assert [name for name, *_ in seen] == ["peak", "tests"] and list(seen[1][2]) == ["peak"]
    assert seen[0][1] == ["--quick", "--alone", "--data", "embedded"]
    assert "tests of the GPU: as was to be shown" in (tmp_path / "gpu.md").read_text()
    assert (tmp_path / "gpu.log").read_text() == "== peak\nfirst\nlast line\n== tests\nfirst\nlast line\n"
    assert "no PyTorch to compare with" in capsys.readouterr().out
