"""Losses on logits and on values. ``reduction`` is "mean", "sum" or "none"."""

from __future__ import annotations

from tinygan.ops.activation import log_softmax, softplus
from tinygan.ops.elementwise import cast
from tinygan.ops.index import gather
from tinygan.ops.reduce import mean, sum
from tinygan.ops.shape import unsqueeze
from tinygan.tensor import Tensor


def reduce(name: str, loss, reduction: str):
    """The mean or the sum of a loss per element, or the losses themselves."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: expected reduction 'mean', 'sum' or 'none', got {reduction!r}")
    return mean(loss) if reduction == "mean" else sum(loss) if reduction == "sum" else loss


def _same_shape(name, input, target):
    # silently broadcasting (N,) against (N, 1) gives N^2 losses: the most common mistake in GAN code
    if isinstance(target, Tensor) and target.shape != input.shape:
        raise ValueError(f"{name}: expected a target of shape {input.shape}, got {target.shape}")


def binary_cross_entropy_with_logits(input, target, reduction: str = "mean"):
    """-t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) = t softplus(-x) + (1 - t) softplus(x), without overflow.

    ``target`` is a Tensor of the input's shape or one number. Raises ValueError when shapes differ.
    """
    _same_shape("binary_cross_entropy_with_logits", input, target)
    # softplus(x) - t x is shorter, but loses every digit of a small loss at t = 1
    if isinstance(target, Tensor):
        target = cast(target, input.dtype) if target.dtype.kind != "f" else target  # classes as integers or booleans
        loss = target * softplus(-input) + (1.0 - target) * softplus(input)
    else:
        loss = softplus(-input) * target if target else 0.0
        loss = softplus(input) * (1.0 - target) + loss if target != 1 else loss
    return reduce("binary_cross_entropy_with_logits", loss, reduction)


def cross_entropy(input, target, reduction: str = "mean"):
    """-log softmax(input)[target] for logits (N, K, *S) and integer classes (N, *S)."""
    index = target.data if isinstance(target, Tensor) else target
    if index.shape != input.shape[:1] + input.shape[2:]:
        raise ValueError(f"cross_entropy: expected classes of shape {input.shape[:1] + input.shape[2:]}, "
                         f"got {index.shape}")
    picked = gather(log_softmax(input, 1), 1, unsqueeze(Tensor(index), 1))
    return reduce("cross_entropy", -picked.reshape(index.shape), reduction)


def mse_loss(input, target, reduction: str = "mean"):
    """(input - target)^2."""
    _same_shape("mse_loss", input, target)
    difference = input - target
    return reduce("mse_loss", difference * difference, reduction)


def l1_loss(input, target, reduction: str = "mean"):
    """|input - target|, with subgradient 0 at 0."""
    _same_shape("l1_loss", input, target)
    return reduce("l1_loss", (input - target).abs(), reduction)
