"""Every sample of the op table through every check: values, derivatives, dtypes, layouts, adjoints, fused pairs."""

import math

import numpy as np
import pytest

import tinygan
from tinygan import autograd
from tinygan.ops.conv import Correlate, Transpose, Weight
from tinygan.ops.index import AddItem, GetItem
from tinygan.ops.padding import Pad
from tinygan.ops.pool import WindowSum, WindowSumTranspose
from tinygan.ops.reduce import Expand, Sum
from tinygan.ops.shape import Cat, Flip, Permute, Reshape
from tinygan.ops.unfold import Fold, Unfold
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck, naive_ops
from tinygan.testing.samples import as_tensors, table

SAMPLES = table()
DIFFERENTIABLE = [s for s in SAMPLES if s.differentiable]


def each(samples):
    """One test per operation, which runs all of its samples: hundreds of tests would only cost time."""
    by_op = {}
    for s in samples:
        by_op.setdefault(s.op, []).append(s)
    return pytest.mark.parametrize("samples", list(by_op.values()), ids=list(by_op))


def outputs_of(y) -> list:
    return [y] if isinstance(y, Tensor) else list(y)


def floating(y) -> list:
    return [t for t in outputs_of(y) if t.dtype.kind == "f"]


def cotangents_for(ys, seed=1) -> list:
    rng = np.random.default_rng(seed)
    return [Tensor(rng.standard_normal(y.shape).astype(y.dtype)) for y in ys]


def gradients(sample, arrays) -> list:
    """The first gradients of a sample for random cotangents."""
    inputs = as_tensors(arrays, requires_grad=True)
    ys = floating(sample.f(*inputs))
    wanted = [x for x in inputs if x.requires_grad]
    return tinygan.grad(ys, wanted, cotangents_for(ys), allow_unused=True)


def close(got, expected, what, rtol=1e-11, atol=1e-12):
    """Values that took two routes: float64 sums of at most a few hundred terms of size 1."""
    assert got.shape == np.shape(expected), what
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=str(what))


@each(SAMPLES)
def test_values_are_those_of_the_naive_definition(samples):
    for s in samples:
        arrays = s.arrays()
        expected = s.bind(getattr(naive_ops, s.name), arrays)
        got = s.f(*as_tensors(arrays))
        expected = expected if isinstance(got, tuple) else (expected,)
        for y, e in zip(outputs_of(got), expected, strict=True):
            # naive formulas without care for overflow or cancellation lose a few digits more than 1e-12
            close(y.numpy(), e, s, rtol=1e-10)


@each(DIFFERENTIABLE)
def test_derivatives_of_order_1_2_and_3(samples):
    for s in samples:
        inputs = as_tensors(s.arrays())
        report = gradcheck(s.f, inputs, order=3, through_tanh=not s.empty, name=str(s))
        assert len(report.errors) == 3
        if any("last" in spec.memory or "sliced" in spec.memory for spec in s.specs):
            gradcheck(s.f, inputs, order=1, name=str(s))  # through tanh the memory is contiguous; here it is not


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each(SAMPLES)
def test_the_dtype_is_kept(samples, dtype):
    for s in samples:
        arrays = s.arrays(dtype=dtype)
        if not any(a.dtype == dtype for a in arrays):
            continue
        for reference, y in zip(outputs_of(s.f(*as_tensors(s.arrays()))), outputs_of(s.f(*as_tensors(arrays)))):
            assert y.dtype == (dtype if reference.dtype.kind == "f" else reference.dtype), s
            # float32 has 7 digits; sums and exponentials of these samples cost at most three
            close(y.numpy(), reference.numpy(), s, rtol=2e-3, atol=2e-4)
        if s.differentiable:
            assert {g.dtype for g in gradients(s, arrays) if g is not None} <= {np.dtype(dtype)}, s


@each(SAMPLES)
def test_inputs_stay_as_they_are(samples):
    for s in samples:
        arrays = s.arrays()
        for a in arrays:
            a.flags.writeable = False  # writing raises
        copies = [a.copy() for a in arrays]
        if s.differentiable:
            gradients(s, arrays)
        else:
            s.f(*as_tensors(arrays))
        assert all(np.array_equal(a, b) for a, b in zip(arrays, copies)), s


@pytest.mark.parametrize("memory", ["last", "sliced", "reversed"])
@each(SAMPLES)
def test_the_memory_layout_changes_no_value(samples, memory):
    for s in samples:
        plain, other = s.arrays(memory="C"), s.arrays(memory=memory)
        assert all(np.array_equal(a, b) for a, b in zip(plain, other)), s
        for y, e in zip(outputs_of(s.f(*as_tensors(other))), outputs_of(s.f(*as_tensors(plain)))):
            close(y.numpy(), e.numpy(), s)
        if s.differentiable:
            for g, e in zip(gradients(s, other), gradients(s, plain)):
                assert (g is None) == (e is None), s
                if g is not None:
                    close(g.numpy(), e.numpy(), s)


class CompareFused:
    """Watches operations: each fused one is also computed by its definition, and so is its vector-Jacobian product."""

    def __init__(self):
        self.seen = []

    def forward(self, node, arrays):
        out = node.forward(*arrays)
        if isinstance(node, autograd.Fused) and not isinstance(node, autograd.VectorJacobianProduct):
            tensors = [Tensor(a) if hasattr(a, "dtype") else a for a in arrays]
            with autograd.watch(None):
                expected = node.definition(*tensors)
            close(out, expected.numpy(), type(node).__name__)
            self.seen.append((type(node), "value"))
        return out

    def backward(self, node, cotangents):
        gradients = node.backward(*cotangents)
        if isinstance(node, autograd.Fused) and node.vjp is not None:
            with autograd.watch(None):
                expected = autograd.recompute(node.definition, node.saved, cotangents, node.needs)
            for g, e in zip(gradients, expected, strict=True):
                assert (g is None) == (e is None)
                if g is not None:
                    close(g.numpy(), e.numpy(), type(node).__name__)
            self.seen.append((type(node), "gradient"))
        return gradients


def fused_classes() -> set:
    """Every fused operation of the engine that has kernels of its own."""
    return {c for c in autograd.Fused.__subclasses__()
            if c is not autograd.VectorJacobianProduct and c.__module__.startswith("tinygan.ops")}


def test_the_definition_and_the_kernels_of_fused_operations_agree():
    seen = set()
    for s in DIFFERENTIABLE:
        with autograd.watch(CompareFused()) as watcher:
            gradients(s, s.arrays())
        seen.update(watcher.seen)
    for fused in fused_classes():
        assert (fused, "value") in seen, f"no sample runs {fused.__name__}"
        assert fused.vjp is None or (fused, "gradient") in seen, f"no sample differentiates {fused.__name__}"
    assert any(what == "gradient" for _, what in seen)


# Adjoints


def inner(a, b) -> float:
    return float(np.sum(a * b))


def assert_equal_products(*pairs, what):
    """<a, b> of every pair is the same number, to 1e-12 of what the sums could be at most (Cauchy and Schwarz)."""
    values = [inner(a, b) for a, b in pairs]
    size = max(max(np.linalg.norm(a) * np.linalg.norm(b) for a, b in pairs), 1e-300)
    assert max(values) - min(values) <= 1e-12 * size, (what, values)


@each([s for s in DIFFERENTIABLE if s.linear])
def test_linear_operations_and_their_gradients_are_adjoint(samples):
    for s in samples:
        for position in s.linear:
            arrays = s.arrays()
            zero = [np.zeros_like(a) if i == position else a for i, a in enumerate(arrays)]
            inputs = as_tensors(arrays)
            x = inputs[position] = Tensor(arrays[position], requires_grad=True)
            (y,) = outputs_of(s.f(*inputs))
            (c,) = cotangents_for([y])
            c.requires_grad_()
            (gx,) = tinygan.grad(y, x, c, create_graph=True)
            image = y.numpy() - s.f(*as_tensors(zero)).numpy()
            assert_equal_products((image, c.numpy()), (x.numpy(), gx.numpy()), what=s)
            if c.size:  # and the adjoint's own adjoint is the operation
                (again,) = tinygan.grad(gx, c, x.detach(), allow_unused=True)
                assert_equal_products((again.numpy(), c.numpy()), (x.numpy(), gx.numpy()), what=s)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size, kernel, stride, padding, dilation, groups", [
    ((7,), (3,), (2,), (1,), (2,), 2), ((8,), (2,), (3,), (0,), (1,), 1), ((5, 6), (3, 2), (2, 1), (0, 2), (1, 2), 1),
    ((4, 4), (4, 4), (2, 2), (1, 1), (1, 1), 2), ((6, 5), (1, 3), (3, 2), (2, 1), (1, 1), 4),
    ((3, 4, 5), (2, 3, 2), (1, 2, 2), (1, 0, 1), (1, 1, 2), 2)])
def test_the_three_convolution_maps_are_each_others_adjoints(size, kernel, stride, padding, dilation, groups):
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1
                for n, k, s, p, d in zip(size, kernel, stride, padding, dilation))
    x, y = [RNG.standard_normal((2, 4, *spatial)) for spatial in (size, out)]
    w = RNG.standard_normal((4, 4 // groups, *kernel))
    how = kernel, size, stride, padding, dilation, groups
    assert_equal_products((y, Correlate(*how)(Tensor(x), Tensor(w)).numpy()),
                          (Transpose(*how)(Tensor(y), Tensor(w)).numpy(), x),
                          (Weight(*how)(Tensor(x), Tensor(y)).numpy(), w), what=how)


ROWS = np.array([0, 2, 2, 1])


@pytest.mark.parametrize("there, back, shape", [
    (Sum((0, 2)), Expand((2, 3, 4)), (2, 3, 4)), (Sum((1,)), Expand((5, 3)), (5, 3)),
    (WindowSum((5, 4), (3, 2), (2, 1), (1, 0)), WindowSumTranspose((5, 4), (3, 2), (2, 1), (1, 0)), (2, 3, 5, 4)),
    (WindowSum((7,), (2,), (3,), (1,)), WindowSumTranspose((7,), (2,), (3,), (1,)), (1, 2, 7)),
    (Unfold((5, 4), (3, 2), (2, 1), (1, 0), (1, 2)), Fold((5, 4), (3, 2), (2, 1), (1, 0), (1, 2)), (2, 3, 5, 4)),
    (GetItem((ROWS,), False), AddItem((ROWS,), (3, 4), False), (3, 4)),
    (GetItem((slice(None), ROWS), False), AddItem((slice(None), ROWS), (2, 3, 2), False), (2, 3, 2)),
    (GetItem((slice(1, None, 2), None), True), AddItem((slice(1, None, 2), None), (5, 2), True), (5, 2)),
    (Reshape((4, 3)), Reshape((2, 6)), (2, 6)), (Permute((2, 0, 1)), Permute((1, 2, 0)), (2, 3, 4)),
    (Flip((0, 1)), Flip((0, 1)), (3, 4)),
    (Pad(((1, 2), (0, 3))), GetItem((slice(1, 3), slice(0, 3)), True), (2, 3)),
], ids=lambda x: type(x).__name__ if isinstance(x, autograd.Function) else "")
def test_pairs_of_adjoints(there, back, shape):
    x = RNG.standard_normal(shape)
    image = there(Tensor(x)).numpy()
    y = RNG.standard_normal(image.shape)
    assert_equal_products((image, y), (x, back(Tensor(y)).numpy()), what=there)


def test_joining_is_adjoint_to_cutting():
    parts = [RNG.standard_normal((2, n)) for n in (3, 1, 2)]
    y = RNG.standard_normal((2, 6))
    joined = Cat(1)(*map(Tensor, parts)).numpy()
    cut = [Tensor(y)[:, a:b].numpy() for a, b in ((0, 3), (3, 4), (4, 6))]
    assert math.isclose(inner(joined, y), sum(map(inner, parts, cut)), rel_tol=1e-12)
