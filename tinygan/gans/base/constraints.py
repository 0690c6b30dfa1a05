"""Constraints that hold after an update: projections of parameters."""

from __future__ import annotations


def clip_weights(network, limit: float) -> None:
    """w <- clip(w, -limit, limit) for every parameter of ``network``, biases included.

    Source: Arjovsky, Chintala, Bottou 2017, arXiv:1701.07875, Algorithm 1, line 7.
    """
    for w in network.parameters():
        w.assign(w.data.clip(-limit, limit), "weight clipping")


__all__ = ["clip_weights"]
