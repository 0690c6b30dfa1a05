"""Memory over thousands of steps: as many Tensors at the end as at the beginning, and no more of the machine's."""
import gc
import os
from pathlib import Path

import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.testing import live_objects
from tinygan.train import Play, Trainer

STATM = Path("/proc/self/statm")
pytestmark = pytest.mark.skipif(not STATM.exists(), reason="asks Linux for the memory of this process")


@pytest.fixture(autouse=True)
def _seed():
    before = random.get_state()
    random.manual_seed(0)
    yield
    random.set_state(before)


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def resident():
    """Bytes of this process in memory."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def game(name="wgan-gp", **settings):
    return gans.make(name, (2,), **{"hidden": (4,), "z_dim": 2, "ema": 0.9, **settings})


@pytest.mark.parametrize("steps", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_steps_with_a_penalty_leave_nothing_behind(no_collector, steps):
    """The bound is 1 MiB: 100 bytes a step over 10,000 steps, where the smallest Tensor with its array has 300."""
    play = Play(game(n_critic=1), PointBatches(ring8, 4), steps + 100)
    for _ in range(100):
        play.step(watch=True)
    tensors, memory = live_objects(), resident()
    for _ in range(steps):
        play.step(watch=True)
    assert live_objects() == tensors
    assert resident() - memory < 2 ** 20
    assert gc.collect() < 50  # what the collector finds now had 1,000 steps and more to pile up


def test_the_measures_see_a_leak(no_collector):
    play, kept = Play(game("gan"), PointBatches(ring8, 4), 1_000), []
    tensors, memory = live_objects(), resident()
    for _ in range(300):
        play.step()
        kept.append(Tensor(play.batch.data))
    assert live_objects() >= tensors + 300
    # 64 MiB are more than malloc ever takes from what was freed before: they are new pages
    kept.append(np.ones(2 ** 26, np.uint8))
    assert resident() - memory > 2 ** 25


@pytest.mark.slow
def test_ten_thousand_steps_with_logs_pictures_scores_and_checkpoints(tmp_path):
    """As people run it. matplotlib's figures are cycles, of 1 to 4 MiB each, so the collector runs before a look."""
    sizes = []

    def score(gan):
        gc.collect()
        sizes.append(resident())
        return float(gan.sample(100).std())
    Trainer(game("gan"), PointBatches(ring8, 4), 10_000, tmp_path, log_every=20, sample_every=500, save_every=100,
            score=score, score_every=500, quiet=True).run()
    assert len(sizes) == 20
    # Ten pictures, 250 log lines and 50 checkpoints later. Reading the log back is the one thing that grows with a run:
    # 500 records of 13 numbers are 1 MiB at the moment in which the curves are drawn.
    assert sizes[-1] - sizes[9] < 2 ** 21
