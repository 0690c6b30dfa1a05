"""Spectral norm: the estimate, its gradient, what it does and does not guarantee, and purity in evaluation mode."""

import copy

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan import nn, optim
from tinygan.replay import checkpoint
from tinygan.tensor import Tensor
from tinygan.testing import gradcheck


def data(shape, seed=0):
    return tinygan.tensor(np.random.default_rng(seed).standard_normal(shape))


def linear(weight, **options):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False).double()
    layer.weight.assign(weight)
    return nn.spectral_norm(layer, **options)


def operator(layer, shape):
    """The matrix of a linear layer on inputs of one shape."""
    basis = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return layer(tinygan.tensor(basis)).numpy().reshape(len(basis), -1).T


def converge(layer, shape, times=60):
    for _ in range(times):
        layer(data(shape))
    return layer.eval()


def test_sigma_converges_to_the_largest_singular_value():
    w = np.random.default_rng(1).standard_normal((6, 4))
    layer = linear(w)
    errors = []
    for _ in range(60):
        layer(data((2, 4)))
        sigma = layer.weight_orig.numpy()[0, 0] / layer.weight.numpy()[0, 0]
        errors.append(np.linalg.norm(w, 2) - sigma)
    # one iteration underestimates (u^T W v with unit u, v never exceeds the norm), many do not
    assert min(errors) > -1e-12 and errors[0] > 0.01 and abs(errors[-1]) < 1e-9
    assert np.linalg.norm(layer.weight.numpy(), 2) == pytest.approx(1, abs=1e-9)


def test_until_it_has_converged_the_normalised_weight_exceeds_norm_one():
    layer = linear(np.random.default_rng(1).standard_normal((6, 4)))
    layer(data((2, 4)))
    assert np.linalg.norm(layer.weight.numpy(), 2) > 1.01


@pytest.mark.parametrize("kernel, sigma, norm, size", [
    # the reshaped kernel's singular value, and the operator's norm with zero padding
    (np.ones((1, 1, 1, 3)), np.sqrt(3), 2.966, (1, 16)), (np.ones((1, 1, 3, 3)), 3.0, 8.797, (16, 16))])
def test_a_convolution_is_divided_by_the_reshaped_kernels_norm_not_the_operators(kernel, sigma, norm, size):
    plain = nn.Conv2d(1, 1, kernel.shape[2:], padding=(kernel.shape[2] // 2, 1), bias=False).double()
    plain.weight.assign(kernel)
    assert np.linalg.norm(operator(plain, (1, *size)), 2) == pytest.approx(norm, abs=1e-3)
    layer = converge(nn.spectral_norm(copy.deepcopy(plain)), (1, 1, *size), 3)
    np.testing.assert_allclose(layer.weight.numpy(), kernel / sigma, rtol=1e-12)
    assert np.linalg.norm(operator(layer, (1, *size)), 2) == pytest.approx(norm / sigma, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_operators_norm_is_at_most_the_root_of_the_kernels_positions(seed):
    tinygan.manual_seed(seed)
    layer = converge(nn.spectral_norm(nn.Conv2d(2, 3, (3, 2), padding=1, bias=False).double()), (1, 2, 5, 5), 200)
    norm = np.linalg.norm(operator(layer, (2, 5, 5)), 2)
    assert 0.9 < norm <= np.sqrt(6) + 1e-9


def test_the_gradient_is_the_formula_with_u_and_v_fixed():
    tinygan.manual_seed(0)
    layer = nn.spectral_norm(nn.Conv2d(2, 3, 2).double()).eval()
    g = data((3, 2, 2, 2), 5)
    (got,) = tinygan.grad(layer.weight, [layer.weight_orig], g)
    u, v = layer.weight_u.numpy(), layer.weight_v.numpy()
    sigma = u @ layer.weight_orig.numpy().reshape(3, 8) @ v
    normalised = layer.weight.numpy().reshape(3, 8)
    dw = g.numpy().reshape(3, 8)
    want = (dw - (dw * normalised).sum() * np.outer(u, v)) / sigma
    np.testing.assert_allclose(got.numpy().reshape(3, 8), want, rtol=1e-10, atol=1e-12)

    def weight(w):
        layer._parameters["weight_orig"] = w
        return layer.weight

    gradcheck(weight, [Tensor(layer.weight_orig.data.copy())], order=3)


class Recorded:
    """A spectral norm whose first updates are noted and then repeated: u and v are constants of the derivative, but
    they depend on the weights, so differences must hold them still."""

    def __init__(self, norm):
        self.norm, self.noted, self.calls = norm, [], None

    def update(self, module):
        if self.calls is None:
            self.norm.update(module)
            self.noted.append(dict(module._buffers))
        else:
            module._buffers.update(self.noted[self.calls % len(self.noted)])
            self.calls += 1

    def compute(self, module):
        return self.norm.compute(module)


def test_real_and_fake_in_one_backward_pass_against_finite_differences():
    # the second forward pass moves u and v; the first one's graph must keep its own
    tinygan.manual_seed(0)
    critic = nn.Sequential(nn.spectral_norm(nn.Linear(3, 5)), nn.LeakyReLU(0.2),
                           nn.spectral_norm(nn.Linear(5, 2))).double()
    records = []
    for layer in (critic[0], critic[2]):
        records.append(Recorded(layer._reparametrizations["weight"]))
        layer._reparametrizations["weight"] = records[-1]
    places = [(critic[i], name) for i in (0, 2) for name in ("weight_orig", "bias")]
    real, fake = data((4, 3), 1), data((4, 3), 2)

    def loss(parameters):
        for (module, name), p in zip(places, parameters):
            module._parameters[name] = p
        return F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()

    values = [m._parameters[name].data.copy() for m, name in places]
    parameters = [Tensor(v.copy(), requires_grad=True) for v in values]
    gradients = [g.numpy() for g in tinygan.grad(loss(parameters), parameters)]
    for record in records:
        first, second = record.noted
        assert (first["weight_u"].data != second["weight_u"].data).any()
        record.calls = 0
    for i, gradient in enumerate(gradients):
        direction = np.random.default_rng(i).standard_normal(gradient.shape)

        def at(t, i=i, direction=direction):
            return loss([Tensor(v + t * direction if k == i else v) for k, v in enumerate(values)]).item()

        h = 1e-4  # five points: error h^4 and rounding 1e-16 / h, both far below
        numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
        assert numeric == pytest.approx((gradient * direction).sum(), rel=1e-7, abs=1e-9)


def test_state_and_keys():
    layer = nn.spectral_norm(nn.Linear(3, 2))
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert layer.weight_u.shape == (2,) and layer.weight_v.shape == (3,)
    for name in ("weight_u", "weight_v"):
        assert np.linalg.norm(getattr(layer, name).numpy()) == pytest.approx(1, abs=1e-6)
    assert [n for n, _ in layer.named_parameters()] == ["bias", "weight_orig"]
    assert layer.weight_orig.name == "Linear.weight_orig"
    transposed = nn.spectral_norm(nn.ConvTranspose2d(3, 4, 2))
    assert transposed.weight_u.shape == (4,) and transposed.weight_v.shape == (12,)
    assert nn.spectral_norm(nn.ConvTranspose2d(3, 4, 2), dim=0).weight_u.shape == (3,)


def test_only_training_passes_iterate_and_recorded_or_not_makes_no_difference():
    layer = nn.spectral_norm(nn.Linear(3, 2))
    x = data((1, 3)).float()
    states = [layer.state_dict()]
    layer.eval()(x)
    states.append(layer.state_dict())
    layer.weight  # reading the weight is no forward pass
    assert all((states[0][k] == states[1][k]).all() for k in states[0])
    other = copy.deepcopy(layer.train())
    layer(x)
    with tinygan.no_grad():
        other(x)
    assert (layer.weight_u.numpy() != states[0]["weight_u"]).any()
    assert (layer.weight_u.numpy() == other.weight_u.numpy()).all()


def test_the_raw_weight_is_learnt_and_kept():
    layer = nn.spectral_norm(nn.Linear(3, 2))
    raw = layer.weight_orig.data.copy()
    layer(data((1, 3)).float())
    assert (layer.weight_orig.data == raw).all()
    opt = optim.SGD(layer.parameters(), 0.1)
    opt.minimize((layer(data((4, 3)).float()) ** 2).mean())
    assert (layer.weight_orig.data != raw).any()


def test_a_checkpointed_critic_iterates_once():
    tinygan.manual_seed(0)
    plain = nn.spectral_norm(nn.Linear(3, 2)).double()
    other = copy.deepcopy(plain)
    x = data((4, 3))
    a = tinygan.grad((plain(x) ** 2).sum(), list(plain.parameters()))
    b = tinygan.grad((checkpoint(other, x) ** 2).sum(), list(other.parameters()))
    assert all((p.numpy() == q.numpy()).all() for p, q in zip(a, b))
    assert (plain.weight_u.numpy() == other.weight_u.numpy()).all()


def test_removal_leaves_the_present_weight():
    layer = nn.spectral_norm(nn.Linear(3, 2))
    layer(data((1, 3)).float())
    weight = layer.weight.numpy().copy()
    nn.remove_spectral_norm(layer)
    assert isinstance(layer.weight, nn.Parameter) and (layer.weight.numpy() == weight).all()
    assert set(layer.state_dict()) == {"weight", "bias"}


@pytest.mark.parametrize("call, error, match", [
    (lambda: nn.spectral_norm(nn.spectral_norm(nn.Linear(2, 2))), ValueError, "computed already"),
    (lambda: nn.spectral_norm(nn.ReLU()), ValueError, "expected a parameter 'weight' .* got None in ReLU"),
    (lambda: nn.spectral_norm(nn.Linear(2, 2), "bias"), ValueError, r"at least 2 dimensions, got \(2,\)"),
    (lambda: nn.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ValueError, "n_power_iterations >= 1, got 0"),
    (lambda: nn.remove_spectral_norm(nn.Linear(2, 2)), ValueError, "expected a weight 'weight' under spectral_norm"),
    (lambda: nn.init.zeros_(nn.spectral_norm(nn.Linear(2, 2)).weight), TypeError, "initialise weight_orig"),
    (lambda: setattr(nn.spectral_norm(nn.Linear(2, 2)), "weight", nn.Parameter(np.ones((2, 2)))), KeyError,
     "computed"), (lambda: setattr(nn.spectral_norm(nn.Linear(2, 2)), "weight", 3), AttributeError, "computed")])
def test_misuse_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
