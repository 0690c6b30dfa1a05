"""What a pair of adversarial losses is: two pure functions of raw scores, their shapes checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    real scores. ``formula`` and ``source`` are the row's documentation. Where D's loss is a mean over real plus a mean
    over generated samples, ``parts`` are the two functions of one score.
    """

    name: str
    of_d: Callable[[Tensor, Tensor], Tensor]
    of_g: Callable[[Tensor, Tensor | None], Tensor]
    formula: str
    source: str
    g_needs_real: bool = False
    parts: tuple[Callable, Callable] | None = None

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
                           lambda a_fake, a_real: generator(a_fake).mean(), formula, source, parts=(real, fake))


def smoothed(loss: AdversarialLoss, real: float = 0.9, fake: float = 0.0) -> AdversarialLoss:
    """Label smoothing of any pair: D's target for real samples is ``real`` instead of 1, for generated ones ``fake``.

    For L_D = E R(a(x)) + E F(a(G)) it is E [s R + (1 - s) F](a(x)) + E [t R + (1 - t) F](a(G)) with s = ``real`` and
    t = ``fake``; L_G stays. For the logistic pairs D* = (s p + t q) / (p + q): with t > 0 the optimum is not zero where
    there are only generated samples, which rewards them, so one side alone is smoothed by default. A pair without such
    parts, which compares samples, has one label per pair: s L_D(x, G) + (1 - s) L_D(G, x).
    Raises ValueError unless 0 <= fake < real <= 1, or when ``fake`` is asked of a pair that compares.
    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.4.
    """
    if not 0 <= fake < real <= 1:
        raise ValueError(f"smoothed: expected targets 0 <= fake < real <= 1, got fake {fake} and real {real}")
    if loss.parts is None and fake:
        raise ValueError(f"smoothed: expected one target, for {loss.name} compares samples, got {real} and {fake}")
    name, formula = f"{loss.name}_smoothed", f"{loss.formula}; targets of D: {real:g} for x, {fake:g} for G"
    source = f"{loss.source}; Salimans et al. 2016, arXiv:1606.03498, section 3.4"
    if loss.parts is None:
        return AdversarialLoss(name, lambda x, g: real * loss.of_d(x, g) + (1 - real) * loss.of_d(g, x), loss.of_g,
                               formula, source, loss.g_needs_real)
    R, F = loss.parts

    def mixed(share):
        return lambda a: share * R(a) + (1 - share) * F(a)
    on_real, on_fake = mixed(real), mixed(fake) if fake else F
    return AdversarialLoss(name, lambda x, g: on_real(x).mean() + on_fake(g).mean(), loss.of_g, formula, source,
                           parts=(on_real, on_fake))


__all__ = ["AdversarialLoss", "flat_scores", "separable", "smoothed"]
