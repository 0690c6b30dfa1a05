"""The op table: calls of every public function and operator, written as the calls they stand for.

``S("conv2d", A(2, 3, 5, 5), A(4, 3, 3, 3), stride=2)`` is ``F.conv2d(x, w, stride=2)`` with random x and w of those
shapes; ``S("Tensor.__rsub__", A(3), 2.0)`` is ``2.0 - x``. Arrays are drawn from a seed on request, in the dtype asked
for. The tests run every sample against its naive definition (``naive_ops``) and through every check they know; a
meta-test fails when a function, a method or a subclass of ``Function`` is not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tinygan import functional, random
from tinygan.backend import array_module
from tinygan.tensor import Tensor

NOT_DIFFERENTIABLE = {"argmax", "argmin", "one_hot", "zeros_like", "ones_like", "eq", "ne", "lt", "le", "gt", "ge",
                      "sign"}
# Operations affine in an input while the others stand still: positions among the floating inputs of a sample.
LINEAR = {name: (0,) for name in (
    "div neg where sum mean expand reshape flatten permute transpose squeeze unsqueeze flip pad getitem gather "
    "interpolate avg_pool1d avg_pool2d avg_pool3d global_avg_pool dropout view T cumsum roll tril triu index_select "
    "take_along_dim unfold fold adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d pixel_shuffle "
    "pixel_unshuffle affine_grid grid_sample").split()}
LINEAR |= {name: (0, 1, 2) for name in (
    "add sub rsub mul matmul linear cat stack scatter_add einsum embedding conv1d conv2d conv3d conv_transpose1d "
    "conv_transpose2d conv_transpose3d locally_connected2d per_sample_conv2d").split()}
LINEAR |= {"upfirdn2d": (0,), "modulated_conv2d": (0,), "scaled_dot_product_attention": (2,), "nll_loss": (0,)}
LINEAR |= {"layer_norm": (1, 2), "group_norm": (1, 2), "instance_norm": (1, 2)}


def _distinct(rng, shape):
    n = int(np.prod(shape))
    return ((rng.permutation(n) - n / 2) * 0.1 + 0.03).reshape(shape)


DRAW = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "positive": lambda rng, shape: rng.uniform(0.5, 2.0, shape),
    "away": lambda rng, shape: rng.uniform(0.3, 1.5, shape) * rng.choice([-1.0, 1.0], shape),  # from the kink at 0
    "distinct": _distinct,  # values at least 0.1 apart: a maximum stays where it is
    "between": lambda rng, shape: _distinct(rng, shape) + 0.05,  # never equal to a distinct value
    "mask": lambda rng, shape: rng.random(shape) < 0.5,
}


@dataclass(frozen=True)
class A:
    """An array to be drawn: ``A(2, 3)`` is normal, ``A(2, 3, kind="positive")``, ``A(2, below=5)`` holds integers.

    ``memory`` is "C", "last" (channels last), "sliced" (every second element) or "reversed" (negative strides).
    """

    shape: tuple
    kind: str = "normal"
    memory: str = "C"
    below: int | None = None

    def __init__(self, *shape, kind="normal", memory="C", below=None):
        for key, value in dict(shape=shape, kind=kind, memory=memory, below=below).items():
            object.__setattr__(self, key, value)

    @property
    def floating(self) -> bool:
        return self.below is None and self.kind != "mask"

    def draw(self, rng, dtype, memory=None):
        if self.below is not None:
            return rng.integers(0, self.below, self.shape)
        values = DRAW[self.kind](rng, self.shape)
        return lay_out(values.astype(dtype) if self.floating else values, memory or self.memory)


def lay_out(x, memory: str):
    """The same values in another memory layout."""
    if memory == "last" and x.ndim > 2:
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    if memory in ("sliced", "last") and x.ndim:
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if memory == "reversed":
        return np.flip(np.flip(x).copy())
    return np.array(x, order="C")


@dataclass(frozen=True)
class Sample:
    """One call; ``arrays(...)`` draws its arrays, ``f(*tensors)`` makes the call with them."""

    op: str
    args: tuple
    kwargs: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The operation without "Tensor." and underscores: the key of its naive definition."""
        return self.op.replace("Tensor.", "").strip("_").replace("truediv", "div")

    @property
    def function(self):
        if self.op.startswith("Tensor."):
            found = getattr(Tensor, self.op[7:])
            return found.fget if isinstance(found, property) else found
        return getattr(functional, self.op)

    @property
    def specs(self) -> list:
        """The arrays of the call, in the order in which they appear."""
        found = []
        _replace((self.args, self.kwargs), lambda spec: found.append(spec))
        return found

    @property
    def differentiable(self) -> bool:
        return self.name not in NOT_DIFFERENTIABLE and any(s.floating for s in self.specs)

    @property
    def empty(self) -> bool:
        """Whether a floating input has no elements: nothing to measure, but shapes and dtypes must be right."""
        return any(0 in s.shape for s in self.specs if s.floating)

    @property
    def linear(self) -> tuple:
        """The positions among all arrays in which the call is affine."""
        if self.name == "div" and not isinstance(self.args[0], A):
            return ()  # a number over an array
        floating = [i for i, s in enumerate(self.specs) if s.floating]
        return tuple(floating[k] for k in LINEAR.get(self.name, ()) if k < len(floating))

    def arrays(self, seed: int = 0, dtype=np.float64, memory=None) -> list:
        """The arrays; ``memory`` overrides the layout of the floating ones without changing a value."""
        rng = np.random.default_rng(seed)
        return [s.draw(rng, dtype, memory) for s in self.specs]

    def f(self, *inputs):
        """The call, on Tensors."""
        return self.bind(self.function, inputs)

    def bind(self, function, inputs):
        """``function`` called like the operation, with ``inputs`` in the places of the arrays."""
        rest = iter(inputs)
        args, kwargs = _replace((self.args, self.kwargs), lambda spec: next(rest))
        if self.name != "dropout":
            return function(*args, **kwargs)
        state = random.get_state()  # the same mask at every call, and nobody's stream moves
        random.manual_seed(0)
        try:
            return function(*args, **kwargs)
        finally:
            random.set_state(state)

    def __str__(self):
        def show(x):
            if isinstance(x, A):
                extra = [str(x.below)] if x.below is not None else []
                extra += [k for k, default in ((x.kind, "normal"), (x.memory, "C")) if k != default]
                return "A" + "x".join(map(str, x.shape or ("",))) + "".join("." + e for e in extra)
            return "[" + ",".join(map(show, x)) + "]" if isinstance(x, (list, tuple)) else str(x).replace(" ", "")
        parts = [show(a) for a in self.args] + [f"{k}={show(v)}" for k, v in self.kwargs.items()]
        return f"{self.op}({','.join(parts)})"


def _replace(x, how):
    if isinstance(x, A):
        return how(x)
    if isinstance(x, dict):
        return {k: _replace(v, how) for k, v in x.items()}
    return type(x)([_replace(v, how) for v in x]) if type(x) in (list, tuple) else x


def S(op, *args, **kwargs) -> Sample:
    """A row of the table."""
    return Sample(op, args, kwargs)


def as_tensors(arrays, requires_grad: bool = False) -> list:
    """Arrays as Tensors that share their memory; the floating ones may require gradients."""
    return [Tensor(a, requires_grad=requires_grad and array_module(a) is not None and a.dtype.kind == "f")
            for a in arrays]


def table() -> list:
    """Every sample."""
    from tinygan.testing import samples_elementwise, samples_images, samples_layers, samples_more, samples_shape
    return [*samples_elementwise.SAMPLES, *samples_shape.SAMPLES, *samples_layers.SAMPLES, *samples_more.SAMPLES,
            *samples_images.SAMPLES]
