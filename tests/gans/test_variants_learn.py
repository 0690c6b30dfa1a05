"""What each variant teaches G: samples move to the data, and not with G's loss negated or without a rate."""
import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import GaussianMixture, PointBatches
from tinygan.train import Play


DATA = GaussianMixture("far", [[3.0, 0.0]], 0.2)  # an untrained generator is around (0, 0): 3 away
# Not here: losses that saturate on separate supports (b-GAN, total variation), as their papers say.
NAMES = {"ebgan": dict(margin=1.0), "magan": dict(epoch=20, pretrain=12), "gmmn": {},
         "mmd-gan": dict(clip=0.3, n_critic=1), "fisher-gan": dict(rho=0.1, betas=(0.0, 0.9)),
         "gogan": dict(n_critic=3, lr=1e-3), "feature-matching": {}, "geometric-gan": {}, "instance-noise-gan": {},
         "historical-gan": dict(history=0.001), "ra-gan": {}, "bs-gan-continuous": {}, "f-gan-kl": {},
         "f-gan-reverse-kl": {}, "smoothed-gan": {}}


def distance(name, negated=False, steps=120, **settings):
    """How far the mean of the samples is from that of the data after the training."""
    random.manual_seed(3)
    norms = {key: None for key in gans.find(name).resolved((2,)) if key == "g_norm"}
    gan = gans.make(name, (2,), **{"hidden": (24, 24), "z_dim": 2, "lr": 5e-3, **norms, **NAMES[name], **settings})
    if negated:
        loss = gan.g_loss
        gan.g_loss = lambda x: -loss(x)
    play = Play(gan, PointBatches(DATA, 64), steps)
    for _ in range(steps):
        play.step()
    return float(np.hypot(*(gan.sample(500).mean(axis=0) - DATA.centers[0])))


@pytest.mark.parametrize("name", NAMES)
def test_samples_move_to_the_data_by_what_g_minimises(name):
    assert distance(name) < 1.5
    assert not distance(name, negated=True) < 1.5
    assert not distance(name, steps=10, lr=0.0) < 1.5
