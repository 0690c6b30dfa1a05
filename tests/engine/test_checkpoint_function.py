"""checkpoint recomputes what it did not keep, sees what the first run saw, and can be differentiated again (2.11)."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import random
from tinygan.replay import checkpoint, read_buffer, write_buffer
from tinygan.tensor import Parameter, Tensor


@pytest.fixture
def setting():
    random.manual_seed(3)
    rng = np.random.default_rng(0)
    return Parameter(rng.standard_normal((4, 4))), tinygan.tensor(rng.standard_normal((3, 4)), requires_grad=True)


def orders(f, w, x):
    """Values, first and second derivatives of an objective on f(2 x), with respect to input and parameter."""
    random.manual_seed(3)
    y = f(x * 2.0)
    gx, gw = tinygan.grad((y * y).sum(), [x, w], create_graph=True)
    hx, hw = tinygan.grad((gx * gx).sum() + (gw ** 3).sum(), [x, w], create_graph=True)
    kx, kw = tinygan.grad((hx * hx * hx).sum() + hw.sum(), [x, w])
    return [y, gx, gw, hx, hw, kx, kw]


def test_same_values_and_derivatives_to_third_order_with_dropout(setting):
    w, x = setting

    def f(h):
        return F.dropout((h @ w).tanh(), 0.3) @ w

    for plain, kept in zip(orders(f, w, x), orders(lambda h: checkpoint(f, h), w, x)):
        # the same operations on the same numbers; only the order in which contributions are added may differ
        np.testing.assert_allclose(kept.numpy(), plain.numpy(), rtol=1e-11)


def test_the_streams_stand_where_a_plain_call_leaves_them(setting):
    w, x = setting
    y = checkpoint(lambda h: F.dropout(h @ w, 0.5), x)
    after = random.get_state()
    tinygan.grad(y.sum(), [x, w])
    assert random.get_state() == after
    random.manual_seed(3)
    F.dropout(x @ w, 0.5)
    assert random.get_state() == after


class Counter:
    """Something like batch norm: reads a buffer, uses it, writes it."""

    value = Tensor(np.zeros(()))
    writes = 0

    def __call__(self, x):
        live = read_buffer(self, "value", self.value)
        self.store_through(live, live + 1.0)
        return x * (read_buffer(self, "value", self.value) + 1.0)

    def store_through(self, live, new):
        write_buffer(self, "value", live, new, self.store)

    def store(self, new):
        self.value = new
        self.writes += 1


def test_recomputing_sees_the_first_runs_buffers_and_does_not_update_them(setting):
    _, x = setting
    module = Counter()
    y = checkpoint(lambda h: module(module(h)), x)      # times 2, then times 3
    assert module.writes == 2
    module.value = Tensor(np.full((), 40.0))            # another batch went through in between
    (g,) = tinygan.grad(y.sum(), x)
    assert (g.numpy() == 6).all()
    assert module.writes == 2 and module.value.item() == 40


def test_intermediate_results_are_not_kept(setting):
    w, x = setting
    y = checkpoint(lambda h: ((h @ w).exp() @ w).exp(), x)
    assert type(y.node).__name__ == "Checkpoint"
    assert [t is x or t is w for t in y.node.saved] == [True, True]


def test_several_inputs_and_outputs_numbers_and_missing_cotangents(setting):
    w, x = setting

    def f(a, scale, b):
        return a * b * scale, (a + b).tanh()

    other = tinygan.tensor(np.ones((3, 4)), requires_grad=True)
    first, second = checkpoint(f, x, 3.0, other)
    np.testing.assert_allclose(tinygan.grad(first.sum(), [x, other], retain_graph=True)[0].numpy(), 3)
    g = tinygan.grad(second.sum(), x)[0].numpy()
    np.testing.assert_allclose(g, 1 - np.tanh(x.numpy() + 1) ** 2)


def test_parameters_reached_only_inside_are_found_and_counted_once(setting):
    w, x = setting
    h = x @ w                                           # the input depends on the same parameter
    plain = tinygan.grad(((h @ w).tanh()).sum(), w, retain_graph=True)[0].numpy()
    kept = tinygan.grad(checkpoint(lambda a: (a @ w).tanh(), h).sum(), w)[0].numpy()
    np.testing.assert_allclose(kept, plain, rtol=1e-12)


def test_a_parameter_written_in_between_raises(setting):
    w, x = setting
    y = checkpoint(lambda h: h + w.sum(), x)
    w.written("Adam.apply")
    with pytest.raises(RuntimeError, match="Checkpoint.*Adam.apply"):
        tinygan.grad(y.sum(), w)


def test_without_recording_it_is_a_plain_call(setting):
    w, x = setting
    with tinygan.no_grad():
        assert checkpoint(lambda h: h @ w, x).node is None
