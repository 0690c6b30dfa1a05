"""WGAN keeps its weights in the box, WGAN-GP's losses are those of the paper's algorithm."""
import numpy as np
import pytest

import tinygan
from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.train import Play


def test_the_critics_weights_stay_in_the_box_after_every_update():
    gan = gans.make("wgan", (2,), hidden=(16, 16), z_dim=2, lr=1e-2)
    sizes, after = [], gan.after_update

    def watched(player):
        before = max(abs(p.numpy()).max() for p in gan.D.parameters())
        after(player)
        sizes.append((player.name, before, max(abs(p.numpy()).max() for p in gan.D.parameters())))
    gan.after_update = watched
    play = Play(gan, PointBatches(ring8, 16), steps=4)
    for _ in range(4):
        play.step()
    d = [(before, now) for name, before, now in sizes if name == "D"]
    bound = float(np.float32(0.01))
    assert len(d) == 20 and all(now <= bound for _, now in d)
    assert all(before > bound for before, _ in d)  # it is the clipping that keeps them there
    assert max(abs(p.numpy()).max() for p in gan.G.parameters()) > 0.1


def test_wgan_gp_is_its_algorithm():
    gan = gans.make("wgan-gp", (2,), hidden=(8, 8), z_dim=3).to(np.float64)
    x = Tensor(ring8(6, dtype=np.float64))
    start = random.get_state()
    value = gan.d_loss(x).item()
    random.set_state(start)
    fake = gan.G(Tensor(random.normal((6, 3), dtype=np.float64)))
    e = random.uniform((6, 1), stream="penalty", dtype=np.float64)
    between = tinygan.tensor(e * x.numpy() + (1 - e) * fake.numpy(), requires_grad=True)
    (slope,) = tinygan.grad(gan.D(between).sum(), between)
    norms = np.sqrt((slope.numpy() ** 2).sum(axis=1))
    expected = gan.D(fake).numpy().mean() - gan.D(x).numpy().mean() + 10 * ((norms - 1) ** 2).mean()
    assert value == pytest.approx(expected, rel=1e-9)  # the penalty's root has 1e-12 inside
    random.set_state(start)
    z = Tensor(random.normal((6, 3), dtype=np.float64))
    random.set_state(start)
    assert gan.g_loss(x).item() == pytest.approx(-gan.D(gan.G(z)).numpy().mean(), rel=1e-12)


@pytest.mark.parametrize("name, where", [("r1-gan", "real"), ("wgan-gp", "between"), ("rpgan-r1-r2", "both")])
def test_a_penalty_looks_where_its_paper_says(name, where):
    """A critic that is linear with slope w has the penalty that its slope gives, wherever the samples are."""
    gan = gans.make(name, (2,), z_dim=3, hidden=(4,)).to(np.float64)
    w = np.array([0.6, 1.7])
    x, fake = Tensor(ring8(6, dtype=np.float64)), Tensor(ring8(6, dtype=np.float64))
    expected = {"real": 5 * (w @ w), "between": 10 * (np.sqrt(w @ w) - 1) ** 2, "both": 1.0 * (w @ w)}[where]
    assert gan.penalty(lambda v: (v * Tensor(w)).sum(1), x, fake).item() == pytest.approx(expected, rel=1e-9)


def test_the_gradient_penalty_takes_no_part_in_the_generators_step():
    gan = gans.make("wgan-gp", (2,), hidden=(8, 8), z_dim=3)
    with pytest.raises(RuntimeError, match="unused"):
        tinygan.grad(gan.d_loss(Tensor(ring8(6))), list(gan.G.parameters()))
