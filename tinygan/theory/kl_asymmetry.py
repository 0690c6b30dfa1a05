"""KL is not symmetric: one direction covers both modes, the other seeks one of them.

p = N(-2, 0.5^2) / 2 + N(2, 0.5^2) / 2 is fitted by a single Gaussian N(mu, sigma^2), by gradient descent on
(mu, log sigma) with the divergence computed on a grid:

    forward  min KL(p || N)   matches the moments: mu = E x = 0, sigma^2 = E x^2 = 0.5^2 + 2^2 = 4.25
    reverse  min KL(N || p)   pays for mass where p has none: it sits on one mode, mu = 2, sigma = 0.5
    JSD      min JSD(p, N)    lies between

Maximum likelihood is the forward one. The picture shows p and the three fits, and the way each of them went.
"""

import math

import numpy as np

from tinygan.losses import divergences
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.fitting import minimise
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry

GRID = np.linspace(-9, 9, 601)
CELL = GRID[1] - GRID[0]
FITS = {"forward": divergences.kl, "reverse": divergences.reverse_kl, "JSD": divergences.jensen_shannon}


def gaussian(x, mu, sigma):
    """The density of N(mu, sigma^2) at x; mu and sigma may be Tensors."""
    z = (x - mu) / sigma
    return (z * z * -0.5).exp() / (sigma * float(np.sqrt(2 * np.pi)))


def bimodal(x):
    """The density p at an array x."""
    from scipy.stats import norm
    return (norm.pdf(x, -2, 0.5) + norm.pdf(x, 2, 0.5)) / 2


def fit(divergence, mu: float, sigma: float = 1.0, steps: int = 1500, lr: float = 0.02):
    """The path (steps + 1, 2) of (mu, sigma) under gradient descent on divergence(p, N(mu, sigma^2))."""
    place = Parameter(np.array([mu, np.log(sigma)]))
    x, p = Tensor(GRID), Tensor(bimodal(GRID))
    path = []

    def loss():
        path.append(place.data.copy())
        return divergence(p, gaussian(x, place[0], place[1].exp()), CELL)
    minimise(loss, [place], steps, lr)
    mu, log_sigma = np.array([*path, place.data]).T
    return np.stack([mu, np.exp(log_sigma)], axis=1)


def best_reverse():
    """(mu, sigma) of the minimum of KL(N || p) near the mode at 2, with SciPy's quadrature and minimiser.

    KL(N || p) = -log(sigma) - E log p(mu + sigma Z) + a constant.
    """
    from scipy.integrate import quad
    from scipy.optimize import minimize

    def minus_log_p(x):  # without its constant; not the log of p, which is 0 in the tails
        return 2 * (abs(x) - 2) ** 2 - math.log1p(math.exp(-16 * abs(x)))

    def value(place):
        mu, log_sigma = place
        sigma = math.exp(log_sigma)
        return quad(lambda z: math.exp(-z * z / 2) * minus_log_p(mu + sigma * z), -10, 10,
                    points=[-mu / sigma])[0] / math.sqrt(2 * math.pi) - log_sigma
    mu, log_sigma = minimize(value, (1.5, 0.0), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10}).x
    return mu, math.exp(log_sigma)


def draw(paths):
    """p and the fits; mu and sigma along the descent."""
    made, (densities, descent) = figure(2, title="One Gaussian for two modes", size=(5.2, 3.8))
    densities.fill_between(GRID, bimodal(GRID), color="0.8", label="p")
    for k, (name, path) in enumerate(paths.items()):
        mu, sigma = path[-1]
        densities.plot(GRID, gaussian(Tensor(GRID), mu, sigma).numpy(), "--" if name == "JSD" else "-", color=f"C{k}",
                       label=f"{name}: N({round(mu, 2) + 0.0:.2f}, {sigma:.2f}²)")
        descent.plot(*path.T, color=f"C{k}", label=name)
        descent.plot(*path[-1], "o", color=f"C{k}")
    descent.plot(*next(iter(paths.values()))[0], "k*", markersize=10, label="start")
    densities.set_xlim(-6, 6)
    finish(densities, "What each direction of KL is content with", "x", "density")
    finish(descent, "Gradient descent", "mu", "sigma")
    return made


@entry("T03", "kl-asymmetry", title="KL is asymmetric: covering both modes or seeking one",
       paper="Goodfellow 2016, Figure 14", arxiv="1701.00160")
def kl_asymmetry(found, seed=0, steps=1500):
    paths = {name: fit(divergence, mu=1.0, steps=steps) for name, divergence in FITS.items()}
    (forward, reverse, middle) = (path[-1] for path in paths.values())
    mu, sigma = best_reverse()
    found.equal("forward KL: mu", forward[0], 0, 0.02, route="moments")
    found.equal("forward KL: sigma^2", forward[1] ** 2, 4.25, 0.05, route="moments")
    found.equal("reverse KL from mu = 1: mu", reverse[0], 2, 0.05, route="the mode")
    found.equal("reverse KL from mu = 1: sigma", reverse[1], 0.5, 0.05, route="the mode")
    found.equal("reverse KL from mu = 1: mu", reverse[0], mu, 1e-3, route="quadrature")
    found.equal("reverse KL from mu = 1: sigma", reverse[1], sigma, 1e-3, route="quadrature")
    found.note("JSD from mu = 1: mu", middle[0])
    found.within("JSD from mu = 1: sigma, between", middle[1], reverse[1], forward[1], kind="CAL")
    found.picture(lambda: draw(paths), "kl-asymmetry.png")
