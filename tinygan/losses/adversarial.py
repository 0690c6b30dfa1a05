"""Adversarial losses: a table of pairs, one row per paper.

A pair has ``loss.d(real, fake)`` and ``loss.g(fake, real=None)``, pure functions of raw scores (logits, or the values
of a critic), never of probabilities; each is minimised by its owner. Below, a is the score, sp(t) = log(1 + e^t), x a
real and G a generated sample, E the mean over the batch. Products with D = sigmoid(a) are written in a: log D(x) is
-sp(-a(x)) and log(1 - D(G)) is -sp(a(G)), which neither overflow nor lose a small gradient.

>>> from tinygan import tensor
>>> real, fake = tensor([2.0, 0.5]), tensor([-3.0])
>>> float(hinge.d(real, fake)), float(hinge.g(fake))
(0.25, 3.0)
"""

from __future__ import annotations

from collections.abc import Callable

from tinygan.functional import relu, softplus
from tinygan.losses.f_divergence import F_GAN
from tinygan.losses.pair import AdversarialLoss, separable, smoothed
from tinygan.losses.ratio import RATIO
from tinygan.tensor import Tensor


def least_squares_pair(name: str, a0: float, b: float, c: float) -> AdversarialLoss:
    """LSGAN's pair with the targets a0 for generated and b for real samples of D, and c for G."""
    return separable(
        name, real=lambda a: (a - b).square() * 0.5, fake=lambda a: (a - a0).square() * 0.5,
        generator=lambda a: (a - c).square() * 0.5,
        formula=f"L_D = E (a(x) - b)^2 / 2 + E (a(G) - a0)^2 / 2; L_G = E (a(G) - c)^2 / 2; a0 = {a0:g}, b = {b:g}, "
                f"c = {c:g}",
        source="Mao et al. 2016, arXiv:1611.04076, eq. 2")


def _paired(of: Callable) -> Callable:
    """The mean of ``of`` over differences of the k-th scores; real and generated samples must be as many."""
    def mean(first: Tensor, second: Tensor) -> Tensor:
        if first.shape != second.shape:
            raise ValueError("relativistic: expected as many real as generated samples, for they are paired, got "
                             f"{first.shape[0]} and {second.shape[0]}")
        return of(first - second).mean()
    return mean


def _average(real: Tensor, fake: Tensor) -> Tensor:
    """E sp(-(a(x) - E a(G))) + E sp(a(G) - E a(x)): each sample against the mean of the other side."""
    return softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()


ROWS = (
    separable(
        "minimax", real=lambda a: softplus(-a), fake=softplus, generator=lambda a: -softplus(a),
        formula="L_D = E sp(-a(x)) + E sp(a(G)); L_G = -E sp(a(G)) = E log(1 - D(G))",
        source="Goodfellow et al. 2014, arXiv:1406.2661, eq. 1"),
    separable(
        "non_saturating", real=lambda a: softplus(-a), fake=softplus, generator=lambda a: softplus(-a),
        formula="L_D = E sp(-a(x)) + E sp(a(G)); L_G = E sp(-a(G)) = -E log D(G)",
        source="Goodfellow et al. 2014, arXiv:1406.2661, section 3"),
    separable(
        "wasserstein", real=lambda a: -a, fake=lambda a: a, generator=lambda a: -a,
        formula="L_D = E a(G) - E a(x); L_G = -E a(G)",
        source="Arjovsky, Chintala, Bottou 2017, arXiv:1701.07875, Algorithm 1"),
    separable(
        "hinge", real=lambda a: relu(1.0 - a), fake=lambda a: relu(1.0 + a), generator=lambda a: -a,
        formula="L_D = E max(0, 1 - a(x)) + E max(0, 1 + a(G)); L_G = -E a(G)",
        source="Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eq. 16-17"),
    separable(
        "hinge_both", real=lambda a: relu(1.0 - a), fake=lambda a: relu(1.0 + a), generator=lambda a: relu(1.0 - a),
        formula="L_D = E max(0, 1 - a(x)) + E max(0, 1 + a(G)); L_G = E max(0, 1 - a(G))",
        source="D of Lim & Ye 2017, arXiv:1705.02894; the generator's form of some libraries, blind beyond the margin"),
    least_squares_pair("least_squares", a0=0.0, b=1.0, c=1.0),
    least_squares_pair("least_squares_pearson", a0=-1.0, b=1.0, c=0.0),
    AdversarialLoss(
        "relativistic", of_d=_paired(lambda difference: softplus(-difference)),
        of_g=_paired(lambda difference: softplus(-difference)), g_needs_real=True,
        formula="L_D = E sp(-(a(x) - a(G))); L_G = E sp(-(a(G) - a(x))), over pairs (x, G)",
        source="Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441, eq. 2"),
    AdversarialLoss(
        "relativistic_average", of_d=_average, of_g=_average, g_needs_real=True,
        formula="L_D = E sp(-(a(x) - E a(G))) + E sp(a(G) - E a(x)); L_G = the same with x and G exchanged",
        source="Jolicoeur-Martineau 2018, arXiv:1807.00734 (RaSGAN)"),
    separable(
        "boundary_seeking", real=lambda a: softplus(-a), fake=softplus, generator=lambda a: a.square() * 0.5,
        formula="L_D = E sp(-a(x)) + E sp(a(G)); L_G = E a(G)^2 / 2, least on the boundary D = 1/2",
        source="Hjelm et al. 2017, arXiv:1702.08431 (continuous data)"),
    *F_GAN,
    *RATIO,
)
ADVERSARIAL = {row.name: row for row in ROWS}
ADVERSARIAL["non_saturating_smoothed"] = smoothed(ADVERSARIAL["non_saturating"], 0.9)

minimax = ADVERSARIAL["minimax"]
non_saturating = ADVERSARIAL["non_saturating"]
wasserstein = ADVERSARIAL["wasserstein"]
hinge = ADVERSARIAL["hinge"]
least_squares = ADVERSARIAL["least_squares"]
least_squares_pearson = ADVERSARIAL["least_squares_pearson"]
relativistic = ADVERSARIAL["relativistic"]

__all__ = ["ADVERSARIAL", "hinge", "least_squares", "least_squares_pair", "least_squares_pearson", "minimax",
           "non_saturating", "relativistic", "wasserstein"]
