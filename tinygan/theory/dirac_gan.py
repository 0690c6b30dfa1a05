"""The Dirac-GAN: data at 0, one sample at theta, D(x) = psi x, and which regularisers make the two scalars converge.

With s(t) = 1 / (1 + e^-t) and the library's convention (psi x is the logit of *real*) the flow is
    theta' = psi s(psi theta),  psi' = -theta s(psi theta)     minimax: eigenvalues +-i/2 at 0, the orbit is closed
    theta' = psi s(-psi theta)                                 non-saturating: r ~ sqrt(8 / (t + 8 / r0^2))
    theta' = psi,  psi' = -theta,  |psi| <= 1                  WGAN: a circle of radius 1
    psi' - 2 lambda (|psi| - 1) sign psi                       WGAN-GP: circles, or rests at theta = -+2 lambda
    psi' - gamma psi                                           R1 and R2: eigenvalues (-gamma +- sqrt(gamma^2 - 1)) / 2
and instance noise replaces 0 by e and theta by theta + e, e ~ N(0, sigma^2) (here by Gauss-Hermite quadrature). The
paper's psi is the logit of fake, -psi here, so its start (1, 1) is (theta, psi) = (1, -1). Steps of h = 0.1; in turn, D
moves first. The picture: the trajectories of every rule, in turn and simultaneous.
"""

from __future__ import annotations

import math

import numpy as np

from tinygan.autograd import grad
from tinygan.losses import gp, minimax, non_saturating, r1
from tinygan.losses.penalties import EPSILON
from tinygan.tensor import Parameter
from tinygan.theory.dirac_rules import Rule, rules, steps_by_autograd, steps_by_formula
from tinygan.theory.registry import entry

NEAR = 1e-2


def radius(path) -> np.ndarray:
    return np.hypot(path[:, 0], path[:, 1])


def first_near(path, limit: float = NEAR):
    """The first step after which r < limit, infinity when there is none."""
    near = radius(path) < limit
    return int(near.argmax()) if near.any() else math.inf


def eigenvalues(rule: Rule) -> np.ndarray:
    """Eigenvalues at (0, 0) of the matrix of derivatives of (theta', psi'), by the engine, in order of Im, then Re."""
    theta, psi = Parameter(np.zeros(1)), Parameter(np.zeros(1))
    downs = [grad(loss, own, create_graph=True)[0] for loss, own in ((rule.g_loss(theta, psi), theta),
                                                                     (rule.d_loss(theta, psi), psi))]
    rows = [[-g.item() for g in grad(down, (theta, psi), create_graph=True)] for down in downs]
    return np.sort_complex(np.linalg.eigvals(np.array(rows)))


def difference(rule: Rule, n: int) -> float:
    """The largest distance between the paths by autograd and by formula over ``n`` steps, in turn and simultaneous."""
    return max(abs(steps_by_autograd(rule, n, simultaneous=together)
                   - steps_by_formula(rule, n, simultaneous=together, epsilon=EPSILON)).max()
               for together in (False, True))


@entry("T17", "dirac-gan", title="The Dirac-GAN: which regularisers converge",
       paper="Mescheder, Geiger, Nowozin 2018", arxiv="1801.04406")
def dirac_gan(found, seed=0, steps=5000, slow_steps=800_000, checked=40):
    plain = rules()["minimax"]
    worst = max(difference(rule, checked) for rule in rules().values())
    found.at_most(f"autograd against formula, {checked} steps, all rules", worst, 1e-12)
    orbit(found, plain, steps)
    wasserstein_rules(found, steps)
    damped(found, steps)
    non_saturating_rate(found, slow_steps)
    found.picture(draw, "dirac-gan.png")


def orbit(found, plain, steps):
    """The rule without a regulariser, in turn and simultaneous."""
    r = radius(steps_by_formula(plain, steps))
    found.equal("minimax, in turn: smallest r", r.min(), 1.41, 0.05, route="conserved to first order")
    found.equal("minimax, in turn: largest r", r.max(), 1.41, 0.05, route="conserved to first order")
    last = radius(steps_by_formula(plain, steps, simultaneous=True))[-1]
    found.equal("minimax, simultaneous: last r", last, 3.63, 0.05, route="recomputed")
    found.equal("minimax: Im of the eigenvalues at 0", eigenvalues(plain)[-1].imag, 0.5, 1e-12)
    mirrored = steps_by_formula(Rule("mirrored", minimax), 200, start=(-1.0, 1.0))
    found.equal("start (-1, 1) mirrors (1, -1)", abs(mirrored + steps_by_formula(plain, 200)).max(), 0, 1e-12)


def wasserstein_rules(found, steps):
    """WGAN with clipping and with the gradient penalty."""
    late = radius(steps_by_formula(rules()["WGAN, clipped"], steps))[200:]
    found.within("WGAN, clipped: smallest r after 200 steps", late.min(), 0.95, 1.05)
    found.within("WGAN, clipped: largest r after 200 steps", late.max(), 0.95, 1.05)
    for weight in (0.1, 0.25, 1, 10):
        rule = Rule("WGAN-GP", rules()["WGAN-GP"].loss, gp(weight))
        path = steps_by_formula(rule, steps)
        # at lambda = 10 a step of 0.1 multiplies |psi| - 1 by 1 - 2 h lambda = -1: Euler's limit, not the method's
        found.at_least(f"WGAN-GP, lambda {weight:g}: smallest r", radius(path).min(), 1.0,
                       kind="CAL" if weight == 10 else "KNOWN")
        if weight >= 1:
            fine = steps_by_formula(rule, 5 * steps, h=0.02)
            found.at_least(f"WGAN-GP, lambda {weight:g}, h = 0.02: smallest r", radius(fine).min(), 1.0)
            found.equal(f"WGAN-GP, lambda {weight:g}, h = 0.02: last theta", fine[-1, 0], -2 * weight, 0.02 * weight)
            found.equal(f"WGAN-GP, lambda {weight:g}, h = 0.02: last psi", fine[-1, 1], 0, 1e-2)


def damped(found, steps):
    """R1, R2 and instance noise converge; the numbers of steps are those of the library's gradients."""
    for gamma, true in ((1, 139), (0.1, 975), (0.3, 304), (3, 543)):
        rule = Rule("R1", minimax, r1(gamma))
        found.equal(f"R1, gamma {gamma:g}: steps to r < 0.01",
                    first_near(steps_by_autograd(rule, min(true + 20, steps))), true, 0, route="recomputed")
        values, root = eigenvalues(rule), complex(gamma * gamma - 1) ** 0.5
        true = np.sort_complex([(-gamma - root) / 2, (-gamma + root) / 2])
        found.equal(f"R1, gamma {gamma:g}: eigenvalues at 0, error", abs(values - true).max(), 0, 1e-7)
    same = steps_by_autograd(rules()["R1"], 200) - steps_by_autograd(rules()["R2"], 200)
    found.equal("R2 against R1, largest difference", abs(same).max(), 0, 0)
    for sigma, true in ((0.5, 786), (1.0, 182)):
        path = steps_by_formula(Rule("noise", minimax, noise=sigma), min(true + 20, steps))
        found.equal(f"instance noise {sigma:g}: steps to r < 0.01", first_near(path), true, 0, route="recomputed")


def non_saturating_rate(found, slow_steps):
    """The non-saturating loss converges as sqrt(8 / t) in time t = h k; simultaneous steps stop earlier."""
    rule = Rule("NS", non_saturating)
    r = radius(steps_by_formula(rule, slow_steps))
    k = min(80_000, slow_steps)
    found.equal(f"non-saturating: r at t = {0.1 * k:g}", r[k], math.sqrt(8 / (0.1 * k + 4)), 0.002 * r[k] / 0.032,
                route="rate of the flow")
    if r[-1] < NEAR:
        found.equal("non-saturating: t at which r < 0.01", 0.1 * int((r < NEAR).argmax()), 8e4, 2e3,
                    route="rate of the flow")
    stuck = radius(steps_by_formula(rule, k, simultaneous=True))[-1]
    found.equal("non-saturating, simultaneous: last r", stuck, math.sqrt(0.2), 5e-3, route="sqrt(2 h)")


def draw(steps=1500):
    """A panel of trajectories for every rule, and r over the steps."""
    from tinygan.theory.pictures import figure, finish
    made, axes = figure(4, 2, "The Dirac-GAN from (1, -1), steps of size 0.1", size=(3.6, 3.4))
    for colour, (panel, (name, rule)) in enumerate(zip(axes, rules().items())):
        together = steps_by_formula(rule, steps, simultaneous=True)
        turns = steps_by_formula(rule, steps)
        panel.plot(*together.T, color="0.65", linewidth=0.7, label="simultaneous")
        panel.plot(*turns.T, color=f"C{colour}", linewidth=0.9, label="in turn")
        panel.plot(0, 0, "k+", markersize=9)
        panel.plot(*turns[0], "k.")
        finish(panel, name, "theta (sample)", "psi (slope of D)")
        axes[-1].semilogy(np.maximum(radius(turns), 1e-4), color=f"C{colour}", label=name, linewidth=1)
    finish(axes[-1], "Distance to the equilibrium, in turn", "step", "r")
    return made
