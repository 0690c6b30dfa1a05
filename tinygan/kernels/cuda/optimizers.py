"""Optimiser steps on CuPy arrays, in place: the arithmetic of PyTorch 2.13, in its order.

``step`` and the hyperparameters are numbers of the host; nothing is read back from the device.
"""

from __future__ import annotations

from tinygan.backend import array_module


def sgd_step(p, g, buf, lr, momentum, dampening, weight_decay, nesterov, first):
    """One step of gradient descent with momentum on ``p`` in place; ``g`` is left as it is.

    g <- g + weight_decay p; buf <- momentum buf + (1 - dampening) g (buf <- g when ``first``); p <- p - lr d with
    d = g + momentum buf when ``nesterov``, else d = buf; without momentum d = g, and ``buf`` may be None.
    """
    g = _decayed(g, p, weight_decay)
    if momentum:
        if first:
            buf[...] = g
        else:
            buf *= float(momentum)
            buf += g * (1.0 - float(dampening))
        g = g + buf * float(momentum) if nesterov else buf
    p += g * -float(lr)


def rmsprop_step(p, g, square_avg, buf, grad_avg, lr, alpha, eps, weight_decay, momentum, centered):
    """One step of RMSprop (Tieleman and Hinton 2012, lecture 6.5) on ``p`` in place; ``g`` is left as it is.

    square_avg <- alpha square_avg + (1 - alpha) g^2; s = sqrt(square_avg) + eps, or, when ``centered``,
    s = sqrt(square_avg - grad_avg^2) + eps with the running mean grad_avg of g (Graves 2013, arXiv:1308.0850, equations
    38-41); p <- p - lr g / s, or buf <- momentum buf + g / s and p <- p - lr buf. ``buf`` is None without momentum,
    ``grad_avg`` unless centered.
    """
    xp = array_module(p)
    g = _decayed(g, p, weight_decay)
    square_avg *= float(alpha)
    square_avg += g * (1.0 - float(alpha)) * g
    if centered:
        _lerp(grad_avg, g, 1.0 - float(alpha))
        s = xp.sqrt(square_avg - grad_avg * grad_avg)
    else:
        s = xp.sqrt(square_avg)
    s += float(eps)
    if momentum > 0:
        buf *= float(momentum)
        buf += g / s
        p += buf * -float(lr)
    else:
        p += g * -float(lr) / s


def adam_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step):
    """Step number ``step`` (from 1) of Adam (Kingma and Ba 2014, arXiv:1412.6980, Algorithm 1) on ``p`` in place.

    g <- g + weight_decay p; m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2;
    p <- p - lr / (1 - beta1^step) m / (sqrt(v) / sqrt(1 - beta2^step) + eps). ``g`` is left as it is.
    """
    beta1, beta2 = float(beta1), float(beta2)
    g = _decayed(g, p, weight_decay)
    _lerp(m, g, 1.0 - beta1)
    v *= beta2
    v += g * (1.0 - beta2) * g
    s = array_module(p).sqrt(v)
    s /= (1.0 - beta2 ** step) ** 0.5
    s += float(eps)
    p += m * (-float(lr) / (1.0 - beta1 ** step)) / s


def adamw_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step):
    """Step number ``step`` (from 1) of AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101, Algorithm 2) on ``p``.

    p <- (1 - lr weight_decay) p, then the step of Adam without decay: the decay does not pass through the moments.
    """
    if weight_decay:
        p *= 1.0 - float(lr) * float(weight_decay)
    adam_step(p, g, m, v, lr, beta1, beta2, eps, 0.0, step)


def adagrad_step(p, g, total, lr, lr_decay, eps, weight_decay, step):
    """Step number ``step`` (from 1) of Adagrad (Duchi et al. 2011, JMLR 12, Figure 1) on ``p`` in place.

    g <- g + weight_decay p; total <- total + g^2; p <- p - lr / (1 + (step - 1) lr_decay) g / (sqrt(total) + eps).
    ``g`` is left as it is.
    """
    g = _decayed(g, p, weight_decay)
    total += g * g
    s = array_module(p).sqrt(total)
    s += float(eps)
    p += g * (-float(lr) / (1.0 + (step - 1) * float(lr_decay))) / s


def _lerp(average, g, weight):
    """average <- average + weight (g - average), from the nearer end as PyTorch's lerp."""
    if weight < 0.5:
        average += (g - average) * weight
    else:
        average[...] = g - (g - average) * (1.0 - weight)


def _decayed(g, p, weight_decay):
    return g + p * float(weight_decay) if weight_decay else g
