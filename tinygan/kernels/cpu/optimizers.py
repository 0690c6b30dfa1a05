"""Optimiser steps on NumPy arrays, in place: the arithmetic of PyTorch 2.13, in its order (NumPy rounds a product
before it is added, where PyTorch may fuse the two: the last bit can differ).

A step is a dozen passes over arrays of the size of the parameter, so a large parameter is walked in blocks of its flat
memory that stay in cache through all passes, spread over the thread pool. Every operation is elementwise: the bits do
not depend on the blocks. Hyperparameters become Python floats, which keep the dtype of the parameter.

Every argument that is an array may be a list of arrays, aligned with the other lists, as on a GPU, where all of them
are one launch.
"""

from __future__ import annotations

import functools

import numpy as np

from tinygan.kernels.cpu.conv_gather import workspace
from tinygan.kernels.threads import BLOCK, parallel_for


def _one_by_one(step):
    """``step`` for single arrays, which takes lists of them too."""
    @functools.wraps(step)
    def stepped(first, *rest):
        if not isinstance(first, (list, tuple)):
            return step(first, *rest)
        for j, array in enumerate(first):
            step(array, *[value[j] if isinstance(value, (list, tuple)) else value for value in rest])
    return stepped


@_one_by_one
def sgd_step(p, g, buf, lr, momentum, dampening, weight_decay, nesterov, first):
    """One step of gradient descent with momentum on ``p`` in place; ``g`` is left as it is.

    g <- g + weight_decay p; buf <- momentum buf + (1 - dampening) g (buf <- g when ``first``); p <- p - lr d with
    d = g + momentum buf when ``nesterov``, else d = buf; without momentum d = g, and ``buf`` may be None.
    """
    lr, momentum, keep, weight_decay = float(lr), float(momentum), 1.0 - float(dampening), float(weight_decay)

    def block(p, g, buf):
        g = _decayed(g, p, weight_decay)
        t = _room("t", p)
        if momentum:
            if first:
                buf[...] = g
            else:
                buf *= momentum
                buf += np.multiply(g, keep, out=t)
            if nesterov:
                np.multiply(buf, momentum, out=t)
                t += g
                t *= -lr
            else:
                np.multiply(buf, -lr, out=t)
        else:
            np.multiply(g, -lr, out=t)
        p += t

    _walk(block, p, g, buf)


@_one_by_one
def rmsprop_step(p, g, square_avg, buf, grad_avg, lr, alpha, eps, weight_decay, momentum, centered):
    """One step of RMSprop (Tieleman and Hinton 2012, lecture 6.5) on ``p`` in place; ``g`` is left as it is.

    square_avg <- alpha square_avg + (1 - alpha) g^2; s = sqrt(square_avg) + eps, or, when ``centered``,
    s = sqrt(square_avg - grad_avg^2) + eps with the running mean grad_avg of g (Graves 2013, arXiv:1308.0850, equations
    38-41); p <- p - lr g / s, or buf <- momentum buf + g / s and p <- p - lr buf. ``buf`` is None without momentum,
    ``grad_avg`` unless centered.
    """
    lr, alpha, eps = float(lr), float(alpha), float(eps)
    weight_decay, momentum = float(weight_decay), float(momentum)

    def block(p, g, square_avg, buf, grad_avg):
        g = _decayed(g, p, weight_decay)
        t, s = _room("t", p), _room("s", p)
        _average_of_squares(square_avg, g, alpha, t)
        if centered:
            _lerp(grad_avg, g, 1.0 - alpha, t)
            np.multiply(grad_avg, grad_avg, out=s)
            np.subtract(square_avg, s, out=s)
            np.sqrt(s, out=s)
        else:
            np.sqrt(square_avg, out=s)
        s += eps
        if momentum > 0:
            buf *= momentum
            buf += np.divide(g, s, out=t)
            np.multiply(buf, -lr, out=t)
        else:
            np.multiply(g, -lr, out=t)
            t /= s
        p += t

    _walk(block, p, g, square_avg, buf, grad_avg)


@_one_by_one
def adam_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step):
    """Step number ``step`` (from 1) of Adam (Kingma and Ba 2014, arXiv:1412.6980, Algorithm 1) on ``p`` in place.

    g <- g + weight_decay p; m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2;
    p <- p - lr / (1 - beta1^step) m / (sqrt(v) / sqrt(1 - beta2^step) + eps). ``g`` is left as it is.
    """
    lr, beta1, beta2, eps, weight_decay = float(lr), float(beta1), float(beta2), float(eps), float(weight_decay)
    step_size = lr / (1.0 - beta1 ** step)
    correction = (1.0 - beta2 ** step) ** 0.5

    def block(p, g, m, v):
        g = _decayed(g, p, weight_decay)
        t, s = _room("t", p), _room("s", p)
        _lerp(m, g, 1.0 - beta1, t)
        _average_of_squares(v, g, beta2, t)
        np.sqrt(v, out=s)
        s /= correction
        s += eps
        np.multiply(m, -step_size, out=t)
        t /= s
        p += t

    _walk(block, p, g, m, v)


@_one_by_one
def adamw_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step):
    """Step number ``step`` (from 1) of AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101, Algorithm 2) on ``p``.

    p <- (1 - lr weight_decay) p, then the step of Adam without decay: the decay does not pass through the moments.
    """
    if weight_decay:
        keep = 1.0 - float(lr) * float(weight_decay)

        def decay(p, _):
            p *= keep

        _walk(decay, p, None)
    adam_step(p, g, m, v, lr, beta1, beta2, eps, 0.0, step)


@_one_by_one
def adagrad_step(p, g, total, lr, lr_decay, eps, weight_decay, step):
    """Step number ``step`` (from 1) of Adagrad (Duchi et al. 2011, JMLR 12, Figure 1) on ``p`` in place.

    g <- g + weight_decay p; total <- total + g^2; p <- p - lr / (1 + (step - 1) lr_decay) g / (sqrt(total) + eps).
    ``g`` is left as it is.
    """
    eps, weight_decay = float(eps), float(weight_decay)
    rate = float(lr) / (1.0 + (step - 1) * float(lr_decay))

    def block(p, g, total):
        g = _decayed(g, p, weight_decay)
        t, s = _room("t", p), _room("s", p)
        total += np.multiply(g, g, out=t)
        np.sqrt(total, out=s)
        s += eps
        np.multiply(g, -rate, out=t)
        t /= s
        p += t

    _walk(block, p, g, total)


@_one_by_one
def average_step(average, value, weight):
    """average <- average + weight (value - average) in place; with a weight of 1 exactly the value, of any dtype."""
    def block(average, value):
        if weight == 1:
            average[...] = value
        else:
            t = np.subtract(value, average, out=_room("t", average))
            t *= weight
            average += t

    _walk(block, average, value)


def _lerp(average, g, weight, t):
    """average <- average + weight (g - average), from the nearer end as PyTorch's lerp; ``t`` is room to work in."""
    np.subtract(g, average, out=t)
    if weight < 0.5:
        t *= weight
        average += t
    else:
        t *= 1.0 - weight
        np.subtract(g, t, out=average)


def _average_of_squares(average, g, decay, t):
    """average <- decay average + (1 - decay) g g; ``t`` is room to work in."""
    average *= decay
    np.multiply(g, 1.0 - decay, out=t)
    t *= g
    average += t


def _decayed(g, p, weight_decay):
    """g + weight_decay p in an array of its own; ``g`` itself when there is no decay."""
    if not weight_decay:
        return g
    total = np.multiply(p, weight_decay, out=_room("g", p))
    total += g
    return total


def _room(name, p):
    return workspace("optimizer_" + name, p.shape, p.dtype)


def _walk(block, p, *others):
    """Call block(p, ...) on blocks of the flat arrays; once, on the arrays as they are, when p or a moment is strided.

    The first of ``others`` is the gradient, which is only read.
    """
    if p.size == 0:
        return
    if p.size <= BLOCK or not all(a is None or a.flags.c_contiguous for a in (p, *others)):
        block(p, *others)
        return
    flat = [None if a is None else a.reshape(-1) for a in (p, *others)]

    def part(i):
        span = slice(i * BLOCK, (i + 1) * BLOCK)
        block(*(None if a is None else a[span] for a in flat))

    parallel_for(part, -(-p.size // BLOCK))
