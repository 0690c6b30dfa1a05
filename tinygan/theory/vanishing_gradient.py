"""The minimax loss of G vanishes where D is sure; the non-saturating one does not, and minimises something else.

With a the logit, d/da log(1 - s(a)) = -s(a) and d/da [-log s(a)] = -(1 - s(a)): on a sample that D rejects (a << 0) the
first is 0 and the second -1. With the best D = D* held fixed, the gradients with respect to the model q are
    grad E_q log(1 - D*) = grad 2 JSD(p, q)        grad E_q [-log D*] = grad [KL(q || p) - 2 JSD(p, q)].
Here p = N(0, 1), q = N(10, 1), so that a(x) = log p(x) / q(x) = 50 - 10 x, and G moves the mean. The picture: the two
losses and their gradients over a, and the way of the mean.
"""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import random
from tinygan.autograd import grad
from tinygan.losses import minimax, non_saturating
from tinygan.losses.divergences import jensen_shannon, kl
from tinygan.optim import SGD
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.registry import entry

START = 10.0


def logit(x):
    """log N(x; 0, 1) / N(x; 10, 1)."""
    return 50.0 - 10.0 * x


def slope(loss, a: float) -> float:
    """The derivative of G's loss in the logit a of one sample."""
    a = Tensor(np.array([a]), requires_grad=True)
    return grad(loss.g(a), a)[0].item()


def moved(loss, steps: int, lr: float = 0.01, batch: int = 256):
    """(means after every step, first gradient) of G(z) = z + mean against the fixed D, by gradient steps."""
    mean = Parameter(np.array(START))
    optimizer, path, first = SGD([mean], lr=lr), [START], None
    for _ in range(steps):
        z = Tensor(random.normal((batch,), dtype=np.float64))
        gradients = optimizer.gradients(loss.g(logit(z + mean)))
        first = gradients[0].item() if first is None else first
        optimizer.apply(gradients)
        path.append(mean.item())
    return np.array(path), first


def gradient_at_fixed_d(loss, p, logits) -> np.ndarray:
    """The gradient of E_q of G's loss, q = softmax(logits) on a few symbols, with D = D*, logit log p / q, fixed."""
    logits = Tensor(logits, requires_grad=True)
    q = F.softmax(logits, 0)
    best = Tensor(np.log(p / q.numpy()))
    each = F.stack([loss.g(best[k:k + 1]) for k in range(len(p))])
    return grad((q * each).sum(), logits)[0].numpy()


def differences(f, x, h: float = 1e-3) -> np.ndarray:
    """The gradient of f at x by five-point differences: the error is of order h^4 f^(5) / 30 + 1e-16 / h."""
    def along(unit):
        return (8 * (f(x + h * unit) - f(x - h * unit)) - f(x + 2 * h * unit) + f(x - 2 * h * unit)) / (12 * h)
    return np.array([along(unit) for unit in np.eye(len(x))])


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


def identities(p, logits):
    """The errors of both identities: of the minimax and of the non-saturating gradient."""
    def jsd(t):
        return 2 * jensen_shannon(p, softmax(t))

    minimax_error = gradient_at_fixed_d(minimax, p, logits) - differences(jsd, logits)
    other_error = (gradient_at_fixed_d(non_saturating, p, logits)
                   - differences(lambda t: kl(softmax(t), p) - jsd(t), logits))
    return abs(minimax_error).max(), abs(other_error).max()


@entry("T13", "vanishing-gradient", title="The saturating loss, its vanishing gradient, and the non-saturating one",
       paper="Goodfellow et al. 2014, section 3; Arjovsky & Bottou 2017, theorem 2.5", arxiv="1701.04862")
def vanishing_gradient(found, seed=0, steps=200):
    found.equal("minimax: slope in the logit at a = -10", slope(minimax, -10.0), -1 / (1 + np.exp(10)), 1e-15)
    found.equal("non-saturating: slope at a = -10", slope(non_saturating, -10.0), -1 / (1 + np.exp(-10)), 1e-12)
    paths = {}
    paths["minimax"], small = moved(minimax, steps)
    paths["non-saturating"], large = moved(non_saturating, steps)
    found.at_most(f"minimax: |change of the mean| in {steps} steps", abs(paths["minimax"][-1] - START), 0.05)
    found.at_most(f"non-saturating: change of the mean in {steps} steps", paths["non-saturating"][-1] - START, -1)
    found.at_least("first gradient, non-saturating / minimax", large / small, 1e3)
    found.equal("first gradient, non-saturating", large, 10 * accepted(lambda a: 1 / (1 + np.exp(a))), 1e-2,
                route="quadrature")
    found.note("true first gradient, minimax (quadrature)", 10 * accepted(lambda a: 1 / (1 + np.exp(-a))))
    p, logits = (random.normal((5,), dtype=np.float64) for _ in range(2))
    errors = identities(softmax(p), logits)
    found.at_most("cat(5): |minimax gradient - grad 2 JSD|", errors[0], 1e-9, route="finite differences")
    found.at_most("cat(5): |NS gradient - grad [KL(q || p) - 2 JSD]|", errors[1], 1e-9, route="finite differences")
    found.picture(lambda: draw(paths), "vanishing-gradient.png")


def accepted(share) -> float:
    """E share(a(x)) under x ~ N(10, 1), by quadrature."""
    from scipy.integrate import quad
    density = lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    return quad(lambda z: share(logit(START + z)) * density(z), -12, 12, points=[-5], limit=200)[0]


def draw(paths):
    """Losses and slopes over the logit, and the means over the steps."""
    from tinygan.theory.pictures import figure, finish
    made, (values, slopes, means) = figure(3, title="Saturating (minimax) and non-saturating loss of the generator")
    a = np.linspace(-10, 6, 161)
    for colour, loss in (("C3", minimax), ("C0", non_saturating)):
        values.plot(a, [loss.g(Tensor(a[k:k + 1])).item() for k in range(len(a))], colour, label=loss.name)
        slopes.plot(a, [slope(loss, t) for t in a], colour, label=loss.name)
    finish(values, "Loss of one sample: log(1 - D) and -log D", "logit a of the sample", "loss")
    finish(slopes, "Its slope: -D and -(1 - D)", "logit a of the sample", "slope")
    for colour, (name, path) in zip(("C3", "C0"), paths.items()):
        means.plot(path, colour, label=name)
    means.axhline(0, color="k", linewidth=1, linestyle=":", label="mean of the data")
    finish(means, "Mean of q against the fixed D*(x)", "step", "mean")
    return made
