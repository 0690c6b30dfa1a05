"""Random sizes and options of operations on images against their naive definitions, and their adjoints."""

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import tinygan
from tinygan import functional as F
from tinygan.tensor import Tensor
from tinygan.testing import naive_images

SIZES = st.tuples(st.integers(1, 8), st.integers(1, 8))
FEW = settings(max_examples=60)


def image(size, n=1, c=2):
    # distinct values: where a maximum is does not depend on rounding
    x = np.random.default_rng(sum(size)).permutation(n * c * size[0] * size[1])
    return (x.reshape(n, c, *size) - x.size / 2) * 0.1


def check(name, x, *args, linear=True, **how):
    """The value is the naive one; a linear map's gradient is its adjoint."""
    leaf = Tensor(x, requires_grad=True)
    y = getattr(F, name)(leaf, *args, **how)
    expected = getattr(naive_images, name)(x, *args, **how)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-10, atol=1e-11)
    c = np.random.default_rng(1).standard_normal(y.shape)
    (g,) = tinygan.grad(y, leaf, Tensor(c))
    if linear:
        assert np.sum(y.numpy() * c) == pytest.approx(np.sum(g.numpy() * x), rel=1e-9, abs=1e-9)


@FEW
@given(SIZES, st.tuples(*[st.integers(-2, 9)] * 4), st.sampled_from(["constant", "reflect", "replicate", "circular"]))
def test_pad(size, widths, mode):
    left, right, top, bottom = widths
    assume(size[1] + left + right > 0 and size[0] + top + bottom > 0)
    left_over = size[1] + min(left, 0) + min(right, 0), size[0] + min(top, 0) + min(bottom, 0)
    assume(mode != "constant" or min(left_over) > 0)
    most = {"reflect": -1, "circular": 0}.get(mode, 20)
    assume(max(left, right) <= size[1] + most and max(top, bottom) <= size[0] + most)
    check("pad", image(size), widths, mode)


@FEW
@given(SIZES, *[st.tuples(st.integers(1, 3), st.integers(1, 3))] * 3, st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_unfold_and_fold(size, kernel, dilation, stride, padding):
    assume(all(n + 2 * p >= d * (k - 1) + 1 for n, p, d, k in zip(size, padding, dilation, kernel)))
    x = image(size)
    check("unfold", x, kernel, dilation, padding, stride)
    columns = F.unfold(Tensor(x), kernel, dilation, padding, stride).numpy()
    check("fold", columns, size, kernel, dilation, padding, stride)


@FEW
@given(SIZES, st.integers(1, 4), st.integers(1, 4), st.integers(0, 2), st.booleans(), st.booleans())
def test_pools(size, kernel, stride, padding, ceil_mode, count):
    assume(2 * padding <= kernel and min(size) + 2 * padding >= kernel)
    check("avg_pool2d", image(size), kernel, stride, padding, ceil_mode, count)
    check("max_pool2d", image(size), kernel, stride, padding, 1, ceil_mode, linear=False)


@FEW
@given(SIZES, SIZES)
def test_adaptive_pools(size, out):
    check("adaptive_avg_pool2d", image(size), out)
    check("adaptive_max_pool2d", image(size), out, linear=False)


@FEW
@given(SIZES, SIZES, st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"]), st.booleans(), st.booleans())
def test_interpolate(size, out, mode, align_corners, antialias):
    smooth = {} if mode.startswith("nearest") else dict(align_corners=align_corners, antialias=antialias)
    check("interpolate", image(size), out, mode=mode, **smooth)


@FEW
@given(SIZES, *[st.tuples(st.integers(1, 4), st.integers(1, 3))] * 3, st.tuples(*[st.integers(-1, 4)] * 4),
       st.booleans())
def test_upfirdn2d(size, kernel, up, down, padding, flip_filter):
    left, right, top, bottom = padding
    wide = size[1] * up[0] + left + right, size[0] * up[1] + top + bottom
    assume(wide[0] >= kernel[1] and wide[1] >= kernel[0])
    assume(size[1] * up[0] + min(left, 0) + min(right, 0) > 0 and size[0] * up[1] + min(top, 0) + min(bottom, 0) > 0)
    f = np.random.default_rng(2).standard_normal(kernel)
    x = image(size)
    y = F.upfirdn2d(Tensor(x), Tensor(f), up, down, padding, flip_filter).numpy()
    expected = naive_images.upfirdn2d(x, f, up, down, padding, flip_filter)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-11)
