"""What the game is worth: max over D of V(D, q) = 2 JSD(p, q) - log 4, smallest at q = p.

    V(D, q) = sum_x p log D + q log(1 - D),    D* = p / (p + q),    V(D*, q) = 2 JSD(p, q) - log 4 >= -log 4

with equality only where q = p. Two lectures drop the factor 2 and the constant: at q = p the value is -1.386, not 0.
The inner maximum is taken over a table of logits by Newton's method, whose second derivative is the gradient of the
gradient; the divergence comes from SciPy. The picture shows the value for two symbols, and how gradient descent on q
against the best D ends at p.
"""

import math

import numpy as np

from tinygan.autograd import grad
from tinygan.functional import softmax
from tinygan.losses.divergences import jensen_shannon
from tinygan.tensor import Parameter, Tensor
from tinygan.theory import fitting
from tinygan.theory.optimal_discriminator import categorical
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry

EXAMPLE = np.array([0.1, 0.2, 0.7]), np.array([0.3, 0.3, 0.4])


def best_logits(p, q, steps: int = 12) -> np.ndarray:
    """The logits (K,) that maximise V, by Newton's method from 0: V's Hessian is diagonal.

    No step passes the maximum, and far from it each adds about 1: 12 are enough for |log p - log q| < 8.
    """
    logits = Tensor(np.zeros(len(p)), requires_grad=True)
    for _ in range(steps):
        (first,) = grad(fitting.game_value(Tensor(p), Tensor(q), logits), logits, create_graph=True)
        (second,) = grad(first.sum(), logits)
        logits = Tensor(logits.data - first.data / second.data, requires_grad=True)
    return logits.data


def best_value(p, q) -> float:
    """max over D of V(D, q), D a table."""
    return float(fitting.game_value(Tensor(p), Tensor(q), Tensor(best_logits(p, q))))


def by_scipy(p, q) -> float:
    """2 JSD - log 4 from SciPy's relative entropies."""
    from scipy.special import rel_entr
    return float((rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)).sum()) - math.log(4)


def descend(p, start, steps: int = 500, lr: float = 0.05):
    """q's path (steps + 1, K) under gradient descent on V(D*, q) = 2 JSD(p, q) - log 4, from logits ``start``."""
    logits = Parameter(np.array(start, dtype=np.float64))
    path = []

    def loss():
        q = softmax(logits, 0)
        path.append(q.numpy())
        # D* is a maximum, so V's gradient with D* held fixed is that of the maximum (envelope theorem)
        return fitting.game_value(Tensor(p), q, Tensor(best_logits(p, q.data)))
    fitting.minimise(loss, [logits], steps, lr)
    return np.array([*path, softmax(logits, 0).numpy()])


def draw(p, path):
    """The value for two symbols over q; the descent towards p."""
    made, (value, descent) = figure(2, title="max over D of V(D, q) = 2 JSD(p, q) - log 4", size=(5, 3.8))
    two, shares = np.array([0.1, 0.9]), np.linspace(0.01, 0.99, 50)
    qs = [np.array([s, 1 - s]) for s in shares]
    value.plot(shares, [by_scipy(two, q) for q in qs], label="2 JSD - log 4")
    value.plot(shares[::3], [best_value(two, q) for q in qs[::3]], "k.", label="max over tables D of V")
    value.plot(shares, [jensen_shannon(two, q) for q in qs], "r:", label="JSD, the value on two slides")
    value.axhline(-math.log(4), color="0.6", linestyle="--", label="-log 4, reached at q = p")
    finish(value, "Two symbols: p = (0.1, 0.9), q = (s, 1 - s)", "s", "value")
    descent.semilogy([2 * jensen_shannon(p, q) for q in path], label="V(D*, q) + log 4")
    descent.semilogy(np.abs(path - p).max(axis=1), label="max |q - p|")
    descent.set_ylim(1e-15, 1)
    finish(descent, "Eight symbols: gradient descent on q against the best D", "step", "distance from the optimum")
    return made


@entry("T12", "game-value", title="The value at the best discriminator, and the global optimum",
       paper="Goodfellow et al. 2014, Theorem 1", arxiv="1406.2661")
def game_value(found, seed=0, pairs=20):
    p, q = EXAMPLE
    found.equal("p = (.1, .2, .7), q = (.3, .3, .4): V*", best_value(p, q), -1.28247, 5e-6, route="published")
    found.equal("the same pair: JSD", jensen_shannon(p, q), 0.05191, 5e-6, route="published")
    rng = np.random.default_rng(seed)
    random_pairs = [(categorical(8, rng), categorical(8, rng)) for _ in range(pairs)]
    errors = [abs(best_value(*pair) - by_scipy(*pair)) for pair in random_pairs]
    found.at_most(f"{pairs} random pairs of 8: max |V* - (2 JSD - log 4)|", max(errors), 1e-9, route="scipy.special")
    found.at_least("smallest V* + log 4 of these pairs", min(best_value(*pair) for pair in random_pairs) + math.log(4),
                   0, route="Theorem 1")
    found.equal("V* at q = p", best_value(p, p), -math.log(4), 1e-12)
    first, other = random_pairs[0]
    path = descend(first, np.log(other))
    found.at_most("descent on q: max |q - p| at the end", np.abs(path[-1] - first).max(), 1e-3, route="q = p")
    found.equal("descent on q: V* at the end", best_value(first, path[-1]), -math.log(4), 1e-6)
    found.picture(lambda: draw(first, path), "game-value.png")
