"""The health line: what it says about runs whose state is known."""
import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.train import Health, Play, measure


def record(d_real=0.7, d_fake=0.6, diversity=0.9, g_gradient=1.0, d_loss=1.0):
    return dict(d_real=d_real, d_fake=d_fake, diversity=diversity, g_gradient=g_gradient, d_gradient=1.0,
                d_loss=d_loss, g_loss=1.0)


def test_a_run_like_any_other_is_ok():
    health = Health()
    assert [health.look(step, record()) for step in range(0, 3000, 50)] == ["ok"] * 60


def test_a_saturated_discriminator_is_named_after_500_steps():
    health = Health()
    lines = [health.look(step, record(d_real=1.0, d_fake=1.0, g_gradient=1e-5 if step else 1.0))
             for step in range(0, 701, 50)]
    assert lines[:10] == ["ok"] * 10
    assert lines[10] == "D saturated: accuracy 1.00 for 500 steps, G receives no gradient"
    assert lines[14] == "D saturated: accuracy 1.00 for 700 steps, G receives no gradient"
    assert health.look(750, record()) == "ok" and health.look(800, record(d_real=1.0, d_fake=1.0)) == "ok"


def test_a_critic_that_separates_but_still_teaches():
    health = Health()
    lines = [health.look(step, record(d_real=1.0, d_fake=1.0)) for step in (50, 600)]
    assert lines[1] == "ok (D tells all apart: accuracy 1.00 for 550 steps; G still receives gradient)"


def test_collapse_and_divergence():
    health = Health()
    lines = [health.look(step, record(diversity=0.02)) for step in (50, 600)]
    assert lines == ["ok", "collapsed: samples differ 0.02 times as much as real ones"]
    assert Health().look(50, record(d_loss=1e9)) == "diverged: d_loss is 1e+09"
    assert Health().look(50, record(d_loss=float("nan"))).startswith("diverged: d_loss is nan")


def test_the_memory_of_a_health_line_is_carried_over():
    first, second = Health(), Health()
    first.look(50, record(d_real=1.0, d_fake=1.0, g_gradient=5.0))
    second.load_state_dict(first.state_dict())
    after = record(d_real=1.0, d_fake=1.0, g_gradient=1e-4)
    assert second.look(550, after) == first.look(550, after) != "ok"


class Fixed:
    """What measure asks a GAN for."""

    def __init__(self, real, fake, x, samples):
        self.answer = tuple(Tensor(np.array(a, np.float32)) for a in (real, fake, x, samples))

    def modules(self):
        return {}

    def scores(self, x):
        return self.answer


def test_accuracies_and_diversity():
    # the middle between the means 2 and -1 is 0.5
    found = measure(Fixed([3.0, 2.0, 1.0], [-3.0, 0.0, 0.0], [[0.0], [4.0], [2.0]], [[1.0], [3.0], [2.0]]), None)
    assert float(found["d_real"]) == 1.0 and float(found["d_fake"]) == 1.0
    assert float(found["diversity"]) == pytest.approx(0.5, rel=1e-6)
    found = measure(Fixed([3.0, -1.0], [0.0, 1.0], [[0.0], [4.0]], [[1.0], [1.0]]), None)  # the middle is 0.75
    assert float(found["d_real"]) == 0.5 and float(found["d_fake"]) == 0.5 and float(found["diversity"]) == 0.0


def test_measuring_leaves_no_trace():
    random.manual_seed(0)
    gan = gans.make("gan", (2,), g_norm="batch", d_norm="batch", hidden=(6, 6))
    play = Play(gan, PointBatches(ring8, 16), 2)
    play.step()
    before = {role: network.state_dict() for role, network in gan.modules().items()}, random.get_state()
    measure(gan, play.batch)
    after = {role: network.state_dict() for role, network in gan.modules().items()}
    assert random.get_state() == before[1]
    assert all((after[role][key] == value).all() for role in after for key, value in before[0][role].items())


def test_a_generator_without_hope_is_told_so():
    """D learns, G does not: after a while D is right about everything and G's gradient is gone."""
    random.manual_seed(0)
    gan = gans.make("minimax-gan", (2,), hidden=(16,), z_dim=2)
    player = gan.player
    gan.player = lambda name, *args, **options: player(name, *args, **{**options, "lr": 0.0 if name == "G" else 0.05})
    play, health = Play(gan, PointBatches(ring8, 32), 1000), Health()
    for step in range(1, 801):
        play.step(watch=step % 50 == 0 or step == 1)
        if step % 50 == 0 or step == 1:
            figures = {**play.losses, **play.norms, **measure(gan, play.batch)}
            line = health.look(step, {key: float(value) for key, value in figures.items()})
    assert line.startswith("D saturated: accuracy") and line.endswith("G receives no gradient")
