"""Optimiser steps on the CPU: twenty steps of the written-out scalar formulas, dtypes, views, blocks."""
import math

import numpy as np
import pytest

from tinygan.kernels import threads
from tinygan.kernels.cpu import adagrad_step, adam_step, adamw_step, rmsprop_step, sgd_step

STEPS = 20


def gradients(seed=0, n=5):
    """Twenty gradients for ``n`` parameters, of sizes from 1e-3 to 10."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((STEPS, n)) * 10.0 ** rng.uniform(-3, 1, (STEPS, n))


def scalar_sgd(p, grads, lr, momentum, dampening, weight_decay, nesterov):
    buf = None
    for g in grads:
        g = g + weight_decay * p
        if momentum:
            buf = g if buf is None else momentum * buf + (1 - dampening) * g
            g = g + momentum * buf if nesterov else buf
        p = p - lr * g
    return p


def scalar_rmsprop(p, grads, lr, alpha, eps, weight_decay, momentum, centered):
    square = average = buf = 0.0
    for g in grads:
        g = g + weight_decay * p
        square = alpha * square + (1 - alpha) * g * g
        average = alpha * average + (1 - alpha) * g
        scale = math.sqrt(square - average ** 2 if centered else square) + eps
        buf = momentum * buf + g / scale
        p = p - lr * (buf if momentum else g / scale)
    return p


def scalar_adam(p, grads, lr, beta1, beta2, eps, weight_decay):
    m = v = 0.0
    for t, g in enumerate(grads, 1):
        g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        p = p - lr / (1 - beta1 ** t) * m / (math.sqrt(v) / math.sqrt(1 - beta2 ** t) + eps)
    return p


def scalar_adamw(p, grads, lr, beta1, beta2, eps, weight_decay):
    m = v = 0.0
    for t, g in enumerate(grads, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        p = p - lr * weight_decay * p - lr * m / (1 - beta1 ** t) / (math.sqrt(v / (1 - beta2 ** t)) + eps)
    return p


def scalar_adagrad(p, grads, lr, lr_decay, eps, weight_decay):
    total = 0.0
    for t, g in enumerate(grads):
        g = g + weight_decay * p
        total += g * g
        p = p - lr / (1 + t * lr_decay) * g / (math.sqrt(total) + eps)
    return p


def run_sgd(p, grads, *rest):
    buf = np.zeros_like(p) if rest[1] else None
    for t, g in enumerate(grads):
        sgd_step(p, g, buf, *rest, t == 0)


def run_rmsprop(p, grads, *rest):
    square, buf, average = np.zeros((3, *p.shape), p.dtype)
    for g in grads:
        rmsprop_step(p, g, square, buf if rest[4] else None, average if rest[5] else None, *rest)


def run_adam(p, grads, *rest, step=adam_step):
    m, v = np.zeros((2, *p.shape), p.dtype)
    for t, g in enumerate(grads, 1):
        step(p, g, m, v, *rest, t)


def run_adamw(p, grads, *rest):
    run_adam(p, grads, *rest, step=adamw_step)


def run_adagrad(p, grads, *rest):
    total = np.zeros_like(p)
    for t, g in enumerate(grads, 1):
        adagrad_step(p, g, total, *rest, t)


CASES = [
    (run_sgd, scalar_sgd, (0.1, 0.0, 0.0, 0.0, False)),
    (run_sgd, scalar_sgd, (0.1, 0.0, 0.0, 0.05, False)),
    (run_sgd, scalar_sgd, (0.1, 0.9, 0.0, 0.0, False)),
    (run_sgd, scalar_sgd, (0.1, 0.9, 0.3, 0.05, False)),
    (run_sgd, scalar_sgd, (0.1, 0.9, 0.0, 0.05, True)),
    (run_rmsprop, scalar_rmsprop, (0.01, 0.99, 1e-8, 0.0, 0.0, False)),
    (run_rmsprop, scalar_rmsprop, (0.01, 0.9, 1e-2, 0.05, 0.0, False)),
    (run_rmsprop, scalar_rmsprop, (0.01, 0.99, 1e-8, 0.0, 0.9, False)),
    (run_rmsprop, scalar_rmsprop, (0.01, 0.4, 1e-2, 0.05, 0.9, True)),
    (run_adam, scalar_adam, (0.01, 0.9, 0.999, 1e-8, 0.0)),
    (run_adam, scalar_adam, (2e-4, 0.5, 0.999, 1e-8, 0.0)),
    (run_adam, scalar_adam, (0.01, 0.0, 0.9, 1e-3, 0.05)),
    (run_adamw, scalar_adamw, (0.01, 0.9, 0.999, 1e-8, 0.0)),
    (run_adamw, scalar_adamw, (0.01, 0.5, 0.9, 1e-3, 0.1)),
    (run_adagrad, scalar_adagrad, (0.1, 0.0, 1e-10, 0.0)),
    (run_adagrad, scalar_adagrad, (0.1, 0.2, 1e-3, 0.05)),
]


@pytest.mark.parametrize("run, scalar, rest", CASES)
def test_twenty_steps_of_the_scalar_formula(run, scalar, rest):
    grads, p = gradients(), np.linspace(-1, 1, 5)
    expected = [scalar(start, grads[:, i], *rest) for i, start in enumerate(p)]
    kept = grads.copy()
    run(p, grads, *rest)
    # twenty steps of a dozen roundings each, on numbers below 100
    np.testing.assert_allclose(p, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(grads, kept)


@pytest.mark.parametrize("run, scalar, rest", CASES)
def test_float32_stays_float32_even_with_numpy_hyperparameters(run, scalar, rest):
    rest = tuple(value if isinstance(value, bool) else np.float64(value) for value in rest)
    grads, p = gradients().astype(np.float32), np.linspace(-1, 1, 5).astype(np.float32)
    expected = [scalar(float(start), grads[:, i].astype(float), *rest) for i, start in enumerate(p)]
    same = p
    run(p, grads, *rest)
    assert p is same and p.dtype == np.float32
    # centring subtracts numbers of one size, so float32 keeps half its digits there
    np.testing.assert_allclose(p, expected, rtol=1e-3 if rest[-1] is True else 1e-5, atol=1e-5)


def test_a_large_parameter_in_blocks_is_the_small_ones_side_by_side():
    rng = np.random.default_rng(0)
    p, g, m, v = rng.random((4, 300, 1001), dtype=np.float32)  # three blocks, the last one ragged
    rows = [[a[i].copy() for a in (p, g, m, v)] for i in (0, 150, 299)]
    before = threads.get_num_threads()
    try:
        threads.set_num_threads(2)
        adam_step(p, g, m, v, 0.01, 0.9, 0.99, 1e-8, 0.1, 7)
    finally:
        threads.set_num_threads(before)
    for i, row in zip((0, 150, 299), rows):
        adam_step(*row, 0.01, 0.9, 0.99, 1e-8, 0.1, 7)
        for whole, part in zip((p, g, m, v), row):
            np.testing.assert_array_equal(whole[i], part)


def test_decay_of_a_large_parameter_reaches_every_block():
    p = np.ones(300_001, np.float32)  # three blocks, the last one ragged
    adamw_step(p, np.zeros_like(p), np.zeros_like(p), np.zeros_like(p), 0.1, 0.9, 0.99, 1e-8, 0.5, 1)
    assert (p == np.float32(1 - 0.1 * 0.5)).all()


@pytest.mark.parametrize("shape", [(4, 5), (400, 500)])
def test_strided_parameters_and_gradients_are_updated_too(shape):
    rng = np.random.default_rng(0)
    p, g, m, v = rng.random((4, *shape), dtype=np.float32)
    whole = np.zeros((2, *shape[::-1]), np.float32)
    strided = whole[1].T
    strided[...] = p
    moments = [m.copy(), v.copy()]
    adam_step(p, g, m, v, 0.01, 0.9, 0.99, 1e-8, 0.0, 1)
    adam_step(strided, np.asfortranarray(g), *moments, 0.01, 0.9, 0.99, 1e-8, 0.0, 1)
    np.testing.assert_array_equal(whole[1].T, p)
    assert not whole[0].any()


def test_an_empty_parameter():
    for p in (np.zeros((0, 3), np.float32), np.zeros((), np.float32)):
        adam_step(p, np.ones_like(p), np.zeros_like(p), np.zeros_like(p), 0.1, 0.9, 0.99, 1e-8, 0.0, 1)
        sgd_step(p, np.ones_like(p), None, 0.1, 0.0, 0.0, 0.0, False, True)
        np.testing.assert_allclose(p, -0.2, rtol=1e-5)  # Adam's first step is lr times the sign
