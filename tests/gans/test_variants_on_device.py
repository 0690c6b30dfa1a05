"""Steps of the variants on a device (a strict stand-in for CuPy): nothing waits for it, and the state lives there."""
import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.train import Play

NAMES = ["ebgan-pt", "magan", "gmmn", "mmd-gan", "fisher-gan", "gogan", "bs-gan", "feature-matching", "geometric-gan",
         "instance-noise-gan", "historical-gan", "orthogonal-gan", "path-length-gan", "dragan", "f-gan-hellinger",
         "b-gan-relative", "ra-gan", "smoothed-gan"]


@pytest.mark.parametrize("name", NAMES)
def test_a_step_does_not_wait_for_the_device(cupy_standin, name):
    random.manual_seed(0)
    settings = {key: None for key in gans.find(name).resolved((2,)) if key in ("g_norm",)}
    settings |= {"pretrain": 3} if name == "magan" else {}
    gan = gans.make(name, (2,), device="cuda", hidden=(6,), z_dim=2, **settings)
    play = Play(gan, PointBatches(ring8, 8, device="cuda"), 60)
    for _ in range(7):
        play.step(watch=True)
    counters = cupy_standin.counters
    before = counters.synchronizations
    play.step(watch=True)
    assert counters.synchronizations == before
    assert all(value.device == "cuda" for value in gan.state.values() if isinstance(value, Tensor))
    assert all(np.isfinite(float(value)) for value in play.losses.values())
