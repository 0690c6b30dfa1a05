"""Memory over thousands of steps: as many Tensors at the end as at the beginning, and no more of the machine's.

Each run has a process of its own: in one that other tests have used, freed memory lies ready for a leak to take.
"""
import gc
import json
import os
import subprocess
import sys
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


def in_a_process_of_its_own(function, *arguments):
    """What ``function`` of this file returns for the arguments, all of them JSON."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, __file__, function.__name__, json.dumps(arguments)], check=True,
                          capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


def resident():
    """Bytes of this process in memory."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def game(name="wgan-gp", **settings):
    return gans.make(name, (2,), **{"hidden": (4,), "z_dim": 2, "ema": 0.9, **settings})


def steps_with_a_penalty(steps):
    """(Tensors more, bytes more, objects that only the collector frees) after so many steps, the collector off."""
    gc.disable()
    play = Play(game(n_critic=1), PointBatches(ring8, 4), steps + 100)
    for _ in range(100):
        play.step(watch=True)
    gc.collect()
    tensors, memory = live_objects(), resident()
    for _ in range(steps):
        play.step(watch=True)
    return live_objects() - tensors, resident() - memory, gc.collect()


@pytest.mark.parametrize("steps", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_steps_with_a_penalty_leave_nothing_behind(steps):
    """The bound is 1 MiB: 100 bytes a step over 10,000 steps, where the smallest Tensor with its array has 300."""
    tensors, memory, collected = in_a_process_of_its_own(steps_with_a_penalty, steps)
    assert tensors == 0
    assert memory < 2 ** 20
    assert collected < 50  # what the collector finds now had 1,000 steps and more to pile up


def steps_with_a_leak():
    play, kept = Play(game("gan"), PointBatches(ring8, 4), 1_000), []
    tensors, memory = live_objects(), resident()
    for _ in range(300):
        play.step()
        kept.append(Tensor(play.batch.data))
    kept.append(np.ones(2 ** 23, np.uint8))
    return live_objects() - tensors, resident() - memory


def test_the_measures_see_a_leak():
    tensors, memory = in_a_process_of_its_own(steps_with_a_leak)
    assert tensors >= 300
    assert memory > 2 ** 22  # of the 8 MiB kept


def a_run_as_people_run_it(folder):
    """Bytes of the process at each of the twenty scores."""
    sizes = []

    def score(gan):
        gc.collect()  # matplotlib's figures are cycles, of 1 to 4 MiB each
        sizes.append(resident())
        return float(gan.sample(100).std())
    Trainer(game("gan"), PointBatches(ring8, 4), 10_000, folder, log_every=20, sample_every=500, save_every=100,
            score=score, score_every=500, quiet=True).run()
    return sizes


@pytest.mark.slow
def test_ten_thousand_steps_with_logs_pictures_scores_and_checkpoints(tmp_path):
    sizes = in_a_process_of_its_own(a_run_as_people_run_it, str(tmp_path))
    assert len(sizes) == 20
    # Ten pictures, 250 log lines and 50 checkpoints later. Reading the log back is the one thing that grows with a run:
    # 500 records of 13 numbers are 1 MiB at the moment in which the curves are drawn.
    assert sizes[-1] - sizes[9] < 2 ** 21


if __name__ == "__main__":
    random.manual_seed(0)
    print(json.dumps(globals()[sys.argv[1]](*json.loads(sys.argv[2]))))
