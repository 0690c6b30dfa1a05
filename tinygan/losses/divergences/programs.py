"""Moving mass at any cost: the transport plan and its dual as linear programs, solved by SciPy's HiGHS.

Exact to about 1e-9 and not differentiable; meant for at most some thousands of pairs of places.

>>> found = optimal_transport([3, 2, 1, 4], [1, 2, 4, 3], [[abs(i - j) for j in range(4)] for i in range(4)])
>>> round(found.value, 9)
5.0
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TIGHT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True)
class Transport:
    """``value`` = sum plan * cost = p . f + q . g; ``plan`` (N, M); potentials ``f`` (N,), ``g`` (M,).

    f_i + g_j <= cost_ij everywhere; where the plan moves mass, f_i + g_j = cost_ij (complementary slackness).
    """

    value: float
    plan: np.ndarray
    f: np.ndarray
    g: np.ndarray


def optimal_transport(p, q, cost) -> Transport:
    """The cheapest plan gamma >= 0 with row sums p (N,) and column sums q (M,): min sum gamma_ij cost_ij.

    Raises ValueError for shapes that do not fit, negative masses and totals that differ; RuntimeError when the solver
    finds no solution. Source: Kantorovich 1942, "On the translocation of masses".
    """
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack
    p, q, cost = _problem("optimal_transport", p, q, cost)
    n, m = cost.shape
    sums = vstack([kron(eye_array(n), np.ones((1, m))), kron(np.ones((1, n)), eye_array(m))], format="csr")
    solved = linprog(cost.ravel(), A_eq=sums, b_eq=np.concatenate([p, q]), method="highs", options=TIGHT)
    if not solved.success:
        raise RuntimeError(f"optimal_transport: expected a solution, got: {solved.message}")
    f, g = np.split(solved.eqlin.marginals, [n])
    return Transport(float(solved.fun), solved.x.reshape(n, m), f, g)


def kantorovich_potential(p, q, distance, lipschitz: float = 1.0):
    """(value, f): the largest sum (p_i - q_i) f_i over f (N,) with f_i - f_j <= lipschitz distance_ij, f_0 = 0.

    p, q (N,) are masses at the same N places. With a distance, the value is lipschitz * W1 (Kantorovich & Rubinshtein
    1958). Raises ValueError and RuntimeError as :func:`optimal_transport`.
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array
    p, q, distance = _problem("kantorovich_potential", p, q, distance)
    n = len(p)
    if distance.shape != (n, n) or not lipschitz > 0:
        raise ValueError(f"kantorovich_potential: expected a distance of shape {(n, n)} and a Lipschitz constant > 0, "
                         f"got {distance.shape} and {lipschitz}")
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    row = np.arange(len(i))
    slopes = coo_array((np.repeat([1.0, -1.0], len(i)), (np.tile(row, 2), np.concatenate([i, j]))), (len(i), n))
    solved = linprog(q - p, A_ub=slopes.tocsr(), b_ub=lipschitz * distance[i, j],
                     bounds=[(0, 0)] + [(None, None)] * (n - 1), method="highs", options=TIGHT)
    if not solved.success:
        raise RuntimeError(f"kantorovich_potential: expected a solution, got: {solved.message}")
    return -float(solved.fun), solved.x


def _problem(name, p, q, cost):
    """The three as float64 arrays, q with exactly the total of p: the solver takes a rounding error for infeasible."""
    p, q, cost = (np.asarray(x, dtype=np.float64) for x in (p, q, cost))
    if p.ndim != 1 or q.ndim != 1 or cost.shape != (p.size, q.size) or not (p.size and q.size):
        raise ValueError(f"{name}: expected masses (N,) and (M,) and a cost (N, M), got {p.shape}, {q.shape} and "
                         f"{cost.shape}")
    if not (p.min() >= 0 and q.min() >= 0 and abs(p.sum() - q.sum()) <= 1e-6 * p.sum()):
        raise ValueError(f"{name}: expected masses >= 0 with one total, got totals {p.sum():.6g} and {q.sum():.6g} and "
                         f"smallest {min(p.min(), q.min()):.4g}")
    return p, q * (p.sum() / q.sum()), cost


__all__ = ["Transport", "kantorovich_potential", "optimal_transport"]
