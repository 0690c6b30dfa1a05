"""Run folders: what is written, what is refused, and what a resumed run finds."""
import errno
import json
import math
import os
import platform

import numpy as np
import pytest

from tinygan.train import CheckpointError, RunFolder, RunFolderError, save_checkpoint

CONFIG = {"name": "dcgan", "seed": 3, "device": "cpu", "epochs": 2, "lr": 2e-4, "betas": (0.5, 0.999)}
IMAGES = np.zeros((4, 1, 3, 3), np.float32)


def contents(folder):
    """Return {path: bytes} of all files below a folder."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def trained(path, steps=4, saved=2):
    """Make a run of `steps` logged steps whose last checkpoint is at step `saved`."""
    run = RunFolder(path, CONFIG)
    for step in range(1, steps + 1):
        run.log(step, d_loss=1.0 / step, g_loss=np.float32(step))
        if step == saved:
            run.save(step, {"w": np.full(3, step)})
    return run


def test_everything_is_where_it_is_said_to_be(tmp_path):
    run = trained(tmp_path / "a" / "b")
    run.save(4, {"w": 4}, best=True)
    run.save_real(IMAGES)
    run.save_samples(40, IMAGES)
    run.save_curves()
    assert set(contents(run.path)) == {"config.json", "log.jsonl", "real.png", "samples/000040.png", "curves.png",
                                       "last.npz", "best.npz"}
    config = json.loads((run.path / "config.json").read_text())
    assert config["settings"] == {**CONFIG, "betas": [0.5, 0.999]} and config["resumed"] == []
    assert config["versions"].keys() == {"python", "numpy", "tinygan"}
    assert config["versions"]["python"] == platform.python_version()


def test_default_folders_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(RunFolder(None, CONFIG).path) for _ in range(2)] == ["runs/dcgan-1", "runs/dcgan-2"]
    for other in ("dcgan-7", "dcgan-x", "dcgan-9-b", "dcganx-99", "wgan-30"):
        (tmp_path / "runs" / other).mkdir()
    assert str(RunFolder(None, CONFIG).path) == "runs/dcgan-8"
    assert str(RunFolder(None, {**CONFIG, "name": "wgan"}).path) == "runs/wgan-31"


def test_the_log_holds_every_line_at_once(tmp_path):
    run = RunFolder(tmp_path, CONFIG)
    run.log(1, a=1.5, b=np.float32(0.25), c=np.int64(7), d="text", e=True)
    assert json.loads((tmp_path / "log.jsonl").read_text()) == {"step": 1, "a": 1.5, "b": 0.25, "c": 7, "d": "text",
                                                                "e": True}
    run.log(2, a=math.nan, b=math.inf, c=np.float32(-np.inf))
    for line in (tmp_path / "log.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)     # NaN and Infinity without quotes are not JSON
    first, second = run.records()
    assert first["a"] == 1.5 and math.isnan(second["a"]) and (second["b"], second["c"]) == (math.inf, -math.inf)


def test_checkpoints_come_back(tmp_path):
    run = RunFolder(tmp_path, CONFIG)
    run.save(1, {"w": np.arange(3)}, best=True)
    run.save(2, {"w": np.arange(4)})
    for name, expected in [("last", 2), ("best", 1)]:
        step, state = run.load(name)
        assert step == expected and state["w"].tolist() == list(range(expected + 2))


def test_resume_starts_at_the_checkpoint_and_cuts_the_log(tmp_path):
    before = trained(tmp_path / "a", steps=4, saved=2).path / "log.jsonl"
    kept = before.read_bytes().splitlines(keepends=True)[:2]
    (tmp_path / "a" / ".last.npz.1234.tmp").write_bytes(b"left by a killed process")
    with open(before, "a") as file:
        file.write('{"step": 5, "d_lo')                  # a line that a killed process left unfinished
    run = RunFolder(tmp_path / "a", CONFIG, resume=True)
    assert run.step == 2 and run.state["w"].tolist() == [2, 2, 2]
    assert before.read_bytes() == b"".join(kept)
    assert not (tmp_path / "a" / ".last.npz.1234.tmp").exists()
    run.log(3, d_loss=0.0)
    assert [record["step"] for record in run.records()] == [1, 2, 3]


def test_resume_before_the_first_checkpoint_starts_again(tmp_path):
    run = RunFolder(tmp_path, CONFIG)
    run.log(0, a=1)
    run = RunFolder(tmp_path, CONFIG, resume=True)
    assert (run.step, run.state, run.records()) == (0, None, [])


def test_some_settings_may_change_on_resume(tmp_path):
    trained(tmp_path)
    RunFolder(tmp_path, {**CONFIG, "device": "cuda", "epochs": 9}, resume=True)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["settings"]["epochs"] == 2
    assert config["resumed"][0]["step"] == 2 and config["resumed"][0]["settings"] == {"device": "cuda", "epochs": 9}


def test_other_versions_are_told_on_resume(tmp_path):
    trained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["versions"]["numpy"] = "0.1"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.warns(UserWarning, match="made with .*'numpy': '0.1'.*the last bits may differ"):
        RunFolder(tmp_path, CONFIG, resume=True)


def refused(path, config, words, **options):
    """Assert that a folder is refused in these words and left as it was."""
    before = contents(path) if path.is_dir() else None
    with pytest.raises(RunFolderError) as caught:
        RunFolder(path, config, **options)
    for word in (str(path), "expected", *words):
        assert word in str(caught.value)
    assert before is None or contents(path) == before


def test_a_folder_with_a_run_is_not_begun_again(tmp_path):
    trained(tmp_path)
    refused(tmp_path, CONFIG, ["a run with the same settings; resume it or choose another folder"])
    refused(tmp_path, {**CONFIG, "lr": 1e-3}, ["other settings (lr: 0.0002 there, 0.001 here)"])


def test_of_nested_settings_only_what_differs_is_named(tmp_path):
    nested = {**CONFIG, "settings": {"lr": 1, "betas": [0, 1], "ema": 0.0}}
    RunFolder(tmp_path, nested)
    refused(tmp_path, {**nested, "settings": {"lr": 2, "betas": [0, 1]}}, [
        "other settings (settings.ema: 0.0 there, 'absent' here, settings.lr: 1 there, 2 here)"])


def test_resume_refuses_other_settings_and_names_them(tmp_path):
    trained(tmp_path)
    other = {key: value for key, value in CONFIG.items() if key != "betas"}
    refused(tmp_path, {**other, "seed": 4, "epochs": 5, "clip": 1}, [
        "others (betas: [0.5, 0.999] there, 'absent' here, clip: 'absent' there, 1 here, seed: 3 there, 4 here)"],
        resume=True)


def test_foreign_folders_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    refused(tmp_path, CONFIG, ["1 other entries (thesis.tex)"])
    refused(tmp_path, CONFIG, ["got no config.json there"], resume=True)
    (tmp_path / "config.json").write_text('{"other": 1}')
    refused(tmp_path, CONFIG, ["config.json", "something else"])
    refused(tmp_path, CONFIG, ["config.json", "something else"], resume=True)
    refused(tmp_path / "none", CONFIG, ["got no config.json there"], resume=True)


def test_a_path_that_cannot_be_a_folder(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "a"):
        with pytest.raises(RunFolderError, match="cannot use the run folder: (File exists|Not a directory)"):
            RunFolder(path, CONFIG)


def test_a_damaged_checkpoint_or_log_stops_a_resumption(tmp_path):
    trained(tmp_path)
    log = (tmp_path / "log.jsonl").read_text()
    (tmp_path / "log.jsonl").write_text("no JSON\n" + log)
    refused(tmp_path, CONFIG, ["log.jsonl", "in line 1, got 'no JSON'"], resume=True)
    (tmp_path / "log.jsonl").write_text(log)
    content = (tmp_path / "last.npz").read_bytes()
    (tmp_path / "last.npz").write_bytes(content[:-10])
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match="last.npz: expected a tinygan checkpoint"):
        RunFolder(tmp_path, CONFIG, resume=True)
    save_checkpoint(tmp_path / "last.npz", {"G": 1})
    with pytest.raises(CheckpointError, match="last.npz: expected a step and a state"):
        RunFolder(tmp_path, CONFIG, resume=True)
    (tmp_path / "last.npz").write_bytes(before["last.npz"])
    assert contents(tmp_path) == before


@pytest.mark.parametrize("value", [math.nan, {1, 2}, np.zeros(2)])
def test_settings_that_json_cannot_hold(tmp_path, value):
    with pytest.raises(TypeError, match="RunFolder: expected settings that JSON can hold"):
        RunFolder(tmp_path / "a", {"x": value})
    assert not (tmp_path / "a").exists()


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    run = trained(tmp_path)
    before = contents(tmp_path)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match="real.png: cannot write the picture: No space left on device"):
        run.save_real(IMAGES)
    with pytest.raises(RunFolderError, match="curves.png: cannot write the picture: No space left on device"):
        run.save_curves()
    for best, name in [(False, "last"), (True, "best")]:  # the best one first: see RunFolder.save
        with pytest.raises(CheckpointError, match=f"{name}.npz: cannot write the checkpoint: No space left on device"):
            run.save(5, {"w": 5}, best=best)
    assert contents(tmp_path) == before
