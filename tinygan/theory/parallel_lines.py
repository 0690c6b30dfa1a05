"""Two parallel lines: KL, JSD and TV do not see how far apart they are, the earth mover's distance does.

p = (0, U[0, 1]) and q_theta = (theta, U[0, 1]) in the plane. For theta != 0 the supports are disjoint:

    KL(p || q) = KL(q || p) = infinity,   JSD = log 2,   TV = 1,   W1 = |theta|;   for theta = 0 all are 0

What a trained discriminator estimates, JSD = (log 4 - L_D) / 2, is flat in theta: nothing tells the generator which way
to go. What a trained critic estimates is |theta|, with slope 1. (Its one-sided penalty of weight lambda makes the value
|theta| (1 + |theta| / (2 lambda)); see kantorovich-duality for the two-sided one.)

Both players are trained anew for every theta. The picture shows true values and estimates, and the scores of both
players between the lines: the discriminator is flat on both supports, the critic is a slope.
"""

import math

import numpy as np

from tinygan import models
from tinygan.autograd import no_grad
from tinygan.data import lines
from tinygan.losses import divergences, gp, non_saturating, wasserstein
from tinygan.tensor import Tensor
from tinygan.theory.fitting import fit_scores, mean_gap
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry

THETAS = -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0
WEIGHT = 10


def exact(theta: float, places: int = 10) -> dict:
    """{name: value} of all divergences with y on ``places`` places: on the union of supports, W1 by linear program."""
    y = np.arange(places) / places
    points = np.array([(x, v) for x in sorted({0.0, theta}) for v in y])
    p, q = (np.where(points[:, 0] == x, 1 / places, 0.0) for x in (0.0, theta))
    cost = np.linalg.norm(points[:, None] - points, axis=2)
    return {"KL(p || q)": divergences.kl(p, q), "KL(q || p)": divergences.reverse_kl(p, q),
            "JSD": divergences.jensen_shannon(p, q), "TV": divergences.total_variation(p, q),
            "W1": divergences.optimal_transport(p, q, cost).value}


def by_hand(theta: float) -> dict:
    """What :func:`exact` has to find."""
    apart = theta != 0
    return {"KL(p || q)": math.inf if apart else 0, "KL(q || p)": math.inf if apart else 0,
            "JSD": math.log(2) if apart else 0, "TV": float(apart), "W1": abs(theta)}


def trained(theta: float, steps: int):
    """(D, estimate of the JSD, critic, estimate of W1) after ``steps`` steps each, judged on fresh samples."""
    p, q = lines(0.0), lines(theta)
    D = fit_scores(models.MLPDiscriminator((2,), hidden=(64, 64)), p, q, non_saturating, steps=steps, lr=5e-3)
    with no_grad():
        loss = non_saturating.d(D(Tensor(p(4096))), D(Tensor(q(4096))))
    critic = fit_scores(models.MLPDiscriminator((2,), hidden=(64, 64)), p, q, wasserstein, gp(WEIGHT, one_sided=True),
                        steps=steps, lr=5e-3)
    return D, (math.log(4) - float(loss)) / 2, critic, mean_gap(critic, p, q)


def slopes(values: dict) -> list:
    """Differences of neighbouring thetas, without those that touch 0."""
    places = sorted(values)
    return [(values[b] - values[a]) / (b - a) for a, b in zip(places, places[1:]) if a * b > 0]


def draw(jsd, w1, D, critic):
    """True values and estimates over theta; scores between the lines at theta = 1."""
    made, (values, scores) = figure(2, title="p on the line x = 0, q on the line x = theta", size=(5.2, 3.8))
    fine = np.linspace(-1, 1, 201)
    values.plot(fine, np.where(fine == 0, np.nan, math.log(2)), "C0", label="JSD = log 2, and 0 at theta = 0")
    values.plot(fine, abs(fine), "C1", label="W1 = |theta|")
    values.plot(0, 0, "k.")
    values.plot(list(jsd), list(jsd.values()), "C0o", fillstyle="none", markersize=9, label="trained discriminator")
    values.plot(list(w1), list(w1.values()), "C1s", fillstyle="none", markersize=9, label="trained critic")
    values.set_ylim(-0.05, 1.45)
    finish(values, "Estimates of both players (KL is infinite)", "theta", "divergence")
    x = np.linspace(-0.25, 1.25, 300)
    with no_grad():
        at = Tensor(np.stack([x, np.full_like(x, 0.5)], 1).astype(np.float32))
        probability, height = D(at).sigmoid().numpy(), critic(at).numpy()
    scores.plot(x, probability, label="D(x, 1/2): flat where the data are")
    scores.plot(x, height - height.min(), label="critic f(x, 1/2) - min: slope everywhere")
    for place, label in ((0, "p"), (1, "q")):
        scores.axvline(place, color="0.5", linestyle="--")
        scores.text(place, 0.5, f" {label}")
    scores.set_ylim(-0.05, 2)  # room for the legend
    finish(scores, "What the generator sees at theta = 1", "x", "score")
    return made


@entry("T04", "parallel-lines", title="KL, JSD and earth mover's distance between parallel lines",
       paper="Arjovsky, Chintala, Bottou 2017, Example 1", arxiv="1701.07875")
def parallel_lines(found, seed=0, steps=500):
    jsd, w1, players = {}, {}, None
    agree = [exact(theta)[name] == true or abs(exact(theta)[name] - true) <= 1e-9
             for theta in THETAS for name, true in by_hand(theta).items()]
    found.equal("KL, KL, JSD, TV, W1 as stated, share of 7 thetas", np.mean(agree), 1, 0, route="by hand")
    for theta in THETAS:
        D, jsd[theta], critic, w1[theta] = trained(theta, steps)
        players = (D, critic) if theta == 1 else players
        if theta == 0:
            found.note("theta = 0: D's estimate of the JSD", jsd[theta])
            found.note("theta = 0: critic's estimate of W1", w1[theta])
            continue
        found.within(f"theta = {theta:g}: D's estimate of the JSD", jsd[theta], 0.68, 0.6932, route="log 2")
        found.equal(f"theta = {theta:g}: critic's estimate of W1", w1[theta], abs(theta), 0.1 * abs(theta),
                    route="|theta|", kind="CAL")
    found.at_most("D: largest |d JSD / d theta| apart from 0", max(map(abs, slopes(jsd))), 0.02, route="0")
    off = max(abs(abs(slope) - 1) for slope in slopes(w1))
    found.at_most("critic: largest ||d W1 / d theta| - 1|", off, 0.1, route="1", kind="CAL")
    right = all(slope * sign > 0 for slope, sign in zip(slopes(w1), (-1, -1, 1, 1)))
    found.equal("critic: slopes point away from theta = 0", right, True, 0, route="by hand")
    found.picture(lambda: draw(jsd, w1, *players), "parallel-lines.png")
