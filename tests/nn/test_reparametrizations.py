"""Weight norm and the equalised learning rate: weights that are computed from other parameters."""

import copy

import numpy as np
import pytest

import tinygan
from tinygan import nn, optim


def data(shape, seed=0):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@pytest.mark.parametrize("build, dim, shape", [
    (lambda: nn.Linear(3, 4), 0, (4, 1)), (lambda: nn.Linear(3, 4), 1, (1, 3)), (lambda: nn.Linear(3, 4), None, ()),
    (lambda: nn.Conv2d(2, 3, 2), 0, (3, 1, 1, 1)), (lambda: nn.ConvTranspose2d(2, 3, 2), 1, (1, 3, 1, 1)),
    (lambda: nn.Conv2d(2, 3, 2), -1, (1, 1, 1, 2))])
def test_length_and_direction(build, dim, shape):
    layer = build()
    weight = layer.weight.numpy().copy()
    assert nn.weight_norm(layer, dim=dim) is layer
    assert layer.weight_g.shape == shape and list(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
    np.testing.assert_allclose(layer.weight.numpy(), weight, rtol=1e-6)  # g = |v|: nothing changes at first
    layer.weight_v.assign(layer.weight_v.data * 5)
    np.testing.assert_allclose(layer.weight.numpy(), weight, rtol=1e-5)  # the length of v does not matter
    layer.weight_g.assign(layer.weight_g.data * 2)
    np.testing.assert_allclose(layer.weight.numpy(), 2 * weight, rtol=1e-5)


def test_the_gradient_in_v_is_orthogonal_to_v():
    # w does not depend on |v|, so d loss / dv has no part along v (Salimans & Kingma, eq. 3)
    layer = nn.weight_norm(nn.Linear(3, 4).double())
    v = layer.weight_v
    (g,) = tinygan.grad((layer(data((5, 3)).double()) ** 3).sum(), [v])
    assert abs((g.numpy() * v.numpy()).sum(1)).max() < 1e-12 * abs(g.numpy()).max() and abs(g.numpy()).max() > 0.1


def test_removal_leaves_the_present_weight():
    layer = nn.weight_norm(nn.Conv2d(2, 3, 2))
    optim.SGD(layer.parameters(), 0.1).minimize((layer(data((1, 2, 3, 3))) ** 2).mean())
    weight = layer.weight.numpy().copy()
    nn.remove_weight_norm(layer)
    assert isinstance(layer.weight, nn.Parameter) and (layer.weight.numpy() == weight).all()
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_recurrent_weights_can_be_normalised():
    lstm = nn.weight_norm(nn.LSTM(2, 3), "weight_hh_l0")
    assert "weight_hh_l0_g" in lstm.state_dict() and lstm(data((4, 2, 2)))[0].shape == (4, 2, 3)


def test_the_copy_of_a_normalised_layer_is_independent():
    layer = nn.weight_norm(nn.Linear(2, 3))
    other = copy.deepcopy(layer)
    layer.weight_g.assign(layer.weight_g.data * 2)
    np.testing.assert_allclose(layer.weight.numpy(), 2 * other.weight.numpy(), rtol=1e-6)


@pytest.mark.parametrize("build, fan_in", [
    (lambda: nn.Linear(200, 300), 200), (lambda: nn.Conv2d(20, 60, 3), 180),
    (lambda: nn.ConvTranspose2d(20, 60, 3), 180), (lambda: nn.Conv2d(20, 60, 3, groups=2), 90),
    (lambda: nn.ConvTranspose2d(20, 60, 3, groups=2), 90)])
def test_effective_weights_have_the_spread_of_hes_initialisation(build, fan_in):
    tinygan.manual_seed(0)
    layer = nn.equalized_lr(build())
    # at least 5400 draws: the standard error of a standard deviation is 1 %
    assert layer.weight_orig.numpy().std() == pytest.approx(1, rel=0.03)
    assert layer.weight.numpy().std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.03)
    assert (layer.bias.numpy() == 0).all() and list(layer.state_dict()) == ["bias", "weight_orig"]


def test_equalised_steps_of_adam_are_of_one_relative_size():
    steps = []
    for size in (4, 400):
        tinygan.manual_seed(0)
        layer = nn.equalized_lr(nn.Linear(size, 8))
        before = layer.weight.numpy().copy()
        optim.Adam(layer.parameters(), 0.01).minimize((layer(data((16, size))) ** 2).mean())
        steps.append(abs(layer.weight.numpy() - before).mean() / before.std())
    assert steps[0] == pytest.approx(steps[1], rel=0.2)  # 32 draws set the spread of the small layer: 13 %
    assert steps[1] == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("call, match", [
    (lambda: nn.weight_norm(nn.weight_norm(nn.Linear(2, 2))), "weight_norm: .*computed already"),
    (lambda: nn.weight_norm(nn.spectral_norm(nn.Linear(2, 2))), "weight_norm: .*computed already"),
    (lambda: nn.weight_norm(nn.ReLU()), "weight_norm: expected a parameter 'weight', got None in ReLU"),
    (lambda: nn.weight_norm(nn.Linear(2, 2), dim=2), "dim within 2 dimensions, or None, got 2"),
    (lambda: nn.remove_weight_norm(nn.spectral_norm(nn.Linear(2, 2))), "expected a weight 'weight' under weight_norm"),
    (lambda: nn.equalized_lr(nn.weight_norm(nn.Linear(2, 2))), "equalized_lr: .*computed already"),
    (lambda: nn.equalized_lr(nn.BatchNorm1d(2)), r"equalized_lr: .* at least 2 dimensions, got \(2,\)")])
def test_misuse_of_reparametrizations(call, match):
    with pytest.raises(ValueError, match=match):
        call()
