"""Parameters keep their array, writes are counted, stale graphs raise (DESIGN 2.6)."""

import copy

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.tensor import Parameter


def parameter(*shape):
    return Parameter(np.random.default_rng(0).standard_normal(shape))


def test_assign_keeps_the_array_and_bumps_the_version():
    w = parameter(2, 3)
    array = w.data
    w.assign(np.ones((2, 3)), "the test")
    assert w.data is array and (array == 1).all() and w.version.count == 1 and w.version.writer == "the test"


def test_assign_of_another_shape_raises_and_writes_nothing():
    w = parameter(2, 3)
    before = w.data.copy()
    with pytest.raises(ValueError, match=r"shape \(2, 3\), got \(3,\)"):
        w.assign(np.ones(3))
    assert (w.data == before).all() and w.version.count == 0


@pytest.mark.parametrize("use", [
    lambda w, x: (x * w).sum(),
    lambda w, x: (x @ w.transpose(0, 1)).sum(),       # a view of the parameter is saved
    lambda w, x: (x * w.reshape((3, 2)).reshape((2, 3))).sum(),
    lambda w, x: (x * w.detach()).exp().sum(),        # even outside the graph it is the same memory
    lambda w, x: (x * w[0]).sum(),
    lambda w, x: (x * w[:1].expand((2, 3))).sum()])
def test_a_stale_parameter_raises_and_names_parameter_and_writer(use):
    w, x = parameter(2, 3), tinygan.tensor(np.ones((2, 3)), requires_grad=True)
    w.name = "Critic.layer.weight"
    out = use(w, x)
    w.assign(0.5 * w.data, "Adam.apply")
    with pytest.raises(RuntimeError, match="Critic.layer.weight was written by Adam.apply.*forward pass again"):
        tinygan.grad(out, x)


def test_a_parameter_whose_value_backward_does_not_read_cannot_be_stale():
    b, x = parameter(3), tinygan.tensor(np.ones((2, 3)), requires_grad=True)
    out = (x + b).sum()
    b.assign(b.data * 2, "the test")
    assert (tinygan.grad(out, x)[0].numpy() == 1).all()


def test_the_order_of_chainers_dcgan_example_raises():
    # D is stepped, then G differentiates through the graph that was made with D's old weights
    g, d = parameter(3, 3), parameter(3, 1)
    fake = tinygan.tensor(np.ones((4, 3))) @ g
    score = (fake @ d).mean()
    d.assign(d.data - 0.1, "SGD.apply")
    with pytest.raises(RuntimeError, match="SGD.apply"):
        tinygan.grad(score, g)


def test_parameters_are_c_contiguous_in_their_logical_shape():
    assert Parameter(np.ones((3, 4)).T).data.flags.c_contiguous


def test_a_parameter_without_dimensions_stays_one():
    assert Parameter(np.array(1.5)).shape == ()


def test_deepcopy_is_independent():
    w = parameter(2)
    other = copy.deepcopy(w)
    other.assign(np.zeros(2), "the test")
    assert isinstance(other, Parameter) and w.version.count == 0 and (w.data != 0).all()


def test_deepcopy_of_a_result_raises():
    with pytest.raises(RuntimeError, match="deepcopy: expected a leaf"):
        copy.deepcopy(parameter(2) * 2.0)


def test_numpy_is_a_read_only_view():
    w = parameter(2)
    view = w.numpy()
    with pytest.raises(ValueError):
        view[0] = 1
    w.data[0] = 5
    assert view[0] == 5


def test_integers_cannot_require_gradients():
    with pytest.raises(TypeError, match="floating dtype, got int64"):
        tinygan.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match="expected a leaf"):
        (parameter(2) * 2.0).requires_grad_()


def test_convolution_with_a_written_weight_raises():
    w, x = parameter(2, 1, 3, 3), tinygan.tensor(np.ones((1, 1, 5, 5)), requires_grad=True)
    out = F.conv2d(x, w).sum()
    w.written("RMSprop.apply")
    with pytest.raises(RuntimeError, match="Correlate.*RMSprop.apply"):
        tinygan.grad(out, x)
