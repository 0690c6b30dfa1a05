"""b-GAN: D estimates the density ratio r = p / q by Bregman matching, and G minimises the divergence with that ratio.

For a convex f the Bregman distance between p / q and its estimate r(x), without its constant, is
L_D = E_q [f'(r) r - f(r)] - E_p f'(r), least at r = p / q; and L_G = E_q f(r) with r frozen is the f-divergence of p
and q. Both use the same f, where a GAN with the non-saturating loss changes it between its two steps. The pair of the
relative ratio gives G the derivative of the divergence instead (:func:`relative_pair`).
Source: Uehara et al. 2016, arXiv:1610.02920.
"""

from __future__ import annotations

from collections.abc import Callable

from tinygan.functional import softplus
from tinygan.losses.pair import AdversarialLoss, separable

SOURCE = "Uehara et al. 2016, arXiv:1610.02920"


def bregman_pair(name: str, f: Callable, slope: Callable, ratio: Callable = softplus, formula: str = "",
                 source: str = SOURCE) -> AdversarialLoss:
    """b-GAN's pair for a convex f with f' = ``slope``, functions of Tensors; ``ratio`` maps scores to r > 0."""
    def fake(a):
        r = ratio(a)
        return slope(r) * r - f(r)
    return separable(name, real=lambda a: -slope(ratio(a)), fake=fake, generator=lambda a: f(ratio(a)),
                     formula=f"L_D = E [f'(r) r - f(r)](G) - E f'(r(x)); L_G = E f(r(G)); {formula}", source=source)


def relative_pair(name: str, alpha: float) -> AdversarialLoss:
    """The Pearson pair of the relative ratio r = p / (alpha p + (1 - alpha) q), which is at most 1 / alpha.

    L_D = E_m r^2 / 2 - E_p r with the mixture m = alpha p + (1 - alpha) q. L_G = E_q [f(r) - r f'(r)] =
    E_q (1 - r^2) / 2, whose derivative is that of the divergence E_m f(p / m) by its dependence on q, up to the factor
    1 - alpha. The paper's E_q f(r) with r frozen has the derivative f'(r) grad r instead, which draws samples to r = 1
    from both sides: away, too, from where there are data and few samples, which r marks with up to 1 / alpha.
    Sources: Yamada et al. 2013 for the ratio, Uehara et al. 2016 for the game.
    Raises ValueError unless 0 < alpha < 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"relative_pair: expected 0 < alpha < 1, got {alpha}")

    def real(a):
        r = softplus(a)
        return r.square() * (0.5 * alpha) - r
    return separable(name, real=real, fake=lambda a: softplus(a).square() * (0.5 * (1 - alpha)),
                     generator=lambda a: (1.0 - softplus(a).square()) * 0.5,
                     formula="L_D = E_m r^2 / 2 - E_p r, m = alpha p + (1 - alpha) q; L_G = E_q (1 - r^2) / 2; "
                             f"r = sp(a), alpha = {alpha:g}",
                     source=f"{SOURCE}; Yamada et al. 2013")


RATIO = (
    bregman_pair("b_pearson", lambda r: (r - 1.0).square() * 0.5, lambda r: r - 1.0,
                 formula="f = (r - 1)^2 / 2, r = sp(a), so L_D = E_q r^2 / 2 - E_p r + 1/2"),
    relative_pair("b_relative", 0.1),
)

__all__ = ["RATIO", "bregman_pair", "relative_pair"]
