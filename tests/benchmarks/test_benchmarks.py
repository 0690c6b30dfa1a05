"""The benchmarks run: tinygan's side of every case at tiny sizes, the processes timed in turn, and the report."""
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ["cases", "machine", "on_blas", "on_scipy", "on_tinygan", "report", "run", "scaling", "turns", "work",
         "worker"]


@pytest.fixture
def scripts(monkeypatch):
    """The benchmark scripts as modules, under their short names for one test only."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    import cases
    import report
    import run
    import scaling
    import turns
    import worker
    yield {"cases": cases, "report": report, "run": run, "scaling": scaling, "turns": turns, "worker": worker}
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def test_every_case_on_our_side_at_tiny_sizes(scripts):
    for case in scripts["cases"].CASES.values():
        if "tinygan" not in case.sides:
            continue
        worker = scripts["worker"].Worker("tinygan", case.name, case.tiny)
        for part, labels in worker.list().items():
            for label in labels:
                assert worker.time(part, label, repeat=1, warm=0)[0] > 0, (case.name, part, label)


@pytest.mark.parametrize("name, part", [("frechet", "distance"), ("prdc", "scores")])
def test_both_sides_compute_the_same_score(scripts, name, part):
    settings = scripts["cases"].CASES[name].tiny
    ours, theirs = (scripts["worker"].Worker(side, name, settings) for side in ("tinygan", "scipy"))
    label, = theirs.list()[part]
    # the two algorithms differ by rounding of float64; counts of neighbours are equal
    assert ours.competitor(part, "tinygan")() == pytest.approx(theirs.competitor(part, label)(), rel=1e-9)


def test_flops_of_a_layer_are_those_of_its_formula(scripts):
    settings = {"layers": {"layer": (2, 3, 8, 5, 4, 2, 1)}}
    worker = scripts["worker"].Worker("tinygan", "convolution", settings)
    for part in worker.list():
        # 2 images, 5 outputs of 4 x 4 positions, each a sum of 3 x 4 x 4 products
        assert worker.count(part, "tinygan")["flops"] == 2 * 2 * 5 * 16 * 48, part


def test_a_dcgan_iteration_computes_no_gradients_for_the_frozen_player(scripts):
    settings = scripts["cases"].CASES["dcgan"].tiny
    found = scripts["worker"].Worker("tinygan", "dcgan", settings).count("iteration", "tinygan")
    G, D = forward_flops(settings)
    first = 2 * settings["batch"] * 8 * 8 * 4 * 16     # D's first layer has no gradient for its input, in D's step
    project = 2 * settings["batch"] * 5 * 8 * 16       # nor G's for the noise
    d_step = 2 * 3 * D - 2 * first
    assert found["flops"] == G + d_step + 2 * D + 2 * G - project


def forward_flops(settings):
    """Of G and of D: noise of 5 -> 8 x 4 x 4 -> 4 x 8 x 8 -> 1 x 16 x 16, and back to one logit."""
    n = settings["batch"]
    ends = 2 * n * 8 * 8 * 4 * 16        # 16 x 16 x 1 <-> 8 x 8 x 4
    middle = 2 * n * 4 * 4 * 8 * 4 * 16  # 8 x 8 x 4 <-> 4 x 4 x 8
    return 2 * n * 5 * 8 * 16 + middle + ends, ends + middle + 2 * n * 8 * 16


def test_two_processes_in_turn_and_the_report_on_them(scripts, tmp_path):
    case = scripts["cases"].CASES["overhead_forward"]
    with scripts["turns"].Side("tinygan", case.name, case.tiny, threads=1) as side:
        parts, load = scripts["turns"].in_turn([side], seconds=0.05, least=2)
    assert load["rounds"] >= 2 and parts["add"]["tinygan"] and parts["add"]["numpy"]
    outcome = {"name": case.name, "mode": "full", "unit": "seconds", "load": load, "threads": 1, "counts": {},
               "load_average": {"before": [0, 0, 0]}, "machine": scripts["run"].machine(), "date": "2000-01-01",
               "versions": scripts["run"].versions(), "parts": scripts["report"].summary(case, parts), "rounds": parts}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / f"{case.name}.json").write_text(json.dumps(outcome))
    (tmp_path / "README.md").write_text(f"above\n{scripts['report'].BEGIN}\nold\n{scripts['report'].END}\nbelow\n")
    scripts["report"].write_report(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("above\n") and text.endswith("\nbelow\n") and "old" not in text
    assert case.title in text and (tmp_path / "ratios.png").stat().st_size > 1000


@pytest.mark.parametrize("later, stays", [([2.0, 2.0], False), ([2.0, 1.0], True), ([1.1], True)])
def test_one_slow_turn_does_not_put_a_competitor_out(scripts, later, stays):
    # a machine that changes its speed by more than WITHIN made the fastest way look slow, and the report flattered
    entries = [("torch", "iteration", "torch default"), ("torch", "iteration", "torch D frozen"),
               ("torch", "iteration", "torch fused (report only)"), ("tinygan", "iteration", "tinygan")]
    times = {entry[1:]: (seconds, seconds) for entry, seconds in zip(entries, [1.0, 2.0, 5.0, 9.0])}
    answers = iter(later)
    left = scripts["turns"].fastest_few(entries, times, lambda e: next(answers) if e == entries[1] else 1.0)
    assert left == [e for e in entries if stays or e != entries[1]] and next(answers, None) is None


def test_the_ratio_is_that_to_the_fastest_way_that_counts(scripts):
    case = scripts["cases"].CASES["dcgan"]
    parts = {"iteration": {"tinygan": [2.0, 4.0, 3.0], "torch default": [2.0, 2.0, 2.0],
                           "torch channels-last": [1.0, 2.0, 1.0], "torch left early": [0.5],
                           "torch fused Adam (report only)": [0.1, 0.1, 0.1], "jax jit (report only)": [0.1, 0.1, 0.1]}}
    entry = scripts["report"].summary(case, parts)["iteration"]
    assert entry["opponent"] == "torch channels-last" and entry["ratio"]["median"] == 2.0
    outcome = {"parts": {"iteration": entry}, "rounds": parts, "unit": "seconds", "counts": {}}
    rows = [line.split("|") for line in scripts["report"].details({"dcgan": outcome})]
    lines = {row[2].strip(): row[5].strip() for row in rows}
    # within rounds there too: 1, 2 and 1.5, where the medians are 3 and 2; who left was in no round
    assert lines["torch default"] == "1.50" and lines["torch left early"] == ""
    verdict, quiet, busy = scripts["report"].verdict, {"rounds": 4, "busy_rounds": 2}, {"rounds": 4, "busy_rounds": 3}

    def row(ratio, load=quiet, **rest):
        return {"title": "", "ratio": ratio, "floor": 1.3, "goal": 1.0, "outcome": {"load": load}, **rest}
    assert [verdict(row(ratio)) for ratio in (0.9, 1.2, 1.4)] == ["goal met", "floor met", "missed"]
    assert verdict(row(0.6, title=scripts["report"].SHARE["title"], floor=0.55, goal=0.75)) == "floor met"
    assert verdict(row(0.1, busy)) == "not valid: busy machine"


def test_points_of_the_scaling_are_measured_once(scripts, tmp_path, monkeypatch):
    scaling, base = scripts["scaling"], {**scripts["cases"].SMALL_DCGAN, "batch": 256}
    sweeps = {"batch": (256, 2), "channels": (4,)}
    wanted, path = scaling.points(sweeps, base), tmp_path / "results" / "scaling.json"
    assert list(wanted) == ["batch 2, 4 channels", "batch 256, 4 channels"]  # cheap first; the last is in both sweeps
    monkeypatch.setattr(scaling, "SECONDS", 0.01)
    found = scaling.fill(wanted, path, 1, sides=("tinygan", "blas"))
    flops = [found[name]["counts"]["tinygan"]["flops"] for name in wanted]
    memory = [found[name]["memory"]["tinygan"] for name in wanted]
    # samples, and D's first activations of them, once: 256 (16 * 16 + 4 * 8 * 8) floats. What 2 images need may lie in
    # memory that was freed before
    assert flops[1] == 128 * flops[0] and 0 <= memory[0] < memory[1] and memory[1] > 4 * 256 * (16 * 16 + 4 * 8 * 8)

    for point in found.values():                                # whatever the machine was doing meanwhile
        point["load"]["busy_rounds"] = 0
    path.write_text(json.dumps({"points": found}))
    monkeypatch.setattr(scaling, "measure_point", lambda *arguments: pytest.fail("measured a second time"))
    assert scaling.fill(wanted, path, 1) == json.loads(json.dumps(found))
    (tmp_path / "README.md").write_text(f"above\n{scaling.BEGIN}\nold\n{scaling.END}\nbelow\n")
    scaling.write_report(tmp_path, found, sweeps, base)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("above\n") and text.endswith("\nbelow\n") and "old" not in text
    assert "\n| 2 | 4 | " in text and "From batch 256 to 2" in text and (tmp_path / "scaling.png").stat().st_size > 1000


def test_which_points_of_the_scaling_stand(scripts):
    scaling, settings = scripts["scaling"], scripts["cases"].DCGAN
    point = {"settings": settings, "threads": 2, "machine": scaling.machine(), "versions": scaling.versions(),
             "source": scaling.source(), "load": {"rounds": 3, "busy_rounds": 1}}
    assert scaling.stands(point, settings, 2)
    assert not scaling.stands(None, settings, 2) and not scaling.stands(point, settings, 1)
    for change in ({"source": "older"}, {"versions": {}}, {"load": {"rounds": 3, "busy_rounds": 2}}):
        assert not scaling.stands(point | change, settings, 2), change
    older, newer, newest = ({"source": a, "date": f"2026-11-22T22:0{i}"} for i, a in enumerate("abb"))
    assert list(scaling.of_one_version({"x": newest, "y": older, "z": newer})) == ["x", "z"]


def test_a_row_of_the_scaling_compares_times_memory_and_the_limit(scripts):
    scaling, work = scripts["scaling"], {"flops": 6e9, "parameters": [1000, 500]}
    rounds = {"iteration": {"tinygan": [0.3, 0.3, 0.3], "torch channels-last, D frozen": [0.2, 0.2, 0.2]},
              "square product": {"blas": [0.1, 0.1, 0.1]}}
    case = scripts["cases"].CASES["dcgan"]
    point = {"settings": scripts["cases"].DCGAN, "load": {"rounds": 3, "busy_rounds": 0, "others_cores": 0.01},
             "counts": {"tinygan": work, "torch channels-last, D frozen": dict(work), "blas": {"flops": 1e10}},
             "parts": scripts["report"].summary(case, rounds), "rounds": rounds,
             "memory": {"tinygan": 3 * 2 ** 20, "torch channels-last, D frozen": 2 ** 22}}
    f = scaling.figures(point)
    # 1e10 operations in 0.1 s, so 6e9 in 0.06 s; each of 1,500 weights takes 16 bytes
    assert (f["limit"], f["state"]) == (pytest.approx(0.06), 24000)
    assert scaling.row_of(point)[2:] == [
        "300.0 ms", "200.0 ms (channels-last)", "**1.50** (1.50 to 1.50)", "213, 320", "60.0 ms (0.20)", "3.0 MiB",
        "4.0 MiB", "**0.75**", "0 of 3, 0.01"]
    scaling.expect_same_work(point["counts"], f["opponent"])
    with pytest.raises(RuntimeError, match="the same work on both sides"):
        scaling.expect_same_work(point["counts"] | {"tinygan": work | {"flops": 5e9}}, f["opponent"])
