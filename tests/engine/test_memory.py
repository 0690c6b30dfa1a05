"""No reference cycles, constant memory, buffers freed when used (DESIGN 2.3, 2.5)."""

import gc
import weakref

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.autograd import Function
from tinygan.replay import checkpoint
from tinygan.tensor import Parameter
from tinygan.testing import live_objects


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def critic(x, w1, w2, scale):
    h = F.leaky_relu(F.conv2d(x, w1, stride=2, padding=1), 0.2)
    h = F.group_norm(h, 2, scale)
    return F.conv2d(h, w2).reshape((x.shape[0], -1)).sum(1)


def parameters():
    rng = np.random.default_rng(0)
    return [Parameter(rng.standard_normal(s).astype(np.float32)) for s in [(4, 1, 4, 4), (1, 4, 4, 4), (4,)]]


def penalised_step(w, x, wrap=lambda f, *inputs: f(*inputs)):
    x = tinygan.tensor(x, requires_grad=True)
    scores = wrap(lambda x: critic(x, *w), x)
    (g,) = tinygan.grad(scores.sum(), x, create_graph=True)
    penalty = ((g * g).sum((1, 2, 3)).sqrt() - 1.0).square().mean()
    for p, gradient in zip(w, tinygan.grad(scores.mean() + 10.0 * penalty, w)):
        p.assign(p.data - 1e-4 * gradient.data, "the test")


@pytest.mark.parametrize("wrap", [lambda f, *inputs: f(*inputs), checkpoint], ids=["plain", "checkpointed"])
def test_steps_with_a_penalty_leave_no_cycles_and_constant_memory(no_collector, wrap):
    w, x = parameters(), np.random.default_rng(1).standard_normal((4, 1, 8, 8)).astype(np.float32)
    penalised_step(w, x, wrap)
    before = live_objects()
    for _ in range(5):
        penalised_step(w, x, wrap)
    assert live_objects() == before
    gc.collect()
    assert live_objects() == before  # the collector found nothing of ours


def test_the_cycle_check_can_fail(no_collector):
    before = live_objects()
    t = tinygan.tensor([1.0])
    t.grad = t
    del t
    assert live_objects() == before + 1
    gc.collect()
    assert live_objects() == before


def test_arrays_are_freed_as_soon_as_the_walk_has_used_them():
    sizes = []

    class Watch(Function):
        def forward(self, x):
            return x + 0.0

        def backward(self, g):
            sizes.append(saved() is None)
            return g

    x = tinygan.tensor(np.ones(5), requires_grad=True)
    y = Watch()(x)
    z = y.exp()
    saved = weakref.ref(z.data)
    out = z.sum()
    del z
    tinygan.grad(out, x)
    assert sizes == [True]  # exp's output, which its backward reads, was gone when the node below it ran


def test_an_unrecorded_result_keeps_nothing():
    x = tinygan.tensor(np.ones(5), requires_grad=True)
    with tinygan.no_grad():
        y = x * 2.0
        kept = weakref.ref(y.data)
        z = y.exp()
        del y
    assert kept() is None and z.shape == (5,)
