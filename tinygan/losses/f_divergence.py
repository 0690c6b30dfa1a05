"""f-GAN: every f-divergence D_f(p || q) = E_q f(p / q) by its variational bound (Nowozin, Cseke, Tomioka 2016).

For a convex f with f(1) = 0 and conjugate f*(t) = sup_u (u t - f(u)), D_f >= E_p T(x) - E_q f*(T(x)) for every T whose
values lie in the domain of f*, with equality at T = f'(p / q) (arXiv:1606.00709, eqs. 3-5). T = g_f(a) maps any raw
score a into that domain (table 2). D raises the bound. G lowers it, L_G = -E_q f*(T), or, as section 3.2 advises,
raises E_q T instead: the rows that end in "_ns".

>>> [row.name for row in DIVERGENCES]
['kl', 'reverse_kl', 'pearson', 'hellinger', 'js', 'gan', 'tv']
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinygan.functional import clamp, softplus
from tinygan.losses.pair import AdversarialLoss, separable

LIMIT = 30.0  # scores are cut here before exp: e^30 is finite in float32, and any T gives a bound, the cut one as well


@dataclass(frozen=True)
class Divergence:
    """One row of the paper's tables 1 and 2.

    ``f(u)`` and ``slope(u)`` = f'(u) on arrays u > 0; ``activation(a)`` = g_f(a) on Tensors, ``conjugate(t)`` = f*(t)
    on arrays, and ``loss(a)`` = f*(g_f(a)) on Tensors, simplified, so that nothing is lost where g_f saturates.
    """

    name: str
    f: Callable
    slope: Callable
    activation: Callable
    conjugate: Callable
    loss: Callable
    formula: str

    def pair(self, trick: bool = False) -> AdversarialLoss:
        """The pair of losses; ``trick``: G raises E_q T instead of lowering the bound."""
        generator = self.activation if trick else self.loss
        return separable(
            f"f_{self.name}" + ("_ns" if trick else ""), real=lambda a: -self.activation(a), fake=self.loss,
            generator=lambda a: -generator(a),
            formula=f"L_D = -E T(x) + E f*(T(G)); L_G = -E {'T(G)' if trick else 'f*(T(G))'}; {self.formula}",
            source=f"Nowozin, Cseke, Tomioka 2016, arXiv:1606.00709, {'section 3.2' if trick else 'eq. 6'}")


def _cut(a):
    return clamp(a, -LIMIT, LIMIT)


DIVERGENCES = (
    Divergence("kl", lambda u: u * np.log(u), lambda u: np.log(u) + 1, activation=_cut,
               conjugate=lambda t: np.exp(t - 1), loss=lambda a: (_cut(a) - 1.0).exp(),
               formula="f = u log u, T = a, f* = exp(t - 1)"),
    Divergence("reverse_kl", lambda u: -np.log(u), lambda u: -1 / u, activation=lambda a: -(-_cut(a)).exp(),
               conjugate=lambda t: -1 - np.log(-t), loss=lambda a: _cut(a) - 1.0,
               formula="f = -log u, T = -exp(-a), f* = -1 - log(-t)"),
    Divergence("pearson", lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), activation=lambda a: a,
               conjugate=lambda t: t * t / 4 + t, loss=lambda a: a * a * 0.25 + a,
               formula="f = (u - 1)^2, T = a, f* = t^2 / 4 + t"),
    Divergence("hellinger", lambda u: (np.sqrt(u) - 1) ** 2, lambda u: 1 - 1 / np.sqrt(u),
               activation=lambda a: 1.0 - (-_cut(a)).exp(), conjugate=lambda t: t / (1 - t),
               loss=lambda a: _cut(a).exp() - 1.0, formula="f = (sqrt u - 1)^2, T = 1 - exp(-a), f* = t / (1 - t)"),
    Divergence("js", lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2), lambda u: np.log(2 * u / (u + 1)),
               activation=lambda a: math.log(2) - softplus(-a), conjugate=lambda t: -np.log(2 - np.exp(t)),
               loss=lambda a: softplus(a) - math.log(2),
               formula="f = u log u - (u + 1) log((u + 1) / 2), which is 2 JSD, T = log 2 - sp(-a), "
                       "f* = -log(2 - exp t)"),
    Divergence("gan", lambda u: u * np.log(u) - (u + 1) * np.log(u + 1), lambda u: np.log(u / (u + 1)),
               activation=lambda a: -softplus(-a), conjugate=lambda t: -np.log(1 - np.exp(t)), loss=softplus,
               formula="f = u log u - (u + 1) log(u + 1), which is 2 JSD - log 4, T = -sp(-a), f* = -log(1 - exp t)"),
    Divergence("tv", lambda u: 0.5 * np.abs(u - 1), lambda u: 0.5 * np.sign(u - 1), activation=lambda a: a.tanh() * 0.5,
               conjugate=lambda t: t, loss=lambda a: a.tanh() * 0.5,
               formula="f = |u - 1| / 2, T = tanh(a) / 2, f* = t for |t| <= 1/2"),
)
F_GAN = tuple(row.pair(trick) for row in DIVERGENCES for trick in (False, True))

__all__ = ["DIVERGENCES", "Divergence", "F_GAN"]
