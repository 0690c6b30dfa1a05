"""The optimal transport plan is the solution of a linear program.

    W1(P, Q) = min over gamma of sum_ij gamma_ij d_ij,    gamma >= 0, row sums P, column sums Q

gamma_ij says how much goes from place i to place j: the joint distribution that the lectures call hard to learn
directly. Its dual has potentials f, g with f_i + g_j <= d_ij, and where the plan moves mass they are equal
(complementary slackness): that proves both optimal. With as many places of equal mass on both sides the plan is an
assignment, which another algorithm finds.

The picture shows the plan of the worked example, and a plan between random masses in the plane.
"""

import numpy as np

from tinygan.losses.divergences import earth_mover_1d, optimal_transport
from tinygan.theory.discrete_earth_mover import PLACES, STEPS, P, Q
from tinygan.theory.pictures import figure, finish
from tinygan.theory.registry import entry


def distances(x, y) -> np.ndarray:
    """|x_i - y_j| for points (N, D) and (M, D)."""
    return np.linalg.norm(x[:, None] - y, axis=2)


def random_masses(rng, n: int, m: int):
    """Random masses at random points of the plane: (p, x, q, y)."""
    return rng.dirichlet(np.ones(n)), rng.normal(size=(n, 2)), rng.dirichlet(np.ones(m)), rng.normal(size=(m, 2)) + 1


def marginal_error(plan, p, q) -> float:
    """The largest error of a row or column sum."""
    return max(np.abs(plan.sum(1) - p).max(), np.abs(plan.sum(0) - q).max())


def slackness(transport, cost) -> float:
    """The largest |f_i + g_j - d_ij| where mass is moved."""
    moved = transport.plan > 1e-12
    return np.abs(transport.f[:, None] + transport.g - cost)[moved].max()


def draw(p, x, q, y, plan):
    """The 4 x 4 plan as a table; the plan between points as lines, as wide as the mass they carry."""
    made, (table, plane) = figure(2, title="Optimal transport plans", size=(5, 4.2))
    worked = optimal_transport(P, Q, STEPS).plan
    table.imshow(worked, cmap="Blues", extent=(0.5, 4.5, 4.5, 0.5), vmax=5)
    for i, j in np.ndindex(4, 4):
        table.text(j + 1, i + 1, f"{worked[i, j]:g}", ha="center", va="center")
    table.set(xticks=PLACES, yticks=PLACES)
    finish(table, "Shovelfuls from place i to place j: cost 5", "to j (column sums Q = 1, 2, 4, 3)",
           "from i (row sums P = 3, 2, 1, 4)", legend=False)
    table.grid(False)
    for i, j in zip(*np.nonzero(plan > 1e-12)):
        plane.plot(*zip(x[i], y[j]), color="0.5", linewidth=0.5 + 40 * plan[i, j], alpha=0.5, solid_capstyle="round")
    plane.scatter(*x.T, s=800 * p, label="P", zorder=3)
    plane.scatter(*y.T, s=800 * q, label="Q", zorder=3)
    finish(plane, f"{len(p)} masses to {len(q)}: at most {len(p) + len(q) - 1} pairs are used", "x", "y")
    return made


@entry("T06", "transport-plan", title="The optimal transport plan as a linear program",
       paper="Kantorovich 1942, On the translocation of masses")
def transport_plan(found, seed=0):
    from scipy.optimize import linear_sum_assignment
    rng = np.random.default_rng(seed)
    worked = optimal_transport(P, Q, STEPS)
    found.equal("worked example: cost", worked.value, earth_mover_1d(P, Q), 1e-9, route="cumulative sums")
    p, x, q, y = random_masses(rng, 12, 20)
    cost = distances(x, y)
    plane = optimal_transport(p, q, cost)
    for name, solved, masses, d in (("worked example", worked, (P, Q), STEPS), ("plane", plane, (p, q), cost)):
        found.at_most(f"{name}: error of row and column sums", marginal_error(solved.plan, *masses), 1e-9)
        found.at_most(f"{name}: |f_i + g_j - d_ij| where mass moves", slackness(solved, d), 1e-7)
        found.at_most(f"{name}: max f_i + g_j - d_ij", (solved.f[:, None] + solved.g - d).max(), 1e-7)
    found.equal("plane: cost", plane.value, p @ plane.f + q @ plane.g, 1e-9, route="dual value")
    found.at_most("plane: pairs used", (plane.plan > 1e-12).sum(), len(p) + len(q) - 1)
    equal = np.full(20, 1 / 20)
    cost = distances(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)) + 1)
    found.equal("20 equal masses: cost", optimal_transport(equal, equal, cost).value,
                cost[linear_sum_assignment(cost)].mean(), 1e-9, route="assignment")
    places, other = np.sort(rng.normal(size=20)), rng.dirichlet(np.ones(20))
    found.equal("20 places on a line: cost", optimal_transport(equal, other, np.abs(places[:, None] - places)).value,
                earth_mover_1d(equal, other, places), 1e-9, route="cumulative sums")
    found.picture(lambda: draw(p, x, q, y, plane.plan), "transport-plan.png")
