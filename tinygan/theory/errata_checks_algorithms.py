"""Errata, chapter 2: algorithms, signs of steps, the vanishing gradient."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import gans, losses
from tinygan.autograd import grad
from tinygan.optim import SGD
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.bilinear_game import invariant, orbit, radius
from tinygan.theory.checked import Checked, check
from tinygan.theory.dirac_rules import rules, sigmoid, steps_by_formula
from tinygan.theory.vanishing_gradient import differences, slope


def final_radius(rule: str, steps: int, h: float = 0.1, simultaneous: bool = False) -> float:
    """How far from the equilibrium the Dirac-GAN is after ``steps`` steps of size h, from distance sqrt 2."""
    return float(np.hypot(*steps_by_formula(rules()[rule], steps, h, simultaneous)[-1]))


def advantage_gained(update) -> float:
    """How much E f(x) - E f(G) of the critic f(x) = w x grows when w = .5 becomes ``update(w, dL/dw)``.

    Data at 1, fakes at 0, L = E f(G) - E f(x) from the library: the advantage is w itself.
    """
    w = Parameter(np.array(0.5))
    (g,) = grad(losses.wasserstein.d(w * Tensor(np.ones(4)), w * Tensor(np.zeros(4))), w)
    return update(0.5, g.item()) - 0.5


def library_step(rate: float) -> float:
    """The same gain after one step of the library's SGD on the library's loss."""
    w = Parameter(np.array(0.5))
    SGD([w], lr=rate).minimize(losses.wasserstein.d(w * Tensor(np.ones(4)), w * Tensor(np.zeros(4))))
    return w.item() - 0.5


@check("2.2")
def two_algorithms():
    yield Checked("derivative of the generator's loss in the logit a = -10, 'Step 2'",
                  slope(losses.non_saturating, -10.0), slope(losses.minimax, -10.0), -sigmoid(-10.0), "-sigmoid(a)",
                  1e-12)


@check("2.3")
def same_fixed_point_other_motion():
    steps, h = 8000, 0.1
    # the rate is the leading term of an expansion: 5 % at t = 800
    yield Checked("distance of the Dirac-GAN to the equilibrium after 8 000 steps, 'same'",
                  final_radius("minimax", steps, h), final_radius("non-saturating", steps, h),
                  np.sqrt(8 / (steps * h + 8 / 2)), "sqrt(8 / (t + 8 / r0^2))", 5e-3)


@check("2.4")
def the_gradient_goes_on():
    w, z, theta = -2.0, 1.5, 0.7
    leaf = Tensor(np.array([theta])).requires_grad_()
    (found,) = grad(losses.minimax.g(leaf * (w * z)), leaf)
    yield Checked("d log(1 - D(G(z))) / d theta for a(x) = w x, G(z) = theta z", -sigmoid(w * theta * z), found.item(),
                  differences(lambda t: np.log(1 - sigmoid(w * t[0] * z)), np.array([theta]))[0], "differences")


def play(real_label: int, generator_label: int, steps: int = 100) -> float:
    """theta after a game of a logistic D (logit a x + b) against G(z) = theta + z; data N(0, 1), theta starts at 2.

    D minimises cross-entropy with ``real_label`` for real and the other label for fakes; the generator minimises it
    for its fakes with ``generator_label``: the label of real is the non-saturating loss.
    """
    rng = np.random.default_rng(0)
    d, theta = Parameter(np.zeros(2)), Parameter(np.array(2.0))
    d_opt, g_opt = SGD([d], lr=0.1), SGD([theta], lr=0.1)

    def cross_entropy(x, label):
        scores = d[0] * x + d[1]
        return F.binary_cross_entropy_with_logits(scores, Tensor(np.full(scores.shape, float(label))))
    for _ in range(steps):
        x, z = Tensor(rng.normal(size=64)), Tensor(rng.normal(size=64))
        fake = theta + z
        d_opt.minimize(cross_entropy(x, real_label) + cross_entropy(fake.detach(), 1 - real_label))
        g_opt.minimize(cross_entropy(theta + z, generator_label))
    return theta.item()


@check("2.6")
def flipped_labels():
    yield Checked("theta after 100 steps with D = probability of fake (deck 002) and the loss -log D(G) of deck 000",
                  play(0, 1), play(0, 0), play(1, 1), "the same game with D = probability of real", 1e-10)


@check("2.7")
def not_the_cross_entropy():
    from scipy.optimize import minimize_scalar
    p, q = 0.7, 0.3

    def minimiser(f):
        return minimize_scalar(f, bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}).x
    yield Checked("the D that minimises the formula at p = .7, q = .3",
                  minimiser(lambda d: p * np.log(d) + q * np.log(1 - d)),
                  minimiser(lambda d: -p * np.log(1 - d) - q * np.log(d)), q / (p + q), "q / (p + q)", 1e-6)


@check("2.8")
def energies_must_not_be_negative():
    real, fake, m = Tensor(np.ones(4)), Tensor(-np.ones(4)), 1.0

    def least(energy):
        return min(float(energy(real, s).mean() + F.relu(m - energy(fake, s)).mean()) for s in (0, 1, 10, 100, 1000))
    yield Checked("least E D(x) + E max(0, m - D(G)) over slopes up to 1000", least(lambda x, s: -s * x),
                  least(lambda x, s: s * F.abs(x - 1.0)), 0.0, "both terms of a norm are >= 0", 1e-12)


@check("2.9")
def the_lost_minus():
    rate = 0.1
    yield Checked("gain of E f(x) - E f(G) in one step of the critic", advantage_gained(lambda w, g: w * g),
                  library_step(rate), rate * 1.0 ** 2, "rate |gradient|^2", 1e-12)


@check("2.10")
@check("10.2")
def one_step_too_many():
    gan = gans.make("wgan", (2,), networks="mlp")
    n_critic = gan.settings["n_critic"]
    yield Checked("critic steps per generator step for n_critic = 5", len(range(0, n_critic + 1)),
                  next(player.updates for player in gan.players() if player.name == "D"), 5, "n_critic of the paper",
                  tolerance=0)


@check("2.12")
def the_saddle_is_not_reached():
    h, steps = 0.1, 100
    together, turns = orbit(steps, h), orbit(steps, h, simultaneous=False)
    yield Checked("r^2 after 100 simultaneous steps of size .1 from (1, 1); at the saddle", 0.0,
                  radius(together)[-1] ** 2, 2 * (1 + h * h) ** steps, "2 (1 + h^2)^100")
    yield Checked("x^2 + y^2 - h x y after 100 steps in turn; at the saddle", 0.0, invariant(turns, h)[-1], 2 - h,
                  "conserved")
