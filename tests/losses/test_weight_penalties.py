"""DRAGAN, orthogonal regularisation and path length: closed forms, where they look, and their state."""
import copy
import json
import math

import numpy as np
import pytest

import tinygan
from tinygan import nn, random
from tinygan.losses import dragan, orthogonal, path_length
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck


def t(values, **options):
    return tinygan.tensor(np.asarray(values, dtype=np.float64), **options)


def layer(weight):
    """A linear layer with this weight, without a bias."""
    weight = np.asarray(weight, np.float64)
    made = nn.Linear(*weight.shape[::-1], bias=False).double()
    made.weight.assign(weight)
    return made


def test_dragan_looks_around_the_data():
    seen = []

    def critic(x):
        seen.append(x.numpy())
        return (x * t([3.0, 4.0])).sum(1)
    random.manual_seed(0)
    real, fake = t(np.full((20_000, 2), 7.0)), t(np.zeros((20_000, 2)))
    assert dragan(10, c=0.25)(critic, real, fake).item() == pytest.approx(10 * (5 - 1) ** 2, rel=1e-9)
    # N(7, 0.25) per component: the mean within 5 standard deviations 0.5 / 141, the variance within 5 of 0.25 / 100
    assert seen[0].mean(axis=0) == pytest.approx([7, 7], abs=0.018)
    assert seen[0].var(axis=0) == pytest.approx([0.25, 0.25], abs=0.0125)
    assert {name: n for name, n in random.get_state()["counters"].items() if n} == {"penalty": 1}


def test_dragan_and_gp_differ_where_the_critic_is_steep_between_the_samples():
    # slope 1 within 0.5 of the data point 0, slope 5 further out: only the neighbourhood of the data counts
    def critic(x):
        near = tinygan.functional.clamp(x, -0.5, 0.5)
        return (5.0 * x - 4.0 * near).reshape(-1)
    random.manual_seed(0)
    real = t(np.zeros((500, 1)))
    assert dragan(1, c=1e-4)(critic, real, real).item() == pytest.approx(0, abs=1e-9)


Q = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]


def test_the_three_orthogonal_forms():
    w = np.array([[1.0, 2.0], [0.5, 0.0], [0.0, 1.0]])
    gram = w @ w.T - np.eye(3)
    off = gram * (1 - np.eye(3))
    for form, expected in (("full", (gram ** 2).sum()), ("off_diagonal", (off ** 2).sum()),
                           ("absolute", abs(gram).sum())):
        assert orthogonal(0.5, form)(layer(w), None, None).item() == pytest.approx(0.5 * expected, rel=1e-12)


def test_filters_of_any_length_are_orthogonal_to_the_second_form_only():
    scaled = np.diag([0.3, 2.0, 1.0]) @ Q[:3]
    assert orthogonal(1, "off_diagonal")(layer(scaled), None, None).item() == pytest.approx(0, abs=1e-28)
    expected = (0.09 - 1) ** 2 + (4 - 1) ** 2
    assert orthogonal(1)(layer(scaled), None, None).item() == pytest.approx(expected, rel=1e-12)
    assert orthogonal(1)(layer(Q[:3]), None, None).item() == pytest.approx(0, abs=1e-28)


def test_orthogonal_takes_kernels_as_matrices_and_leaves_vectors_out():
    conv = nn.Conv2d(2, 3, 2).double()
    w = conv.weight.numpy().reshape(3, -1)
    assert orthogonal(2)(conv, None, None).item() == pytest.approx(2 * ((w @ w.T - np.eye(3)) ** 2).sum(), rel=1e-12)
    with pytest.raises(ValueError, match="orthogonal: expected a network with weights"):
        orthogonal()(nn.BatchNorm1d(3), None, None)
    with pytest.raises(ValueError, match="orthogonal: expected a form out of full, off_diagonal, absolute, got 'l1'"):
        orthogonal(1, "l1")


@pytest.mark.parametrize("form", ["full", "off_diagonal", "absolute"])
def test_derivatives_of_the_orthogonal_forms(form):
    made = layer(np.random.default_rng(1).standard_normal((3, 4)))

    def f(w):
        made._parameters["weight"] = w
        return orthogonal(1, form)(made, None, None)
    gradcheck(f, [Tensor(made.weight.data.copy())], order=2)


def test_path_lengths_of_a_rotation_have_the_variance_of_a_chi():
    # J^T y = c Q^T y, so |J^T y| = c |y|: at a = E |J^T y| the penalty is c^2 Var |y|, |y| chi with n = 4
    n, c, samples = 4, 1.7, 20_000
    rotation = t(c * np.linalg.qr(np.random.default_rng(3).standard_normal((n, n)))[0].T)
    chi = math.sqrt(2) * math.gamma((n + 1) / 2) / math.gamma(n / 2)
    penalty = path_length(1)
    penalty.mean = c * chi
    random.manual_seed(0)
    value = penalty(lambda z: z @ rotation, t(np.zeros((samples, n))), None).item()
    # a mean of 20,000 squares of a variable near normal: standard error sqrt(2 / 20000) of the value; 4 of them
    assert value == pytest.approx(c ** 2 * (n - chi ** 2), rel=0.04)
    assert float(penalty.mean) == pytest.approx(c * chi, rel=1e-3)  # it moved by 1 % of the error of the sample's mean


def test_the_mean_of_path_lengths_follows_and_is_checkpointed():
    penalty, z = path_length(2, decay=0.5), t(np.ones((6, 3)))
    random.manual_seed(0)
    y = random.normal((6, 3), "penalty", np.float64)
    lengths = 2 * np.sqrt((y ** 2).sum(axis=1))
    random.manual_seed(0)
    assert penalty(lambda z: z * 2.0, z, None).item() == pytest.approx(2 * (lengths ** 2).mean(), rel=1e-9)
    assert float(penalty.mean) == pytest.approx(lengths.mean() / 2, rel=1e-9)
    state, other = json.loads(json.dumps(penalty.state_dict())), path_length(2, decay=0.5)
    other.load_state_dict(state)
    assert other.mean == float(penalty.mean) == float(copy.deepcopy(penalty).mean)


def test_path_length_does_not_depend_on_the_number_of_pixels():
    # an image that repeats z everywhere: J^T y sums the noise of all pixels, whose root the scale takes out
    def repeated(size):
        return lambda z: z.reshape(-1, 1, 1, 1) * t(np.ones((1, 1, size, size)))
    values = []
    for size in (2, 16):
        random.manual_seed(1)
        values.append(path_length(1)(repeated(size), t(np.zeros((4000, 1))), None).item())
    # E (J^T y)^2 = 1 for both; standard error sqrt(2 / 4000) = 0.022; 4 of them
    assert values == pytest.approx([1, 1], abs=0.09)
