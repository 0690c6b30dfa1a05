"""Historical averaging: a player pays for being far from the mean of where it has been."""

from __future__ import annotations

from tinygan.tensor import Tensor


def distance_from(means, parameters) -> Tensor:
    """sum |theta - mean|^2 over parameters and their means (arrays), a scalar; the means are constants."""
    total = 0.0
    for mean, p in zip(means, parameters):
        total = total + (p - Tensor(mean)).square().sum()
    return total


class HistoricalAveraging:
    """``term()`` is weight |theta - (1/t) sum_i theta_i|^2 over i = 1 ... t, to be added to the loss of one player.

    The mean, which counts as a constant, begins with the parameters of the moment in which this object is made;
    ``update()`` takes the present ones in, after every step. Raises ValueError for no parameters or weight < 0.
    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.3.

    >>> import numpy as np
    >>> from tinygan.tensor import Parameter
    >>> theta = Parameter(np.array([3.0]))
    >>> history = HistoricalAveraging([theta], weight=0.5)
    >>> theta.assign(1.0)
    >>> history.update()
    >>> history.means[0].item(), history.term().item()
    (2.0, 0.5)
    """

    def __init__(self, parameters, weight: float = 1.0):
        self.parameters, self.weight = list(parameters), float(weight)
        if not self.parameters or not self.weight >= 0:
            raise ValueError("HistoricalAveraging: expected parameters and a weight >= 0, got "
                             f"{len(self.parameters)} parameters and {weight!r}")
        self.count, self.means = 1, [p.data.copy() for p in self.parameters]

    def term(self) -> Tensor:
        """The penalty, a scalar with a graph that reaches the parameters."""
        return distance_from(self.means, self.parameters) * self.weight

    def update(self) -> None:
        """Take the present parameters into the mean."""
        self.count += 1
        # a running mean, not a running sum, which would lose digits as it grows; new arrays, for a graph may hold these
        self.means = [mean + (p.data - mean) / self.count for p, mean in zip(self.parameters, self.means)]

    def state_dict(self) -> dict:
        """The number of parameter values averaged, and their means."""
        return {"count": self.count, "means": [mean.copy() for mean in self.means]}

    def load_state_dict(self, state: dict) -> None:
        """Continue from a state of :meth:`state_dict`. Raises ValueError when the shapes are others."""
        shapes, own = [mean.shape for mean in state["means"]], [mean.shape for mean in self.means]
        if shapes != own:
            raise ValueError(f"HistoricalAveraging: expected means of shapes {own}, got {shapes}")
        self.count, self.means = int(state["count"]), [mean.copy() for mean in state["means"]]


__all__ = ["HistoricalAveraging", "distance_from"]
