"""Operations on shapes, indices and equations that hypothesis draws, against NumPy."""

import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import tinygan
from tinygan import functional as F
from tinygan.tensor import Tensor

SETTINGS = settings(max_examples=150)
# few short dimensions reach every case (0, 1 and more elements, 0 to 4 dimensions) and keep an example below 1 ms
SIDES = dict(min_side=0, max_side=4)


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def leaf(array):
    return Tensor(array, requires_grad=True)


def product(y, seed=9):
    """A random cotangent for y and <cotangent, y>, the number whose gradient is judged."""
    c = draw(y.shape, seed)
    return c, (y * Tensor(c)).sum()


# Broadcasting


@SETTINGS
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, **SIDES),
       st.sampled_from(["add", "sub", "mul", "div"]))
def test_arithmetic_broadcasts_like_numpy_and_sums_gradients_back(shapes, op):
    (first, second), out = shapes.input_shapes, shapes.result_shape
    a, b = draw(first, 1), np.abs(draw(second, 2)) + 0.5
    x, y = leaf(a), leaf(b)
    result = getattr(F, op)(x, y)
    assert result.shape == out
    expected = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}[op](a, b)
    np.testing.assert_array_equal(result.numpy(), expected)
    c, total = product(result)
    ga, gb = tinygan.grad(total, (x, y))
    by_a = {"add": c, "sub": c, "mul": c * b, "div": c / b}[op]
    by_b = {"add": c, "sub": -c, "mul": c * a, "div": -c * a / b ** 2}[op]
    for g, whole, shape in ((ga, by_a, first), (gb, by_b, second)):
        assert g.shape == shape
        # an independent way to sum back: every element of the result is added to the element that it came from
        source = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), out).ravel()
        summed = np.bincount(source, np.broadcast_to(whole, out).ravel(), int(np.prod(shape))).reshape(shape)
        np.testing.assert_allclose(g.numpy(), summed, rtol=1e-12, atol=1e-12)


@SETTINGS
@given(hnp.mutually_broadcastable_shapes(signature="(m,k),(k,n)->(m,n)", max_dims=2, **SIDES))
def test_matmul_broadcasts_stacks_like_numpy(shapes):
    a, b = [draw(s, i) for i, s in enumerate(shapes.input_shapes)]
    x, y = leaf(a), leaf(b)
    result = x @ y
    np.testing.assert_allclose(result.numpy(), a @ b, rtol=1e-12, atol=1e-12)
    c, total = product(result)
    ga, gb = tinygan.grad(total, (x, y))
    assert ga.shape == a.shape and gb.shape == b.shape
    # <g, direction> is the derivative of a bilinear map: the map with one argument replaced by the direction
    da, db = draw(a.shape, 5), draw(b.shape, 6)
    np.testing.assert_allclose((ga.numpy() * da).sum(), (c * (da @ b)).sum(), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose((gb.numpy() * db).sum(), (c * (a @ db)).sum(), rtol=1e-11, atol=1e-11)


# Indexing


def check_indexing(shape, index):
    a = draw(shape)
    x = leaf(a)
    y = x[index]
    np.testing.assert_array_equal(y.numpy(), a[index])
    c, total = product(y)
    (g,) = tinygan.grad(total, x)
    expected = np.zeros(shape)
    np.add.at(expected, index, c)  # the definition of scatter: repeated positions add up
    np.testing.assert_allclose(g.numpy(), expected, rtol=1e-12, atol=1e-12)


@SETTINGS
@given(st.data())
def test_basic_indexing(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    check_indexing(shape, data.draw(hnp.basic_indices(shape, allow_newaxis=True)))


@SETTINGS
@given(st.data())
def test_advanced_indexing(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    n = data.draw(st.integers(1, len(shape)))
    arrays = data.draw(hnp.integer_array_indices(shape[:n], result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    arrays = [np.asarray(a, np.int64) for a in arrays]
    parts = data.draw(st.lists(st.sampled_from(["array", "slice", "number"]), min_size=n, max_size=n))
    index = tuple(a if p == "array" else slice(None, None, -1) if p == "slice" else int(a.flat[0])
                  for p, a in zip(parts, arrays))
    check_indexing(shape, (*index, Ellipsis) if data.draw(st.booleans()) else index)


@SETTINGS
@given(st.data())
def test_boolean_indexing(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
    n = data.draw(st.integers(1, len(shape)))
    check_indexing(shape, data.draw(hnp.arrays(bool, shape[:n])))


@SETTINGS
@given(st.data())
def test_gather_and_scatter_add_are_adjoint_and_are_those_of_numpy(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    picked = tuple(data.draw(st.integers(0, 5)) if i == axis % len(shape) else n for i, n in enumerate(shape))
    index = data.draw(hnp.arrays(np.int64, picked, elements=st.integers(0, shape[axis] - 1)))
    x, y = draw(shape, 1), draw(picked, 2)
    gathered = F.gather(Tensor(x), axis, Tensor(index)).numpy()
    np.testing.assert_array_equal(gathered, np.take_along_axis(x, index, axis))
    added = F.scatter_add(Tensor(np.zeros(shape)), axis, Tensor(index), Tensor(y)).numpy()
    np.testing.assert_allclose((gathered * y).sum(), (x * added).sum(), rtol=1e-12, atol=1e-12)


# Einsum


@st.composite
def equations(draw_):
    """Two or three operands of up to three letters, repeated letters and a given or implied output among them."""
    letters = draw_(st.lists(st.text("abcd", min_size=0, max_size=3), min_size=1, max_size=3))
    sizes = {c: draw_(st.integers(1, 3)) for c in "abcd"}
    used = sorted(set("".join(letters)))
    left = ",".join(letters)
    if draw_(st.booleans()):
        output = draw_(st.permutations(used))[:draw_(st.integers(0, len(used)))]
        left += "->" + "".join(output)
    return left, [tuple(sizes[c] for c in term) for term in letters]


@SETTINGS
@given(equations())
def test_einsum_is_that_of_numpy(drawn):
    equation, shapes = drawn
    arrays = [draw(s, i) for i, s in enumerate(shapes)]
    tensors = [leaf(a) for a in arrays]
    result = F.einsum(equation, *tensors)
    expected = np.einsum(equation, *arrays)
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-11, atol=1e-11)
    c, total = product(result)
    for k, g in enumerate(tinygan.grad(total, tensors)):
        direction = draw(shapes[k], 20 + k)  # linear in each operand
        along = np.einsum(equation, *[direction if i == k else a for i, a in enumerate(arrays)])
        np.testing.assert_allclose((g.numpy() * direction).sum(), (c * along).sum(), rtol=1e-11, atol=1e-11)


# Reductions


@st.composite
def reductions(draw_):
    shape = draw_(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    axes = draw_(st.one_of(st.none(), st.integers(-len(shape), len(shape) - 1), st.lists(
        st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True).map(tuple)))
    return shape, axes, draw_(st.booleans())


@SETTINGS
@given(reductions(), st.sampled_from(["sum", "mean", "amax", "amin", "var", "logsumexp"]))
def test_reductions_over_any_dims(drawn, op):
    shape, axes, keep = drawn
    a = draw(shape)
    if op == "logsumexp" and axes is None:
        axes = tuple(range(len(shape)))
    x = leaf(a)
    args = dict(correction=0) if op == "var" else {}
    y = getattr(F, op)(x, axes, keepdim=keep, **args)
    expected = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "var": np.var,
                "logsumexp": lambda a, **k: np.log(np.sum(np.exp(a), **k))}[op](a, axis=axes, keepdims=keep)
    assert y.shape == np.shape(expected)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-11, atol=1e-12)
    c, total = product(y)
    (g,) = tinygan.grad(total, x)
    # the derivative along a direction, by a central difference of step 1e-6: 1e-12 / 1e-6 of rounding
    v = draw(shape, 3)
    h = 1e-6
    high, low = [(c * getattr(F, op)(Tensor(a + t * v), axes, keepdim=keep, **args).numpy()).sum() for t in (h, -h)]
    np.testing.assert_allclose((g.numpy() * v).sum(), (high - low) / (2 * h), rtol=1e-6, atol=1e-7)


@SETTINGS
@given(st.data())
def test_reshape_permute_flip_and_expand(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, **SIDES))
    a = draw(shape)
    order = tuple(data.draw(st.permutations(range(len(shape)))))
    axes = tuple(data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True)))
    x = leaf(a)
    y = F.flip(x.permute(order), axes).reshape(-1 if a.size else 0)
    np.testing.assert_array_equal(y.numpy(), np.flip(a.transpose(order), axes).reshape(-1))
    wide = y.expand((2, y.shape[0]))
    c, total = product(wide)
    (g,) = tinygan.grad(total, x)
    back = np.flip(c.sum(0).reshape([shape[i] for i in order]), axes).transpose(np.argsort(order))
    np.testing.assert_allclose(g.numpy(), back, rtol=1e-12, atol=1e-12)
