"""Mutual information and the bound that InfoGAN maximises.

For a code c and a sample x, I(c; x) = H(c) - H(c | x), and for any Q
    I = E log Q(c | x) + H(c) + E_x KL(P(c | x) || Q(c | x)),
so E log Q(c | x) + H(c) is a lower bound, tight at Q = P(c | x) and 0 at Q = P(c). Q is trained by cross-entropy, which
is what InfoGAN's extra term is. The channel is a 3 x 3 table. The picture: the bound while Q learns, and the table.
"""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import random
from tinygan.optim import SGD
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.registry import entry

CHANNEL = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.05, 0.15, 0.8]])  # P(x | c), a row for each c
CODE = np.full(3, 1 / 3)


def entropy(p) -> float:
    """-sum p log p, in nats."""
    p = np.asarray(p)[np.asarray(p) > 0]
    return float(-(p * np.log(p)).sum())


def information(code, channel) -> float:
    """I(c; x) = H(c) + H(x) - H(c, x) from the table of the joint distribution."""
    joint = code[:, None] * channel
    return entropy(code) + entropy(joint.sum(0)) - entropy(joint.ravel())


def posterior(code, channel) -> np.ndarray:
    """P(c | x), a row for each x (Bayes)."""
    joint = (code[:, None] * channel).T
    return joint / joint.sum(1, keepdims=True)


def surprise(logits: Tensor, code, channel) -> Tensor:
    """E -log Q(c | x) under the joint distribution, with Q(. | x) the softmax of row x: the cross-entropy of each pair.

    It is what Q and the generator of InfoGAN minimise (without its constant H(c)).
    """
    x, c = (np.ravel(index) for index in np.indices(logits.shape))
    pairs = F.cross_entropy(logits[x], Tensor(c), reduction="none")
    return (pairs * Tensor((code[:, None] * channel)[c, x])).sum()


def bound(q, code, channel) -> float:
    """E log Q(c | x) + H(c) for the table q (x, c)."""
    return entropy(code) - surprise(Tensor(np.log(q)), code, channel).item()


def kl_gap(q, code, channel) -> float:
    """E_x KL(P(c | x) || Q(c | x)), summed directly."""
    p, weights = posterior(code, channel), code @ channel
    return float(weights @ (p * np.log(p / q)).sum(1))


def learn(code, channel, steps: int, lr: float = 3.0) -> np.ndarray:
    """The bound during ``steps`` gradient steps on the table of Q, which begins uniform."""
    logits = Parameter(np.zeros(channel.T.shape))
    optimizer, values = SGD([logits], lr=lr), []
    for _ in range(steps):
        loss = surprise(logits, code, channel)
        values.append(entropy(code) - loss.item())
        optimizer.minimize(loss)
    return np.array(values)


def resampled(code, channel) -> float:
    """E over c, x ~ P(x | c), c' ~ P(c | x) of log P(c' | x): the step that InfoGAN's proof adds."""
    p = posterior(code, channel)
    return float(np.einsum("c,cx,xk,xk->", code, channel, p, np.log(p)))


@entry("T22", "mutual-information", title="Mutual information and its variational lower bound",
       paper="Barber & Agakov 2003; Chen et al. 2016 (InfoGAN), section 5", arxiv="1606.03657")
def mutual_information(found, seed=0, steps=300):
    true = information(CODE, CHANNEL)
    found.equal("I of the channel, nats", true, 0.41158, 5e-6, route="known value")
    found.equal("bound at the true posterior", bound(posterior(CODE, CHANNEL), CODE, CHANNEL), true, 1e-12,
                route="entropies")
    found.equal("bound at a uniform Q", bound(np.full((3, 3), 1 / 3), CODE, CHANNEL), 0, 1e-12)
    gaps = []
    for _ in range(20):
        q = random.uniform((3, 3), 0.05, 1, dtype=np.float64)
        q /= q.sum(1, keepdims=True)
        gaps.append(true - bound(q, CODE, CHANNEL) - kl_gap(q, CODE, CHANNEL))
    found.equal("I - bound - E KL(P || Q), worst of 20 random Q", max(gaps, key=abs), 0, 1e-12, route="direct sum")
    p = posterior(CODE, CHANNEL)
    joint = float(np.einsum("c,cx,xc->", CODE, CHANNEL, np.log(p)))
    found.equal("E log P(c' | x) with c' drawn again", resampled(CODE, CHANNEL), joint, 1e-12, route="without it")
    values = learn(CODE, CHANNEL, steps)
    found.equal("bound after training Q", values[-1], true, 1e-6, route="entropies")
    found.at_most("largest bound seen, less I", values.max() - true, 1e-12)
    found.picture(lambda: draw(values, true), "mutual-information.png")


def draw(values, true):
    """The bound over the steps, and the channel with its posterior."""
    from tinygan.theory.pictures import figure, finish
    made, (curve, table, back) = figure(3, title="E log Q(c | x) + H(c) <= I(c; x)")
    curve.axhline(true, color="k", linewidth=1, label=f"I = {true:.5f} nats")
    curve.plot(values, "C0", label="bound while Q is trained")
    finish(curve, "The bound is reached by training Q", "step", "nats")
    for axes, values, title, names in ((table, CHANNEL, "The channel P(x | c)", "xc"),
                                       (back, posterior(CODE, CHANNEL), "What Q has to learn: P(c | x)", "cx")):
        axes.imshow(values, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(values.shape):
            axes.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center",
                      color="white" if values[i, j] > 0.5 else "black")
        axes.set(title=title, xlabel=names[0], ylabel=names[1], xticks=range(3), yticks=range(3))
    return made
