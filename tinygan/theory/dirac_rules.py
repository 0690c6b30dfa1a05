"""The rules of the Dirac-GAN, each twice: with the library's losses and optimisers, and as the formula of its step.

The formula is a hundred times faster and is for the long runs; the entry checks it against the library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinygan.losses import AdversarialLoss, Penalty, gp, minimax, non_saturating, r1, r2, wasserstein
from tinygan.losses.penalties import GradientPenalty, ZeroCentred, none
from tinygan.optim import SGD, minimize
from tinygan.tensor import Parameter, Tensor

START = (1.0, -1.0)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
WEIGHTS = WEIGHTS / WEIGHTS.sum()  # E f(e), e ~ N(0, 1), is sum_k w_k f(node_k)


@dataclass(frozen=True)
class Rule:
    """A pair of losses, a penalty on D, instance noise of standard deviation ``noise``, and |psi| <= ``clip``."""

    name: str
    loss: AdversarialLoss
    penalty: Penalty = none
    noise: float = 0.0
    clip: float = math.inf

    def d_loss(self, theta: Parameter, psi: Parameter) -> Tensor:
        """What D minimises over psi (1,): the data are the point 0, the sample is theta (1,)."""
        data, sample = Tensor(np.zeros((1, 1))), theta.reshape(1, 1)
        penalty = self.penalty(lambda x: (x * psi).reshape(-1), data, sample)
        return self._expected(self.loss.d, [(at * psi).reshape(-1) for at in self._seen(data, sample)]) + penalty

    def g_loss(self, theta: Parameter, psi: Parameter) -> Tensor:
        """What G minimises over theta."""
        return self._expected(self.loss.g, [(at * psi).reshape(-1) for at in self._seen(theta.reshape(1, 1))])

    def _seen(self, *points):
        """What D is shown in place of each point (1, 1): the point with the noise of every node (K, 1)."""
        return [x + Tensor(self.noise * NODES[:, None]) for x in points] if self.noise else points

    def _expected(self, loss, scores):
        """The loss of the scores, averaged over the noise with the weights of the nodes."""
        if not self.noise:
            return loss(*scores)
        return sum(w * loss(*(a[k:k + 1] for a in scores)) for k, w in enumerate(WEIGHTS.tolist()))


def rules() -> dict:
    """{title: rule}: one of every kind."""
    return {"minimax": Rule("minimax", minimax), "non-saturating": Rule("non-saturating", non_saturating),
            "WGAN, clipped": Rule("WGAN", wasserstein, clip=1.0), "WGAN-GP": Rule("WGAN-GP", wasserstein, gp(1)),
            "R1": Rule("R1", minimax, r1(1)), "R2": Rule("R2", minimax, r2(1)),
            "instance noise 0.5": Rule("noise", minimax, noise=0.5)}


def steps_by_autograd(rule: Rule, n: int, h: float = 0.1, simultaneous: bool = False, start=START) -> np.ndarray:
    """(n + 1, 2): theta and psi, moved by the library's SGD down the rule's losses; in turn, D moves first."""
    theta, psi = (Parameter(np.array([value])) for value in start)
    g_opt, d_opt = SGD([theta], lr=h), SGD([psi], lr=h)
    path = [start]
    for _ in range(n):
        if simultaneous:
            minimize((d_opt, rule.d_loss(theta, psi)), (g_opt, rule.g_loss(theta, psi)))
        else:
            d_opt.minimize(rule.d_loss(theta, psi))
        if math.isfinite(rule.clip):
            psi.assign(psi.data.clip(-rule.clip, rule.clip), "weight clipping")
        if not simultaneous:
            g_opt.minimize(rule.g_loss(theta, psi))
        path.append((theta.item(), psi.item()))
    return np.array(path)


def steps_by_formula(rule: Rule, n: int, h: float = 0.1, simultaneous: bool = False, start=START,
                     epsilon: float = 0.0) -> np.ndarray:
    """The same path from the flow written out (``epsilon``: see :func:`flow`)."""
    theta, psi = start
    down_theta, down_psi = flow(rule, epsilon)
    path = np.empty((n + 1, 2))
    path[0] = start
    for k in range(1, n + 1):
        before = psi
        psi = min(max(psi + h * down_psi(theta, psi), -rule.clip), rule.clip)
        theta = theta + h * down_theta(theta, before if simultaneous else psi)
        path[k] = theta, psi
    return path


def flow(rule: Rule, epsilon: float = 0.0):
    """(theta', psi') as functions of (theta, psi); the clipping is not part of it.

    The gradient penalty's norm is sqrt(psi^2 + epsilon): 0 is the paper's, ``penalties.EPSILON`` the library's.
    """
    gamma = rule.penalty.gamma if isinstance(rule.penalty, ZeroCentred) else 0.0
    weight = rule.penalty.weight if isinstance(rule.penalty, GradientPenalty) else 0.0

    def pull(psi):
        norm = math.sqrt(psi * psi + epsilon)
        return gamma * psi + (2 * weight * (norm - 1) * psi / norm if norm else 0.0)

    if rule.loss is wasserstein:
        return lambda theta, psi: psi, lambda theta, psi: -theta - pull(psi)
    if rule.noise:
        return _noisy_flow(rule.noise)
    sign = -1 if rule.loss is non_saturating else 1
    return (lambda theta, psi: psi * sigmoid(sign * psi * theta),
            lambda theta, psi: -theta * sigmoid(psi * theta) - pull(psi))


def _noisy_flow(sigma):
    """The minimax flow, averaged over the noise of data and sample."""
    noise = sigma * NODES

    def down_psi(theta, psi):
        fake = theta + noise
        return float(WEIGHTS @ (noise / (1 + np.exp(psi * noise)) - fake / (1 + np.exp(-psi * fake))))

    return lambda theta, psi: float(WEIGHTS @ (psi / (1 + np.exp(-psi * (theta + noise))))), down_psi


def sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


__all__ = ["NODES", "START", "WEIGHTS", "Rule", "flow", "rules", "sigmoid", "steps_by_autograd", "steps_by_formula"]
