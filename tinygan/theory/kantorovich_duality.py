"""Kantorovich-Rubinstein duality: the cost of the best plan is the gain of the best critic.

    W1(p, q) = sup over f with Lip(f) <= 1 of E_p f - E_q f,    and the supremum over Lip(f) <= K is K W1

The plan becomes a critic, which samples can train: WGAN's. On finitely many places both sides are linear programs.
Every 1-Lipschitz f gives a lower bound; f(x) = min_j h_j + |x - x_j| is one, for any heights h.

A critic trained with a penalty lambda max(0, |slope| - 1)^2 between two points at distance d finds the slope
1 + d / (2 lambda), so that its value lies a little above W1. The two-sided penalty lambda (|slope| - 1)^2 adds a
barrier at slope 0 that the small gain of the critic does not overcome: a slope that starts with the wrong sign keeps
it, and where f should turn it does not. The picture shows the best potentials for K = 1 and 3 and both trained critics.
"""

import numpy as np

from tinygan import models
from tinygan.autograd import no_grad
from tinygan.losses import gp, wasserstein
from tinygan.losses.divergences import kantorovich_potential, optimal_transport
from tinygan.tensor import Tensor
from tinygan.theory.discrete_earth_mover import PLACES, STEPS, P, Q
from tinygan.theory.fitting import fit_scores
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry


def random_lipschitz(rng, distance) -> np.ndarray:
    """A random function with Lipschitz constant at most 1, at the points with these distances (N, N): (N,)."""
    heights = rng.normal(size=len(distance)) * distance.max()
    return (heights + distance).min(axis=1)


def sampler(masses, rng):
    """n -> n draws of places (n, 1), float32, with these probabilities."""
    return lambda n: rng.choice(PLACES, size=(n, 1), p=masses).astype(np.float32)


def trained_critic(rng, steps: int, one_sided: bool = True):
    """A critic 1-64-64-1 trained with a gradient penalty between samples of P / 10 and Q / 10."""
    critic = models.MLPDiscriminator((1,), hidden=(64, 64))
    return fit_scores(critic, sampler(P / 10, rng), sampler(Q / 10, rng), wasserstein, gp(10, one_sided), steps=steps)


def values_at(critic, x) -> np.ndarray:
    """The critic's scores (N,) at positions x (N,)."""
    with no_grad():
        return critic(Tensor(np.asarray(x, dtype=np.float32)[:, None])).numpy()


def draw(one, three, critics):
    """Potentials of the programs at the four places, and the critics in between."""
    made, (masses, potentials) = figure(2, title="The dual of the earth mover's distance")
    masses.bar(PLACES - 0.2, P / 10, 0.4, label="p")
    masses.bar(PLACES + 0.2, Q / 10, 0.4, label="q")
    finish(masses, "Two distributions on four places, W1 = 0.5", "place", "probability")
    for f, label, marker in ((one, "K = 1: gain 0.5", "o-"), (three, "K = 3: gain 1.5", "s-")):
        potentials.plot(PLACES, f, marker, label=f"linear program, {label}")
    x = np.linspace(1, 4, 200)
    for (label, critic), style in zip(critics.items(), ("k--", "r:")):
        potentials.plot(x, values_at(critic, x) - values_at(critic, [1.0]), style, label=f"critic, {label} penalty")
    finish(potentials, "f high where p has more, slope at most K", "x", "f(x) - f(1)")
    return made


@entry("T07", "kantorovich-duality", title="Kantorovich-Rubinstein duality and the factor K",
       paper="Kantorovich & Rubinshtein 1958; Arjovsky et al. 2017, equation 2", arxiv="1701.07875")
def kantorovich_duality(found, seed=0, steps=1500):
    p, q, rng = P / 10, Q / 10, np.random.default_rng(seed)
    primal = optimal_transport(p, q, STEPS).value
    (one, f), (three, f3) = (kantorovich_potential(p, q, STEPS, lipschitz) for lipschitz in (1, 3))
    found.equal("plan: min sum gamma d", primal, 0.5, 1e-8, route="by hand")
    found.equal("critic: max E_p f - E_q f, K = 1", one, primal, 1e-8, route="plan")
    found.equal("critic: max E_p f - E_q f, K = 3", three, 1.5, 1e-8, route="by hand")
    best = max((p - q) @ random_lipschitz(rng, STEPS) for _ in range(1000))
    found.at_most("best of 1000 random 1-Lipschitz f", best, primal + 1e-12, route="plan")
    critics = {"one-sided": trained_critic(rng, steps), "two-sided": trained_critic(rng, steps, one_sided=False)}
    gains = {name: (p - q) @ values_at(critic, PLACES) for name, critic in critics.items()}
    found.equal("critic, one-sided gp(10): E_p f - E_q f", gains["one-sided"], primal, 0.05, route="plan", kind="CAL")
    found.note("critic, two-sided gp(10): E_p f - E_q f", gains["two-sided"])
    found.picture(lambda: draw(f, f3, critics), "kantorovich-duality.png")
