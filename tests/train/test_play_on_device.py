"""A step on a device (a strict stand-in for CuPy) waits for nothing and moves nothing between device and host."""
import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.train import Play, measure


@pytest.mark.parametrize("name, settings", [("gan", {}), ("wgan-gp", {}), ("wgan", {}), ("began", {}), ("infogan", {}),
                                            ("rpgan-r1-r2", {"ema": 0.9}), ("gan", {"accumulate": 2}),
                                            ("sngan", {"simultaneous": True})])
def test_a_step_does_not_wait_for_the_device(cupy_standin, name, settings):
    random.manual_seed(0)
    gan = gans.make(name, (2,), device="cuda", hidden=(6,), z_dim=2, **settings)
    play = Play(gan, PointBatches(ring8, 8, device="cuda"), 5)
    play.step(watch=True)
    counters = cupy_standin.counters
    before = counters.synchronizations, counters.transfers
    play.step()
    play.step(watch=True)
    assert counters.synchronizations == before[0]
    # the centres of the mixture and the seeds of the draws go to the device; nothing comes back
    figures = measure(gan, play.batch)
    assert counters.synchronizations == before[0]
    assert all(np.isfinite(float(value)) for value in (*play.losses.values(), *play.norms.values(), *figures.values()))
    assert counters.synchronizations > before[0]  # the counter counts
