"""Who plays, and when: the declarations that a GAN makes and the Trainer carries out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinygan.optim import SGD, Adam, RMSprop


@dataclass(frozen=True)
class Player:
    """One owner of parameters: ``loss(x)`` is what it minimises over the parameters of ``networks``.

    ``optimizer(parameters)`` makes its optimiser. It moves ``updates`` times per step, each on a ``fresh`` batch, or
    on the batch that the player before it saw last (a generator needs real samples only for their number).
    """

    name: str
    networks: tuple
    loss: Callable
    optimizer: Callable
    updates: int = 1
    fresh: bool = True

    def __post_init__(self):
        if self.updates < 1:
            raise ValueError(f"{self.name}: expected at least one update per step, got {self.updates}")

    def parameters(self) -> list:
        """The parameters of all its networks, shared ones once."""
        found = {id(p): p for network in self.networks for p in network.parameters()}
        return list(found.values())


def _nothing() -> None:
    """What a stage without an ``enter`` does when it begins."""


@dataclass(frozen=True)
class Stage:
    """A part of the training: ``steps`` long, begun by ``enter()``; who plays is asked anew when it begins.

    ``enter`` sets what the new stage is about (the level of a growing network, who plays); it must depend on nothing
    but the stage, because a resumed run enters all stages again up to its own. Optimisers start afresh.
    """

    steps: int
    name: str = ""
    enter: Callable = _nothing


OPTIMIZERS = {
    "adam": lambda parameters, lr, s: Adam(parameters, lr=lr, betas=s.betas),
    "rmsprop": lambda parameters, lr, s: RMSprop(parameters, lr=lr),
    "sgd": lambda parameters, lr, s: SGD(parameters, lr=lr),
    "momentum": lambda parameters, lr, s: SGD(parameters, lr=lr, momentum=s.betas[0]),
}

__all__ = ["OPTIMIZERS", "Player", "Stage"]
