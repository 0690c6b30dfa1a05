"""Noise layers: the three forms, their streams, and what evaluation must not disturb."""
import numpy as np
import pytest

import tinygan
from tinygan import nn, random


def noise_of(layer, x):
    random.manual_seed(3)
    return layer(x).numpy()


def test_the_three_forms():
    x = tinygan.tensor(np.full((4000, 2), 3.0, np.float32))
    random.manual_seed(3)
    e = random.normal((4000, 2), "dropout")
    assert noise_of(nn.Noise(0.5), x) == pytest.approx(3 + 0.5 * e, abs=1e-6)
    assert noise_of(nn.Noise(0.5, "multiplicative"), x) == pytest.approx(3 * (1 + 0.5 * e), abs=2e-6)
    both = noise_of(nn.Noise(0.5, "concatenated", channels=2), x)
    assert both.shape == (4000, 4) and (both[:, :2] == 3).all() and both[:, 2:] == pytest.approx(0.5 * e, abs=1e-6)


def test_the_same_seed_gives_the_same_output():
    layer, x = nn.Sequential(nn.Linear(2, 3), nn.Noise(0.5)), tinygan.tensor(np.ones((4, 2), np.float32))
    assert (noise_of(layer, x) == noise_of(layer, x)).all() and (layer(x).numpy() != layer(x).numpy()).any()


def test_evaluation_has_noise_and_disturbs_no_training():
    layer, x = nn.Noise().eval(), tinygan.tensor(np.zeros((4, 2), np.float32))
    random.manual_seed(0)
    assert abs(layer(x).numpy()).min() > 0
    assert {name: n for name, n in random.get_state()["counters"].items() if n} == {"preview": 1}


def test_other_modes_are_refused():
    with pytest.raises(ValueError, match="Noise: expected a mode out of additive, multiplicative, concatenated"):
        nn.Noise(mode="subtractive")
