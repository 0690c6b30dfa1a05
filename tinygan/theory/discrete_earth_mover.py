"""The earth mover's worked example: four heaps of earth, one step at a time.

P = (3, 2, 1, 4) shovelfuls must become Q = (1, 2, 4, 3). Going from left to right, what place i has too much (or lacks)
is carried on to its neighbour:

    delta_0 = 0,    delta_i = delta_{i-1} + P_i - Q_i,    W = sum_i |delta_i|

so delta = (2, 2, -1, 0) and W = 5 shovelfuls times steps. As probabilities, with the mass 10 divided out, W1 = 0.5:
the area between the two distribution functions. The picture shows heaps, distribution functions and what is carried.
"""

import numpy as np

from tinygan.losses.divergences import cumulative_excess, earth_mover_1d, optimal_transport
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry

P, Q = np.array([3.0, 2.0, 1.0, 4.0]), np.array([1.0, 2.0, 4.0, 3.0])
PLACES = np.arange(1, 5)
STEPS = np.abs(PLACES[:, None] - PLACES).astype(float)  # from place i to place j


def draw():
    """Heaps, distribution functions with the area between them, and delta."""
    made, (heaps, functions, carried) = figure(3, title="Earth mover's distance: W = |2| + |2| + |-1| + |0| = 5")
    heaps.bar(PLACES - 0.2, P, 0.4, label="P")
    heaps.bar(PLACES + 0.2, Q, 0.4, label="Q")
    finish(heaps, "Heaps", "place", "shovelfuls")
    x = np.append(PLACES, 5)
    cumulated = [np.append(np.cumsum(a), 10) / 10 for a in (P, Q)]
    for values, label in zip(cumulated, "PQ"):
        functions.step(x, values, where="post", label=f"distribution function of {label}")
    functions.fill_between(x, *cumulated, step="post", alpha=0.3, color="0.5", label="area = W1 = 0.5")
    finish(functions, "W1 = area between the distribution functions", "place", "share to the left")
    carried.bar(PLACES, cumulative_excess(P, Q), 0.6, color="C2", label="delta_i = delta_{i-1} + P_i - Q_i")
    finish(carried, "Carried from place i to place i + 1", "place i", "shovelfuls")
    carried.axhline(0, color="0.3", linewidth=0.8)
    for axes, (low, high) in zip((heaps, functions, carried), ((0, 5.2), (0, 1.05), (-1.5, 2.8))):
        axes.set(xticks=PLACES, ylim=(low, high))
    return made


@entry("T05", "discrete-earth-mover", title="Earth mover's distance, the worked example",
       paper="Weng 2019, section on the Wasserstein distance", arxiv="1904.08994")
def discrete_earth_mover(found, seed=0):
    from scipy.stats import wasserstein_distance
    delta = cumulative_excess(P, Q)
    found.note("delta", " ".join(f"{d:g}" for d in delta))
    found.equal("max |delta - (2, 2, -1, 0)|", np.abs(delta - [2, 2, -1, 0]).max(), 0, 0, route="by hand")
    found.equal("W in shovelfuls times steps", earth_mover_1d(P, Q), 5, 0, route="by hand")
    share = earth_mover_1d(P / 10, Q / 10)
    found.equal("W1 of the probabilities", share, 0.5, 1e-12, route="by hand")
    found.equal("W1 of the probabilities", share, wasserstein_distance(PLACES, PLACES, P, Q), 1e-12,
                route="scipy.stats")
    found.equal("W1 of the probabilities", share, optimal_transport(P / 10, Q / 10, STEPS).value, 1e-9,
                route="linear program")
    found.picture(draw, "discrete-earth-mover.png")
