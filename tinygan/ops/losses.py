"""Losses on logits and on values. ``reduction`` is "mean", "sum" or "none"."""

from __future__ import annotations

import numpy as np

from tinygan.backend import array_module
from tinygan.ops.activation import log_softmax, softplus
from tinygan.ops.elementwise import cast, where
from tinygan.ops.index import embedding, gather
from tinygan.ops.reduce import mean, sum
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


def binary_cross_entropy_with_logits(input, target, weight=None, reduction: str = "mean", pos_weight=None):
    """-p t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) = p t softplus(-x) + (1 - t) softplus(x), without overflow.

    ``target`` is a Tensor of the input's shape or one number; ``weight`` (per element) and ``pos_weight`` p broadcast,
    1 when left out. Raises ValueError when shapes differ.
    """
    name = "binary_cross_entropy_with_logits"
    _same_shape(name, input, target)
    # softplus(x) - t x is shorter, but loses every digit of a small loss at t = 1
    if isinstance(target, Tensor):
        target = cast(target, input.dtype) if target.dtype.kind != "f" else target  # classes as integers or booleans
        ones, zeros = target * softplus(-input), (1.0 - target) * softplus(input)
    else:
        ones = softplus(-input) * target if target else 0.0
        zeros = softplus(input) * (1.0 - target) if target != 1 else 0.0
    loss = zeros + (ones if pos_weight is None else pos_weight * ones)
    return reduce(name, loss if weight is None else loss * weight, reduction)


def nll_loss(input, target, weight=None, ignore_index: int = -100, reduction: str = "mean"):
    """-input[target] for log-probabilities (N, K, *S) and integer classes (N, *S).

    ``weight`` (K,) counts each class; the mean is over the sum of the weights. Elements whose target is
    ``ignore_index`` count for nothing. Raises ValueError when shapes do not fit, IndexError for a class out of range.
    """
    index, share, ignored = _classes("nll_loss", input, target, weight, ignore_index)
    picked = -gather(input, 1, index[:, None]).reshape(index.shape)
    return _reduce_weighted("nll_loss", picked if share is None else picked * share, share, ignored, reduction)


def _classes(name, input, target, weight, ignore_index):
    """The classes, 0 where ignored, what each element counts, and which are ignored; None where all are alike."""
    index = target.data if isinstance(target, Tensor) else target
    if input.ndim < 2 or index.shape != input.shape[:1] + input.shape[2:]:
        raise ValueError(f"{name}: expected input (N, K, *S) and classes (N, *S), got {input.shape} and {index.shape}")
    if weight is not None and weight.shape != input.shape[1:2]:
        raise ValueError(f"{name}: expected a weight of shape {input.shape[1:2]}, got {weight.shape}")
    counts = index != ignore_index
    # a device is not asked whether any is ignored: the host would have to wait for the answer
    if not isinstance(index, np.ndarray) or not counts.all():
        index = array_module(index).where(counts, index, 0)
        share = Tensor(counts.astype(input.dtype))
        return index, share if weight is None else share * embedding(index, weight), ~counts
    return index, None if weight is None else embedding(index, weight), None


def _reduce_weighted(name, loss, share, ignored, reduction):
    """Losses 0 where ``ignored`` (there they may be infinite); the mean is over the sum of what each one counts."""
    loss = loss if ignored is None else where(ignored, 0.0, loss)
    return sum(loss) / sum(share) if share is not None and reduction == "mean" else reduce(name, loss, reduction)


def cross_entropy(input, target, weight=None, ignore_index: int = -100, reduction: str = "mean",
                  label_smoothing: float = 0.0):
    """-log softmax(input)[target] for logits (N, K, *S) and integer classes (N, *S), or probabilities (N, K, *S).

    ``weight`` and ``ignore_index`` as in :func:`nll_loss`; ``label_smoothing`` e mixes the target with e / K on every
    class (Szegedy et al. 2015, arXiv:1512.00567, section 7). Raises ValueError when shapes do not fit.
    """
    name = "cross_entropy"
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: expected label_smoothing in [0, 1], got {label_smoothing}")
    logp, k = log_softmax(input, 1), input.shape[1]
    weighted = logp if weight is None else logp * weight.reshape((1, -1) + (1,) * (input.ndim - 2))
    if target.dtype.kind == "f":
        _same_shape(name, input, target)
        if label_smoothing:
            target = target * (1.0 - label_smoothing) + label_smoothing / k
        loss = -sum(weighted * target, 1)
        return reduce(name, loss, reduction)
    loss = nll_loss(logp, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return loss
    _, share, ignored = _classes(name, input, target, weight, ignore_index)
    spread = _reduce_weighted(name, -sum(weighted, 1), share, ignored, reduction)
    return loss * (1.0 - label_smoothing) + spread * (label_smoothing / k)


def kl_div(input, target, reduction: str = "mean", log_target: bool = False):
    """target (log target - input) for log-probabilities ``input``; ``log_target``: target is given as its logarithm.

    0 where target is 0. ``reduction`` may also be "batchmean", the sum over the first size, which is the divergence;
    "mean", PyTorch's default, is over all elements. Raises ValueError when shapes differ.
    """
    _same_shape("kl_div", input, target)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        positive = target.data > 0
        loss = where(positive, target * where(positive, target, 1.0).log(), 0.0) - target * input
    if reduction == "batchmean":
        return sum(loss) * (1.0 / input.shape[0])
    return reduce("kl_div", loss, reduction)


def smooth_l1_loss(input, target, reduction: str = "mean", beta: float = 1.0):
    """(x - t)^2 / (2 beta) where |x - t| < beta, else |x - t| - beta / 2 (Girshick 2015, arXiv:1504.08083, eq. 3).

    Raises ValueError when shapes differ or for a negative beta.
    """
    _same_shape("smooth_l1_loss", input, target)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: expected beta >= 0, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    difference = input - target
    size = difference.abs()
    loss = where(size.data < beta, difference * difference * (0.5 / beta), size - 0.5 * beta)
    return reduce("smooth_l1_loss", loss, reduction)


def mse_loss(input, target, reduction: str = "mean"):
    """(input - target)^2."""
    _same_shape("mse_loss", input, target)
    difference = input - target
    return reduce("mse_loss", difference * difference, reduction)


def l1_loss(input, target, reduction: str = "mean"):
    """|input - target|, with subgradient 0 at 0."""
    _same_shape("l1_loss", input, target)
    return reduce("l1_loss", (input - target).abs(), reduction)
