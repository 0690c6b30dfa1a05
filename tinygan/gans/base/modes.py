"""Contexts in which networks are looked at and nothing of the training is touched."""

from __future__ import annotations

import contextlib

from tinygan import random
from tinygan.autograd import no_grad


@contextlib.contextmanager
def evaluating(*networks):
    """The networks and all their parts in evaluation mode inside the block, each back in its own mode afterwards."""
    modes = {id(part): (part, part.training) for network in networks for part in network.modules()}
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for part, training in modes.values():
            part.training = training


@contextlib.contextmanager
def untraced(*networks):
    """No graph is recorded inside, and afterwards buffers and random streams are as they were before.

    So a discriminator can be asked as it is in training, batch statistics and all, and training goes on as if it had
    not been. Buffers are replaced, never written, so keeping the old ones is keeping references.
    """
    parts = {id(part): part for network in networks for part in network.modules()}.values()
    buffers, streams = [(part, dict(part._buffers)) for part in parts], random.get_state()
    try:
        with no_grad():
            yield
    finally:
        for part, kept in buffers:
            part._buffers.update(kept)
        random.set_state(streams)


__all__ = ["evaluating", "untraced"]
