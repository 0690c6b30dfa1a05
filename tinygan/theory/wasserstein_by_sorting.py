"""On the line the best transport is monotone: W_p compares quantiles, and samples need only be sorted.

    W_p^p = int_0^1 |F^-1(u) - G^-1(u)|^p du = (1 / N) sum_i |x_(i) - y_(i)|^p for N samples each

W1 <= W2 (Jensen), W_p is symmetric and obeys the triangle inequality. Between N(0, 1) and N(mu, sigma^2) the monotone
map is z -> mu + sigma z, so W2^2 = mu^2 + (sigma - 1)^2. The picture shows two quantile functions with the area between
them, the monotone coupling, and the error of the sorted estimate as the number of samples grows.
"""

import numpy as np

from tinygan.losses.divergences import wasserstein_1d
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry

PAIRS = (0.0, 2.0), (0.0, 0.5), (1.0, 2.0), (3.0, 1.0), (1.0, 1.5)


def w2_gaussian(mu: float, sigma: float) -> float:
    """W2 between N(0, 1) and N(mu, sigma^2)."""
    return np.hypot(mu, sigma - 1)


def by_quantiles(mu: float, sigma: float, p: int) -> float:
    """W_p between N(0, 1) and N(mu, sigma^2): the integral over quantiles by SciPy's quadrature."""
    from scipy.integrate import quad
    from scipy.stats import norm
    kink = norm.cdf(mu / (1 - sigma)) if sigma != 1 else 0.5  # where the quantile functions cross
    parts = [quad(lambda u: abs(norm.ppf(u, mu, sigma) - norm.ppf(u)) ** p, *ends, epsabs=1e-10, limit=200)[0]
             for ends in ((0, kink), (kink, 1)) if ends[0] < ends[1]]
    return sum(parts) ** (1 / p)


def draw(rng, mu=1.0, sigma=2.0):
    """Quantile functions, coupling, and errors."""
    from scipy.stats import norm
    made, (quantiles, coupling, errors) = figure(3, title=f"N(0, 1) and N({mu:g}, {sigma:g}²)")
    u = np.linspace(0.002, 0.998, 500)
    first, second = norm.ppf(u), norm.ppf(u, mu, sigma)
    quantiles.plot(u, first, label="quantiles of N(0, 1)")
    quantiles.plot(u, second, label=f"quantiles of N({mu:g}, {sigma:g}²)")
    area = by_quantiles(mu, sigma, 1)
    quantiles.fill_between(u, first, second, color="0.5", alpha=0.3, label=f"area = W1 = {area:.4f}")
    finish(quantiles, "W1 is the area between quantile functions", "u", "quantile")
    x, y = np.sort(rng.normal(size=60)), np.sort(rng.normal(mu, sigma, size=60))
    coupling.plot([x, y], [np.zeros(60), np.ones(60)], color="0.6", linewidth=0.8)
    coupling.plot(x, np.zeros(60), "o", markersize=3, label="samples of N(0, 1)")
    coupling.plot(y, np.ones(60), "o", markersize=3, label=f"samples of N({mu:g}, {sigma:g}²)")
    coupling.set(yticks=[], ylim=(-0.2, 1.45))
    finish(coupling, "Sorted samples are paired in order", "x")
    sizes = np.unique(np.logspace(1, 4.5, 15).astype(int))
    for k, p in enumerate((1, 2)):
        true = by_quantiles(mu, sigma, p)
        error = [abs(wasserstein_1d(rng.normal(size=(20, n)), rng.normal(mu, sigma, size=(20, n)), p) / true - 1).mean()
                 for n in sizes]
        errors.loglog(sizes, error, ".-", color=f"C{k}", label=f"W{p}")
    errors.loglog(sizes, 1 / np.sqrt(sizes), "k:", label="1 / sqrt(N)")
    finish(errors, "Error of the sorted estimate, mean of 20", "samples N", "relative error")
    return made


@entry("T10", "wasserstein-by-sorting", title="W_p on the line by sorting and by quantiles",
       paper="Villani 2003, Topics in optimal transportation, theorem 2.18")
def wasserstein_by_sorting(found, seed=0, n=100_000):
    rng = np.random.default_rng(seed)
    for mu, sigma in PAIRS:
        x, y = rng.normal(size=n), rng.normal(mu, sigma, size=n)
        w1, w2 = (wasserstein_1d(x, y, p) for p in (1, 2))
        name = f"N(0, 1), N({mu:g}, {sigma:g}^2)"
        true = w2_gaussian(mu, sigma)
        found.equal(f"{name}: W2 by sorting", w2, true, 0.02 * true)
        found.equal(f"{name}: W2 by quantiles", by_quantiles(mu, sigma, 2), true, 1e-4)
        found.at_most(f"{name}: W1 <= W2", w1, w2, route="W2 of the same samples")
        found.equal(f"{name}: W1(y, x)", wasserstein_1d(y, x), w1, 1e-12, route="W1(x, y)")
    x, y, z = rng.normal(size=(3, 200, 50)) * rng.uniform(0.5, 2, size=(3, 200, 1))
    for p in (1, 2):
        slack = wasserstein_1d(x, y, p) + wasserstein_1d(y, z, p) - wasserstein_1d(x, z, p)
        found.at_least(f"W{p}: least slack of 200 triangles", slack.min(), -1e-12)
    found.picture(lambda: draw(rng), "wasserstein-by-sorting.png")
