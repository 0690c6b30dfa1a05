"""The acceptance runs: a result is kept and read back, a baseline is trained once, and the table counts every seed."""
import importlib
import json
import sys
from pathlib import Path

import pytest

from tinygan import random

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "systems"
NAMES = ["results", "run", "system", "table", "trainings", "losses", "regularisers", "ablations", "theory", "machine"]


@pytest.fixture
def scripts(monkeypatch, tmp_path):
    """Import scripts by their short names for one test only, with their results in a folder of its own."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    streams = random.get_state()
    importlib.import_module("results").place.update(folder=tmp_path, scale=1.0)
    yield importlib.import_module
    random.set_state(streams)
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def arguments(folder, *more):
    return ["regularisers", "R20", "--seeds", "0", "--scale", "0.0005", "--results", str(folder), *more]


def test_a_system_of_two_steps_is_kept_and_read_back(scripts, tmp_path, capsys, monkeypatch):
    run = scripts("run")
    assert run.main(arguments(tmp_path, "--one", "0")) == 0
    result = json.loads((tmp_path / "regularisers" / "R20-seed0.json").read_text())
    assert result["settings"] == {"number": 3000} and result["scale"] == 0.0005 and result["seed"] == 0
    assert len(result["rows"]) == 3 and result["rows"][0]["kind"] == "CAL" and result["rows"][0]["passed"] is False
    assert {"date", "machine", "versions", "seconds"} <= set(result) and "R20 seed 0" in capsys.readouterr().out
    monkeypatch.setattr(run.subprocess, "run", None)  # a process would be a failure now
    assert run.main(arguments(tmp_path)) == 0
    assert "0 of 1 to run" in capsys.readouterr().out


def test_a_process_of_its_own_runs_what_is_missing(scripts, tmp_path, capsys):
    run = scripts("run")
    assert run.main(arguments(tmp_path, "--jobs", "2")) == 0
    printed = capsys.readouterr().out
    assert "1 of 1 to run" in printed and "estimate / true W1" in printed
    assert run.main(arguments(tmp_path, "--one", "0", "--again")) == 0


def test_a_failing_system_is_named_and_the_others_run(scripts, tmp_path, capsys, monkeypatch):
    run = scripts("run")
    done = run.subprocess.CompletedProcess([], 1, "", "ValueError: broken")
    monkeypatch.setattr(run.subprocess, "run", lambda *args, **options: done)
    assert run.main(["regularisers", "R01", "R02", "--seeds", "5-6", "--results", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("broken") == 4
    assert run.main(["regularisers", "R99"]) == 2


def test_other_settings_are_run_again(scripts, tmp_path):
    run = scripts("run")
    run.main(arguments(tmp_path, "--one", "0"))
    scripts("results").place.update(folder=tmp_path, scale=0.0005)
    assert run.known("regularisers", "R20", 0, {"number": 3000})
    assert not run.known("regularisers", "R20", 0, {"number": 4000}) and not run.known("regularisers", "R20", 1, {})
    scripts("results").place["scale"] = 1.0
    assert not run.known("regularisers", "R20", 0, {"number": 3000})


def test_a_baseline_is_trained_once_for_equal_settings(scripts, tmp_path):
    results, calls = scripts("results"), []

    @results.shared
    def training(seed, number=10, **settings):
        calls.append((seed, number, settings))
        return {"value": seed + number}
    assert training(3)["value"] == training(seed=3, number=10)["value"] == 13 and len(calls) == 1
    assert training(3, lr=0.1)["value"] == 13 and training(4)["value"] == 14 and len(calls) == 3
    results.place["scale"] = 0.5
    assert training(3)["value"] == 13 and len(calls) == 4
    assert len(list((tmp_path / "trainings").glob("training-*.json"))) == 4


def test_a_training_of_two_steps_measures_modes_and_distance(scripts):
    scripts("results").place["scale"] = 1e-6
    found = scripts("trainings").points("gan", "ring8", 0, hidden=(4,), batch=8)
    assert set(found) == {"captured", "high_quality", "w1", "w1_path", "samples", "seconds"} and found["w1"] > 0
    assert 0 <= found["captured"] <= 8 and len(found["samples"]) == 400


def row(value, passed, criterion=">= 7", label="modes", kind="CAL"):
    return dict(label=label, value=value, criterion=criterion, kind=kind, passed=passed, route="")


def test_the_table_has_the_median_the_worst_and_the_share_of_seeds(scripts, tmp_path):
    results, table = scripts("results"), scripts("table")
    for seed, value in zip(range(5, 8), (8, 5, 7)):
        rows = [row(value, value >= 7), row(float(seed), None, "", "a note", ""),
                row(0.1 * seed, seed < 7, f"<= 0.{seed}1", "ratio")]
        results.write(results.path_of("losses", "L99", seed), {
            "group": "losses", "system": "L99", "seed": seed, "scale": 1.0, "rows": rows, "seconds": 10.0 * seed,
            "date": f"2026-01-0{seed}T00:00:00+00:00", "machine": {"processor": "a processor"}})
    results.write(results.path_of("losses", "L98", 5), {"scale": 0.1})  # a trial counts for nothing
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.main(["--results", str(tmp_path), "--readme", str(readme)])
    text = readme.read_text()
    assert "| L99 | 5 to 7 | modes | >= 7 | CAL | 7 | 5 | 2 of 3 | 60 |" in text
    assert "L98" not in text and "old" not in text
    assert "|  |  | a note |  |  | 6 |  |  |  |" in text
    assert "|  |  | ratio | <= (its own in each seed) | CAL | 0.6 | 0.7 | 2 of 3 |  |" in text
    assert text.startswith("before") and text.endswith("after\n") and "2026-01-05 to 2026-01-07" in text


def test_every_group_lists_its_systems(scripts, capsys):
    run, system = scripts("run"), scripts("system")
    for group, least in (("theory", 10), ("losses", 15), ("regularisers", 14), ("ablations", 5)):
        found = system.systems(group)
        assert len(found) >= least and all(s.judged()[0] >= 5 and 2 <= s.seeds <= 5 for s in found.values())
        run.main([group, "--list"])
        assert all(name in capsys.readouterr().out for name in list(found)[:1])
    assert run.seeds_of("5-7,9") == [5, 6, 7, 9]
    with pytest.raises(ValueError, match="systems: expected a group out of theory, losses"):
        system.systems("nothing")
