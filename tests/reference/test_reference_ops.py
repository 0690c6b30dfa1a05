"""Every function of tinygan.functional against PyTorch, in float64: values, gradients, gradients of gradients.

The samples of the op table are run through PyTorch's function of the same name, or through the one that THEIRS names;
GRIDS adds combinations of arguments. Gradients are taken with random cotangents, and their own gradients along random
directions with respect to inputs and cotangents.
"""

import itertools

import numpy as np
import pytest

import tinygan
from tinygan import functional
from tinygan.tensor import Tensor
from tinygan.testing.samples import A, S, table

torch = pytest.importorskip("torch")
TF = torch.nn.functional
# PyTorch warns of "mean" in kl_div, of align_corners left out, of a variance of one number: all asked for here.
pytestmark = [pytest.mark.reference, pytest.mark.filterwarnings("ignore::UserWarning")]

# float64 on both sides; sums of at most a few hundred terms in another order
CLOSE = dict(rtol=1e-8, atol=1e-10)


def dims(x, dim):
    return tuple(range(x.ndim)) if dim is None else dim


def tensor(x, like):
    return x if isinstance(x, torch.Tensor) else torch.full((), float(x), dtype=like.dtype)


def with_tensors(f):
    """PyTorch's functions of two tensors that refuse numbers."""
    def function(a, b):
        like = a if isinstance(a, torch.Tensor) else b
        return f(tensor(a, like), tensor(b, like))
    return function


def loss(f):
    """PyTorch's losses want a target of the input's shape where ours take a number."""
    def function(x, target, *args, **how):
        return f(x, target if isinstance(target, torch.Tensor) else torch.full_like(x, target), *args, **how)
    return function


def weighted_bce(x, target, weight=None, reduction="mean", pos_weight=None):
    if isinstance(pos_weight, float):
        pos_weight = torch.tensor(pos_weight, dtype=x.dtype)
    return loss(TF.binary_cross_entropy_with_logits)(x, target, weight, reduction=reduction, pos_weight=pos_weight)


def classes(f):
    def function(x, target, weight=None, ignore_index=-100, reduction="mean", *smoothing, **how):
        how |= {"label_smoothing": smoothing[0]} if smoothing else {}
        return f(x, target, weight, ignore_index=ignore_index, reduction=reduction, **how)
    return function


def product(x, dim=None, keepdim=False):
    for d in sorted((d % x.ndim for d in ((dims(x, dim),) if isinstance(dim, int) else dims(x, dim))), reverse=True):
        x = torch.prod(x, d, True)
    return x if keepdim else x.reshape(torch.sum(x, dims(x, dim)).shape if x.ndim else ())


def scaled(affine):
    """Weight and bias of a norm; PyTorch's second derivatives fail with a bias and no weight, so that becomes ones."""
    weight, bias, *rest = [*affine, None, None][:max(len(affine), 2)]
    return (torch.ones_like(bias) if weight is None and bias is not None else weight, bias, *rest)


def attention(*args, **how):
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the fused one has no second derivative
        return TF.scaled_dot_product_attention(*args, **how)


# PyTorch's function where name or arguments differ from ours.
THEIRS = {
    "sub": with_tensors(torch.sub), "add": with_tensors(torch.add), "mul": with_tensors(torch.mul),
    "div": with_tensors(torch.div), "maximum": with_tensors(torch.maximum), "minimum": with_tensors(torch.minimum),
    "neg": torch.neg, "abs": torch.abs, "relu": TF.relu, "norm": lambda x, p=2, dim=None, keepdim=False:
    torch.linalg.vector_norm(x, p, dim, keepdim),
    "amax": lambda x, dim=None, keepdim=False: torch.amax(x, dims(x, dim), keepdim),
    "amin": lambda x, dim=None, keepdim=False: torch.amin(x, dims(x, dim), keepdim),
    "sum": lambda x, dim=None, keepdim=False: torch.sum(x, dims(x, dim), keepdim),
    "mean": lambda x, dim=None, keepdim=False: torch.mean(x, dims(x, dim), keepdim),
    "var": lambda x, dim=None, correction=1, keepdim=False: torch.var(x, dim, correction=correction, keepdim=keepdim),
    "std": lambda x, dim=None, correction=1, keepdim=False: torch.std(x, dim, correction=correction, keepdim=keepdim),
    "prod": product, "expand": lambda x, *s: x.expand(*s), "reshape": lambda x, *s: x.reshape(*s),
    "permute": lambda x, *d: x.permute(*d), "flip": lambda x, d: x.flip(d),
    "squeeze": lambda x, dim=None: x.squeeze() if dim is None else x.squeeze(dim),
    "one_hot": lambda x, n, dtype=np.float32: torch.eye(n, dtype=torch.from_numpy(np.zeros(0, dtype)).dtype)[x],
    "layer_norm": lambda x, shape, *affine, **how: TF.layer_norm(
        x, shape if isinstance(shape, tuple) else (shape,), *scaled(affine), **how),
    "instance_norm": lambda x, weight=None, bias=None, eps=1e-5: TF.instance_norm(
        x, None, None, *scaled((weight, bias)), eps=eps),
    "group_norm": lambda x, n, *affine, **how: TF.group_norm(x, n, *scaled(affine), **how),
    "batch_norm": lambda x, mean, var, *affine, **how: TF.batch_norm(x, mean, var, *scaled(affine), **how),
    "mse_loss": lambda x, t, reduction="mean": loss(TF.mse_loss)(x, t, reduction=reduction),
    "l1_loss": lambda x, t, reduction="mean": loss(TF.l1_loss)(x, t, reduction=reduction),
    "smooth_l1_loss": lambda x, t, reduction="mean", beta=1.0: loss(TF.smooth_l1_loss)(
        x, t, reduction=reduction, beta=beta),
    "kl_div": lambda x, t, reduction="mean", log_target=False: TF.kl_div(
        x, t, reduction=reduction, log_target=log_target),
    "binary_cross_entropy_with_logits": weighted_bce, "cross_entropy": classes(TF.cross_entropy),
    "nll_loss": classes(TF.nll_loss), "scaled_dot_product_attention": attention,
    "gelu": lambda x, approximate="none": TF.gelu(x, approximate=approximate),
    "adaptive_avg_pool1d": lambda x, n: TF.adaptive_avg_pool1d(x, x.shape[2:] if n == (None,) else n),
    "adaptive_max_pool1d": lambda x, n, *a: TF.adaptive_max_pool1d(x, x.shape[2:] if n == (None,) else n, *a),
}


# What PyTorch has no function for, written in its operations: an argued list, each with the form it must equal.


def locally_connected2d(x, w, bias=None, stride=1, padding=0, dilation=1):
    columns = TF.unfold(x, w.shape[2:4], dilation, padding, stride)
    y = torch.einsum("nkl,okl->nol", columns, w.reshape(len(w), columns.shape[1], columns.shape[2]))
    y = y.reshape(len(x), len(w), *w.shape[4:])
    return y if bias is None else y + bias


def per_sample_conv2d(x, w, bias=None, stride=1, padding=0, dilation=1):
    bias = [None] * len(x) if bias is None else bias
    return torch.cat([TF.conv2d(x[i:i + 1], w[i], bias[i], stride, padding, dilation) for i in range(len(x))])


def modulated_conv2d(x, w, s, demodulate=True, stride=1, padding=0, transposed=False, eps=1e-8):
    own = w[None] * s[:, None, :, None, None]
    own = own / (own.square().sum((2, 3, 4), keepdim=True) + eps).sqrt() if demodulate else own
    if not transposed:
        return per_sample_conv2d(x, own, None, stride, padding)
    return torch.cat([TF.conv_transpose2d(x[i:i + 1], own[i].transpose(0, 1), None, stride, padding)
                      for i in range(len(x))])


def upfirdn2d(x, f, up=1, down=1, padding=0, flip_filter=False, gain=1.0):
    (ux, uy), (dx, dy) = [(v, v) if isinstance(v, int) else v for v in (up, down)]
    p = (padding, padding) if isinstance(padding, int) else padding
    p = (p[0], p[0], p[1], p[1]) if len(p) == 2 else p
    f = torch.ones(1, 1, dtype=x.dtype) if f is None else torch.outer(f, f) if f.ndim == 1 else f
    f = f if flip_filter else f.flip(0, 1)
    n, c, h, w = x.shape
    wide = TF.pad(x.reshape(n, c, h, 1, w, 1), (0, ux - 1, 0, 0, 0, uy - 1)).reshape(n, c, h * uy, w * ux)
    y = TF.conv2d(TF.pad(wide, p).reshape(n * c, 1, h * uy + p[2] + p[3], w * ux + p[0] + p[1]), f[None, None])
    return gain * y.reshape(n, c, *y.shape[2:])[:, :, ::dy, ::dx]


LACKING = {
    "global_avg_pool": lambda x: x.mean(tuple(range(2, x.ndim))),  # PyTorch spells it out
    "locally_connected2d": locally_connected2d,  # never part of PyTorch
    "per_sample_conv2d": per_sample_conv2d,  # one convolution per image
    "modulated_conv2d": modulated_conv2d,  # StyleGAN2's, as the paper writes it
    "upfirdn2d": upfirdn2d,  # an extension of StyleGAN2's code, by its definition
}

# Where PyTorch cannot judge the second derivative: it has none (RuntimeError). Finite differences do, in the op table.
NO_SECOND = {"cdist"}
# Positions of arguments that have no gradient in PyTorch: running statistics, and the weights of losses.
CONSTANT = {"batch_norm": (1, 2), "binary_cross_entropy_with_logits": (2, 4), "cross_entropy": (2,), "nll_loss": (2,)}


def differentiated(s) -> list:
    """The positions among the arrays for which both sides have gradients. Of an empty sample values are compared."""
    numbers = iter(range(len(s.specs)))
    found = []
    for k, argument in enumerate([*s.args, *s.kwargs.values()]):
        constant = k in CONSTANT.get(s.op, ()) or k >= len(s.args) and s.op in CONSTANT
        for spec in S("", argument).specs:
            i = next(numbers)
            if spec.floating and not constant and not any(0 in x.shape for x in s.specs):
                found.append(i)
    return found


def random_or_unsupported(s) -> bool:
    """Samples that PyTorch cannot be asked: random masks, a batch of size 0, and a source larger than its index."""
    if s.op == "dropout":
        return s.kwargs.get("training", True) and not 0.0 == (s.args[1:2] or (0.5,))[0]
    if s.op == "scatter_add":  # PyTorch computes the value and fails in the gradient
        return s.args[3].shape != s.args[2].shape
    return s.empty and s.op in NEEDS_A_BATCH


NEEDS_A_BATCH = {"interpolate", "affine_grid", "grid_sample", "per_sample_conv2d", "modulated_conv2d", "upfirdn2d",
                 "fold", "unfold", "locally_connected2d", "pixel_unshuffle", "instance_norm"}


def across(*options):
    """Every combination of keyword arguments, each option a name with its values."""
    names = [name for name, _ in options]
    return [dict(zip(names, values)) for values in itertools.product(*[v for _, v in options])]


def grids() -> list:
    rows = []
    for how in across(("stride", (1, (2, 3))), ("padding", (0, (2, 1))), ("dilation", (1, (1, 2))), ("groups", (1, 2))):
        for kernel in ((1, 1), (3, 3), (2, 4)):
            rows.append(S("conv2d", A(2, 4, 7, 8), A(6, 4 // how["groups"], *kernel), A(6), **how))
            if how["padding"] and kernel == (1, 1):
                continue  # nothing would be left
            rows.append(S("conv_transpose2d", A(2, 4, 4, 5), A(4, 3, *kernel), A(3 * how["groups"]), **how))
    for n, size in ((1, (9,)), (3, (5, 5, 4))):
        for how in across(("stride", (1, 2)), ("padding", (0, 1)), ("dilation", (1, 2)), ("groups", (1, 2))):
            kernel = (3, 2, 2)[-n:]
            rows.append(S(f"conv{n}d", A(2, 2, *size), A(4, 2 // how["groups"], *kernel), A(4), **how))
            rows.append(S(f"conv_transpose{n}d", A(2, 2, *size), A(2, 2, *kernel), **how))
    for n, size in ((1, (11,)), (2, (8, 11)), (3, (5, 4, 6))):
        for how in across(("stride", (None, 1, 3)), ("padding", (0, 1)), ("ceil_mode", (False, True))):
            for kernel in (2, 3):
                rows.append(S(f"max_pool{n}d", A(2, 2, *size), kernel, **how))
                rows.append(S(f"max_pool{n}d", A(2, 2, *size), kernel, **how, return_indices=True))
                rows += [S(f"avg_pool{n}d", A(2, 2, *size), kernel, **how, count_include_pad=c) for c in (True, False)]
        for out in (1, 2, 3, 5, 7):
            rows += [S(f"adaptive_{k}_pool{n}d", A(2, 2, *size), out) for k in ("avg", "max")]
    for size, mode in itertools.product(((1, 1), (2, 9), (3, 5), (5, 3), (7, 12)), ("bilinear", "bicubic")):
        for how in across(("align_corners", (False, True)), ("antialias", (False, True))):
            rows.append(S("interpolate", A(2, 2, 5, 6), size, mode=mode, **how))
    modes = "nearest", "nearest-exact", "bilinear", "bicubic", "area"
    for factor, mode in itertools.product((0.3, 0.5, 0.7, 1.3, 1.5, 2.0, 2.6), modes):
        rows += [S("interpolate", A(2, 2, 7, 5), scale_factor=factor, mode=mode, recompute_scale_factor=r)
                 for r in (None, True)]
    rows += [S("interpolate", A(1, 2, n), o, mode=mode) for n in (3, 7, 11) for o in (1, 5, 14, 29)
             for mode in ("nearest", "nearest-exact", "linear", "area")]
    for how in across(("mode", ("bilinear", "nearest")), ("padding_mode", ("zeros", "border", "reflection")),
                      ("align_corners", (False, True))):
        rows += [S("grid_sample", A(2, 2, *size), A(2, *out, len(size)), **how)
                 for size, out in (((5, 4), (3, 6)), ((1, 3), (2, 2)), ((3, 2, 4), (2, 3, 2)))]
    for mode, size in itertools.product(("reflect", "replicate", "circular"), ((5,), (4, 5), (3, 4, 5))):
        rows += [S("pad", A(2, 3, *size), widths, mode) for widths in ((1, 2) * len(size), (2, 0) * len(size))]
    return rows + norms()


def norms() -> list:
    rows = []
    for size, affine in itertools.product(((4,), (3, 4), (2, 3, 2)), (False, True)):
        channel = (A(6), A(6)) if affine else (None, None)
        rows.append(S("batch_norm", A(4, 6, *size), None, None, *channel, training=True, eps=1e-3))
        rows.append(S("batch_norm", A(4, 6, *size), A(6), A(6, kind="positive"), *channel))
        rows.append(S("instance_norm", A(4, 6, *size), *channel, eps=1e-3))
        rows += [S("group_norm", A(4, 6, *size), g, *channel) for g in (1, 2, 6)]
        rows += [S("layer_norm", A(4, 6, *size), (6, *size)[-k:], *([A(*(6, *size)[-k:])] * 2 if affine else []))
                 for k in (1, 2)]
    return rows


def to_torch(x):
    """Arguments with their arrays as PyTorch's tensors."""
    if isinstance(x, np.ndarray):
        return torch.from_numpy(x.copy())
    if isinstance(x, dict):
        return {k: to_torch(v) for k, v in x.items()}
    return type(x)([to_torch(v) for v in x]) if type(x) in (list, tuple) else x


def theirs(op):
    """PyTorch's function for one of ours."""
    if op in THEIRS or op in LACKING:
        return THEIRS.get(op) or LACKING[op]
    return getattr(TF, op, None) or getattr(torch, op)


def ours_of(s, arrays, needs, draws):
    """Values, gradients and gradients of gradients, as NumPy arrays (None where nothing flows)."""
    inputs = [Tensor(a, requires_grad=i in needs) for i, a in enumerate(arrays)]
    y = s.f(*inputs)
    outputs = [y] if isinstance(y, Tensor) else list(y)
    floating = [t for t in outputs if t.dtype.kind == "f" and t.requires_grad]
    wanted = [inputs[i] for i in needs]
    if not floating or not wanted:
        return outputs, [], []
    c = [Tensor(d, requires_grad=True) for d in draws(floating)]
    first = tinygan.grad(floating, wanted, c, create_graph=True, allow_unused=True)
    total = sum(((g * Tensor(v)).sum() for g, v in zip(first, draws(wanted)) if g is not None), 0.0)
    second = tinygan.grad(total, wanted + c, allow_unused=True) if getattr(total, "requires_grad", False) else \
        [None] * len(wanted + c)
    return outputs, first, second


def theirs_of(s, arrays, needs, draws, second_too):
    inputs = [torch.from_numpy(a.copy()) for a in arrays]
    for i in needs:
        inputs[i].requires_grad_()
    y = s.bind(lambda *args, **how: theirs(s.op)(*to_torch(args), **to_torch(how)), inputs)
    outputs = [y] if isinstance(y, torch.Tensor) else list(y)
    floating = [t for t in outputs if t.is_floating_point() and t.requires_grad]
    wanted = [inputs[i] for i in needs]
    if not floating or not wanted:
        return outputs, [], []
    c = [torch.from_numpy(d).requires_grad_() for d in draws(floating)]
    first = torch.autograd.grad(floating, wanted, c, create_graph=True, allow_unused=True)
    total = sum((g * torch.from_numpy(v)).sum() for g, v in zip(first, draws(wanted)) if g is not None)
    second = [None] * len(wanted + c)
    if second_too and getattr(total, "requires_grad", False):
        second = torch.autograd.grad(total, wanted + c, allow_unused=True)
    return outputs, first, second


def compare(s):
    """Values and derivatives of a sample on both sides."""
    arrays = s.arrays()
    needs = differentiated(s)

    def draws(like):
        rng = np.random.default_rng(len(like))
        return [rng.standard_normal(tuple(t.shape)) for t in like]
    second_too = s.op not in NO_SECOND
    a, b = ours_of(s, arrays, needs, draws), theirs_of(s, arrays, needs, draws, second_too)
    for what, ours, other in zip(("value", "gradient", "second"), a, b):
        if what == "second" and not second_too:
            continue
        if not other and what != "value":
            continue
        for k, (x, y) in enumerate(zip(ours, other, strict=True)):
            x = None if x is None else x.numpy()
            y = None if y is None else y.numpy(force=True)
            if x is None and y is None:
                continue
            x, y = np.zeros_like(y) if x is None else x, np.zeros_like(x) if y is None else y
            assert x.shape == y.shape, (s, what, k)
            np.testing.assert_allclose(x, y, **CLOSE, err_msg=f"{s}: {what} {k}")


SAMPLES = [s for s in [*table(), *grids()] if s.op in functional.__all__ and not random_or_unsupported(s)]
BY_OP = {}
for _s in SAMPLES:
    BY_OP.setdefault(_s.op, []).append(_s)


@pytest.mark.parametrize("op", sorted(BY_OP))
def test_as_in_pytorch(op):
    for s in BY_OP[op]:
        compare(s)


def without_reference(names) -> set:
    """Public functions that no sample compares, or that PyTorch has no function for."""
    return {name for name in names if name not in BY_OP or not (
        name in THEIRS or name in LACKING or hasattr(TF, name) or hasattr(torch, name))}


def test_every_public_function_is_compared():
    assert without_reference(functional.__all__) == set()
    assert without_reference(["new_function"]) == {"new_function"}
    assert all(not hasattr(TF, name) and not hasattr(torch, name) for name in LACKING)


@pytest.mark.parametrize("op", sorted(NO_SECOND))
def test_where_pytorch_has_no_second_derivative_it_says_so(op):
    s = next(s for s in BY_OP[op] if not s.empty)
    arrays = s.arrays()
    with pytest.raises(RuntimeError, match="not implemented|not.*differentiable"):
        theirs_of(s, arrays, range(len(arrays)), lambda like: [np.ones(tuple(t.shape)) for t in like], True)
