"""Normalisation on the CPU: the plain formula, finite differences, soundness for large means, memory, threads."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.kernels import layout, threads
from tinygan.kernels.cpu import normalize, normalize_vjp

EPS = 1e-5
ORDERS = {
    "C": np.ascontiguousarray,
    "channels-last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
}


def plain(x, scale, shift, axes):
    mean = x.mean(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(((x - mean) ** 2).mean(axis=axes, keepdims=True) + EPS)
    y = (x - mean) * rstd
    y = y if scale is None else y * scale
    return (y if shift is None else y + shift), mean, rstd


def plain_vjp(g, x, scale, axes):
    _, mean, rstd = plain(x, None, None, axes)
    xhat, h = (x - mean) * rstd, g if scale is None else g * scale
    gx = rstd * (h - h.mean(axis=axes, keepdims=True) - xhat * (h * xhat).mean(axis=axes, keepdims=True))
    if scale is None:
        return gx, None, None
    over = tuple(i for i, n in enumerate(scale.shape) if n == 1)
    return gx, (g * xhat).sum(axis=over, keepdims=True), g.sum(axis=over, keepdims=True)


CASES = [  # shape, axes, shape of scale and shift: what each layer asks for, and what none does
    ((6, 5), (0,), (1, 5)),  # batch norm
    ((4, 3, 9), (0, 2), (1, 3, 1)),
    ((4, 3, 5, 7), (0, 2, 3), (1, 3, 1, 1)),
    ((3, 2, 3, 4, 5), (0, 2, 3, 4), (1, 2, 1, 1, 1)),
    ((40, 60, 13, 11), (0, 2, 3), (1, 60, 1, 1)),  # two blocks, and rows that fold by 5
    ((4, 1, 6, 6), (0, 2, 3), (1, 1, 1, 1)),
    ((4, 3, 5, 7), (2, 3), (1, 3, 1, 1)),  # instance norm, with a style of its own for each image below
    ((4, 3, 5, 7), (2, 3), (4, 3, 1, 1)),
    ((3, 70, 65, 64), (2, 3), (1, 70, 1, 1)),  # several blocks per image
    ((4, 2, 3, 5, 7), (2, 3, 4), (1, 2, 3, 1, 1)),  # group norm
    ((6, 5), (1,), (1, 5)),  # layer norm
    ((4, 3, 9), (2,), (1, 1, 9)),
    ((4, 3, 5, 7), (1, 2, 3), (1, 3, 5, 7)),
    ((4, 3, 5, 7), (1, 2, 3), (1, 3, 1, 1)),
    ((4, 3, 9), (1,), (1, 3, 1)),  # over the channels
    ((4, 3, 5, 7), (0, 2, 3), (4, 3, 1, 1)),  # conditional batch norm: the scale varies along a reduced axis
    ((4, 3, 4, 4), (0,), (1, 3, 4, 4)),
    ((4, 3, 4, 5), (1, 3), (1, 3, 1, 5)),
    ((4, 3, 1, 1), (2, 3), (1, 3, 1, 1)),  # one element behind each mean
    ((1, 3, 5), (0, 1, 2), (1, 1, 1)),
    ((4, 3, 5), (-1,), (1, 1, 5)),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape, axes, affine", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_gradients_are_the_plain_formulas(shape, axes, affine, order, dtype):
    rng = np.random.default_rng(0)
    x, g = (ORDERS[order](rng.standard_normal(shape).astype(dtype) + 1) for _ in range(2))
    scale, shift = rng.standard_normal((2, *affine)).astype(dtype)
    x_before, g_before = x.copy(), g.copy()
    # float32 sums of up to 6,000 terms in several partial sums err by some tens of roundings, times rstd <= 316
    tolerance = (1000 if 1 in (x.shape[i] for i in axes) else 100) * np.finfo(dtype).eps
    for a, b in ((scale, shift), (None, None), (scale, None), (None, shift)):
        y, mean, rstd = normalize(x, a, b, axes, EPS)
        grads = normalize_vjp(g, x, a, mean, rstd, axes, (True, a is not None, a is not None))
        # in C order, where NumPy adds pairwise: the oracle shall be the more accurate of the two
        wide = [None if v is None else v.astype(np.float64, order="C") for v in (x, g, a, b)]
        expected = plain(wide[0], wide[2], wide[3], axes) + plain_vjp(wide[1], wide[0], wide[2], axes)
        for got, want in zip((y, mean, rstd, *grads), expected, strict=True):
            assert (got is None) == (want is None)
            if want is not None:
                assert got.shape == want.shape and got.dtype == dtype
                size = max(1, np.abs(want).max())
                np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * size)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(g, g_before)


@given(st.integers(0, 10 ** 6), st.sampled_from([case for case in CASES if np.prod(case[0]) < 2000]))
def test_gradients_are_finite_differences(seed, case):
    shape, axes, affine = case
    rng = np.random.default_rng(seed)
    x, g, v = rng.standard_normal((3, *shape))
    scale, shift, v_scale, v_shift = rng.standard_normal((4, *affine))
    _, mean, rstd = normalize(x, scale, shift, axes, 0.1)
    gx, gscale, gshift = normalize_vjp(g, x, scale, mean, rstd, axes, (True, True, True))

    def along(t):
        return np.sum(g * normalize(x + t * v, scale + t * v_scale, shift + t * v_shift, axes, 0.1)[0])
    h = 1e-3  # five points: truncation h^4 = 1e-12 times a fifth derivative, which eps = 0.1 keeps below some 1e5
    numeric = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
    exact = np.sum(gx * v) + np.sum(gscale * v_scale) + np.sum(gshift * v_shift)
    assert abs(numeric - exact) < 1e-6 * (np.abs(g * v).sum() + abs(exact) + 1)


def test_what_is_not_needed_is_not_computed():
    x, scale = np.random.default_rng(0).standard_normal((2, 4, 3)), np.ones((1, 4, 1))
    for axes, kind in (((0, 2), "columns"), ((1, 2), "rows")):
        _, mean, rstd = normalize(x, scale, None, axes, EPS)
        for needs in np.ndindex(2, 2, 2):
            grads = normalize_vjp(x, x, scale, mean, rstd, axes, tuple(map(bool, needs)))
            assert [v is not None for v in grads] == list(map(bool, needs)), kind


@pytest.mark.parametrize("shape, axes", [((64, 8, 16, 16), (0, 2, 3)), ((64, 2048), (1,)), ((8, 4, 32, 32), (2, 3)),
                                         ((8, 2, 2, 32, 32), (2, 3, 4))])
def test_the_variance_survives_a_mean_a_thousand_times_larger(shape, axes):
    x = (np.random.default_rng(0).standard_normal(shape) + 1000).astype(np.float32)
    y, mean, rstd = normalize(x, None, None, axes, EPS)
    exact = plain(x.astype(np.float64), None, None, axes)
    # E x^2 - (E x)^2 in float32 would err by 1e6 * 6e-8 = 6 %; centred, the variance errs by some roundings of itself
    np.testing.assert_allclose(rstd, exact[2], rtol=2e-6)
    np.testing.assert_allclose(mean, exact[1], rtol=1e-6)
    # the mean is a float32 near 1000, which is 3e-5 away from the true one
    np.testing.assert_allclose(y, exact[0], atol=2e-4)


def test_the_first_image_may_be_far_from_all_others():
    x = np.random.default_rng(0).standard_normal((65, 4, 16, 16)).astype(np.float32)
    x[0] += 1000
    exact = plain(x.astype(np.float64), None, None, (0, 2, 3))
    _, mean, rstd = normalize(x, None, None, (0, 2, 3), EPS)
    np.testing.assert_allclose(rstd, exact[2], rtol=1e-5)
    np.testing.assert_allclose(mean, exact[1], rtol=1e-5)


def test_a_constant_channel_becomes_its_shift_and_has_a_finite_gradient():
    x = np.full((8, 3, 4, 4), 7.3, np.float32)
    scale, shift = np.full((2, 1, 3, 1, 1), 0.5, np.float32)
    y, mean, rstd = normalize(x, scale, shift, (0, 2, 3), EPS)
    # a mean one rounding (5e-7) off would show as 5e-7 * 316 * 0.5 = 8e-5
    np.testing.assert_allclose(y, 0.5, atol=1e-4)
    np.testing.assert_allclose(rstd, EPS ** -0.5, rtol=1e-3)
    assert np.isfinite(normalize_vjp(x, x, scale, mean, rstd, (0, 2, 3), (True, True, True))[0]).all()


def test_batch_and_instance_norm_return_channels_last_memory_without_a_copy_of_such():
    x = ORDERS["channels-last"](np.random.default_rng(0).standard_normal((4, 3, 5, 7)))
    copies = layout.copies
    for axes in ((0, 2, 3), (2, 3), (1, 2, 3)):
        y, mean, rstd = normalize(x, None, None, axes, EPS)
        gx, _, _ = normalize_vjp(y, x, None, mean, rstd, axes, (True, False, False))
        assert y.transpose(0, 2, 3, 1).flags.c_contiguous and gx.transpose(0, 2, 3, 1).flags.c_contiguous
    grouped = x.reshape(4, 3, 1, 5, 7)  # a view of the same memory, as group norm takes it
    normalize(grouped, None, None, (2, 3, 4), EPS)
    wide = ORDERS["channels-last"](np.concatenate([x, x], axis=1))
    y, mean, rstd = normalize(wide.reshape(4, 2, 3, 5, 7), None, None, (2, 3, 4), EPS)
    gx, _, _ = normalize_vjp(y, wide.reshape(y.shape), None, mean, rstd, (2, 3, 4), (True, False, False))
    assert all(np.moveaxis(v.reshape(wide.shape), 1, -1).flags.c_contiguous for v in (y, gx))
    assert layout.copies == copies
    y, _, _ = normalize(np.ascontiguousarray(x), None, None, (0, 2, 3), EPS)
    assert layout.copies == copies + 1 and y.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("shape, axes", [((0, 3, 4, 4), (0, 2, 3)), ((2, 3, 0), (2,)), ((0, 5), (1,))])
def test_an_empty_input(shape, axes):
    x, scale = np.zeros(shape, np.float32), np.ones((1, *shape[1:2], *[1] * (len(shape) - 2)), np.float32)
    y, mean, rstd = normalize(x, scale, scale, axes, EPS)
    grads = normalize_vjp(x, x, scale, mean, rstd, axes, (True, True, True))
    assert y.shape == grads[0].shape == shape and mean.dtype == rstd.dtype == np.float32
    assert not grads[1].any() and not grads[2].any() and grads[1].shape == scale.shape


@pytest.mark.parametrize("shape, axes, affine", [((64, 48, 16, 16), (0, 2, 3), (1, 48, 1, 1)),
                                                 ((16, 48, 32, 32), (2, 3), (1, 48, 1, 1)),
                                                 ((700, 1100), (1,), (1, 1100))])
def test_the_number_of_threads_changes_no_bit(shape, axes, affine):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((2, *shape)).astype(np.float32)
    scale, shift = rng.standard_normal((2, *affine)).astype(np.float32)
    results, before = [], threads.get_num_threads()
    try:
        for n in (1, 3):
            threads.set_num_threads(n)
            forward = normalize(x, scale, shift, axes, EPS)
            results.append(forward + normalize_vjp(g, x, scale, *forward[1:], axes, (True, True, True)))
    finally:
        threads.set_num_threads(before)
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
