"""What the op table does not show: special points, options that raise, and identities between operations."""

import numpy as np
import pytest

import tinygan
from tinygan import functional as F
from tinygan.tensor import Parameter, Tensor
from tinygan.testing import gradcheck

RNG = np.random.default_rng(0)


def normal(*shape):
    return Tensor(RNG.standard_normal(shape), requires_grad=True)


def test_sign_has_the_derivative_zero():
    x = Tensor(np.array([-2.0, 0.0, 3.0]), requires_grad=True)
    y = F.sign(x)
    (g,) = tinygan.grad(y, x, Tensor(np.ones(3)))
    assert y.tolist() == [-1, 0, 1] and g.tolist() == [0, 0, 0]


@pytest.mark.parametrize("f", [F.expm1, F.elu])
def test_the_slope_of_exponentials_keeps_its_digits_far_below_zero(f):
    x = Tensor(np.array([-5.0, -40.0, -300.0]), requires_grad=True)
    assert tinygan.grad(f(x).sum(), x)[0].numpy() == pytest.approx(np.exp(x.numpy()), rel=1e-15, abs=0)


@pytest.mark.parametrize("zeros", [(), (1,), (0, 3), (0, 2, 4)])
def test_prod_is_right_to_third_order_at_zeros(zeros):
    x = RNG.uniform(0.5, 1.5, (2, 5))
    x[:, list(zeros)] = 0
    gradcheck(lambda t: F.prod(t, 1), [x], order=3)


def test_the_gradient_of_prod_is_the_product_of_the_others():
    x = Tensor(np.array([2.0, 0.0, 3.0]), requires_grad=True)
    (g,) = tinygan.grad(F.prod(x), x)
    assert g.tolist() == [0, 6, 0]


@pytest.mark.parametrize("f", [lambda x: F.std(x, 1), lambda x: F.cdist(x, x), lambda x: F.cdist(x, x, 1.0),
                               lambda x: F.pairwise_distance(x, x, eps=0.0)], ids=["std", "L2", "L1", "pairwise"])
def test_the_subgradient_where_a_root_is_zero_is_zero(f):
    x = Tensor(np.ones((3, 4)), requires_grad=True)
    (g,) = tinygan.grad(f(x).sum(), x, create_graph=True)
    assert np.array_equal(g.numpy(), np.zeros((3, 4)))
    if g.requires_grad:
        (h,) = tinygan.grad((g * g).sum(), x, allow_unused=True)
        assert h is None or np.array_equal(h.numpy(), np.zeros((3, 4)))


def test_hardtanh_has_no_slope_at_its_ends():
    x = Tensor(np.array([-1.0, 0.5, 1.0]), requires_grad=True)
    assert tinygan.grad(F.hardtanh(x).sum(), x)[0].tolist() == [0, 1, 0]


def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients():
    q, k, v = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 2)
    for mask in (np.zeros((3, 5), bool), np.full((3, 5), -np.inf)):
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=Tensor(mask))
        assert np.array_equal(out.numpy(), np.zeros((2, 3, 2)))
        for g in tinygan.grad(out.sum(), (q, k, v)):
            assert np.array_equal(g.numpy(), np.zeros(g.shape))


def test_dropout_in_attention_drops_weights():
    q, k, v = normal(1, 4), normal(50, 4), Tensor(np.ones((50, 1)))
    tinygan.manual_seed(0)
    out = [F.scaled_dot_product_attention(q, k, v, dropout_p=0.5).item() for _ in range(200)]
    # the weights add up to 1 and are kept with probability 1/2, doubled: the mean of 200 sums is 1 within a few percent
    assert np.std(out) > 0.05 and abs(np.mean(out) - 1) < 0.15


def test_demodulation_makes_unit_variance():
    """StyleGAN2, section 2.2: with input of unit variance the output's channels have it too, whatever the styles."""
    x, w, s = RNG.standard_normal((4, 16, 24, 24)), RNG.standard_normal((8, 16, 3, 3)), RNG.uniform(0.1, 5, (4, 16))
    out = F.modulated_conv2d(*map(Tensor, (x, w, s))).numpy()
    # 484 correlated samples per image and channel: their variance is 1 within 5 / sqrt(484 / 9) or so
    assert np.abs(out.var((2, 3)) - 1).max() < 0.7 and abs(out.var() - 1) < 0.1
    plain = F.modulated_conv2d(*map(Tensor, (x, w, s)), demodulate=False).numpy()
    assert plain.var() > 100


def test_modulation_equals_weights_of_every_image():
    x, w, s = normal(3, 4, 6, 5), normal(2, 4, 3, 3), normal(3, 4)
    own = w.unsqueeze(0) * s.reshape(3, 1, 4, 1, 1)
    own = own * F.rsqrt((own * own).sum((2, 3, 4), keepdim=True) + 1e-8)
    a, b = F.modulated_conv2d(x, w, s, padding=1), F.per_sample_conv2d(x, own, padding=1)
    c = Tensor(RNG.standard_normal(a.shape))
    for p, q in zip((a, *tinygan.grad(a, (x, w, s), c)), (b, *tinygan.grad(b, (x, w, s), c))):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-11, atol=1e-11)


def test_upfirdn2d_is_adjoint_to_itself_with_up_and_down_exchanged():
    """The adjoint of (up, padding, filter, down) is (down, other padding, flipped filter, up)."""
    x, f = RNG.standard_normal((2, 3, 5, 6)), RNG.standard_normal((3, 4))
    up, down, (left, top) = (2, 3), (3, 2), (1, 2)
    y = F.upfirdn2d(Tensor(x), Tensor(f), up, down, (left, 0, top, 1)).numpy()
    g = RNG.standard_normal(y.shape)
    sizes = [(x.shape[3], y.shape[3], up[0], down[0], 4, left), (x.shape[2], y.shape[2], up[1], down[1], 3, top)]
    other = [p for n, m, u, d, k, before in sizes
             for p in (k - 1 - before, n * u - m * d + before - u + 1)]
    back = F.upfirdn2d(Tensor(g), Tensor(f), down, up, other, flip_filter=True).numpy()
    assert back.shape == x.shape
    assert np.sum(y * g) == pytest.approx(np.sum(back * x), rel=1e-12)


def test_fold_is_adjoint_to_unfold():
    x = RNG.standard_normal((2, 3, 6, 5))
    how = (3, 2), (1, 2), (1, 0), (2, 1)
    columns = F.unfold(Tensor(x), *how).numpy()
    g = RNG.standard_normal(columns.shape)
    image = F.fold(Tensor(g), (6, 5), *how).numpy()
    assert np.sum(columns * g) == pytest.approx(np.sum(image * x), rel=1e-12)


def test_grid_sample_with_the_identity_grid_is_the_identity():
    x = normal(2, 3, 4, 5)
    theta = Tensor(np.tile(np.eye(2, 3), (2, 1, 1)))
    for align_corners in (False, True):
        grid = F.affine_grid(theta, x.shape, align_corners)
        out = F.grid_sample(x, grid, align_corners=align_corners)
        np.testing.assert_allclose(out.numpy(), x.numpy(), rtol=1e-12, atol=1e-12)


def test_grid_sample_far_away_reads_zeros():
    x, far = normal(1, 1, 3, 3), Tensor(np.array([1e30, -1e30, 5.0, -5.0]).reshape(1, 2, 1, 2))
    assert np.array_equal(F.grid_sample(x, far).numpy(), np.zeros((1, 1, 2, 1)))


def test_pixel_unshuffle_undoes_pixel_shuffle():
    x = normal(2, 12, 3, 4)
    assert np.array_equal(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2).numpy(), x.numpy())


def test_max_pool_indices_point_at_the_values():
    x = normal(2, 3, 7, 6)
    for values, index in (F.max_pool2d(x, 3, 2, 1, ceil_mode=True, return_indices=True),
                          F.adaptive_max_pool2d(x, (3, 4), return_indices=True)):
        flat = x.numpy().reshape(2, 3, -1)
        found = np.take_along_axis(flat, index.numpy().reshape(2, 3, -1), 2).reshape(values.shape)
        assert np.array_equal(found, values.numpy())


def test_ignored_targets_count_for_nothing():
    x = normal(4, 3)
    target = Tensor(np.array([0, -100, 2, -100]))
    loss = F.cross_entropy(x, target)
    assert loss.item() == pytest.approx(F.cross_entropy(x[::2], Tensor(np.array([0, 2]))).item(), rel=1e-14)
    (g,) = tinygan.grad(loss, x)
    assert np.array_equal(g.numpy()[1::2], np.zeros((2, 3)))


def test_the_pieces_of_a_parameter_know_when_it_is_written():
    weight = Parameter(np.ones((4, 2), np.float32))
    first, second = F.chunk(weight, 2)
    loss = (first * second).sum()
    weight.assign(2.0, writer="SGD")
    with pytest.raises(RuntimeError, match="written by SGD"):
        tinygan.grad(loss, weight)


def test_pieces_that_nobody_used_have_zero_gradients():
    x = normal(5, 2)
    a, _, c = F.split(x, [2, 1, 2])
    (g,) = tinygan.grad((a * 2.0).sum() + (c * 3.0).sum(), x)
    assert g.numpy()[:, 0].tolist() == [2, 2, 0, 3, 3]


X = Tensor(np.zeros((2, 3, 4, 4)))


@pytest.mark.parametrize("call, message", [
    (lambda: F.pad(X, (4, 0), "reflect"), "pad: expected widths of at most 3"),
    (lambda: F.pad(X, (5, 0), "circular"), "pad: expected widths of at most 4"),
    (lambda: F.pad(X, (1, 1), "mirror"), "pad: expected mode 'constant'"),
    (lambda: F.gelu(X, "erf"), "gelu: expected approximate 'none' or 'tanh', got 'erf'"),
    (lambda: F.hardtanh(X, 1.0, 0.0), "hardtanh: expected min_val <= max_val"),
    (lambda: F.prelu(X, Tensor(np.ones(2))), "prelu: expected a weight of shape"),
    (lambda: F.split(X, [1, 1], 1), "split: expected sizes that add up to 3"),
    (lambda: F.chunk(X, 0), "chunk: expected at least one chunk"),
    (lambda: F.roll(X, (1, 2), 0), "roll: expected one shift per dim"),
    (lambda: F.tril(Tensor(np.ones(3))), "tril: expected at least two dimensions"),
    (lambda: F.pixel_shuffle(X, 2), "pixel_shuffle: expected channels divisible by 2 x 2"),
    (lambda: F.pixel_unshuffle(X, 3), "pixel_unshuffle: expected height and width divisible by 3"),
    (lambda: F.take_along_dim(X, Tensor(np.zeros((5, 1, 4, 4), int)), 1), "take_along_dim: expected shapes"),
    (lambda: F.unfold(X, 5), "unfold: expected a padded image of at least the dilated kernel"),
    (lambda: F.fold(Tensor(np.zeros((1, 4, 8))), 4, 2), "fold: expected input of shape"),
    (lambda: F.locally_connected2d(X, Tensor(np.zeros((1, 3, 2, 2, 4, 4)))), "locally_connected2d: expected weight"),
    (lambda: F.avg_pool2d(X, 2, divisor_override=0), "avg_pool2d: expected a divisor_override other than 0"),
    (lambda: F.adaptive_avg_pool2d(X, 0), "adaptive_avg_pool2d: expected 2 positive output sizes"),
    (lambda: F.interpolate(X, 3, mode="cubic"), "interpolate: expected mode"),
    (lambda: F.interpolate(X, 3, align_corners=True), "interpolate: expected align_corners and antialias"),
    (lambda: F.interpolate(X[0], 3, mode="linear", antialias=True), "interpolate: expected align_corners"),
    (lambda: F.grid_sample(X, Tensor(np.zeros((1, 2, 2, 2)))), "grid_sample: expected input"),
    (lambda: F.grid_sample(X, Tensor(np.zeros((2, 2, 2, 2))), "cubic"), "grid_sample: expected mode 'bilinear'"),
    (lambda: F.affine_grid(Tensor(np.zeros((2, 2, 2))), (2, 1, 3, 3)), "affine_grid: expected theta"),
    (lambda: F.upfirdn2d(X, Tensor(np.ones((5, 5)))), "upfirdn2d: expected a padded image of at least the filter"),
    (lambda: F.upfirdn2d(X, Tensor(np.ones(2)), padding=(1, 2, 3)), "upfirdn2d: expected a padding of one, two"),
    (lambda: F.per_sample_conv2d(X, Tensor(np.zeros((1, 2, 3, 1, 1)))), "per_sample_conv2d: expected input"),
    (lambda: F.modulated_conv2d(X, Tensor(np.zeros((2, 3, 1, 1))), Tensor(np.zeros((2, 2)))), "modulated_conv2d: "),
    (lambda: F.scaled_dot_product_attention(X, X, X, X, is_causal=True), "scaled_dot_product_attention: expected"),
    (lambda: F.smooth_l1_loss(X, 0.0, beta=-1.0), "smooth_l1_loss: expected beta >= 0"),
    (lambda: F.nll_loss(X[:, :, 0, 0], Tensor(np.zeros(3, int))), "nll_loss: expected input"),
    (lambda: F.cross_entropy(X[:, :, 0, 0], Tensor(np.zeros(2, int)), label_smoothing=2.0), "cross_entropy: expected"),
    (lambda: F.pairwise_distance(X, X[..., :2]), "pairwise_distance: expected points of one dimension"),
    (lambda: F.cdist(X, X, 0), "cdist: expected"),
])
def test_errors_say_what_was_expected(call, message):
    with pytest.raises((ValueError, TypeError)) as error:
        call()
    assert str(error.value).startswith(message)
