"""The whole state of a run as one nested dict, and samples that leave no trace in it."""

from __future__ import annotations

import numpy as np

from tinygan import random
from tinygan.autograd import no_grad
from tinygan.backend import to_numpy
from tinygan.gans.base.modes import evaluating
from tinygan.tensor import Tensor


def snapshot(**parts) -> dict:
    """The state of ``parts`` (anything with a ``state_dict``) and of the random streams, ready to be saved."""
    return {"random": random.get_state(), **{name: part.state_dict() for name, part in parts.items()}}


def restore(state: dict | None, **parts) -> None:
    """Put ``parts`` and the random streams back into the state of :func:`snapshot`; None (a new run) changes nothing.

    Raises ValueError, before anything is changed, when the state was taken of other parts.
    """
    if state is None:
        return
    expected, got = {"random", *parts}, set(state)
    if expected != got:
        raise ValueError(f"restore: expected a state of {sorted(expected)}, got one of {sorted(got)}")
    for name, part in parts.items():
        part.load_state_dict(state[name])
    random.set_state(state["random"])


def sample(generator, noise, batch_size: int = 256) -> np.ndarray:
    """Images (N, C, H, W) that ``generator`` makes of ``noise`` (N, z), in evaluation mode and without a graph."""
    with evaluating(generator), no_grad():
        return np.concatenate([to_numpy(generator(Tensor(noise[i:i + batch_size])).data)
                               for i in range(0, len(noise), batch_size)])
