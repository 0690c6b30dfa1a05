"""train and resume: what a command makes of its settings, and what a resumed run is."""
import json
import re
import signal

import pytest

from tinygan import data


def settings(folder):
    return json.loads((folder / "config.json").read_text())["settings"]


def log(folder):
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"}
            for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_run_is_described_by_its_config(tinygan, tmp_path, words):
    done = tinygan("train", "wgan-gp", *words.points, "penalty=r1(1) + r2(2)", "betas=0.1,0.8", "--set", "d_lr=3e-3",
                   "--steps", 3, "--seed", 5, "--log-every", 2, "--out", "a/b")
    assert done.status == 0, done.err
    found = settings(tmp_path / "a" / "b")
    assert {key: found[key] for key in ("recipe", "data", "size", "image_channels", "steps", "seed", "batch_size",
                                        "device", "log_every", "sample_every", "shape")} == {
        "recipe": "wgan-gp", "data": "ring8", "size": None, "image_channels": None, "steps": 3, "seed": 5,
        "batch_size": 8, "device": "cpu", "log_every": 2, "sample_every": 1, "shape": [2]}
    own = found["settings"]
    assert own["penalty"] == "r1(gamma=1) + r2(gamma=2)" and own["betas"] == [0.1, 0.8] and own["hidden"] == [6]
    assert own["d_lr"] == 3e-3 and own["lr"] == 1e-4 and own["n_critic"] == 5  # --set, the class's, the class's
    assert found["score"].startswith("share of modes")
    first, second, third = done.out.strip().splitlines()
    assert first.startswith("wgan-gp on ring8: 3 steps, batch 8, seed 5, cpu; ") and "raw weights" in first
    assert third.startswith("step 3: d_loss ") and "score 0 (best 0 at step 1;" in third and "health: ok" in third


def test_runs_without_a_name_are_numbered(tinygan, tmp_path, words):
    for _ in range(2):
        assert tinygan("train", "gan", *words.points, "--steps", 1, "--quiet").status == 0
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["gan-1", "gan-2"]


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(tinygan, tmp_path, words):
    for name, seed in [("a", 0), ("b", 0), ("c", 1)]:
        assert tinygan("train", "gan", *words.points, "--steps", 2, "--seed", seed, "--quiet", "--out",
                       name).status == 0
    a, b, c = ((tmp_path / name / "last.npz").read_bytes() for name in "abc")
    assert a == b != c


def test_quiet_is_quiet(tinygan, words):
    done = tinygan("train", "gan", *words.points, "--steps", 1, "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_a_dry_run_tells_everything_and_writes_nothing(tinygan, tmp_path, words):
    done = tinygan("train", "r1-gan", *words.images, "lr=7e-4", "--steps", 9, "--dry-run")
    assert done.status == 0 and list(tmp_path.iterdir()) == []
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    assert rows["lr"] == ["0.0007", "--set"] and rows["channels"] == ["2", "--set"]
    assert rows["penalty"] == ["r1(gamma=10)", "recipe"] and rows["n_critic"] == ["1", "class", "GAN"]
    assert rows["g_norm"] == ["batch", "networks"] and rows["d_norm"] == ["none", "recipe"]
    assert re.search(r"^G +DCGANGenerator +[\d,]+$", done.out, re.MULTILINE)
    assert "data embedded, samples of shape (1, 8, 8), batch size 4, seed 0, 9 steps, device cpu, run folder " \
        "runs/r1-gan-<n>" in done.out


def test_resume_ends_like_an_undisturbed_run(tinygan, tmp_path, words, monkeypatch):
    words = ["train", "wgan-gp", *words.points, "ema=0.5", "--steps", 6, "--log-every", 1, "--sample-every", 2]
    assert tinygan(*words, "--quiet", "--out", "whole").status == 0
    batch, count = data.PointBatches.next_batch, [0]

    def interrupting(self):
        count[0] += 1
        if count[0] == 250 + 17:  # 250 batches make the 2,000 real points of the picture; the 17th is in step 4
            signal.raise_signal(signal.SIGINT)
        return batch(self)
    monkeypatch.setattr(data.PointBatches, "next_batch", interrupting)
    done = tinygan(*words, "--out", "part")
    assert done.status == 130
    assert "stopped after step 4 of 6 and saved; to go on, resume part" in done.out
    assert "Traceback" not in done.err
    monkeypatch.setattr(data.PointBatches, "next_batch", batch)
    monkeypatch.chdir(tmp_path.parent)  # nothing depends on where the command is given
    done = tinygan("resume", tmp_path / "part")
    assert done.status == 0, done.err
    assert "from step 4" in done.out
    whole, part = tmp_path / "whole", tmp_path / "part"
    for name in ("last.npz", "best.npz", "samples/000006.png", "curves.png"):
        assert (whole / name).read_bytes() == (part / name).read_bytes(), name
    assert log(whole) == log(part)


def test_a_finished_run_goes_on_when_it_is_told_to(tinygan, tmp_path, words):
    assert tinygan("train", "gan", *words.points, "--steps", 4, "--quiet", "--out", "a", "--log-every", 2).status == 0
    before = (tmp_path / "a" / "last.npz").read_bytes()
    assert tinygan("resume", "a", "--quiet").status == 0
    assert (tmp_path / "a" / "last.npz").read_bytes() == before
    assert tinygan("resume", "a", "--steps", 6, "--quiet").status == 0
    assert [r["step"] for r in log(tmp_path / "a") if "d_loss" in r] == [2, 4, 6]
    done = tinygan("resume", "a", "--steps", 5)
    assert done.status == 2 and "at least the 6 steps that are done, got --steps 5" in done.err
    assert tinygan("resume", "a", "--quiet").status == 0  # up to the 6 of the last resumption, which are done
    assert log(tmp_path / "a")[-1]["step"] == 6


@pytest.mark.parametrize("name, shape", [("stacked", [3, 8, 8]), ("mixture1", [1]), ("moons", [2])])
def test_other_data(tinygan, tmp_path, name, shape):
    size = [] if len(shape) == 1 else ["--size", 8]
    done = tinygan("train", "gan", "--data", name, *size, "--batch-size", 4, "--steps", 1, "--set", "hidden=6,",
                   "--quiet", "--out", "a")
    assert done.status == 0, done.err
    assert settings(tmp_path / "a")["shape"] == shape and (tmp_path / "a" / "samples" / "000001.png").exists()


def test_a_folder_of_images(tinygan, tmp_path):
    import numpy as np
    from PIL import Image
    (tmp_path / "photos").mkdir()
    for k in range(12):
        Image.fromarray(np.full((10, 14, 3), 20 * k, np.uint8)).save(tmp_path / "photos" / f"{k}.png")
    done = tinygan("train", "hinge-gan", "--data", "photos", "--size", 8, "--batch-size", 5, "--steps", 2, "--quiet",
                   "--set", "channels=2", "--out", "a")
    assert done.status == 0, done.err
    found = settings(tmp_path / "a")
    assert found["shape"] == [3, 8, 8] and found["data"] == str((tmp_path / "photos").resolve())
    assert found["score"] is None and not (tmp_path / "a" / "best.npz").exists()
    grey = tinygan("train", "hinge-gan", "--data", "photos", "--size", 8, "--image-channels", 1, "--batch-size", 5,
                   "--steps", 1, "--quiet", "--set", "channels=2", "--out", "b")
    assert grey.status == 0 and settings(tmp_path / "b")["shape"] == [1, 8, 8]


def test_digits_are_scored_by_the_judge(tinygan, tmp_path):
    """FID_J of an untrained generator is in the hundreds (119 for noise of every kind), so its score is far below 0."""
    done = tinygan("train", "gan", "--data", "embedded", "--batch-size", 2, "--steps", 1, "--quiet", "--out", "a",
                   "--set", "hidden=4,", "--log-every", 1)
    assert done.status == 0, done.err
    assert settings(tmp_path / "a")["score"].startswith("-FID_J")
    (score,) = [r["score"] for r in log(tmp_path / "a") if "score" in r]
    assert score < -50 and (tmp_path / "a" / "best.npz").exists()
