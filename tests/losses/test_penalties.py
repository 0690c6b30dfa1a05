"""Penalties on the critic's gradient: values against closed forms, what they look at, and their errors."""
import copy
import json

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import nn, random
from tinygan.losses import every, gp, gradient_norm, r1, r2, squared_gradient, wasserstein
from tinygan.losses.penalties import none, parse


def t(values, **options):
    return tinygan.tensor(np.asarray(values, dtype=np.float64), **options)


def linear_critic(w):
    """f(x) = <w, x>, whose gradient is w everywhere."""
    w = w if isinstance(w, tinygan.Tensor) else t(w)
    return lambda x: (x.reshape(x.shape[0], -1) * w).sum(1)


def constant_critic(x):
    return (x * 0.0).sum(1)


def slopes(breaks, steep):
    """f on the line: slope 1 within 0.1 of each of ``breaks``, slope ``steep`` elsewhere; f is their integral."""
    def f(x):
        near = sum([F.clamp(x - (b - 0.1), 0.0, 0.2) for b in breaks[1:]], F.clamp(x - (breaks[0] - 0.1), 0.0, 0.2))
        return (x * steep - near * (steep - 1.0)).reshape(-1)
    return f


X = t(np.random.default_rng(0).standard_normal((5, 2, 3, 4)))
FAKE = t(np.random.default_rng(1).standard_normal((5, 2, 3, 4)))
W = np.random.default_rng(2).standard_normal(24)


def test_gradient_norm_is_one_number_per_sample():
    norms = gradient_norm(linear_critic(W), X)
    assert norms.shape == (5,)
    assert norms.numpy() == pytest.approx(np.full(5, np.linalg.norm(W)), rel=1e-12)


def test_gradient_norm_has_1e_12_inside_the_root():
    assert gradient_norm(constant_critic, t([[1.0], [2.0]])).tolist() == [1e-6, 1e-6]
    assert squared_gradient(constant_critic, t([[1.0], [2.0]])).tolist() == [0.0, 0.0]


def test_a_zero_gradient_gives_no_infinity():
    w = t([0.0, 0.0], requires_grad=True)
    points = t([[1.0, 2.0], [3.0, 4.0]])
    for penalty in (gp(10), r1(10)):
        (g,) = tinygan.grad(penalty(linear_critic(w), points, points), w)
        assert np.isfinite(g.numpy()).all()


def test_zero_centred_penalties_of_a_linear_critic():
    assert r1(3)(linear_critic(W), X, FAKE).item() == pytest.approx(1.5 * W @ W, rel=1e-12)
    assert r2(3)(linear_critic(W), X, FAKE).item() == pytest.approx(1.5 * W @ W, rel=1e-12)


def test_r1_looks_at_real_samples_and_r2_at_generated_ones():
    def critic(x):
        return (x * x).sum(1) * 0.5  # the gradient is x
    real, fake = t([[1.0, 2.0], [0.0, 3.0]]), t([[2.0, 0.0], [4.0, 1.0], [0.0, 0.0]])
    assert r1(2)(critic, real, fake).item() == pytest.approx((5 + 9) / 2, rel=1e-12)
    assert r2(2)(critic, real, fake).item() == pytest.approx((4 + 17) / 3, rel=1e-12)
    assert (r1(2) + r2(4))(critic, real, fake).item() == pytest.approx(7 + 14, rel=1e-12)


def test_a_constant_critic_pays_the_two_sided_penalty_only():
    real, fake = t([[1.0], [2.0]]), t([[0.0], [5.0]])
    assert gp(7)(constant_critic, real, fake).item() == pytest.approx(7, rel=1e-5)  # (1e-6 - 1)^2: the epsilon
    assert gp(7, one_sided=True)(constant_critic, real, fake).item() == 0.0
    assert gp(7, one_sided=True)(linear_critic([3.0]), real, fake).item() == pytest.approx(7 * 4, rel=1e-12)


def test_the_whole_critic_loss_is_least_at_slope_one_plus_half_the_inverse_weight():
    # p = delta_1, q = delta_0, f = w x: -w + 10 (|w| - 1)^2 is least, -1.025, at w = 1.05 (errata 3.5)
    def loss(w):
        critic = linear_critic([w])
        real, fake = t([[1.0]]), t([[0.0]])
        return (wasserstein.d(critic(real), critic(fake)) + gp(10)(critic, real, fake)).item()
    grid = np.linspace(-2, 2, 401)
    values = [loss(w) for w in grid]
    assert grid[int(np.argmin(values))] == pytest.approx(1.05, abs=1e-9)
    assert min(values) == pytest.approx(-1.025, abs=1e-9)  # the epsilon moves |w| by 5e-13


def test_the_gradient_penalty_looks_between_the_samples_and_not_at_them():
    critic = slopes([0.0, 1.0], 5.0)  # slope 1 at both data points, 5 between them (errata 3.9)
    real, fake = t(np.ones((4000, 1))), t(np.zeros((4000, 1)))
    assert gradient_norm(critic, real).numpy() == pytest.approx(np.ones(4000))
    random.manual_seed(0)
    # a share 0.8 of the segment is steep; 4000 uniform draws: standard deviation 16 sqrt(.16 / 4000) = 0.1
    assert gp(1)(critic, real, fake).item() == pytest.approx(16 * 0.8, abs=0.5)


def test_one_epsilon_per_sample_uniform_on_the_segment():
    random.manual_seed(0)
    seen = []

    def critic(x):
        seen.append(x.numpy())
        return x.sum((1, 2, 3))
    real, fake = t(np.ones((1000, 2, 3, 3))), t(np.zeros((1000, 2, 3, 3)))
    gp()(critic, real, fake)
    points = seen[0].reshape(1000, -1)
    assert (points == points[:, :1]).all()
    # uniform on [0, 1]: mean 1/2 with standard deviation 0.0091, variance 1/12 with 0.0024
    assert points[:, 0].mean() == pytest.approx(0.5, abs=0.04) and points[:, 0].var() == pytest.approx(1 / 12, abs=0.01)
    assert len(np.unique(points[:, 0])) == 1000


def test_interpolation_uses_the_penalty_stream_alone():
    random.manual_seed(0)
    gp()(linear_critic(W), X, FAKE)
    (r1() + r2())(linear_critic(W), X, FAKE)
    assert {k: n for k, n in random.get_state()["counters"].items() if n} == {"penalty": 1}


def test_the_penalty_is_on_the_logit():
    x = t([[1.0]])
    assert r1(2)(lambda x: x.reshape(-1) * 20.0, x, x).item() == pytest.approx(400, rel=1e-12)
    assert r1(2)(lambda x: F.sigmoid(x.reshape(-1) * 20.0), x, x).item() < 1e-14  # D' = 20 D (1 - D) = 4e-8


def test_the_generator_gets_no_gradient_of_a_penalty():
    z = t([[1.0, 2.0]], requires_grad=True)
    w = t([1.0, 3.0], requires_grad=True)
    for penalty in (gp(), r2()):
        loss = penalty(lambda x: (x * x * w).sum(1), t([[0.5, 0.5]]), z * 2.0)
        for_z, for_w = tinygan.grad(loss, (z, w), allow_unused=True)
        assert for_z is None and for_w is not None


def test_scores_that_were_computed_already_are_used():
    calls = []

    def critic(x):
        calls.append(x)
        return (x * x * x).sum((1, 2, 3))
    expected = (r1(2) + r2(3))(critic, X, FAKE).item()
    assert len(calls) == 2
    real, fake = X.detach().requires_grad_(), FAKE.detach().requires_grad_()
    scores = critic(real), critic(fake)
    assert (r1(2) + r2(3))(critic, real, fake, scores).item() == expected
    assert len(calls) == 4
    with pytest.raises(RuntimeError, match="expected scores that were computed, with gradients on"):
        r1()(critic, X, FAKE, (critic(X), None))


def test_every_applies_k_times_the_penalty_at_each_kth_call():
    penalty = every(3, r1(2))
    critic = linear_critic([2.0])
    real = tinygan.tensor(np.ones((2, 1), np.float32))
    values = [penalty(lambda x: critic(x.double()), real, real).item() for _ in range(7)]
    assert values == [12.0, 0.0, 0.0, 12.0, 0.0, 0.0, 12.0]


def test_every_continues_from_its_state():
    real, critic = t([[1.0]]), linear_critic([2.0])
    penalty = r2(2) + every(3, r1(2))
    penalty(critic, real, real)
    state = json.loads(json.dumps(penalty.state_dict()))
    other = r2(2) + every(3, r1(2))
    other.load_state_dict(state)
    twin = copy.deepcopy(penalty)
    expected = [penalty(critic, real, real).item() for _ in range(4)]
    assert expected == [4.0, 4.0, 16.0, 4.0]
    assert [other(critic, real, real).item() for _ in range(4)] == expected
    assert [twin(critic, real, real).item() for _ in range(4)] == expected
    with pytest.raises(ValueError, match="expected a state with"):
        every(3, r1(2)).load_state_dict(state)


def test_names_are_what_one_types():
    assert repr(r1(1) + r2(0.5) + every(16, gp(one_sided=True))) == \
        "r1(gamma=1) + r2(gamma=0.5) + every(16, gp(weight=10, one_sided=True))"


def test_scores_per_pixel_are_refused():
    with pytest.raises(ValueError, match="gradient penalty: expected one score per sample"):
        r1()(lambda x: x.sum(1), X, FAKE)
    with pytest.raises(ValueError, match=r"gradient penalty: expected \(5,\) scores for x of shape"):
        r1()(lambda x: x.reshape(-1), X, FAKE)


def test_scores_that_ignore_the_input_are_refused():
    with pytest.raises(RuntimeError, match="scores that do not depend on it"):
        r1()(lambda x: t(np.zeros(5)), X, FAKE)
    with tinygan.no_grad(), pytest.raises(RuntimeError, match="with gradients on"):
        r1()(linear_critic(W), X, FAKE)


def test_gp_refuses_batches_that_do_not_pair():
    with pytest.raises(ValueError, match="gp: expected real and generated samples of one shape and dtype"):
        gp()(linear_critic(W), X, FAKE[:3])
    with pytest.raises(ValueError, match="gp: .*float32"):
        gp()(linear_critic(W), X, FAKE.float())


@pytest.mark.parametrize("make", [gp, r1, r2])
@pytest.mark.parametrize("value", [-1, float("nan"), "10", None])
def test_weights_are_finite_and_not_negative(make, value):
    with pytest.raises(ValueError, match="expected a finite number >= 0"):
        make(value)


@pytest.mark.parametrize("k, penalty", [(0, r1()), (1.5, r1()), (2, 10)])
def test_every_refuses_other_arguments(k, penalty):
    with pytest.raises(ValueError, match="every: expected a positive integer and a penalty"):
        every(k, penalty)


def test_a_penalty_adds_to_penalties_only():
    with pytest.raises(TypeError):
        r1() + 1


class Critic(nn.Module):
    """x -> the sum of norm(x)."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm.double()

    def forward(self, x):
        return self.norm(x).sum((1, 2, 3))


@pytest.mark.parametrize("penalty", [gp(), r1(), r2()], ids=repr)
def test_batch_norm_in_training_mode_gets_a_warning(penalty):
    critic = Critic(nn.BatchNorm2d(2))
    with pytest.warns(UserWarning, match="got BatchNorm2d in training mode"):
        penalty(critic, X, FAKE)
    penalty(critic.eval(), X, FAKE)  # warnings are errors here


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(2), nn.GroupNorm(1, 2), nn.LayerNorm((2, 3, 4))], ids=repr)
def test_norms_of_one_sample_get_no_warning(norm):
    gp()(Critic(norm), X, FAKE)


@pytest.mark.parametrize("text", ["none", "gp(weight=10)", "gp(weight=1, one_sided=True)", "r1(gamma=1) + r2(gamma=3)",
                                  "every(16, r1(gamma=10)) + gp(weight=2)", "every(2, r1(gamma=1) + r2(gamma=1))"])
def test_a_penalty_is_read_from_its_own_text(text):
    assert repr(parse(text)) == text


@pytest.mark.parametrize("text", ["", "r3(1)", "gp(-1)", "r1(", "gp.__class__", "r1(1) - r2(1)", "open('x')",
                                  "r1(1)[0]", "every(r1(1))", "(lambda: 1)()", "r1(speed=2)", "1"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="penalty: expected none, or a sum of gp, r1, r2, every"):
        parse(text)


def test_no_penalty_adds_nothing():
    assert none(lambda x: x, X, FAKE).item() == 0.0 and repr(r1(1) + none) == "r1(gamma=1) + none"
