"""Third derivatives of normalisation, side by side: tinygan's are right, PyTorch's are wrong or missing.

D0(x) = <c, norm(x)> and D_k is the derivative of D_(k-1) along a random direction, by reverse passes. D3 is judged by a
five-point difference of D2, on which both libraries agree to 1e-10. A gradient penalty on a critic with such a layer is
a second derivative, and its gradient the third.
"""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.tensor import Tensor

torch = pytest.importorskip("torch")
TF = torch.nn.functional
pytestmark = pytest.mark.reference

STEP = 1e-3
RNG = np.random.default_rng(0)
SHAPE = (4, 3, 2, 3)
WEIGHT, BIAS = RNG.uniform(0.5, 1.5, 3), RNG.standard_normal(3)
LAST_WEIGHT, LAST_BIAS = RNG.uniform(0.5, 1.5, (2, 3)), RNG.standard_normal((2, 3))
X, C, *DIRECTIONS = [RNG.standard_normal(SHAPE) for _ in range(5)]


def affine(make, weight=WEIGHT, bias=BIAS):
    return make(weight), make(bias)


CASES = {
    "batch_norm": (lambda x: F.batch_norm(x, None, None, *affine(Tensor), training=True),
                   lambda x: TF.batch_norm(x, None, None, *affine(torch.from_numpy), training=True)),
    "instance_norm": (lambda x: F.instance_norm(x, *affine(Tensor)),
                      lambda x: TF.instance_norm(x, None, None, *affine(torch.from_numpy))),
    "layer_norm": (lambda x: F.layer_norm(x, (2, 3), *affine(Tensor, LAST_WEIGHT, LAST_BIAS)),
                   lambda x: TF.layer_norm(x, (2, 3), *affine(torch.from_numpy, LAST_WEIGHT, LAST_BIAS))),
}


def ours(f, x, order):
    """D_order at x by tinygan."""
    leaf = Tensor(x, requires_grad=True)
    value = (f(leaf) * Tensor(C)).sum()
    for v in DIRECTIONS[:order]:
        value = (tinygan.grad(value, leaf, create_graph=True)[0] * Tensor(v)).sum()
    return value.item()


def theirs(f, x, order):
    """D_order at x by PyTorch."""
    leaf = torch.from_numpy(x.copy()).requires_grad_()
    value = (f(leaf) * torch.from_numpy(C)).sum()
    for v in DIRECTIONS[:order]:
        value = (torch.autograd.grad(value, leaf, create_graph=True)[0] * torch.from_numpy(v)).sum()
    return value.item()


def judged(d2):
    """The five-point difference of D2 along the third direction: wrong by h^4 D^(7) / 30, about 1e-9 here."""
    a, b, c, d = [d2(X + t * STEP * DIRECTIONS[2]) for t in (-2, -1, 1, 2)]
    return (a - 8 * b + 8 * c - d) / (12 * STEP)


@pytest.mark.parametrize("name", CASES)
def test_third_order_is_right_here_and_wrong_in_pytorch(name):
    mine, other = CASES[name]
    for order in (0, 1, 2):
        assert ours(mine, X, order) == pytest.approx(theirs(other, X, order), rel=1e-10)
    truth = judged(lambda x: ours(mine, x, 2))
    assert truth == pytest.approx(judged(lambda x: theirs(other, x, 2)), rel=1e-7)  # either library's D2 may judge
    error = abs(ours(mine, X, 3) / truth - 1)
    try:
        wrong = abs(theirs(other, X, 3) / truth - 1)
    except RuntimeError as refused:
        wrong = str(refused)
    print(f"{name:<14} third order: tinygan off by {error:.1e}, PyTorch {wrong}")
    assert error < 1e-6
    assert isinstance(wrong, str) or wrong > 1e-3
