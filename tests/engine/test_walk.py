"""The walk back (DESIGN 2.3, 2.4): order, depth, what is visited, what is freed, what is raised."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.autograd import Function, grad
from tinygan.tensor import Tensor


def leaf(*shape, seed=0):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal(shape), requires_grad=True)


class Spy(Function):
    """y = x; counts its backward calls and notes what was needed."""

    calls = []

    def __init__(self, name):
        self.name = name

    def forward(self, *arrays):
        return arrays[0] + 0.0

    def backward(self, g):
        Spy.calls.append((self.name, list(self.needs)))
        return (g,) + (None,) * (len(self.needs) - 1)


@pytest.fixture(autouse=True)
def no_calls():
    Spy.calls.clear()


def test_a_chain_of_20000_nodes_is_walked_without_recursion():
    x = leaf(2, 2)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    (g,) = grad(y.sum(), x)
    assert (g.numpy() == 1).all()


def test_gradients_of_a_shared_node_are_complete_before_it_passes_them_on():
    # in b = a + a; c = b + b a walk in the wrong order gives 2 or 3 in place of 4
    a = leaf()
    b = a + a
    assert grad(b + b, a)[0].item() == 4


def test_only_nodes_on_a_path_to_a_requested_input_are_visited():
    x, w = leaf(3), leaf(3, seed=1)
    y = Spy("on the path")(x) * Spy("beside it")(w)
    grad(y.sum(), x)
    assert [name for name, _ in Spy.calls] == ["on the path"]


def test_needs_input_grad_reaches_backward():
    x, w = leaf(3), leaf(3, seed=1)
    grad(Spy("both")(x, w).sum(), [x, w], allow_unused=True)
    grad(Spy("first")(x, w).sum(), x)
    assert Spy.calls == [("both", [True, True]), ("first", [True, False])]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("create_graph", [False, True])
def test_any_selection_of_inputs_gets_the_gradients_of_the_full_request(seed, create_graph):
    # The walk takes a shorter way when every leaf is requested; leaves, intermediate tensors and outputs of operations
    # with several outputs may all be requested, in any order and more than once.
    rng = np.random.default_rng(seed)
    leaves = [leaf(2, 3, seed=int(rng.integers(1000))) for _ in range(4)]
    tensors = list(leaves)
    for _ in range(12):
        a, b = (tensors[i] for i in rng.integers(len(tensors), size=2))
        kind = rng.integers(4)
        if kind < 2:
            tensors.append([a + b, a * b][kind] * 0.5)
        elif kind == 2:
            tensors.append((a * 0.3).exp())
        else:
            tensors.extend(F.split(F.cat([a, b]), 2))
    outputs = [t for t in tensors[-4:] if t.node]
    seeds = [tinygan.tensor(rng.standard_normal(t.shape)) for t in outputs]

    def ask(inputs):
        return grad(outputs, inputs, seeds, retain_graph=True, create_graph=create_graph, allow_unused=True)

    full = dict(zip(leaves, ask(leaves)))
    full |= {t: ask([t])[0] for t in tensors[4:]}
    for _ in range(8):
        chosen = [tensors[i] for i in rng.integers(len(tensors), size=rng.integers(1, 5))]
        for x, gradient in zip(chosen, ask(chosen)):
            assert (gradient is None) == (full[x] is None)
            if gradient is not None:
                np.testing.assert_array_equal(gradient.numpy(), full[x].numpy())


def test_gradient_of_an_intermediate_tensor():
    x = leaf(3)
    h = x * 2.0
    y = (h * h).sum()
    gx, gh = grad(y, [x, h])
    np.testing.assert_allclose(gh.numpy(), 2 * h.numpy())
    np.testing.assert_allclose(gx.numpy(), 2 * gh.numpy())


def test_gradient_of_an_output_with_respect_to_itself_is_the_seed():
    x = leaf(2)
    seed = tinygan.tensor(np.array([3.0, 4.0]))
    assert (grad(x, x, seed)[0].numpy() == [3, 4]).all()
    y = x * 1.0
    assert (grad(y, y, seed)[0].numpy() == [3, 4]).all()


def test_several_outputs_add_up():
    x = leaf()
    assert grad([x * 2.0, x * 3.0], x)[0].item() == 5


def test_buffers_are_freed_and_using_them_again_names_the_operation():
    x = leaf(3)
    y = (x.exp() * x).sum()
    grad(y, x)
    with pytest.raises(RuntimeError, match="Mul.*freed.*retain_graph"):
        grad(y, x)


def test_retain_graph_keeps_the_buffers():
    x = leaf(3)
    y = (x * x).sum()
    first = grad(y, x, retain_graph=True)[0].numpy()
    np.testing.assert_array_equal(first, grad(y, x)[0].numpy())


def test_create_graph_retains_by_default():
    x = leaf(3)
    y = (x * x * x).sum()
    (g,) = grad(y, x, create_graph=True)
    (h,) = grad(g.sum(), x)
    np.testing.assert_allclose(h.numpy(), 6 * x.numpy())


def test_unused_inputs_raise_or_come_back_as_none():
    x, w = leaf(2), leaf(2, seed=1)
    with pytest.raises(RuntimeError, match="unused input 1.*detach"):
        grad((x * 2.0).sum(), [x, w])
    assert grad((x * 2.0).sum(), [x, w], allow_unused=True)[1] is None


@pytest.mark.parametrize("outputs, match", [
    (lambda x: x.detach().sum(), "depend on a tensor that requires gradients"),
    (lambda x: x * 2.0, "scalar output or grad_outputs")])
def test_wrong_outputs_raise(outputs, match):
    x = leaf(2)
    with pytest.raises((RuntimeError, ValueError), match=match):
        grad(outputs(x), x)


def test_a_seed_of_another_shape_or_dtype_raises():
    x = leaf(2)
    with pytest.raises(ValueError, match=r"shape \(2,\) and dtype float64"):
        grad(x * 2.0, x, tinygan.tensor(np.ones(3)))
    with pytest.raises(ValueError, match="float32"):
        grad(x * 2.0, x, tinygan.tensor(np.ones(2, np.float32)))


def test_an_operation_without_a_derivative_raises():
    class NoDerivative(Function):
        def forward(self, x):
            return x * 1.0

    x = leaf(2)
    with pytest.raises(NotImplementedError, match="NoDerivative has no derivative"):
        grad(NoDerivative()(x).sum(), x)


def test_a_gradient_of_the_wrong_shape_raises_unless_the_operation_broadcasts():
    class Wrong(Function):
        def forward(self, x):
            return x.sum(keepdims=True)

        def backward(self, g):
            return g

    x = leaf(2)
    with pytest.raises(RuntimeError, match=r"Wrong.backward: expected a gradient of shape \(2,\), got \(1,\)"):
        grad(Wrong()(x), x, tinygan.tensor(np.ones(1)))


def test_backward_fills_leaves_adds_up_and_has_no_graph():
    x = leaf(3)
    (x * x).sum().backward()
    (x * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 4 * x.numpy())
    assert x.grad.node is None and not x.grad.requires_grad


def test_gradients_of_two_leaves_do_not_share_memory():
    a, b = leaf(3), leaf(3, seed=1)
    (a + b).sum().backward()
    a.grad.data[0] = 7
    assert (b.grad.numpy() == 1).all() and b.grad.data.flags.writeable


def test_an_array_that_was_borrowed_is_not_added_to():
    x = leaf(3)
    seed = tinygan.tensor(np.ones(3))
    y = x + x + x + x + x  # five contributions, the first of which is the seed itself
    assert (grad(y, x, seed)[0].numpy() == 5).all()
    assert (seed.numpy() == 1).all()


def test_only_the_requested_gradient_of_a_multi_output_function_with_a_missing_cotangent():
    class TwoOutputs(Function):
        saves = (0,)

        def forward(self, x):
            return x * 2.0, x * x

        def backward(self, g0, g1):
            assert (g0 is None) != (g1 is None)
            return g0 * 2.0 if g1 is None else g1 * self.saved[0] * 2.0

    x = leaf(3)
    np.testing.assert_allclose(grad(TwoOutputs()(x)[0].sum(), x)[0].numpy(), 2)
    np.testing.assert_allclose(grad(TwoOutputs()(x)[1].sum(), x)[0].numpy(), 2 * x.numpy())


def test_no_grad_records_nothing_and_is_a_context_of_its_own():
    x = leaf(2)
    with tinygan.no_grad():
        assert (x * 2.0).node is None
        with tinygan.enable_grad():
            assert (x * 2.0).node is not None
    assert tinygan.is_grad_enabled()


def test_grad_mode_does_not_cross_threads():
    import threading
    seen = []
    with tinygan.no_grad():
        thread = threading.Thread(target=lambda: seen.append(tinygan.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_failing_backward_leaves_the_grad_mode_as_it_was():
    class Fails(Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, g):
            raise ZeroDivisionError

    x = leaf(2)
    with pytest.raises(ZeroDivisionError):
        grad(Fails()(x).sum(), x)
    assert tinygan.is_grad_enabled()


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("f", [lambda x, half: x / half, lambda x, half: (x / half).exp()])
def test_a_backward_that_fails_leaves_the_graph_as_it_was(f, create_graph):
    x, half = leaf(3), tinygan.tensor(np.full(3, 0.5), requires_grad=True)
    y, ones = f(x, half), tinygan.tensor(np.ones(3))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        grad(y, x, ones * 1.7e308, retain_graph=True, create_graph=create_graph)
    second = [grad(grad(z, x, ones, create_graph=True), half, [ones])[0].numpy() for z in (y, f(x, half))]
    np.testing.assert_array_equal(*second)


def test_detach_and_frozen_inputs_stop_gradients():
    x, w = leaf(3), leaf(3, seed=1)
    y = (x.detach() * w).sum()
    assert grad(y, [x, w], allow_unused=True)[0] is None
    w.requires_grad_(False)
    assert (x * w).node.edges[1] is None


def test_third_derivative_of_a_cubic():
    x = leaf(4)
    y = (x * x * x * x).sum()
    for _ in range(3):
        (g,) = grad(y, x, create_graph=True)
        y = g.sum()
    np.testing.assert_allclose(g.numpy(), 24 * x.numpy(), rtol=1e-12)


def test_constants_keep_no_graph():
    y = F.relu(tinygan.tensor([1.0, -1.0]))
    assert isinstance(y, Tensor) and y.node is None and not y.requires_grad
