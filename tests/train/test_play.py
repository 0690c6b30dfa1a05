"""The game: who moves when, on which batch, and the closed forms of the simplest game there is."""
import numpy as np
import pytest

from tinygan import gans, nn, random
from tinygan.data import PointBatches, ring8
from tinygan.gans import GAN
from tinygan.tensor import Parameter, Tensor
from tinygan.train import Play


@pytest.fixture(autouse=True)
def _seed():
    before = random.get_state()
    random.manual_seed(0)
    yield
    random.set_state(before)


class Number(nn.Module):
    """One number."""

    def __init__(self, value):
        super().__init__()
        self.value = Parameter(np.array(value))


class Bilinear(GAN):
    """min over x, max over y of x y (Salimans et al. 2016, arXiv:1606.03498, section 3): G is x, D is y."""

    defaults = dict(loss=None, optimizer="sgd", lr=0.1)

    def players(self):
        return [self.player("G", self.g_loss, self.G), self.player("D", self.d_loss, self.D)]

    def g_loss(self, _):
        return self.G.value * self.D.value

    def d_loss(self, _):
        return -(self.G.value * self.D.value)


class Nothing:
    """Batches of one zero."""

    batch_size = 1

    def next_batch(self):
        return np.zeros((1, 1))


@pytest.mark.parametrize("simultaneous", [True, False])
def test_the_bilinear_game_against_its_closed_forms(simultaneous):
    gan = Bilinear(Number(1.0), Number(1.0), simultaneous=simultaneous)
    play, h = Play(gan, Nothing(), steps=5000), 0.1
    for k in range(1, 5001):
        play.step()
        x, y = gan.G.value.item(), gan.D.value.item()
        if simultaneous:  # r^2 = 2 (1 + h^2)^k, in float64: relative rounding of 5,000 steps is below 1e-11
            assert x * x + y * y == pytest.approx(2 * (1 + h * h) ** k, rel=1e-9)
        else:             # x^2 + y^2 - h x y keeps its first value, 1.9
            assert x * x + y * y - h * x * y == pytest.approx(1.9, abs=1e-9)


class Counting:
    """Batches whose every value is their number."""

    batch_size = 4

    def __init__(self):
        self.n = 0

    def next_batch(self):
        self.n += 1
        return np.full((4, 2), self.n, np.float32)


def watched(gan):
    """(player, number of the batch) for every loss that is asked for; the losses stay what they are."""
    seen = []

    def wrap(name, loss):
        def watching(x):
            seen.append((name, int(x.numpy()[0, 0])))
            return loss(x)
        return watching
    gan.d_loss, gan.g_loss = wrap("D", gan.d_loss), wrap("G", gan.g_loss)
    return seen


def small(**settings):
    return gans.make("gan", (2,), **{"hidden": (6,), "z_dim": 2, **settings})


def test_one_step_is_n_critic_updates_on_fresh_batches_and_one_of_g_on_the_last():
    gan = small(n_critic=3)
    seen, updates = watched(gan), []
    gan.after_update = lambda player: updates.append(player.name)
    play = Play(gan, Counting(), steps=2)
    play.step()
    play.step()
    assert seen == [("D", 1), ("D", 2), ("D", 3), ("G", 3), ("D", 4), ("D", 5), ("D", 6), ("G", 6)]
    assert updates == ["D", "D", "D", "G"] * 2
    assert play.drawn == 24 and play.done == 2


def test_simultaneous_players_see_the_parameters_of_before():
    gan = small(simultaneous=True)
    d_before, seen = gan.D.last.weight.numpy().copy(), []
    g_loss = gan.g_loss
    gan.g_loss = lambda x: (seen.append((gan.D.last.weight.numpy() == d_before).all()), g_loss(x))[1]
    Play(gan, Counting(), steps=1).step()
    assert seen == [True] and (gan.D.last.weight.numpy() != d_before).any()


def test_accumulated_gradients_are_those_of_the_whole_batch():
    points = random.normal((12, 2), "data")

    class Rows:
        def __init__(self, n):
            self.batch_size, self.at = n, 0

        def next_batch(self):
            self.at += self.batch_size
            return points[self.at - self.batch_size:self.at]

    class Noiseless(GAN):
        def noise(self, x, stream="noise"):
            return x  # so that parts and whole have the same noise

    def trained(parts, simultaneous):
        random.manual_seed(1)
        gan = Noiseless.build((2,), hidden=(6,), z_dim=2, accumulate=parts, optimizer="sgd", lr=0.5,
                              simultaneous=simultaneous)
        play = Play(gan, Rows(12 // parts), steps=1)
        play._in_turn = lambda watch: [o.apply(play._gradients(p, o, watch)) for p, o in play.seats[:1]]
        play.step(watch=True)
        return gan.D.state_dict(), play
    (whole, one), (parts, three) = trained(1, False), trained(3, False)
    for key in whole:
        np.testing.assert_allclose(parts[key], whole[key], rtol=0, atol=1e-6)  # float32 sums in another order
    assert float(three.losses["d_loss"]) == pytest.approx(float(one.losses["d_loss"]), rel=1e-6)
    assert float(three.norms["d_gradient"]) == pytest.approx(float(one.norms["d_gradient"]), rel=1e-5)
    assert three.drawn == 12


def test_averages_follow_g_once_per_step_and_leave_it_alone():
    gan = small(ema=0.75, n_critic=2)
    play = Play(gan, Counting(), steps=3)
    average = gan.G.state_dict()
    for _ in range(3):
        play.step()
        average = {key: value + (gan.G.state_dict()[key] - value) * np.float32(0.25) for key, value in average.items()}
    assert list(play.averages) == ["G"]
    for key, value in play.sampler().G.state_dict().items():
        np.testing.assert_allclose(value, average[key], rtol=0, atol=1e-7)
    assert play.sampler(raw=True) is gan and play.sampler().D is gan.D
    assert (play.sampler().G.state_dict()["main.0.weight"] != gan.G.state_dict()["main.0.weight"]).any()
    assert Play(small(), Counting(), 1).averages == {}


def test_three_players_with_sets_of_parameters_of_their_own():
    class WithEncoder(GAN):
        roles = ("G", "D", "E")

        def players(self):
            return [*super().players(), self.player("E", self.e_loss, self.E, updates=2)]

        def e_loss(self, x):
            z = self.noise(x)
            return (self.E(self.G(z)) - z).square().mean()
    base = small()
    gan = WithEncoder(base.G, base.D, nn.Linear(2, 2))
    play, before = Play(gan, Counting(), steps=1), gan.E.weight.numpy().copy()
    play.step()
    assert play.drawn == 4 * 3 and set(play.losses) == {"d_loss", "g_loss", "e_loss"}
    assert (gan.E.weight.numpy() != before).any()
    assert set(play.state_dict()["optimizers"]) == {"D", "G", "E"}


def test_the_learning_rates_of_the_players():
    play = Play(small(lr=1e-3, d_lr=4e-3, betas=(0.1, 0.9)), Counting(), 1)
    rates = [(player.name, optimizer.lr, optimizer.defaults["betas"]) for player, optimizer in play.seats]
    assert rates == [("D", 4e-3, (0.1, 0.9)), ("G", 1e-3, (0.1, 0.9))]
    assert [type(o).__name__ for _, o in Play(gans.make("wgan", (2,)), Counting(), 1).seats] == ["RMSprop"] * 2
    heavy = Play(small(optimizer="momentum", betas=(0.7, 0.9)), Counting(), 1).seats[0][1]
    assert (type(heavy).__name__, heavy.defaults["momentum"]) == ("SGD", 0.7)  # Algorithm 1 of the first GAN
    with pytest.raises(gans.SettingError, match="optimizer: expected one of adam, rmsprop, sgd, momentum, got 'adm'"):
        Play(small(optimizer="adm"), Counting(), 1)


def test_the_first_step_that_is_not_finite_is_remembered():
    gan = small()
    loss, play = gan.g_loss, None
    gan.g_loss = lambda x: loss(x) * (float("nan") if play.done == 2 else 1.0)
    play = Play(gan, Counting(), steps=5)
    for _ in range(5):
        play.step()
    assert int(play.bad["g_loss"]) == 3 and int(play.bad["d_loss"]) == 4


def signal(gan, steps=200):
    """The distance of the samples' mean to the data's, after so many steps (fewer when the critic takes five)."""
    steps = steps // 2 if gan.n_critic == 5 else steps
    play = Play(gan, Far(), steps)
    for _ in range(steps):
        play.step()
    return float(np.hypot(*(gan.sample(500).mean(axis=0) - [3.0, 0.0])))


class Far(PointBatches):
    """Points around (3, 0): an untrained generator is 3 away."""

    def __init__(self):
        super().__init__(ring8, 64)

    def next_batch(self):
        return super().next_batch() * np.float32(0.1) + np.float32([3, 0])


LEARNS = ["gan", "minimax-gan", "lsgan", "hinge-gan", "sngan", "r1-gan", "rpgan-r1-r2", "wgan", "wgan-gp"]


def game(name, **settings):
    random.manual_seed(3)
    faster = {"wgan": dict(lr=5e-3, clip=0.1, n_critic=2)}.get(name, dict(lr=2e-3))
    return gans.make(name, (2,), **{"hidden": (24, 24), "z_dim": 2, "g_norm": None, **faster, **settings})


@pytest.mark.parametrize("name", LEARNS)
def test_samples_move_to_the_data(name):
    assert signal(game(name)) < 1.0


@pytest.mark.parametrize("name", LEARNS)
def test_samples_do_not_move_to_the_data_with_the_generators_loss_negated(name):
    gan = game(name)
    loss = gan.g_loss
    gan.g_loss = lambda x: -loss(x)
    assert not signal(gan) < 1.0


@pytest.mark.parametrize("name", LEARNS)
def test_samples_do_not_move_with_a_learning_rate_of_0(name):
    assert not signal(game(name, lr=0.0), steps=20) < 1.0


def test_batches_are_tensors_or_tuples_of_them():
    class Labelled:
        batch_size = 3

        def next_batch(self):
            return np.zeros((3, 2), np.float32), np.arange(3)
    play = Play(small(), Labelled(), 1)
    x = play.draw()
    assert isinstance(x, tuple) and all(isinstance(part, Tensor) for part in x) and play.drawn == 3
    assert play.gan.noise(x).shape == (3, 2)
