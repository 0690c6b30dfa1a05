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
from dataclasses import dataclass

from tinygan.functional import relu, softplus
from tinygan.tensor import Tensor


def flat_scores(operation: str, scores: Tensor) -> Tensor:
    """Scores (N,), (N, 1) or (N, 1, ..., 1), one per sample, as (N,).

    Anything else raises ValueError: (N, K) would be averaged as if it were N K samples, and (N,) against (N, 1)
    broadcasts to N^2 differences without a word. Raises TypeError for what is not a Tensor of a floating dtype.
    """
    if not isinstance(scores, Tensor) or scores.dtype.kind != "f":
        got = f"dtype {scores.dtype}" if isinstance(scores, Tensor) else type(scores).__name__
        raise TypeError(f"{operation}: expected scores in a Tensor of a floating dtype, got {got}")
    if scores.ndim == 1 and scores.size:
        return scores
    if not scores.size or not scores.ndim or scores.size != scores.shape[0]:
        raise ValueError(f"{operation}: expected one score per sample, of shape (N,), (N, 1) or (N, 1, 1, 1) with "
                         f"N > 0, got {scores.shape}; scores of patches count as samples after .reshape(-1)")
    return scores.reshape(scores.shape[0])


@dataclass(frozen=True)
class AdversarialLoss:
    """One pair of losses: ``of_d(real, fake)`` and ``of_g(fake, real)`` map scores (N,) to a scalar.

    Real and generated samples may differ in number. ``g_needs_real`` says that the generator's loss compares with
    real scores. ``formula`` and ``source`` are the row's documentation.
    """

    name: str
    of_d: Callable[[Tensor, Tensor], Tensor]
    of_g: Callable[[Tensor, Tensor | None], Tensor]
    formula: str
    source: str
    g_needs_real: bool = False

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss, a scalar, from its scores of real and of generated samples.

        Raises ValueError unless both are one score per sample (:func:`flat_scores`).
        """
        return self.of_d(flat_scores(f"{self.name}.d: real", real), flat_scores(f"{self.name}.d: fake", fake))

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """The generator's loss, a scalar, from the scores of its samples (and of real ones where the pair needs them).

        Raises ValueError unless there is one score per sample, and when real scores are needed and missing.
        """
        if real is None and self.g_needs_real:
            raise ValueError(f"{self.name}.g: expected scores of real samples beside those of generated ones, got none")
        return self.of_g(flat_scores(f"{self.name}.g: fake", fake),
                         None if real is None else flat_scores(f"{self.name}.g: real", real))

    def __repr__(self) -> str:
        return f"{self.name}: {self.formula} [{self.source}]"


def separable(name: str, *, real: Callable, fake: Callable, generator: Callable, formula: str,
              source: str) -> AdversarialLoss:
    """The pair L_D = E real(a(x)) + E fake(a(G)), L_G = E generator(a(G)) of three functions of one score each."""
    return AdversarialLoss(name, lambda a_real, a_fake: real(a_real).mean() + fake(a_fake).mean(),
                           lambda a_fake, a_real: generator(a_fake).mean(), formula, source)


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
    least_squares_pair("least_squares", a0=0.0, b=1.0, c=1.0),
    least_squares_pair("least_squares_pearson", a0=-1.0, b=1.0, c=0.0),
    AdversarialLoss(
        "relativistic", of_d=_paired(lambda difference: softplus(-difference)),
        of_g=_paired(lambda difference: softplus(-difference)), g_needs_real=True,
        formula="L_D = E sp(-(a(x) - a(G))); L_G = E sp(-(a(G) - a(x))), over pairs (x, G)",
        source="Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441, eq. 2"),
)
ADVERSARIAL = {row.name: row for row in ROWS}

minimax = ADVERSARIAL["minimax"]
non_saturating = ADVERSARIAL["non_saturating"]
wasserstein = ADVERSARIAL["wasserstein"]
hinge = ADVERSARIAL["hinge"]
least_squares = ADVERSARIAL["least_squares"]
least_squares_pearson = ADVERSARIAL["least_squares_pearson"]
relativistic = ADVERSARIAL["relativistic"]

__all__ = ["ADVERSARIAL", "AdversarialLoss", "flat_scores", "hinge", "least_squares", "least_squares_pair",
           "least_squares_pearson", "minimax", "non_saturating", "relativistic", "separable", "wasserstein"]
