"""Clipping and accumulation, between the gradients and the step."""

import math

import numpy as np
import pytest

import tinygan
from tinygan import nn, optim
from tinygan.tensor import Tensor


def gradients(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [Tensor(rng.standard_normal((3, 4)).astype(dtype)), None, Tensor(rng.standard_normal(5).astype(dtype))]


def flat(gradients):
    return np.concatenate([g.numpy().ravel() for g in gradients if g is not None])


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, math.inf])
def test_the_total_norm_is_that_of_all_gradients_as_one_vector(norm_type):
    total = optim.get_total_norm(gradients(), norm_type)
    assert total.shape == () and total.item() == pytest.approx(np.linalg.norm(flat(gradients()), norm_type), rel=1e-12)


@pytest.mark.parametrize("norm_type", [2.0, math.inf])
def test_clipping_by_norm_keeps_the_direction(norm_type):
    given = gradients()
    kept = flat(given).copy()
    clipped = optim.clip_grad_norm(given, 0.5, norm_type)
    assert clipped[1] is None and (flat(given) == kept).all()
    # the 1e-6 beside a norm of about 4 makes the result smaller by 2.5e-7 of itself
    assert np.linalg.norm(flat(clipped), norm_type) == pytest.approx(0.5, rel=1e-6)
    np.testing.assert_allclose(flat(clipped) / kept, (flat(clipped) / kept)[0], rtol=1e-12)
    assert (flat(optim.clip_grad_norm(given, 100.0)) == kept).all()


def test_clipping_by_value():
    clipped = optim.clip_grad_value(gradients(), 0.5)
    assert clipped[1] is None and (flat(clipped) == np.clip(flat(gradients()), -0.5, 0.5)).all()


def test_clipping_keeps_float32():
    for clipped in (optim.clip_grad_norm(gradients(dtype=np.float32), 0.5),
                    optim.clip_grad_value(gradients(dtype=np.float32), 0.5)):
        assert {g.dtype for g in clipped if g is not None} == {np.dtype(np.float32)}


def test_clipping_does_not_wait_for_the_device(cupy_standin):
    there = [g if g is None else g.to("cuda") for g in gradients()]
    cupy_standin.counters.synchronizations = 0
    clipped, cut = optim.clip_grad_norm(there, 0.5), optim.clip_grad_value(there, 0.5)
    summed = optim.accumulate(there, clipped)
    assert cupy_standin.counters.synchronizations == 0
    np.testing.assert_allclose(flat(clipped), flat(optim.clip_grad_norm(gradients(), 0.5)), rtol=1e-12)
    np.testing.assert_allclose(flat(cut), flat(optim.clip_grad_value(gradients(), 0.5)), rtol=1e-12)
    np.testing.assert_allclose(flat(summed), flat(there) + flat(clipped), rtol=1e-12)


def network():
    tinygan.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def inputs(n=8):
    return tinygan.tensor(np.random.default_rng(1).standard_normal((n, 3)).astype(np.float32))


def test_both_styles_take_the_same_clipped_step():
    a, b = network(), network()
    opts = [optim.SGD(net.parameters(), 0.1) for net in (a, b)]
    opts[0].apply(optim.clip_grad_norm(opts[0].gradients((a(inputs()) ** 2).mean()), 0.1))
    (b(inputs()) ** 2).mean().backward()
    before = np.concatenate([p.grad.numpy().ravel() for p in b.parameters()])
    total = optim.clip_grad_norm_(b.parameters(), 0.1)
    opts[1].step()
    assert total.item() == pytest.approx(np.linalg.norm(before), rel=1e-5) and total.item() > 0.1
    for p, q in zip(a.parameters(), b.parameters()):
        assert (p.numpy() == q.numpy()).all()


def test_clipping_of_grad_attributes():
    net = network()
    net[0].requires_grad_(False)
    (net(inputs()) ** 2).sum().backward()
    optim.clip_grad_value_(net.parameters(), 0.01)
    assert net[0].weight.grad is None and abs(net[2].weight.grad.numpy()).max() == np.float32(0.01)
    assert optim.clip_grad_norm_(net[0].parameters(), 1.0).item() == 0.0
    net[2].weight.grad = Tensor(np.full((1, 4), np.inf, np.float32))
    with pytest.raises(RuntimeError, match="clip_grad_norm_: expected gradients of finite norm, got inf"):
        optim.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True)


def test_a_batch_in_parts_gives_the_step_of_the_whole():
    whole, parts = network(), network()
    x = inputs(8)
    optim.SGD(whole.parameters(), 0.1).minimize((whole(x) ** 2).mean())
    opt, total = optim.SGD(parts.parameters(), 0.1), None
    for i in range(4):
        total = optim.accumulate(total, opt.gradients((parts(x[2 * i:2 * i + 2]) ** 2).mean() / 4))
    opt.apply(total)
    for p, q in zip(whole.parameters(), parts.parameters()):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-7)


def test_sums_keep_what_only_one_part_reaches():
    a, b = gradients(), gradients(1)
    b[1], b[2] = Tensor(np.ones(2)), None
    total = optim.accumulate(optim.accumulate(None, a), b)
    assert (total[0].numpy() == a[0].numpy() + b[0].numpy()).all()
    assert total[1] is b[1] and total[2] is a[2] and not total[0].requires_grad


@pytest.mark.parametrize("call, match", [
    (lambda: optim.clip_grad_norm(gradients(), -1.0), "clip_grad_norm: expected max_norm >= 0, got -1.0"),
    (lambda: optim.clip_grad_norm(gradients(), float("nan")), "got nan"),
    (lambda: optim.clip_grad_value(gradients(), -1.0), "clip_grad_value: expected clip_value >= 0"),
    (lambda: optim.get_total_norm([None]), "get_total_norm: expected at least one gradient, got none"),
    (lambda: optim.accumulate(gradients(), gradients()[:2]), "accumulate: expected 3 gradients as before, got 2")])
def test_misuse_of_gradients(call, match):
    with pytest.raises(ValueError, match=match):
        call()
