"""Sources of batches that are not passes over one set: endless fresh points, and several sets side by side."""

from __future__ import annotations

import numpy as np

from tinygan.backend import device as as_device
from tinygan.data.points import Points


class PointBatches:
    """Batches (batch_size, dim) of fresh points, each drawn when it is asked for; they never repeat.

    labelled: batches are (points, labels). All its state are the counters of ``tinygan.random``.
    """

    draws_next = True  # always: nothing can be made ahead

    def __init__(self, points: Points, batch_size: int, labelled: bool = False, stream: str = "data",
                 dtype=np.float32, device="cpu"):
        if batch_size < 1:
            raise ValueError(f"PointBatches: expected a batch size of at least 1, got {batch_size}")
        self.points, self.batch_size, self.labelled = points, batch_size, labelled
        self.stream, self.dtype, self.device = stream, np.dtype(dtype), as_device(device)

    def next_batch(self):
        """The next batch."""
        draw = self.points.labelled if self.labelled else self.points
        return draw(self.batch_size, self.stream, self.dtype, self.device)

    def state_dict(self) -> dict:
        """The settings; there is no position."""
        return {"points": repr(self.points), "batch_size": self.batch_size, "labelled": self.labelled}

    def load_state_dict(self, state: dict) -> None:
        """Raises ValueError when ``state`` is that of other settings."""
        if state != self.state_dict():
            raise ValueError(f"PointBatches: expected a state of {self.state_dict()}, got {state}")


class Unpaired:
    """Batches of several sources side by side, as a tuple: rows of one have nothing to do with rows of another."""

    def __init__(self, *sources):
        self.sources, self.batch_size = sources, sources[0].batch_size

    @property
    def draws_next(self) -> bool:
        """Whether the next batch of any source begins with a draw."""
        return any(source.draws_next for source in self.sources)

    def next_batch(self) -> tuple:
        """The next batch of every source."""
        return tuple(source.next_batch() for source in self.sources)

    def state_dict(self) -> dict:
        """The states of the sources."""
        return {"sources": [source.state_dict() for source in self.sources]}

    def load_state_dict(self, state: dict) -> None:
        """Continue every source where ``state`` was saved."""
        for source, own in zip(self.sources, state["sources"], strict=True):
            source.load_state_dict(own)


__all__ = ["PointBatches", "Unpaired"]
