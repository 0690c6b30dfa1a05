"""Maximum likelihood for two moons (a Gaussian, a flow, an autoregressive table) and the data of the RBM."""

import math

import numpy as np

from tinygan import models
from tinygan.data import moons
from tinygan.functional import stack
from tinygan.models.rbm import all_states
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.fitting import minimise

CELLS = 32
LOW, HIGH = np.array([-1.6, -1.1]), np.array([2.6, 1.6])  # the histogram's window; about 1e-4 of the moons lie outside


def gaussian_log_prob(x, mean, root):
    """log N(x; mean, (A^T A)^-1) with A = [[e^a, 0], [c, e^b]], root = (a, b, c)."""
    u = x - mean
    z = stack([u[:, 0] * root[0].exp(), u[:, 0] * root[2] + u[:, 1] * root[1].exp()], 1)
    return root[0] + root[1] - z.square().sum(1) * 0.5 - math.log(2 * math.pi)


def fit_gaussian(x, steps: int = 1000):
    """(mean, covariance, log_prob) by maximum likelihood, by gradient descent on (mean, A)."""
    mean, root, data = Parameter(np.zeros(2)), Parameter(np.zeros(3)), Tensor(x.astype(np.float64))
    minimise(lambda: -gaussian_log_prob(data, mean, root).mean(), [mean, root], steps, lr=0.05)
    a, b, c = root.data
    inverse = np.linalg.inv(np.array([[np.exp(a), 0], [c, np.exp(b)]]))
    return mean.data, inverse @ inverse.T, lambda y: gaussian_log_prob(Tensor(y.astype(np.float64)), mean, root)


def fit_flow(steps: int):
    """RealNVP with 4 couplings after ``steps`` batches of fresh points."""
    flow, data = models.RealNVP(2, couplings=4, hidden=(64, 64)), moons()
    minimise(lambda: -flow.log_prob(Tensor(data(256))).mean(), flow.parameters(), steps, lr=5e-3)
    return flow


def one_hot(x) -> Tensor:
    """The cells of points (N, 2) as one-hots (N, 2, 32); points outside the window belong to the cells at its edge."""
    cells = ((x - LOW) / (HIGH - LOW) * CELLS).astype(int).clip(0, CELLS - 1)
    return Tensor(np.eye(CELLS, dtype=np.float32)[cells])


def fit_table(x, steps: int):
    """The autoregressive table after ``steps`` batches of the points x."""
    table, rng = models.AutoregressiveTable(2, CELLS), np.random.default_rng(0)
    hot = one_hot(x).data
    minimise(lambda: -table.log_prob(Tensor(hot[rng.integers(len(hot), size=512)])).mean(), table.parameters(), steps,
             lr=0.1)
    return table


def counted(x) -> float:
    """Mean log p of points under the table of their own counts: the maximum of the likelihood."""
    _, counts = np.unique(one_hot(x).data.argmax(2), axis=0, return_counts=True)
    return float((counts / len(x) * np.log(counts / len(x))).sum())


def bars_and_stripes() -> np.ndarray:
    """The 30 images of 4 x 4 bits whose rows, or whose columns, are each of one colour: (30, 16)."""
    bars = np.repeat(all_states(4), 4, axis=1)
    stripes = bars.reshape(-1, 4, 4).transpose(0, 2, 1).reshape(-1, 16)
    return np.unique(np.concatenate([bars, stripes]), axis=0)
