"""Arithmetic operations run their backward on bare arrays when no graph is wanted, and on Tensors when one is."""
import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.ops import elementwise

SHAPES = [((2, 3), (2, 3)), ((2, 3), (3,)), ((), (2,)), ((), ())]
BINARY = {"add": F.add, "sub": F.sub, "mul": F.mul, "div": F.div}
UNARY = {"scale": lambda x: x * -2.5, "neg": F.neg, "pow": lambda x: x ** 1.5, "square": F.square, "exp": F.exp,
         "log": F.log, "sqrt": F.sqrt}


def gradients(f, arrays, cotangent_seed, create_graph):
    inputs = [tinygan.tensor(a, requires_grad=True) for a in arrays]
    out = f(*inputs)
    cotangent = tinygan.tensor(np.random.default_rng(cotangent_seed).normal(size=out.shape))
    return tinygan.grad(out, inputs, cotangent, create_graph=create_graph)


def same(f, arrays):
    for bare, graph in zip(gradients(f, arrays, 1, False), gradients(f, arrays, 1, True)):
        assert isinstance(bare, tinygan.Tensor) and isinstance(bare.data, np.ndarray)
        assert bare.dtype == graph.dtype and bare.shape == graph.shape
        np.testing.assert_array_equal(bare.data, graph.data)


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_two_tensors(name, shapes):
    rng = np.random.default_rng(0)
    same(BINARY[name], [rng.uniform(0.5, 2, shape) for shape in shapes])


@pytest.mark.parametrize("shape", [(2, 3), (), (0, 2)], ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_one_tensor(name, shape):
    same(UNARY[name], [np.random.default_rng(0).uniform(0.5, 2, shape)])


def test_one_tensor_twice_adds_up_in_an_array_of_its_own():
    seed = np.ones((2, 2))
    x = tinygan.tensor(np.full((2, 2), 3.0), requires_grad=True)
    (g,) = tinygan.grad(x + x + x * x + x, x, tinygan.Tensor(seed))
    np.testing.assert_array_equal(g.data, np.full((2, 2), 9.0))
    np.testing.assert_array_equal(seed, np.ones((2, 2)))


def test_a_saved_tensor_is_a_tensor_again_after_the_walk():
    x = tinygan.tensor(np.array([2.0, 3.0]), requires_grad=True)
    y = (x * x).exp()
    first = tinygan.grad(y.sum(), x, retain_graph=True)[0]
    second = tinygan.grad(y.sum(), x, create_graph=True)[0]
    np.testing.assert_array_equal(first.data, second.data)
    assert second.requires_grad


def test_every_arithmetic_operation_is_tried_here():
    marked = {c.__name__ for c in vars(elementwise).values() if isinstance(c, type) and getattr(c, "arithmetic", False)}
    assert marked == {"Add", "Sub", "Mul", "Div", "Scale", "Neg", "Pow", "Exp", "Log", "Sqrt"}


def test_what_backward_reads_is_either_inputs_or_the_output():
    for c in vars(elementwise).values():
        if isinstance(c, type) and getattr(c, "arithmetic", False):
            assert not (c.saves and c.saves_output), c
