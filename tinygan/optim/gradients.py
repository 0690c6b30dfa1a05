"""What happens to gradients between ``optimizer.gradients(loss)`` and ``optimizer.apply(gradients)``: clipping, sums.

    gradients = opt.gradients(loss)
    opt.apply(clip_grad_norm(gradients, 1.0))

Gradients are sequences aligned with ``optimizer.params``: Tensors, or None for a parameter that was not reached.
Nothing is written in place, and the host does not wait for the device.
"""

from __future__ import annotations

import math

import numpy as np

from tinygan.autograd import no_grad
from tinygan.backend import array_module
from tinygan.tensor import Tensor, constant


def _arrays(gradients) -> list:
    return [g.data if isinstance(g, Tensor) else g for g in gradients]


def get_total_norm(gradients, norm_type: float = 2.0) -> Tensor:
    """The norm of all gradients as one vector: the norm of their norms, a Tensor without dimensions.

    ``norm_type`` may be infinity. Raises ValueError when there is no gradient at all.
    """
    arrays = [g for g in _arrays(gradients) if g is not None]
    if not arrays:
        raise ValueError("get_total_norm: expected at least one gradient, got none")
    xp = array_module(arrays[0])

    def norm(x):
        if norm_type == math.inf:
            return abs(x).max() if x.size else x.sum()
        return xp.sqrt((x * x).sum()) if norm_type == 2 else (abs(x) ** float(norm_type)).sum() ** (1.0 / norm_type)

    return constant(norm(xp.stack([norm(g) for g in arrays])))


def clip_grad_norm(gradients, max_norm: float, norm_type: float = 2.0) -> list:
    """The gradients times min(1, max_norm / (total norm + 1e-6)) (Pascanu et al. 2012, arXiv:1211.5063, Algorithm 1).

    The total norm is that of :func:`get_total_norm`; the 1e-6 is PyTorch's. A clipped gradient bounds the step, not the
    function: it is no Lipschitz constraint. Raises ValueError unless max_norm >= 0.
    """
    return _scaled(gradients, max_norm, get_total_norm(gradients, norm_type))


def _scaled(gradients, max_norm, total):
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm: expected max_norm >= 0, got {max_norm}")
    xp = array_module(total.data)
    factor = xp.minimum(float(max_norm) / (total.data + 1e-6), 1.0)
    return [None if g is None else constant(g * factor.astype(g.dtype)) for g in _arrays(gradients)]


def clip_grad_value(gradients, clip_value: float) -> list:
    """Every element of the gradients cut to [-clip_value, clip_value]. Raises ValueError unless clip_value >= 0."""
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value: expected clip_value >= 0, got {clip_value}")
    return [None if g is None else constant(array_module(g).clip(g, -float(clip_value), float(clip_value)))
            for g in _arrays(gradients)]


def clip_grad_norm_(parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """Replace the ``.grad`` of parameters by :func:`clip_grad_norm` of them, and return the total norm before it.

    Parameters without a gradient are left out. With ``error_if_nonfinite`` a norm that is NaN or infinite raises
    RuntimeError (which waits for the device).
    """
    parameters = [p for p in _as_list(parameters) if p.grad is not None]
    if not parameters:
        return Tensor(np.zeros((), np.float32))
    gradients = [p.grad for p in parameters]
    total = get_total_norm(gradients, norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(f"clip_grad_norm_: expected gradients of finite norm, got {total.item()}")
    for p, g in zip(parameters, _scaled(gradients, max_norm, total)):
        p.grad = g
    return total


def clip_grad_value_(parameters, clip_value: float) -> None:
    """Replace the ``.grad`` of parameters by :func:`clip_grad_value` of them."""
    parameters = _as_list(parameters)
    for p, g in zip(parameters, clip_grad_value([p.grad for p in parameters], clip_value)):
        p.grad = g


def accumulate(total, gradients) -> list:
    """The sums of two lists of gradients, for a batch in parts; ``total`` is None before the first part.

    Where only one has a gradient it is kept. Raises ValueError for lists of different lengths.

        total = None
        for part in parts:
            total = accumulate(total, opt.gradients(loss(part) / len(parts)))
        opt.apply(total)
    """
    gradients = list(gradients)
    if total is None:
        return gradients
    if len(total) != len(gradients):
        raise ValueError(f"accumulate: expected {len(total)} gradients as before, got {len(gradients)}")
    with no_grad():
        return [b if a is None else a if b is None else a + b for a, b in zip(total, gradients)]


def _as_list(parameters) -> list:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


__all__ = ["accumulate", "clip_grad_norm", "clip_grad_norm_", "clip_grad_value", "clip_grad_value_", "get_total_norm"]
