"""Optimiser steps on CuPy arrays, in place: the arithmetic of PyTorch 2.13, in its order, bit for bit as on the CPU.

Every argument that is an array may be a list of arrays, aligned with the other lists: all of them take the step in one
launch (of at most MOST arrays), for launches are what the many small parameters of a network cost. Parameter and
moments are read and written once, the gradient is read once. ``step`` and the hyperparameters are numbers of the host;
nothing is read back from the device, and nothing but the arguments of the launch is sent there.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from tinygan.backend import array_module
from tinygan.kernels.cuda.launch import kernel, launch

MOST = 80  # arrays of one launch, as in sources/optimizers.cu
TABLE = np.dtype([("pointers", np.uint64, (5, MOST)), ("ends", np.int64, MOST), ("number", np.int64)])  # its `Arrays`


def sgd_step(p, g, buf, lr, momentum, dampening, weight_decay, nesterov, first):
    """One step of gradient descent with momentum on ``p`` in place; ``g`` is left as it is.

    g <- g + weight_decay p; buf <- momentum buf + (1 - dampening) g (buf <- g when ``first``); p <- p - lr d with
    d = g + momentum buf when ``nesterov``, else d = buf; without momentum d = g, and ``buf`` may be None. Moves 5
    arrays of the size of p, or 3 without momentum.
    """
    _run("sgd", (p, g, buf if momentum else None), -float(lr), float(momentum), 1.0 - float(dampening),
         float(weight_decay), int(nesterov), int(first))


def rmsprop_step(p, g, square_avg, buf, grad_avg, lr, alpha, eps, weight_decay, momentum, centered):
    """One step of RMSprop (Tieleman and Hinton 2012, lecture 6.5) on ``p`` in place; ``g`` is left as it is.

    square_avg <- alpha square_avg + (1 - alpha) g^2; s = sqrt(square_avg) + eps, or, when ``centered``,
    s = sqrt(square_avg - grad_avg^2) + eps with the running mean grad_avg of g (Graves 2013, arXiv:1308.0850, equations
    38-41); p <- p - lr g / s, or buf <- momentum buf + g / s and p <- p - lr buf. ``buf`` is None without momentum,
    ``grad_avg`` unless centered. Moves 5 to 9 arrays of the size of p.
    """
    weight = 1.0 - float(alpha)
    _run("rmsprop", (p, g, square_avg, buf if momentum > 0 else None, grad_avg if centered else None), -float(lr),
         float(alpha), weight, float(eps), float(weight_decay), float(momentum), int(centered), int(weight < 0.5))


def adam_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step):
    """Step number ``step`` (from 1) of Adam (Kingma and Ba 2014, arXiv:1412.6980, Algorithm 1) on ``p`` in place.

    g <- g + weight_decay p; m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2;
    p <- p - lr / (1 - beta1^step) m / (sqrt(v) / sqrt(1 - beta2^step) + eps). ``g`` is left as it is. Moves 7 arrays of
    the size of p.
    """
    _adam(p, g, m, v, lr, beta1, beta2, eps, step, 1.0, float(weight_decay))


def adamw_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step):
    """Step number ``step`` (from 1) of AdamW (Loshchilov and Hutter 2017, arXiv:1711.05101, Algorithm 2) on ``p``.

    p <- (1 - lr weight_decay) p, then the step of Adam without decay: the decay does not pass through the moments.
    Moves 7 arrays of the size of p.
    """
    _adam(p, g, m, v, lr, beta1, beta2, eps, step, 1.0 - float(lr) * float(weight_decay), 0.0)


def _adam(p, g, m, v, lr, beta1, beta2, eps, step, keep, weight_decay):
    beta1, beta2 = float(beta1), float(beta2)
    _run("adam", (p, g, m, v), keep, weight_decay, 1.0 - beta1, beta2, 1.0 - beta2, (1.0 - beta2 ** step) ** 0.5,
         float(eps), -(float(lr) / (1.0 - beta1 ** step)), int(1.0 - beta1 < 0.5))


def adagrad_step(p, g, total, lr, lr_decay, eps, weight_decay, step):
    """Step number ``step`` (from 1) of Adagrad (Duchi et al. 2011, JMLR 12, Figure 1) on ``p`` in place.

    g <- g + weight_decay p; total <- total + g^2; p <- p - lr / (1 + (step - 1) lr_decay) g / (sqrt(total) + eps).
    ``g`` is left as it is. Moves 5 arrays of the size of p.
    """
    rate = float(lr) / (1.0 + (step - 1) * float(lr_decay))
    _run("adagrad", (p, g, total), -rate, float(eps), float(weight_decay))


def average_step(average, value, weight):
    """average <- average + weight (value - average) in place; with a weight of 1 exactly the value, of any dtype.

    Moves 3 arrays of the size of average, 2 with a weight of 1.
    """
    if weight == 1:
        _run("copy", (average, value))
    else:
        _run("average", (average, value), float(weight))


def _run(name, kinds, *numbers):
    """The kernel ``name`` over ``kinds`` of arrays: single arrays, lists of arrays, or None for a kind not in use.

    Arrays of one launch have one dtype. A gradient that is not C-contiguous is copied; so is what is written, and
    written back.
    """
    kinds = [kind if kind is None or isinstance(kind, (list, tuple)) else [kind] for kind in kinds]
    for dtype in dict.fromkeys(a.dtype for a in kinds[0]):
        chosen = [j for j, a in enumerate(kinds[0]) if a.dtype == dtype]
        for start in range(0, len(chosen), MOST):
            _run_table(name, [kind and [kind[j] for j in chosen[start:start + MOST]] for kind in kinds], dtype, numbers)


def _run_table(name, kinds, dtype, numbers):
    table, dense = np.zeros(1, TABLE), []
    for row, kind in zip(table["pointers"][0], kinds):
        if kind is not None:
            dense.append([a if a.flags.c_contiguous else array_module(a).ascontiguousarray(a) for a in kind])
            row[:len(kind)] = [a.data.ptr for a in dense[-1]]
    ends = list(accumulate(a.size for a in kinds[0]))
    table["ends"][0, :len(ends)], table["number"] = ends, len(ends)
    launch(kernel("optimizers", name, _moved_as(dtype) if name == "copy" else dtype), ends[-1], table, *numbers)
    for number, (copies, kind) in enumerate(zip(dense, [kind for kind in kinds if kind is not None])):
        for copy, a in zip(copies, kind):
            if copy is not a and number != 1:  # kind 1 is the gradient or the source, which is only read
                a[...] = copy


def _moved_as(dtype):
    """A float type of the width of ``dtype``: a copy looks at no number."""
    return np.dtype(f"float{8 * dtype.itemsize}")
