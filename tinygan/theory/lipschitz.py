"""Lipschitz constants: what a weight box and a product of spectral norms guarantee, and how loose they are.

    Lip(f o g) <= Lip(f) Lip(g);   Lip(x -> W x) = sigma_max(W);   ReLU and leaky ReLU: 1;   x -> x: 1
    weights in [-c, c], Euclidean norm:  x -> relu(w . x)    has Lip <= c sqrt(D),     reached by w = c (1, ..., 1)
                                         x -> v . relu(W x)  has Lip <= c^2 H sqrt(D), reached by equal signs

A slide gives 0.01 D for one layer (right, but loose) and says that two layers may exceed 0.01: with D = 1, H = 10 and
c = 0.01 they reach 0.001 only, so clipped critics are far flatter than 1-Lipschitz. The picture shows bounds and
reached slopes over D, and how far random networks stay below the product of their spectral norms.
"""

import numpy as np

from tinygan import models, nn, random
from tinygan.autograd import grad, no_grad
from tinygan.functional import relu
from tinygan.tensor import Tensor
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry

C, WIDTH = 0.01, 10


def steepest(f, x, y) -> float:
    """The largest |f(x_i) - f(y_i)| / |x_i - y_i| over pairs of points (N, D)."""
    with no_grad():
        rise = np.abs(f(Tensor(x)).numpy() - f(Tensor(y)).numpy()).reshape(len(x), -1)
    return float((np.linalg.norm(rise, axis=1) / np.linalg.norm(x - y, axis=1)).max())


def longest_gradient(f, x) -> float:
    """The largest |grad f(x_i)| over points (N, D)."""
    x = Tensor(x, requires_grad=True)
    return float(np.linalg.norm(grad(f(x).sum(), x)[0].numpy(), axis=1).max())


def spectral_bound(network) -> float:
    """The product of the largest singular values of a network's linear layers; its activations have Lip <= 1."""
    return float(np.prod([np.linalg.norm(layer.weight.numpy(), 2) for layer in network.modules()
                          if isinstance(layer, nn.Linear)]))


def boxed(dim: int, width: int | None, rng=None):
    """relu(w . x), or v . relu(W x) with ``width`` rows of W, with weights C, or uniform on [-C, C] given ``rng``."""
    sizes = [dim, 1] if width is None else [dim, width, 1]
    layers = [nn.Linear(a, b, bias=False) for a, b in zip(sizes, sizes[1:])]
    network = nn.Sequential(layers[0], nn.ReLU(), *layers[1:]).to(np.float64)
    for p in network.parameters():
        p.assign(np.full(p.shape, C) if rng is None else rng.uniform(-C, C, size=p.shape), "weight box")
    return network


def box_bound(dim: int, width: int | None) -> float:
    """c sqrt(D) for one layer, c^2 H sqrt(D) for two."""
    return C * np.sqrt(dim) * (1 if width is None else C * width)


def random_network_ratios(rng, networks: int) -> np.ndarray:
    """For random MLPs: the steepest slope found, by pairs and by gradients, over the bound."""
    ratios = []
    for _ in range(networks):
        dim, hidden = int(rng.integers(1, 9)), [int(n) for n in rng.integers(1, 33, size=rng.integers(1, 4))]
        network = models.MLPDiscriminator((dim,), hidden=hidden).to(np.float64)
        x, y = rng.normal(size=(2, 64, dim)) * 3
        ratios.append(max(steepest(network, x, y), longest_gradient(network, x)) / spectral_bound(network))
    return np.array(ratios)


def draw(ratios):
    """Bounds over the dimension, and measured slopes over bounds."""
    made, (bounds, measured) = figure(2, title="Lipschitz constants")
    dims = np.arange(1, 101)
    bounds.loglog(dims, C * dims, "k:", label="slide: 0.01 D")
    bounds.axhline(C, color="0.7", label="0.01, which the slide says two layers exceed")
    for width, label in ((None, "one layer: c √D"), (WIDTH, f"two layers, H = {WIDTH}: c² H √D")):
        line, = bounds.loglog(dims, [box_bound(d, width) for d in dims], label=label)
        some = [1, 3, 10, 30, 100]
        bounds.loglog(some, [longest_gradient(boxed(d, width), np.ones((1, d))) for d in some], "o",
                      color=line.get_color(), label="reached by equal weights c = 0.01")
    bounds.set_ylim(5e-4, 50)  # room for the legend
    finish(bounds, "Weights in [-0.01, 0.01]", "dimension D of the input", "slope")
    measured.hist(ratios, bins=np.linspace(0, 1, 41), label=f"{len(ratios)} random networks")
    measured.axvline(1, color="k", linestyle="--", label="bound")
    finish(measured, "Steepest slope found / product of spectral norms", "ratio", "networks")
    return made


@entry("T08", "lipschitz", title="Lipschitz constants: identity, ReLU, compositions, the weight box",
       paper="Miyato et al. 2018, section 2.1; Arjovsky et al. 2017, section 3", arxiv="1802.05957")
def lipschitz(found, seed=0, networks=200):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 1000, 3))
    found.equal("phi(x) = x: slope", steepest(lambda t: t, x, y), 1, 1e-12)
    found.at_most("ReLU: steepest of 1000 pairs", steepest(relu, x, y), 1)
    w = rng.normal(size=(4, 3))
    top = np.linalg.svd(w)[2][:1]
    found.equal("linear: slope along the first singular vector", steepest(lambda t: t @ Tensor(w.T), top, 0 * top),
                np.sqrt(np.linalg.eigvalsh(w.T @ w).max()), 1e-12, route="eigenvalue")
    norms = [[np.linalg.norm(m, 2) for m in (a @ b, a, b)] for a, b in rng.normal(size=(1000, 2, 4, 4))]
    found.at_most("compositions: largest |AB| / (|A| |B|)", max(ab / (a * b) for ab, a, b in norms), 1 + 1e-12)
    random.manual_seed(seed)
    ratios = random_network_ratios(rng, networks)
    found.at_most(f"{networks} random networks: steepest slope / bound", ratios.max(), 1 + 1e-12)
    for width, name in ((None, "one layer"), (WIDTH, "two layers, H = 10")):
        for dim in (1, 100):
            bound = box_bound(dim, width)
            label = f"{name}, D = {dim}, c = 0.01"
            at = rng.normal(size=(64, dim))
            worst = max(longest_gradient(boxed(dim, width, rng), at) for _ in range(20))
            found.at_most(f"{label}: steepest of 20 random", worst, bound + 1e-15, route="closed form")
            found.equal(f"{label}: equal weights", longest_gradient(boxed(dim, width), np.ones((1, dim))), bound, 1e-12)
    found.equal("two layers, D = 1: bound, said to be > 0.01", box_bound(1, WIDTH), 1e-3, 1e-15, route="by hand")
    found.picture(lambda: draw(ratios), "lipschitz.png")
