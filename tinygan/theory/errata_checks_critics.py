"""Errata, chapter 3, second part: signs of WGAN's losses, clipping, the gradient penalty."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import losses
from tinygan.optim import SGD, clip_grad_norm_
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.checked import Checked, check
from tinygan.theory.errata_checks_algorithms import advantage_gained, library_step

ONE, ZERO = Tensor(np.ones((1, 1))), Tensor(np.zeros((1, 1)))


def linear(w):
    """The critic f(x) = w x of one number; ``w`` a number or a Parameter."""
    return lambda x: (x * w).sum(1)


def bent(x):
    """A critic of one number: slope 1 up to .1, slope 5 from there to .9, slope 1 again."""
    return (x + 4 * F.relu(x - 0.1) - 4 * F.relu(x - 0.9)).sum(1)


def least(f) -> float:
    """The w in [-10, 10] at which ``f`` is smallest: coarse, then fine."""
    coarse = min(np.linspace(-10, 10, 201), key=f)
    return float(min(coarse + np.linspace(-0.1, 0.1, 201), key=f))


@check("3.2")
def the_generator_raises_the_score():
    def moved(loss):
        theta = Parameter(np.array(1.0))
        SGD([theta], lr=0.1).minimize(loss(-theta.reshape(1)))  # the best critic for data at 0, fakes at theta > 0
        return theta.item()
    yield Checked("theta after one generator step from 1, data at 0", moved(lambda scores: scores.mean()),
                  moved(losses.wasserstein.g), 1 - 0.1, "theta - rate", 1e-12)


@check("3.3")
def a_reward_is_not_a_loss():
    rate = 0.1
    yield Checked("gain of E D(x) - E D(G) in one step down L_D", advantage_gained(lambda w, g: w + rate * g),
                  library_step(rate), rate, "rate |gradient|^2", 1e-12)


@check("3.4")
def clipped_gradients_bound_no_slope():
    clipped, boxed = Parameter(np.array(0.0)), Parameter(np.array(0.0))
    steps = 1000
    for w in (clipped, boxed):
        optimiser = SGD([w], lr=1.0)
        for _ in range(steps):
            optimiser.zero_grad()
            losses.wasserstein.d(linear(w)(ONE), linear(w)(ZERO)).backward()
            if w is clipped:
                clip_grad_norm_([w], 0.01)
            optimiser.step()
            if w is boxed:
                w.assign(w.data.clip(-0.01, 0.01), "weight clipping")
    yield Checked("slope of the critic after 1 000 steps with clipped gradients, with clipped weights", clipped.item(),
                  boxed.item(), 0.01, "c", 1e-12)


@check("3.5")
def signs_of_the_penalised_loss():
    penalty = losses.gp(10)

    def right(w):
        f = linear(w)
        return float(losses.wasserstein.d(f(ONE), f(ZERO)) + penalty(f, ONE, ZERO))
    # the grid has steps of .001
    yield Checked("slope of the best critic, data at 1, fakes at 0, lambda = 10",
                  least(lambda w: w + 10 * (abs(w) - 1) ** 2), least(right), 1 + 1 / 20, "1 + 1 / (2 lambda)", 1e-3)
    yield Checked("the least value of the loss; of the slide's negative, on [-10, 10]",
                  least_value(lambda w: -w - 10 * (abs(w) - 1) ** 2), right(1.05), -1.025, "-1 - 1 / (4 lambda)", 1e-6)


def least_value(f) -> float:
    """The smallest value of ``f`` on [-10, 10]: the slide's formula maximised has none, it falls with the range."""
    return float(min(map(f, np.linspace(-10, 10, 2001))))


@check("3.7")
def segments_are_not_everywhere():
    def f(x):
        return -x[:, 0] + 10 * F.relu(F.abs(x[:, 1]) - 0.1)
    real, fake = Tensor(np.zeros((8, 2))), Tensor(np.tile([1.0, 0.0], (8, 1)))
    penalty = float(losses.gp(10)(f, real, fake))
    points = Tensor(np.random.default_rng(0).uniform(-1, 1, (4000, 2)))
    steepest = float(losses.gradient_norm(f, points).data.max())
    # |gradient| has 1e-12 under its root
    yield Checked("penalty of a critic with slope 10 beside the segment", 10 * (steepest - 1) ** 2, penalty, 0.0,
                  "slope 1 on the segment", 1e-9)
    yield Checked("largest slope of that critic, 'forced' to be 1", 1.0, steepest, np.hypot(1, 10), "sqrt(1 + 100)",
                  1e-9)


@check("3.8")
def at_most_one():
    def constant(x):
        return (x * 0.0).sum(1)
    # the root of 1e-12 stands for the norm 0
    yield Checked("penalty of a constant critic when norms should be at most 1",
                  float(losses.gp(10)(constant, ONE, ZERO)), float(losses.gp(10, one_sided=True)(constant, ONE, ZERO)),
                  0.0, "[0 - 1]_+ = 0")


@check("3.9")
def between_not_at_the_data():
    n = 20_000
    data, fakes = Tensor(np.zeros((n, 1))), Tensor(np.ones((n, 1)))
    at_data = 10 * float((losses.gradient_norm(bent, Tensor(np.zeros((1, 1)))) - 1).square().mean())
    # the share of 20 000 points on the slope of 5 has a standard error of .003: .45 in the penalty, times 4.4
    yield Checked("penalty of a critic with slope 1 at the data and 5 between data and fakes", at_data,
                  float(losses.gp(10)(bent, data, fakes)), 10 * 16 * 0.8, "160 times the share of the steep part", 2.0)
