"""Places where other engines are wrong, silently or not: batch norm beyond the first order, gamma 0, overflow, ties."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def leaf(array):
    return Tensor(np.asarray(array, dtype=np.float64), requires_grad=True)


def grads_of_every_order(f, x, orders=3) -> list:
    """f's value and its first derivatives along ones, each differentiated from the one before."""
    y = f(x).sum()
    found = [y.item()]
    for _ in range(orders):
        if not y.requires_grad:
            break
        (g,) = tinygan.grad(y, x, create_graph=True, allow_unused=True)
        if g is None:
            break
        y = g.sum()
        found.append(g.numpy())
    return found


# Batch norm: DeZero wrong at order 2, Chainer and PyTorch at order 3, tinygrad's layer at order 2


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (3, 2, 2, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_batch_norm_is_right_to_third_order_along_random_directions(shape, training, seed):
    c = shape[1]
    x, weight, bias = normal(*shape, seed=seed), 1 + 0.5 * normal(c, seed=2), normal(c, seed=3)
    mean, var = normal(c, seed=4), np.abs(normal(c, seed=5)) + 0.5

    def f(x, weight, bias):
        return F.batch_norm(x, Tensor(mean), Tensor(var), weight, bias, training)
    assert max(gradcheck(f, (x, weight, bias), order=3, seed=seed).errors) < 1e-6
    assert max(gradcheck(f, (x, weight, bias), order=3, seed=seed, through_tanh=True).errors) < 1e-6


@pytest.mark.parametrize("norm", [
    lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), lambda x, w, b: F.group_norm(x, 2, w, b),
    lambda x, w, b: F.instance_norm(x, w, b),
    lambda x, w, b: F.layer_norm(x, x.shape[1:], w.reshape(4, 1, 1).expand(x.shape[1:]),
                                 b.reshape(4, 1, 1).expand(x.shape[1:]))], ids=["batch", "group", "instance", "layer"])
def test_gamma_zero_is_harmless_at_every_order(norm):
    x, weight = normal(3, 4, 2, 2), np.array([0.0, 1.0, 0.0, -0.5])
    gradcheck(norm, (x, weight, normal(4, seed=1)), order=3, through_tanh=True)
    with np.errstate(all="raise"):
        found = grads_of_every_order(lambda w: norm(Tensor(x), w, Tensor(np.zeros(4))).tanh(), leaf(np.zeros(4)))
    assert len(found) == 4 and all(np.isfinite(g).all() for g in found)


def test_a_gradient_penalty_reaches_the_weights_of_group_norm_through_the_input_gradient_alone():
    # Chainer reads a cotangent that is not there when only gx is used, which is what R1 and WGAN-GP do
    weight = leaf(1 + 0.1 * normal(4))

    def penalty(weight, x=normal(2, 4, 3)):
        x = leaf(x)
        (g,) = tinygan.grad(F.group_norm(x, 2, weight, None).tanh().sum(), x, create_graph=True)
        return (g * g).sum()
    (got,) = tinygan.grad(penalty(weight), weight)
    h = 1e-5  # a central difference of a value of size 1: 1e-10 from truncation and from rounding
    for i in range(4):
        step = np.eye(4)[i] * h
        numeric = (penalty(Tensor(weight.data + step)).item() - penalty(Tensor(weight.data - step)).item()) / (2 * h)
        assert got.numpy()[i] == pytest.approx(numeric, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("norm", ["batch", "instance", "layer", "group"])
def test_constant_inputs_have_finite_derivatives(norm):
    x = np.full((2, 4, 3), 3.0)
    f = {"batch": lambda x: F.batch_norm(x, None, None, training=True), "instance": F.instance_norm,
         "layer": lambda x: F.layer_norm(x, 3), "group": lambda x: F.group_norm(x, 2)}[norm]
    with np.errstate(all="raise"):
        assert all(np.isfinite(g).all() for g in grads_of_every_order(lambda x: f(x).tanh(), leaf(x)))


# Convolution and pooling: DeZero's weight gradients fail at order 2, Chainer's max pool is 0 at order 3


@pytest.mark.parametrize("f, w", [
    (lambda w: F.conv2d(Tensor(normal(2, 2, 5, 4)), w, stride=(2, 1), padding=1), (3, 2, 3, 2)),
    (lambda w: F.conv2d(Tensor(normal(1, 4, 4, 4)), w, dilation=2, groups=2, padding=1), (2, 2, 2, 2)),
    (lambda w: F.conv_transpose2d(Tensor(normal(2, 3, 3, 2)), w, stride=2, padding=1, output_padding=1), (3, 2, 3, 3)),
    (lambda w: F.conv_transpose1d(Tensor(normal(2, 4, 3)), w, stride=3, groups=2), (4, 2, 2)),
], ids=["conv2d", "conv2d groups", "transposed", "transposed groups"])
def test_weight_gradients_of_convolutions_at_second_and_third_order(f, w):
    gradcheck(lambda w: f(w).tanh(), (normal(*w, seed=1),), order=3)
    gradcheck(f, (normal(*w, seed=1),), order=3, through_tanh=True)


@pytest.mark.parametrize("kwargs", [dict(kernel_size=2), dict(kernel_size=3, stride=2, padding=1)])
def test_max_pool_at_third_order_is_not_zero(kwargs):
    x = np.random.default_rng(0).permutation(60).reshape(1, 2, 6, 5) * 0.05
    gradcheck(lambda x: F.max_pool2d(x.tanh(), **kwargs), (x,), order=3)
    third = grads_of_every_order(lambda x: F.max_pool2d(x.tanh(), **kwargs), leaf(x))[3]
    assert np.abs(third).max() > 0.1


# Overflow


def test_sigmoid_and_its_relatives_do_not_overflow():
    x = np.array([-1e4, -200.0, -30.0, 0.0, 30.0, 200.0, 1e4])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        values = {name: getattr(F, name)(Tensor(x)).numpy() for name in ("sigmoid", "softplus", "logsigmoid")}
        for name in values:
            assert all(np.isfinite(g).all() for g in grads_of_every_order(getattr(F, name), leaf(x))), name
    assert values["sigmoid"][[0, 3, 5, 6]].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert values["sigmoid"][1] == pytest.approx(np.exp(-200.0), rel=1e-14)  # small, not 0
    assert values["softplus"][[1, 6]].tolist() == [pytest.approx(np.exp(-200.0), rel=1e-14), 1e4]
    assert values["logsigmoid"][[0, 1]].tolist() == [-1e4, -200.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_and_logsumexp_do_not_overflow(dtype):
    x = Tensor(np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [500.0, 500.0, 499.0]], dtype))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        total = F.logsumexp(x, 1).numpy()
        p, log_p = F.softmax(x, 1).numpy(), F.log_softmax(x, 1).numpy()
    tiny = float(np.finfo(dtype).eps)
    assert total == pytest.approx([1e4, -1e4 + np.log(3), 500 + np.log(2 + np.exp(-1))], rel=4 * tiny)
    assert p.sum(1) == pytest.approx([1, 1, 1], rel=4 * tiny) and p[0].tolist() == [1, 0, 0]
    assert log_p[0].tolist() == [0, -1e4, -2e4]
    for f in (lambda x: F.logsumexp(x, 1), lambda x: F.log_softmax(x, 1)[:, 0]):
        assert all(np.isfinite(g).all() for g in grads_of_every_order(f, leaf(x.data)))


def test_logsumexp_of_minus_infinity():
    x = leaf([[-np.inf, 1.0, 2.0]])
    y = F.logsumexp(x, 1)
    assert y.item() == pytest.approx(np.log(np.exp(1) + np.exp(2)), rel=1e-15)
    (g,) = tinygan.grad(y.sum(), x)
    assert g.numpy()[0, 0] == 0 and g.numpy().sum() == pytest.approx(1, rel=1e-15)
    with np.errstate(divide="ignore"):
        assert F.logsumexp(Tensor(np.full((2, 3), -np.inf)), 1).numpy().tolist() == [-np.inf, -np.inf]


def test_losses_on_logits_do_not_overflow():
    x = np.array([-1e4, -200.0, 200.0, 1e4])
    with np.errstate(over="raise", invalid="raise"):
        ones = F.binary_cross_entropy_with_logits(Tensor(x), 1.0, reduction="none").numpy()
        zeros = F.binary_cross_entropy_with_logits(Tensor(x), 0.0, reduction="none").numpy()
    assert ones == pytest.approx([1e4, 200, np.exp(-200.0), 0], rel=1e-12, abs=1e-90)
    assert zeros == pytest.approx([0, np.exp(-200.0), 200, 1e4], rel=1e-12, abs=1e-90)
    small = F.binary_cross_entropy_with_logits(Tensor(np.float32([20, 20])), Tensor(np.array([1, 0])), reduction="none")
    assert small.dtype == np.float32 and small.numpy() == pytest.approx([np.exp(-20.0), 20], rel=1e-6)
    classes = F.cross_entropy(Tensor(np.array([[1e4, 0.0], [1e4, 0.0]])), Tensor(np.array([0, 1])), reduction="none")
    assert classes.numpy().tolist() == [0, 1e4]


# Points where a derivative does not exist


def test_the_norm_has_gradient_zero_and_a_finite_second_order_at_zero():
    # sqrt(sum x^2) is NaN there in HIPS and Chainer; a WGAN-GP penalty does meet zero gradients
    x = leaf([[0.0, 0.0], [3.0, 4.0]])
    with np.errstate(all="raise"):
        y = F.norm(x, dim=1)
        (g,) = tinygan.grad(y.sum(), x, create_graph=True)
        (h,) = tinygan.grad((g * Tensor(normal(2, 2))).sum(), x)
    assert y.numpy().tolist() == [0, 5]
    assert g.numpy() == pytest.approx(np.array([[0, 0], [0.6, 0.8]]), rel=1e-15)
    assert h.numpy()[0].tolist() == [0, 0] and np.abs(h.numpy()[1]).min() > 0
    penalty = ((F.norm(x, dim=1) - 1.0) ** 2).sum()
    assert tinygan.grad(penalty, x)[0].numpy()[0].tolist() == [0, 0]


@pytest.mark.parametrize("p", [1, 1.5, 3, np.inf])
def test_other_norms_are_finite_at_zero(p):
    x = leaf(np.zeros((2, 3)))
    with np.errstate(divide="raise", invalid="raise"):
        (g,) = tinygan.grad(F.norm(x, p, dim=1).sum(), x)
    assert np.isfinite(g.numpy()).all()


def test_ties_share_the_gradient_of_a_maximum():
    x = leaf([1.0, 3.0, 3.0, 3.0])
    assert tinygan.grad(x.max(), x)[0].numpy() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], rel=1e-15)
    assert tinygan.grad(x.max(0).values, x)[0].numpy().tolist() == [0, 1, 0, 0]  # the first one, as its index says
    a, b = leaf([1.0, 2.0]), leaf([1.0, 3.0])
    assert [g.numpy().tolist() for g in tinygan.grad(F.maximum(a, b).sum(), (a, b))] == [[0.5, 0], [0.5, 1]]
    image = leaf(np.ones((1, 1, 2, 2)))
    (g,) = tinygan.grad(F.max_pool2d(image, 2).sum(), image)
    assert g.numpy().ravel().tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("name, expected", [("relu", 0.0), ("leaky_relu", 0.01), ("abs", 0.0), ("elu", 1.0)])
def test_the_derivative_at_the_kink_is_the_documented_one(name, expected):
    x = leaf([0.0, -0.0])
    assert tinygan.grad(getattr(F, name)(x).sum(), x)[0].numpy().tolist() == [expected, expected]


def test_the_losing_side_of_a_choice_may_be_infinite():
    # 0 * inf = NaN is the classic leak of where() and elu
    x = leaf([-1.0, 800.0])
    with np.errstate(over="raise", invalid="raise"):
        assert tinygan.grad(F.elu(x).sum(), x)[0].numpy() == pytest.approx([np.exp(-1), 1], rel=1e-15)
    big = leaf([1e308, 2.0])
    with np.errstate(over="ignore"):
        y = F.where(np.array([False, True]), big * 1e10, 0.0)
    assert y.numpy().tolist() == [0, 2e10]
    assert tinygan.grad(y.sum(), big)[0].numpy().tolist() == [0, 1e10]


def test_powers_at_zero():
    x = leaf([0.0, 2.0])
    with np.errstate(all="raise"):
        assert [np.asarray(g).tolist() for g in grads_of_every_order(lambda x: x ** 2, x)][1:3] == [[0, 4], [2, 2]]
        assert grads_of_every_order(lambda x: x ** 3, x)[2].tolist() == [0, 12]
        assert tinygan.grad((x ** 0).sum(), x)[0].numpy().tolist() == [0, 0]
        assert grads_of_every_order(lambda x: x ** 1, x)[1].tolist() == [1, 1]


def test_a_partial_broadcast_is_summed_back():
    # (2, 3) + (3,) cannot be differentiated in tinygrad 2021
    a, b = leaf(normal(2, 3)), leaf(normal(3))
    ga, gb = tinygan.grad((a + b).sum(), (a, b))
    assert ga.numpy().tolist() == [[1, 1, 1]] * 2 and gb.numpy().tolist() == [2, 2, 2]


def test_matmul_of_stacks_keeps_the_shape():
    # DeZero's matmul of 3-d arrays returns a 4-d dot
    assert (Tensor(normal(2, 3, 4)) @ Tensor(normal(2, 4, 5))).shape == (2, 3, 5)


def test_float32_stays_float32_through_constants_means_and_penalties():
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    y = ((x * 2.0 + 1) / 3 - 1.5) ** 2.0
    y = y.mean(1) + x.var(1) + F.norm(x, dim=1) + x.amax(1)
    (g,) = tinygan.grad(y.tanh().sum(), x, create_graph=True)
    (h,) = tinygan.grad(((F.norm(g, dim=1) - 1) ** 2).mean(), x)
    assert {t.dtype for t in (y, g, h)} == {np.dtype(np.float32)}
