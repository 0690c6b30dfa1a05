"""The gradient check itself: it finds an error at the order at which it is made, and says where."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.autograd import Function
from tinygan.tensor import Tensor
from tinygan.testing import GradcheckError, gradcheck

X = np.random.default_rng(0).standard_normal((4, 3))


def of(forward, backward, **attributes):
    """An operation made of two functions, called on one tensor."""
    made = type("Made", (Function,), dict(
        saves=(0,), forward=lambda self, x: forward(x), backward=lambda self, g: backward(g, self.saved[0]),
        **attributes))
    return lambda x: made()(x)


def standardised(x, frozen):
    """Batch norm without affine; parts of the statistics may be frozen, the error of many libraries."""
    mean = x.mean(0, keepdim=True)
    centred = x - (mean.detach() if frozen == "mean" else mean)
    var = (centred * centred).mean(0, keepdim=True)
    return centred / ((var.detach() if frozen == "var" else var) + 1e-5).sqrt()


def frozen_rstd(x):
    """First order by the right formula with the standard deviation kept as an array: only higher orders are wrong."""
    sigma = np.sqrt(x.data.var(0) + 1e-5)

    def forward(a):
        return (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-5)

    def backward(g, x):
        y = (x - x.mean(0)) / Tensor(sigma)
        return (g - g.mean(0, keepdim=True) - y * (g * y).mean(0, keepdim=True)) / Tensor(sigma)
    return of(forward, backward)(x)


def test_right_derivatives_pass_and_report_their_errors():
    report = gradcheck(F.tanh, (X,), order=3)
    # the tolerances leave room for steep functions; a tame one stays far below them
    assert len(report.errors) == 3 and max(report.errors) < 1e-8 and report.moved == 0
    assert max(gradcheck(lambda x: standardised(x, None), (X,), 3, through_tanh=True).errors) < 1e-7


def test_the_same_seed_gives_the_same_report_and_no_global_stream_moves():
    before, ours = np.random.get_state()[1].copy(), tinygan.random.get_state()
    reports = [gradcheck(F.tanh, (X,), 2, seed=s) for s in (1, 1, 2)]
    assert reports[0] == reports[1] != reports[2]
    assert np.array_equal(before, np.random.get_state()[1]) and ours == tinygan.random.get_state()


def test_a_wrong_first_derivative_is_found_element_by_element():
    wrong = of(np.sin, lambda g, x: g * (1.0 - x * x * 0.5))
    with pytest.raises(GradcheckError, match=r"mine.*order 1.*input 0 .*analytic .*numeric .*relative error"):
        gradcheck(wrong, (X,), name="mine")
    # one wrong element of 60 is more than the direction alone can hide
    mask = np.ones(60)
    mask[7] = 1.01
    with pytest.raises(GradcheckError, match="order 1"):
        gradcheck(of(lambda x: 2 * x, lambda g, x: g * 2.0 * Tensor(mask)), (np.ones(60),))


@pytest.mark.parametrize("frozen", ["mean", "var"])
def test_frozen_statistics_are_found(frozen):
    with pytest.raises(GradcheckError, match="order 1"):
        gradcheck(lambda x: standardised(x, frozen), (X,), 2)


def test_an_error_of_the_second_order_is_found_at_the_second_order():
    gradcheck(frozen_rstd, (X,), 1)
    with pytest.raises(GradcheckError, match="order 2"):
        gradcheck(frozen_rstd, (X,), 2)


def test_an_error_of_the_third_order_is_found_at_the_third_order():
    def kept_square(g, x):  # x^2, whose value is right and whose derivative lacks a factor of 2
        return g * of(lambda a: 3 * a * a, lambda h, a: h * 3.0 * of(lambda b: 2 * b, lambda k, b: k)(a))(x)
    cube = of(lambda a: a ** 3, kept_square)
    gradcheck(cube, (X,), 2)
    with pytest.raises(GradcheckError, match="order 3"):
        gradcheck(cube, (X,), 3)


def test_a_linear_operation_with_a_wrong_adjoint_of_its_adjoint_is_found_through_tanh():
    def backward(g, x):
        return of(lambda a: 2 * a, lambda h, a: h)(g)  # twice g, whose own adjoint forgets the 2
    with pytest.raises(GradcheckError, match="order 2"):
        gradcheck(of(lambda a: 2 * a, backward), (X,), 2, through_tanh=True)


def test_the_error_names_the_input_that_is_wrong():
    class HalfWrong(Function):
        saves = (0, 1)

        def forward(self, a, b):
            return a * b

        def backward(self, g):
            a, b = self.saved
            return g * b, g * a * 1.001
    with pytest.raises(GradcheckError, match=r"input 1 of shape \(70,\)"):
        gradcheck(lambda a, b: HalfWrong()(a, b), (np.ones(70), np.full(70, 2.0)))


def test_kinks_are_walked_around_a_bounded_number_of_times():
    x = np.array([0.0, 1.0, -2.0])
    assert gradcheck(F.relu, (x,), 3, through_tanh=True).moved >= 1
    assert x[0] == 0
    with pytest.raises(GradcheckError, match="20 attempts.*kink"):
        gradcheck(of(lambda x: np.floor(x * 1e5), lambda g, x: g * 0.0), (X,))


def test_a_steep_function_is_not_taken_for_a_kink():
    report = gradcheck(lambda x: (x * 60.0).tanh().exp() + (x * 200.0).tanh(), Tensor(0.02 * X), 2)
    assert report.moved == 0


def test_noise_is_not_taken_for_a_derivative():
    rng = np.random.default_rng(0)
    with pytest.raises(GradcheckError, match="deterministic"):
        gradcheck(of(lambda x: x * (1 + 1e-3 * rng.random()), lambda g, x: g), (X,), attempts=3)


def test_a_derivative_that_vanishes_proves_nothing_through_tanh():
    with pytest.raises(GradcheckError, match="negligible"):
        gradcheck(lambda x: x * 0.0, (X,), 1, through_tanh=True)


@pytest.mark.parametrize("f, message", [
    (of(lambda x: np.add(x, 1, out=x), lambda g, x: g), "unchanged"),
    (of(lambda x: 1.0 * x, lambda g, x: Tensor(np.multiply(g.data, 2, out=g.data))), "cotangent to stay unchanged"),
    (of(lambda x: 1.0 * x, lambda g, x: Tensor(g.data.astype(np.float32))), "dtype float64.*float32"),
    (lambda x: Tensor(np.ones(3)), "depends on the inputs"),
])
def test_rules_of_the_engine_are_checked(f, message):
    with pytest.raises(GradcheckError, match=message):
        gradcheck(f, (X.copy(),))


def test_a_gradient_that_depends_on_what_else_is_asked_for_is_found():
    class Greedy(Function):
        saves = (0, 1)

        def forward(self, a, b):
            return a * b

        def backward(self, g):
            a, b = self.saved
            return g * b * (1.0 if self.needs[1] else 1.5), g * a
    with pytest.raises(GradcheckError, match="the only one asked for"):
        gradcheck(lambda a, b: Greedy()(a, b), (X, X + 3))


def test_a_gradient_that_depends_on_create_graph_is_found():
    def backward(g, x):
        return g * (2.0 if tinygan.is_grad_enabled() else 1.0)
    with pytest.raises(GradcheckError, match="with create_graph"):
        gradcheck(of(lambda x: 1.0 * x, backward), (X,))


def test_missing_cotangents_and_several_outputs():
    class Pair(Function):
        saves = (0,)

        def __init__(self, careful):
            self.careful = careful

        def forward(self, x):
            return np.sin(x), x * x

        def backward(self, g, h):
            (x,) = self.saved
            if not self.careful:
                return g * (1.0 - x * x) + h * x * 2.0  # wrong, and fails where one of the two is missing
            first = None if g is None else g * x.exp()
            return first if h is None else h * x * 2.0 if first is None else first + h * x * 2.0
    with pytest.raises((GradcheckError, TypeError)):
        gradcheck(lambda x: Pair(False)(x), (X,))
    with pytest.raises(GradcheckError, match="order 1"):  # cos is not exp
        gradcheck(lambda x: Pair(True)(x), (X,))
    gradcheck(lambda x: (x.exp(), x * x), (X,), 3, through_tanh=True)


def test_inputs_that_are_not_floating_are_handed_through():
    gradcheck(lambda x, i, n: F.gather(x, 1, i) * n, (X, np.zeros((4, 2), np.int64), 3), 2)
    with pytest.raises(TypeError, match="float64"):
        gradcheck(F.tanh, (X.astype(np.float32),))
    with pytest.raises(TypeError, match="none"):
        gradcheck(F.tanh, (np.zeros(3, np.int64),))
