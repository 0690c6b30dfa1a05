"""Every recipe: it trains, what it minimises is differentiated as a whole, and it comes back from its own settings."""
import json

import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.tensor import Tensor
from tinygan.testing import GradcheckError, gradcheck
from tinygan.train import Play

IMAGES = (1, 8, 8)
NAMES = sorted(gans.RECIPES)


class Noise:
    """A source of normal images or points, the same ones whoever asks."""

    batch_size = 8

    def __init__(self, shape, dtype=np.float32):
        self.shape, self.dtype, self.handed_out = shape, dtype, 0

    def next_batch(self):
        self.handed_out += 1
        return np.random.default_rng(self.handed_out).standard_normal((self.batch_size, *self.shape)).astype(self.dtype)


def small(name, shape=IMAGES, **settings):
    """The recipe with small networks."""
    size = {"dcgan": {"channels": 2}}.get(gans.find(name).resolved(shape)["networks"], {"hidden": (5, 4)})
    return gans.make(name, shape, **{"z_dim": 3, **size, **settings})


def values(gan):
    """All parameters of a GAN, in one dictionary of copies."""
    return {f"{role}.{key}": value for role, network in gan.modules().items() for key, value in
            network.state_dict().items()}


@pytest.mark.parametrize("name", NAMES)
def test_three_steps_move_every_network_and_stay_finite(name):
    gan = small(name)
    before = values(gan)
    play = Play(gan, Noise(IMAGES), steps=3)
    for _ in range(3):
        play.step(watch=True)
    after = values(gan)
    assert all(np.isfinite(value).all() for value in after.values())
    for role in gan.roles:
        assert any((after[key] != before[key]).any() for key in before if key.startswith(role + "."))
    assert set(play.losses) == {f"{player.name.lower()}_loss" for player in gan.players()}
    assert all(float(norm) > 0 for norm in play.norms.values())
    assert not any(int(step) for step in play.bad.values())
    assert gan.sample(5).shape == (5, *IMAGES)


@pytest.mark.parametrize("name", [n for n in NAMES if gans.find(n).settings.get("networks") != "dcgan"])
def test_recipes_play_on_points_too(name):
    norms = {key: None for key in gans.find(name).resolved((2,)) if key in ("g_norm", "d_norm")}
    gan = gans.make(name, (2,), hidden=(6, 5), **norms)
    play = Play(gan, PointBatches(ring8, 8), steps=2)
    for _ in range(2):
        play.step()
    assert gan.sample(5).shape == (5, 2) and np.isfinite(gan.sample(5)).all()


def doubled(name, **settings):
    """The recipe in float64, with weights of a size at which nothing is flat."""
    gan = small(name, **settings).to(np.float64)
    for network in gan.modules().values():
        for p in network.parameters():
            p.assign(p.data + 0.3 * random.normal(p.shape, "init", np.float64))
    for key, value in gan.state.items():
        gan.state[key] = value + 0.4  # BEGAN's k: at its start, 0, half of the objective would be missing
    if hasattr(gan, "generator"):
        gan.generator = 2  # GoGAN: the first generator has nobody to be ranked with
    return gan


@pytest.mark.parametrize("name", NAMES)
def test_what_each_player_minimises_has_the_gradient_of_finite_differences(name):
    gan = doubled(name)
    x = Tensor(random.normal((4, *IMAGES), "data", np.float64))
    for player in gan.players():
        objective = gans.Objective(gan, player, x)
        assert len(objective.inputs) >= 4
        gradcheck(objective, objective.inputs)


@pytest.mark.parametrize("name, norm", [("wgan-gp", "layer"), ("r1-gan", "layer"), ("r1-gan", "instance"),
                                        ("sngan", "batch"), ("rpgan-r1-r2", "spectral")])
def test_objectives_with_other_norms_in_the_critic(name, norm):
    gan = doubled(name, d_norm=norm, penalty="gp(2) + r1(1)" if name == "wgan-gp" else gans.find(name).settings.get(
        "penalty", "none"))
    objective = gans.Objective(gan, gan.players()[0], Tensor(random.normal((4, *IMAGES), "data", np.float64)))
    gradcheck(objective, objective.inputs)


def test_a_lost_term_is_found():
    gan = doubled("r1-gan")
    x = Tensor(random.normal((4, *IMAGES), "data", np.float64))
    normal = gan.penalty.value
    gan.penalty.value = lambda D, real, fake, scores: normal(D, real, fake, scores).detach()
    objective = gans.Objective(gan, gan.players()[0], x)
    with pytest.raises(GradcheckError, match="r1-gan: D's loss: derivative of order 1"):
        gradcheck(objective, objective.inputs)


def test_an_objective_leaves_no_trace():
    gan = doubled("dcgan")
    before, streams = values(gan), random.get_state()
    objective = gans.Objective(gan, gan.players()[0], Tensor(random.normal((4, *IMAGES), "preview", np.float64)))
    first = objective(*objective.inputs).item()
    assert objective(*objective.inputs).item() == first
    assert all((values(gan)[key] == before[key]).all() for key in before)
    assert random.get_state()["counters"]["noise"] == streams["counters"]["noise"]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_comes_back_from_its_settings_as_json(name):
    gan = small(name, lr=3e-3)
    config = json.loads(json.dumps({"recipe": gan.name, "shape": gan.shape, "settings": gan.config}))
    random.manual_seed(0)
    again = gans.make(config["recipe"], config["shape"], **config["settings"])
    assert again.config == gan.config and type(again) is type(gan) and again.lr == 3e-3
    assert all((value == values(gan)[key]).all() for key, value in values(again).items())


@pytest.mark.parametrize("name", NAMES)
def test_the_state_of_a_gan_is_taken_over(name):
    gan = small(name)
    Play(gan, Noise(IMAGES), 1).step()
    state = gan.state_dict()
    random.manual_seed(5)
    other = small(name)
    other.load_state_dict(state)
    assert all((value == values(gan)[key]).all() for key, value in values(other).items())
    z = gan.noise(4, "preview")
    assert (other.sample(z) == gan.sample(z)).all()
