"""Whole objectives, losses and penalties of small networks, differentiated with respect to network parameters.

This is the engine's hardest test: a penalty differentiates a gradient that went through every layer of the critic,
normalisation by the batch's own statistics included. Everything is in float64 against five-point differences along
random directions in parameter space (tinygan.testing.gradcheck).
"""
import numpy as np
import pytest

from tinygan import nn, random
from tinygan.autograd import Function
from tinygan.losses import (ADVERSARIAL, dragan, gp, hinge, non_saturating, orthogonal, path_length, r1, r2,
                            wasserstein)
from tinygan.tensor import Tensor
from tinygan.testing import GradcheckError, gradcheck

# The test wants batch norm under a per-sample penalty: the derivative must be right even where the method is unwise.
pytestmark = pytest.mark.filterwarnings("ignore:gradient penalty. expected a critic:UserWarning")

N = 5
# gradcheck moves every input by about 1e-3 at once; a whole objective with batch norm over five samples bends too much
# for that. In units of 0.2 the steps are 1e-4 and the error of the difference (fourth power) is below 1e-8.
UNIT = 0.2
NORMS_1D = {"none": lambda c: nn.Identity(), "batch": nn.BatchNorm1d, "layer": nn.LayerNorm,
            "group": lambda c: nn.GroupNorm(2, c), "spectral": lambda c: nn.Identity()}
NORMS_2D = {"none": lambda c: nn.Identity(), "batch": nn.BatchNorm2d, "layer": lambda c: nn.LayerNorm((c, 3, 3)),
            "group": lambda c: nn.GroupNorm(2, c), "instance": lambda c: nn.InstanceNorm2d(c, affine=True),
            "spectral": lambda c: nn.Identity()}


def spectral(module):
    """Spectral norm on every layer with a weight matrix, its u and v converged."""
    for layer in module:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.spectral_norm(layer, n_power_iterations=300)
    for layer in module:
        for reparametrization in layer._reparametrizations.values():
            reparametrization.update(layer)
            reparametrization.n_power_iterations = 1
    return module


def mlp_critic(norm):
    layers = nn.Sequential(nn.Linear(3, 6), NORMS_1D[norm](6), nn.LeakyReLU(0.2), nn.Linear(6, 4), nn.Tanh(),
                           nn.Linear(4, 1)).double()
    return spectral(layers) if norm == "spectral" else layers


def conv_critic(norm):
    layers = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Softplus(), nn.Conv2d(4, 4, 3, stride=2, padding=1),
                           NORMS_2D[norm](4), nn.Tanh(), nn.Conv2d(4, 1, 3)).double()
    return spectral(layers) if norm == "spectral" else layers


def mlp_generator():
    return nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).double()


def conv_generator():
    return nn.Sequential(nn.Linear(2, 36), nn.Unflatten(1, (4, 3, 3)), nn.BatchNorm2d(4), nn.Softplus(),
                         nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1), nn.Tanh()).double()


BUILD = {"mlp": (mlp_critic, mlp_generator, (3,)), "conv": (conv_critic, conv_generator, (2, 5, 5))}
CASES = [(kind, norm) for kind, norms in (("mlp", NORMS_1D), ("conv", NORMS_2D)) for norm in norms]


class AsFunction:
    """A scalar of networks as a pure function of the parameters of one of them, measured in units of ``UNIT``.

    Before every call the buffers are put back (running statistics, u and v) and the streams start again (the penalty's
    interpolation), so that neighbouring points differ in the parameters alone.
    """

    def __init__(self, network, value, others=()):
        self.network, self.value = network, value
        self.modules = [m for net in (network, *others) for m in net.modules()]
        self.buffers = [dict(m._buffers) for m in self.modules]
        self.places = [(m, name) for m in network.modules() for name, p in m._parameters.items() if p is not None]
        self.parameters = [m._parameters[name].data for m, name in self.places]

    def __call__(self, *parameters):
        random.manual_seed(0)
        for module, buffers in zip(self.modules, self.buffers):
            module._buffers.update(buffers)
        for (module, name), parameter in zip(self.places, parameters):
            module._parameters[name] = parameter * UNIT
        return self.value()

    def check(self, order=1):
        report = gradcheck(self, [Tensor(p / UNIT) for p in self.parameters], order=order, name="objective")
        assert len(report.errors) == order and len(self.parameters) >= 6


def problem(kind, norm):
    """Critic, generator, real samples, noise: all fixed by the seed."""
    random.manual_seed(3)
    build_critic, build_generator, shape = BUILD[kind]
    D, G = build_critic(norm), build_generator()
    for p in (*D.parameters(), *G.parameters()):  # scales of 1 and shifts of 0 hide mistakes
        if p.ndim == 1:
            p.assign(p.data + 0.3 * random.normal(p.shape, stream="init", dtype=np.float64))
    x = Tensor(random.normal((N, *shape), dtype=np.float64))
    return D, G, x, Tensor(random.normal((N, 2), dtype=np.float64))


def d_objective(D, G, x, z, loss, penalty=None):
    def value():
        fake = G(z).detach()
        scores = D(x), D(fake)
        total = loss.d(*scores)
        return total if penalty is None else total + penalty(D, x, fake)
    return AsFunction(D, value, others=[G])


@pytest.mark.parametrize("loss, penalty", [(wasserstein, gp(2)), (non_saturating, r1(2))], ids=["wgan-gp", "ns-r1"])
@pytest.mark.parametrize("kind, norm", CASES)
def test_d_objective_with_a_penalty(kind, norm, loss, penalty):
    d_objective(*problem(kind, norm), loss, penalty).check()


# Every pair with batch norm; through convolutions those whose functions of the score are of different kinds.
PAIRS = [("mlp", "batch", loss) for loss in ADVERSARIAL.values()] + [
    ("conv", norm, ADVERSARIAL[name]) for norm in ("batch", "spectral")
    for name in ("minimax", "hinge", "least_squares", "relativistic", "relativistic_average", "f_hellinger")]
by_pair = pytest.mark.parametrize("kind, norm, loss", PAIRS, ids=[f"{k}-{n}-{loss.name}" for k, n, loss in PAIRS])


@by_pair
def test_d_objective_of_every_pair(kind, norm, loss):
    d_objective(*problem(kind, norm), loss).check()


@by_pair
def test_g_objective_of_every_pair(kind, norm, loss):
    D, G, x, z = problem(kind, norm)
    AsFunction(G, lambda: loss.g(D(G(z)), D(x)), others=[D]).check()


@pytest.mark.parametrize("kind, norm", CASES)
def test_g_objective_through_every_norm(kind, norm):
    D, G, x, z = problem(kind, norm)
    AsFunction(G, lambda: non_saturating.g(D(G(z))), others=[D]).check()


@pytest.mark.parametrize("penalty", [gp(2, one_sided=True), r2(3), r1(1) + r2(1) + gp(5), dragan(2, c=0.1),
                                     orthogonal(0.1), orthogonal(0.1, "off_diagonal")], ids=repr)
@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_other_penalties_with_hinge(kind, penalty):
    d_objective(*problem(kind, "layer"), hinge, penalty).check()


@pytest.mark.parametrize("norm", ["batch", "layer", "group", "spectral"])
def test_dragan_with_every_norm(norm):
    d_objective(*problem("mlp", norm), non_saturating, dragan(2, c=0.1)).check()


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_path_length_through_the_generator(kind):
    D, G, x, z = problem(kind, "none")
    AsFunction(G, lambda: non_saturating.g(D(G(z))) + path_length(0.5)(G, z, None), others=[D]).check()


@pytest.mark.parametrize("norm", ["batch", "layer", "group", "instance"])
def test_the_derivative_of_the_derivative_of_a_penalty(norm):
    # third order through the critic: where PyTorch's batch, layer and instance norm are silently wrong
    d_objective(*problem("conv", norm), wasserstein, gp(2)).check(order=2)


def test_spectral_norm_in_evaluation_mode():
    D, G, x, z = problem("conv", "spectral")
    D.eval()
    d_objective(D, G, x, z, hinge, r1(2)).check()


def test_scores_used_again_by_r1_give_the_same_gradients():
    D, G, x, z = problem("conv", "group")
    real, fake = x.detach().requires_grad_(), G(z).detach().requires_grad_()

    def again():
        scores = D(real), D(fake)
        return non_saturating.d(*scores) + (r1(2) + r2(2))(D, real, fake, scores)
    AsFunction(D, again).check()


class SlightlyLong(Function):
    """y = x, whose gradient is 0.1 % too long."""

    def forward(self, x):
        return x + 0.0

    def backward(self, g):
        return g * 1.001


def test_an_error_of_a_thousandth_is_found():
    D, G, x, z = problem("conv", "layer")
    d_objective(D, G, x, z, wasserstein, gp(2)).check()
    normal = D[1].forward
    D[1].forward = lambda x: SlightlyLong()(normal(x))
    with pytest.raises(GradcheckError, match="objective: derivative of order 1"):
        d_objective(D, G, x, z, wasserstein, gp(2)).check()
