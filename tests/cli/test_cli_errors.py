"""Whatever goes wrong: one line on stderr, the right exit status, no traceback, and nothing lost."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinygan import cli
from tinygan.cli import program
from tinygan.train import load_checkpoint, save_checkpoint

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


def contents(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def fails(done, status, *messages):
    """Assert that a command failed with this status, and one line that says these things."""
    assert done.status == status, done.err
    assert len(done.err.splitlines()) == 1 and done.err.startswith("tinygan"), done.err
    for message in messages:
        assert message in done.err, done.err


@pytest.mark.parametrize("words, message", [
    ([], "the following arguments are required: COMMAND"),
    (["tran"], "invalid choice: 'tran'"),
    (["train"], "the following arguments are required: RECIPE"),
    (["train", "wgangp"], "unknown recipe 'wgangp'; did you mean 'wgan-gp'?"),
    (["train", "gan", "--data", "rng8"], "expected a known name or a folder, got 'rng8'; did you mean 'ring8'?"),
    (["train", "gan", "--data", "q/x"], "got 'q/x'; known are embedded, "),
    (["train", "gan", "--data", "ring8", "--set", "n_critc=2"], "unknown setting 'n_critc'; did you mean 'n_critic'?"),
    (["train", "gan", "--data", "ring8", "--set", "channels=2"], "networks 'mlp' have no such setting"),
    (["train", "gan", "--set", "lr"], "expected key=value, got 'lr'"),
    (["train", "gan", "--set", "=3"], "expected key=value, got '=3'"),
    (["train", "gan", "--data", "ring8", "--set", "lr=fast"], "lr: expected a number like 0.0002, got 'fast'"),
    (["train", "gan", "--data", "ring8", "--set", "lr=-1"], "Adam: expected lr >= 0, got -1"),
    (["train", "gan", "--set", "lr=1e999"], "lr: expected finite numbers, got '1e999'"),
    (["train", "gan", "--data", "ring8", "--set", "n_critic=1.5"], "n_critic: expected a whole number"),
    (["train", "gan", "--data", "ring8", "--set", "n_critic=0"], "D: expected at least one update per step, got 0"),
    (["train", "gan", "--data", "ring8", "--set", "accumulate=0"], "accumulate: expected at least one batch"),
    (["train", "gan", "--data", "ring8", "--set", "hidden=6"], "whole numbers like (128, 128), got 6; 6, is a list"),
    (["train", "gan", "--data", "ring8", "--set", "hidden=()"], "hidden: expected whole numbers like (128, 128)"),
    (["train", "gan", "--data", "ring8", "--set", "betas='a','b'"], "betas: expected numbers like (0.5, 0.999)"),
    (["train", "gan", "--data", "ring8", "--set", "hidden=4,", "d_norm=bach"], "norm: expected one of None, batch"),
    (["train", "gan", "--data", "ring8", "--set", "self=1"], "unknown setting 'self'"),
    (["train", "gan", "--data", "ring8", "--set", "shape=1"], "unknown setting 'shape'"),
    (["train", "gan", "--data", ""], "expected a known name or a folder, got ''"),
    (["train", "gan", "--data", "ring8", "--set", "loss=hing"], "loss: expected one of minimax, "),
    (["train", "gan", "--data", "ring8", "--set", "penalty=r1(__import__('os'))"], "penalty: expected a penalty such"),
    (["train", "wgan-gp", "--data", "ring8", "--set", "loss=hinge"], "loss: expected 'wasserstein'"),
    (["train", "dcgan", "--data", "ring8"], "dcgan: expected square images of shape (C, size, size)"),
    (["train", "gan", "--data", "ring8", "--size", "8"], "--data ring8: expected no --size"),
    (["train", "gan", "--data", "stacked", "--image-channels", "1"], "expected 3 channels"),
    (["train", "gan", "--steps", "0"], "argument --steps: expected a whole number of at least 1, got '0'"),
    (["train", "gan", "--steps", "1e3"], "expected a whole number of at least 1, got '1e3'"),
    (["train", "gan", "--batch-size", "-4"], "argument --batch-size: expected a whole number of at least 1"),
    (["train", "gan", "--seed", "-1"], "argument --seed: expected a whole number of at least 0"),
    (["train", "gan", "--seed", str(2 ** 64)], "expected a seed below 2**64"),
    (["train", "gan", "--data", "embedded", "--size", "8", "--batch-size", "20000"], "use a smaller batch size"),
    (["train", "gan", "--data", "ring8", "--device", "gpu"], "expected 'cpu', 'cuda' or 'cuda:<index>', got 'gpu'"),
    (["info", "nogan"], "unknown recipe 'nogan'"),
    (["info", "--set", "lr=1"], "info: expected a recipe beside --data and --set, got none"),
    (["gradcheck", "gan", "--shape", "2,2"], "expected a size (2) or channels, height, width (1,8,8), got '2,2'"),
    (["gradcheck", "gan", "--set", "zdim=2"], "did you mean 'z_dim'?"),
])
def test_commands_that_cannot_be_meant(tinygan, tmp_path, words, message):
    fails(tinygan(*words), 2, message)
    assert list(tmp_path.iterdir()) == []


def test_no_gpu_when_one_was_asked_for(tinygan, monkeypatch):
    from tinygan import backend
    monkeypatch.setattr(backend, "cuda_available", lambda: False)
    fails(tinygan("train", "gan", "--data", "ring8", "--device", "cuda"), 1, "expected a GPU with index 0, CuPy finds",
          "use --device cpu or --device auto")


def test_help_and_version_succeed(tinygan):
    assert tinygan("--help").status == 0 and "interpolate" in tinygan("--help").out
    assert tinygan("--version").out.startswith("tinygan ") and tinygan("train", "--help").status == 0


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03\0\0\0\x05", b"\x1f\x8bnot gzip", b"hello" * 9])
def test_corrupt_idx_files(tinygan, tmp_path, content):
    folder = tmp_path / "idx"
    folder.mkdir()
    for stem in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (folder / stem).write_bytes(content)
    fails(tinygan("train", "gan", "--data", "idx", "--out", "a"), 1, "idx/train-images-idx3-ubyte", "expected")
    assert not (tmp_path / "a").exists()


def test_an_empty_folder_and_one_with_a_broken_image(tinygan, tmp_path):
    (tmp_path / "data").mkdir()
    fails(tinygan("train", "gan", "--data", "data"), 1, "or images, in ", "got neither")
    (tmp_path / "data" / "a.png").write_bytes(b"\x89PNG broken")
    fails(tinygan("train", "gan", "--data", "data"), 1, "expected a readable image in", "a.png")
    (tmp_path / "file").touch()
    fails(tinygan("train", "gan", "--data", "file"), 1, "file' (a file)")
    assert not (tmp_path / "runs").exists()


def test_a_run_folder_with_other_settings(tinygan, tmp_path, runs, words):
    shutil.copytree(runs["points"], tmp_path / "a")
    before = contents(tmp_path / "a")
    fails(tinygan("train", "gan", *words.points, "lr=0.5", "ema=0.9", "--steps", 20, "--log-every", 5,
                  "--sample-every", 10, "--out", "a"), 1,
          "a run with other settings (settings.lr: 0.01 there, 0.5 here); resume it or choose another folder")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "a.tex").touch()
    fails(tinygan("train", "gan", *words.points, "--out", "thesis"), 1, "1 other entries (a.tex)")
    assert contents(tmp_path / "a") == before


@pytest.mark.parametrize("command", ["resume", "sample", "interpolate", "report"])
def test_folders_that_are_no_runs(tinygan, tmp_path, command):
    (tmp_path / "empty").mkdir()
    fails(tinygan(command, "empty"), 1, "empty: expected a run to resume, got no config.json there")
    fails(tinygan(command, "nowhere"), 1, "nowhere: expected a run")
    for content in ("{", "[]", '{"settings": 3}', "\0\xff"):
        (tmp_path / "empty" / "config.json").write_text(content, encoding="latin-1")
        fails(tinygan(command, "empty"), 1, "config.json: expected the settings of a run")


def test_data_that_are_other_data_now(tinygan, tmp_path):
    from PIL import Image
    (tmp_path / "data").mkdir()
    for k in range(12):
        Image.new("L", (8, 8), 20 * k).save(tmp_path / "data" / f"{k}.png")
    done = tinygan("train", "gan", "--data", "data", "--size", 8, "--batch-size", 4, "--steps", 3, "--quiet",
                   "--set", "hidden=4,", "--out", "a")
    assert done.status == 0, done.err
    (tmp_path / "data" / "4.png").write_bytes((tmp_path / "data" / "5.png").read_bytes())
    fails(tinygan("resume", "a", "--steps", 4), 1, "settings of the run to resume, got others (data_digest: ")
    shutil.rmtree(tmp_path / "data")
    fails(tinygan("resume", "a", "--steps", 4), 1, "data' (no such folder)")


def test_a_run_of_a_program_is_left_to_it(tinygan, tmp_path):
    from tinygan.train import RunFolder
    RunFolder(tmp_path / "a", {"name": "mine", "seed": 0})
    fails(tinygan("resume", "a"), 1, "expected a run of `tinygan train`, got one of a program")
    fails(tinygan("sample", "a"), 1, "expected a run of a recipe")
    assert tinygan("report", "a").status == 0  # which needs no more than there is


@pytest.mark.parametrize("damage", ["truncated", "foreign", "pickle", "other", "shapes", "game", "missing"])
def test_damaged_checkpoints(tinygan, tmp_path, runs, damage):
    shutil.copytree(runs["points"], tmp_path / "a")
    last = tmp_path / "a" / "last.npz"
    if damage == "truncated":
        last.write_bytes(last.read_bytes()[:-100])
    elif damage == "foreign":
        np.savez(last, a=np.zeros(3))
    elif damage == "pickle":
        objects = np.empty(1, object)
        objects[0] = Dangerous()
        np.savez(last, objects)
    elif damage == "other":
        save_checkpoint(last, {"step": 3, "state": {"G": 1}})
    elif damage == "shapes":
        shutil.copy(runs["images"] / "last.npz", last)
    elif damage == "game":  # the same shapes, but no averaged weights
        shutil.copy(runs["plain"] / "last.npz", last)
    else:
        last.unlink()
    before = contents(tmp_path / "a")
    fails(tinygan("sample", "a", "--out", "s.npy"), 1, "last.npz")
    if damage != "missing":  # a run without a checkpoint was killed before its first one, and begins again
        fails(tinygan("resume", "a", "--steps", 21, "--quiet"), 1, "checkpoint")
    for name, content in before.items():  # settings and log may say that somebody tried; nothing is lost
        assert name in ("config.json", "log.jsonl") or (tmp_path / "a" / name).read_bytes() == content
    assert not (tmp_path / "executed").exists() and not (tmp_path / "s.npy").exists()


class Dangerous:
    """Pickled, it runs a program when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("text", ["__import__('os').mkdir('executed')", "().__class__", "open('executed', 'w')",
                                  "lambda: 0", "[x for x in (1,)]"])
def test_values_of_settings_are_never_evaluated(tinygan, tmp_path, text):
    for key in ("lr", "penalty", "loss", "betas", "networks", "optimizer", "d_norm"):
        fails(tinygan("train", "gan", "--data", "ring8", "--steps", 1, "--set", f"{key}={text}", "--dry-run"), 2)
    assert not (tmp_path / "executed").exists()


def test_paths_that_cannot_be_written(tinygan, tmp_path, runs, words):
    (tmp_path / "file").touch()
    fails(tinygan("train", "gan", *words.points, "--out", "file"), 1, "file: cannot use the run folder: File exists")
    fails(tinygan("train", "gan", *words.points, "--out", "file/a"), 1, "Not a directory")
    for command, name in [("sample", "a.npy"), ("interpolate", "a"), ("report", "a.html"), ("graph", "a.dot")]:
        run = "gan" if command == "graph" else runs["points"]
        fails(tinygan(command, run, "--out", f"file/{name}"), 1, "error: file: File exists")
    fails(tinygan("compare", runs["points"], runs["plain"], "--out", "file/a.png"), 1, "file")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody can write to")
def test_a_folder_that_nobody_can_write_to(tinygan, runs, words):
    fails(tinygan("train", "gan", *words.points, "--out", "/proc/a"), 1, "/proc/a: cannot use the run folder: ")
    fails(tinygan("sample", runs["points"], "--out", "/proc/a.npy"), 1, "/proc/")
    fails(tinygan("report", runs["points"], "--out", "/proc/a.html"), 1, "/proc/")


def test_a_diverging_run(tinygan, tmp_path, words):
    done = tinygan("train", "gan", *words.points, "lr=1e30", "--steps", 20, "--quiet", "--out", "a")
    fails(done, 1, "is NaN or infinite", "There is no checkpoint yet; a smaller learning rate")


def test_a_traceback_on_demand(tinygan):
    done = tinygan("train", "nogan", "--traceback")
    assert done.status == 2 and "Traceback" in done.err and done.err.splitlines()[-1].startswith("tinygan: error: ")


@pytest.mark.parametrize("error, status, message", [
    (KeyError("x"), 1, "error: KeyError: 'x' (unexpected; --traceback shows where)"),
    (MemoryError(), 1, "error: out of memory"),
    (OSError(28, "No space left on device", "f.png"), 1, "error: f.png: No space left on device"),
    (RuntimeError("several\n  lines"), 1, "error: several lines"),
    (ValueError(""), 2, "ValueError"),
    (KeyboardInterrupt(), 130, "tinygan: interrupted"),
])
def test_every_error_becomes_one_line(tinygan, monkeypatch, error, status, message):
    def fail(args):
        raise error
    monkeypatch.setattr(program.listing, "list_recipes", fail)
    fails(tinygan("list"), status, message)


def test_warnings_are_lines(tinygan, monkeypatch):
    import warnings

    def warn(args):
        warnings.simplefilter("always")
        warnings.warn("look\nhere", stacklevel=1)
    monkeypatch.setattr(program.listing, "list_recipes", warn)
    assert tinygan("list").err == "tinygan: warning: look here\n"


# A full disk: a limit on the size of files makes real writes fail in the middle

@contextlib.contextmanager
def files_up_to(size):
    resource = pytest.importorskip("resource", reason="no limits on file sizes on this system")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("limit, save_every, kept, what", [
    (3000, 10, None, "last.npz: cannot write the checkpoint"),     # a checkpoint has 17 kB
    (20000, 10, 10, "curves.png: cannot write the picture"),       # a picture of curves, drawn at step 20, 35 kB
    (6000, 40, None, "log.jsonl: cannot write the log"),           # the log of 40 steps 10 kB
])
def test_a_full_disk_loses_nothing(tinygan, tmp_path, words, limit, save_every, kept, what):
    """The run stops with a message, its last checkpoint stays, and with more room it ends as if nothing had been."""
    words = ["train", "gan", *words.points, "z_dim=1", "--steps", 40, "--log-every", 1, "--save-every", save_every,
             "--quiet", "--sample-every", 40 if "log" in what else 20, "--no-score"]
    assert tinygan(*words, "--out", "whole").status == 0
    with files_up_to(limit):
        fails(tinygan(*words, "--out", "part"), 1, what, "File too large")
    part, whole = tmp_path / "part", tmp_path / "whole"
    assert not list(part.rglob("*.tmp")) and (part / "last.npz").exists() == (kept is not None)
    assert kept is None or load_checkpoint(part / "last.npz")["step"] == kept
    done = tinygan("resume", "part", "--quiet")
    assert done.status == 0, done.err
    for name in ("last.npz", "samples/000040.png", "curves.png", "real.png"):
        assert (part / name).read_bytes() == (whole / name).read_bytes(), name
    assert [len((folder / "log.jsonl").read_text().splitlines()) for folder in (part, whole)] == [40, 40]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_to_a_full_disk_and_to_a_closed_pipe():
    words = [sys.executable, "-m", "tinygan", "list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert done.returncode == 1 and done.stderr == "tinygan: error: No space left on device\n"
    done = subprocess.run(f"{' '.join(words)} | true; echo ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
                          capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_ctrl_c_in_a_process_of_its_own(tinygan, tmp_path, words):
    """`python -m tinygan train`, SIGINT while it trains: status 130, saved, and resumed up to the end."""
    process = subprocess.Popen([sys.executable, "-m", "tinygan", "train", "gan", *words.points, "--steps", "100000",
                                "--log-every", "1", "--no-score", "--out", "a"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    log = tmp_path / "a" / "log.jsonl"
    for _ in range(1200):
        if log.exists() and log.stat().st_size > 1000:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "saved; to go on, resume a" in out and "Traceback" not in err
    step = int(out.split("stopped after step ")[1].split()[0])
    done = cli.main(["resume", "a", "--steps", str(step + 1), "--quiet"])
    assert done == 0 and zipfile.is_zipfile(tmp_path / "a" / "last.npz")
