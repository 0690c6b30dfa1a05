"""Commands run in this process, and small finished runs that many tests look at."""
import contextlib
import io
import os
from types import SimpleNamespace

import pytest

from tinygan import random
from tinygan.cli import main

POINTS = ["--data", "ring8", "--batch-size", "8", "--device", "cpu", "--set", "hidden=6,", "z_dim=3"]
IMAGES = ["--data", "embedded", "--size", "8", "--batch-size", "4", "--device", "cpu", "--set", "channels=2", "z_dim=3"]


def command(*argv):
    """Run ``tinygan`` with these arguments: its status, and what it printed to out and err."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(word) for word in argv])
    return SimpleNamespace(status=status, out=out.getvalue(), err=err.getvalue())


@pytest.fixture(name="tinygan")
def _tinygan(tmp_path, monkeypatch):
    """``tinygan("list")``, in an empty folder; the random streams are as they were afterwards."""
    monkeypatch.chdir(tmp_path)
    before = random.get_state()
    yield command
    random.set_state(before)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """{name: folder} of finished runs: points with averaged weights, points without, images."""
    base, before, here = tmp_path_factory.mktemp("runs"), random.get_state(), os.getcwd()
    folders = {name: base / name for name in ("points", "plain", "images")}
    for name, words in {
            "points": ["gan", *POINTS, "ema=0.9", "lr=1e-2", "--steps", 20, "--log-every", 5, "--sample-every", 10],
            "plain": ["wgan-gp", *POINTS, "--steps", 4, "--log-every", 2, "--seed", 1, "--sample-every", 4],
            "images": ["dcgan", *IMAGES, "--steps", 2, "--no-score", "--sample-every", 2]}.items():
        done = command("train", *words, "--quiet", "--out", folders[name])
        assert (done.status, done.err) == (0, ""), done.err
    random.set_state(before)
    os.chdir(here)
    return folders


@pytest.fixture
def words():
    """The options of small runs."""
    return SimpleNamespace(points=POINTS, images=IMAGES)
