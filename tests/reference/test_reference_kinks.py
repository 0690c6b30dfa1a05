"""Where a derivative does not exist, the subgradient is PyTorch's: at kinks, ties, zeros of norms, edges of images."""

import math

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.tensor import Tensor

torch = pytest.importorskip("torch")
TF = torch.nn.functional
pytestmark = pytest.mark.reference

LINE = np.array([-2.0, -1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 2.0])
TIES = np.array([[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0], [-1.0, 0.0, 0.0, -1.0]])
IMAGE = np.array([[1.0, 2, 2, 0], [2, 2, 1, 0], [0, 0, 3, 3], [0, 0, 3, 3]]).reshape(1, 1, 4, 4)
WITH_ZERO = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, -2.0], [3.0, 4.0, 0.0]])

# name: (ours, theirs, where)
CASES = {
    **{name: (getattr(F, name), getattr(TF, name), LINE) for name in
       ("relu", "leaky_relu", "elu", "selu", "hardtanh", "silu", "gelu", "softplus", "logsigmoid")},
    **{name: (getattr(F, name), getattr(torch, name), LINE) for name in ("abs", "sign", "expm1")},
    "clamp": (lambda x: F.clamp(x, -1.0, 0.5), lambda x: torch.clamp(x, -1.0, 0.5), LINE),
    "prelu": (lambda x: F.prelu(x, Tensor(np.array([0.3]))),
              lambda x: TF.prelu(x, torch.tensor([0.3], dtype=x.dtype)), LINE),
    "maximum": (lambda x: F.maximum(x, -x), lambda x: torch.maximum(x, -x), LINE),
    "minimum": (lambda x: F.minimum(x, x * x), lambda x: torch.minimum(x, x * x), LINE),
    "l1_loss": (lambda x: F.l1_loss(x, x.detach()), lambda x: TF.l1_loss(x, x.detach()), LINE),
    "smooth_l1_loss": (lambda x: F.smooth_l1_loss(x, 0.0, "sum"),
                       lambda x: TF.smooth_l1_loss(x, torch.zeros_like(x), reduction="sum"), LINE),
    "amax": (lambda x: F.amax(x, 1), lambda x: torch.amax(x, 1), TIES),
    "amin": (lambda x: F.amin(x, 0), lambda x: torch.amin(x, 0), TIES),
    "max": (lambda x: F.max(x), torch.max, TIES),
    "max along a dim": (lambda x: F.max(x, 1).values, lambda x: torch.max(x, 1).values, TIES),
    "min along a dim": (lambda x: F.min(x, 1).values, lambda x: torch.min(x, 1).values, TIES),
    "logsumexp": (lambda x: F.logsumexp(x, 1), lambda x: torch.logsumexp(x, 1), TIES),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2, 1), lambda x: TF.max_pool2d(x, 2, 1), IMAGE),
    "max_pool2d padded": (lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: TF.max_pool2d(x, 3, 2, 1), IMAGE),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, 3), lambda x: TF.adaptive_max_pool2d(x, 3), IMAGE),
    "norm": (lambda x: F.norm(x, 2, 1), lambda x: torch.linalg.vector_norm(x, 2, 1), WITH_ZERO),
    "norm 1": (lambda x: F.norm(x, 1, 1), lambda x: torch.linalg.vector_norm(x, 1, 1), WITH_ZERO),
    "norm 3": (lambda x: F.norm(x, 3, 1), lambda x: torch.linalg.vector_norm(x, 3, 1), WITH_ZERO),
    "norm inf": (lambda x: F.norm(x, math.inf, 1), lambda x: torch.linalg.vector_norm(x, math.inf, 1), TIES[:1]),
    "pairwise_distance": (lambda x: F.pairwise_distance(x, x.detach(), eps=0.0),
                          lambda x: TF.pairwise_distance(x, x.detach(), eps=0.0), WITH_ZERO),
    "cdist": (lambda x: F.cdist(x, x.detach()), lambda x: torch.cdist(x, x.detach()), WITH_ZERO),
    "cdist 1": (lambda x: F.cdist(x, x.detach(), 1.0), lambda x: torch.cdist(x, x.detach(), 1.0), WITH_ZERO),
    "std": (lambda x: F.std(x, 1), lambda x: torch.std(x, 1), TIES),
    "prod": (lambda x: F.prod(x, 1), lambda x: torch.prod(x, 1), WITH_ZERO),
    "kl_div at p = 0": (lambda x: F.kl_div(x, Tensor(np.abs(WITH_ZERO)), "sum"),
                        lambda x: TF.kl_div(x, torch.from_numpy(np.abs(WITH_ZERO)), reduction="sum"), WITH_ZERO),
}


def gradients(ours, theirs, at):
    """Values and gradients of both, for the same random cotangent."""
    x, z = Tensor(at.copy(), requires_grad=True), torch.from_numpy(at.copy()).requires_grad_()
    y, t = ours(x), theirs(z)
    c = np.random.default_rng(0).standard_normal(y.shape)
    (g,), (h,) = tinygan.grad(y, x, Tensor(c)), torch.autograd.grad(t, z, torch.from_numpy(c).reshape(t.shape))
    return (y.numpy(), g.numpy()), (t.numpy(force=True), h.numpy(force=True))


@pytest.mark.parametrize("name", CASES)
def test_the_subgradient_is_pytorchs(name):
    mine, other = gradients(*CASES[name])
    for a, b in zip(mine, other):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
def test_the_images_gradient_of_grid_sample_on_pixel_centres_and_edges(padding_mode, align_corners):
    points = np.array([-3, -1, -0.75, -1 / 3, 0, 0.25, 1 / 3, 0.75, 1, 1.25, 4])
    grid = np.stack(np.meshgrid(points, points), -1)[None]
    how = dict(padding_mode=padding_mode, align_corners=align_corners)
    mine, other = gradients(lambda x: F.grid_sample(x, Tensor(grid), **how),
                            lambda x: TF.grid_sample(x, torch.from_numpy(grid), **how), IMAGE)
    for a, b in zip(mine, other):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus", "silu", "gelu", "selu", "logsigmoid", "elu", "erf",
                                  "tanh", "log1p"])
def test_extreme_values_neither_overflow_nor_lose_digits(name):
    x = np.array([-1e4, -800.0, -40.0, -1e-8, 0.0, 1e-8, 30.0, 40.0, 600.0]) if name != "log1p" else np.array(
        [-0.5, 1e-12, 1e-8, 1.0, 1e300])
    mine, other = gradients(getattr(F, name), getattr(TF, name, None) or getattr(torch, name), x)
    for a, b in zip(mine, other):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-300)  # softplus: PyTorch's is linear above 20, off by 1e-9
