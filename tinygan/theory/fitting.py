"""One player alone: a loss minimised to the end, as by a discriminator or critic against two fixed distributions."""

from __future__ import annotations

from tinygan.autograd import no_grad
from tinygan.functional import softplus
from tinygan.losses import AdversarialLoss, Penalty
from tinygan.losses.penalties import none
from tinygan.optim import Adam
from tinygan.tensor import Tensor


def minimise(loss, parameters, steps: int, lr: float, betas=(0.9, 0.999)) -> None:
    """Adam on the scalars that loss() returns; its rate falls to 0 over the second half of the steps.

    So the answer does not depend on the last batches.
    """
    optimizer = Adam(parameters, lr=lr, betas=betas)
    for step in range(steps):
        optimizer.lr = lr * min(1.0, 2.0 * (1.0 - step / steps))
        optimizer.minimize(loss())


def fit_scores(D, real, fake, loss: AdversarialLoss, penalty: Penalty = none, *, steps: int, lr: float = 1e-3,
               batch: int = 256, betas=(0.5, 0.9)):
    """Minimise loss.d(D(x), D(y)) + penalty over the parameters of D and return D.

    real, fake: functions n -> array (n, ...), such as the point sets of tinygan.data.
    """
    def on_a_batch():
        x, y = Tensor(real(batch)), Tensor(fake(batch))
        return loss.d(D(x), D(y)) + penalty(D, x, y)
    minimise(on_a_batch, D.parameters(), steps, lr, betas)
    return D


def mean_gap(D, real, fake, n: int = 10_000) -> float:
    """E a(x) - E a(y) over fresh samples: what a critic takes for the distance."""
    with no_grad():
        return float(D(Tensor(real(n))).mean() - D(Tensor(fake(n))).mean())


def game_value(p: Tensor, q: Tensor, logits: Tensor) -> Tensor:
    """V = sum p log D + q log(1 - D) for a table of logits, D = sigmoid(logits): what D maximises, exactly."""
    return -(p * softplus(-logits) + q * softplus(logits)).sum()


__all__ = ["fit_scores", "game_value", "mean_gap", "minimise"]
