"""GoGAN: stages, the frozen generator before, and the ranking term."""
import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.train import Play


def weights(network):
    return np.concatenate([v.ravel() for v in network.state_dict().values()])


def test_each_stage_freezes_the_generator_that_it_starts_from():
    gan = gans.make("gogan", (2,), hidden=(8,), n_critic=1)
    play, starts = Play(gan, PointBatches(ring8, 16), steps=7), {}
    assert [stage.steps for stage in play.stages] == [2, 2, 3]
    for _ in range(7):
        before = weights(gan.G)
        play.step()
        starts.setdefault(gan.generator, before)
        assert (weights(gan.previous) == starts[gan.generator]).all() and (weights(gan.G) != before).any()
    assert sorted(starts) == [1, 2, 3]
    assert [player.name for player in gan.players()] == ["D", "G"]
    learnt = {id(p) for player in gan.players() for p in player.parameters()}
    assert not learnt & {id(p) for p in gan.previous.parameters()}


@pytest.mark.parametrize("stage", [1, 2])
def test_the_critics_loss(stage):
    gan = gans.make("gogan", (2,), hidden=(8,), penalty="none", rank=0.7, margin=0.4, rank_margin=0.2).to(np.float64)
    gan.enter(stage)
    for p in gan.G.parameters():
        p.assign(p.data + 0.3)
    x, start = Tensor(ring8(6, dtype=np.float64)), random.get_state()
    value = gan.d_loss(x).item()
    random.set_state(start)
    real, fake, before = gan.D(x).numpy(), gan.D(gan.G(gan.noise(x))).numpy(), gan.D(gan.previous(gan.noise(x))).numpy()
    expected = np.maximum(0, 0.4 - real + fake).mean()
    if stage == 2:
        expected += 0.7 * np.maximum(0, 0.2 - fake + before).mean()
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_ranked_chain_costs_nothing():
    gan = gans.make("gogan", (2,), hidden=(8,), penalty="none", margin=1.0)
    gan.enter(2)
    scores = iter([5.0, 2.0, 0.5])  # of x, G_2, G_1
    gan.D = lambda v: Tensor(np.full(len(v), next(scores), np.float32))
    assert gan.d_loss(Tensor(ring8(4))).item() == 0.0
