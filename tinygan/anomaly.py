"""Anomaly mode: name the operation that made the first NaN or infinity, and the line that called it."""

from __future__ import annotations

import numpy as np

from tinygan.autograd import watch
from tinygan.backend import array_module
from tinygan.tensor import Tensor

_PACKAGE = __name__.rpartition(".")[0].replace(".", "/")


class AnomalyError(ArithmeticError):
    """An operation produced NaN or infinity from finite inputs."""


def _is_finite(array) -> bool:
    return array.dtype.kind != "f" or bool(array_module(array).isfinite(array).all())


class Detector:
    """Runs every operation and looks at what it returns."""

    differentiating = None  # the node whose backward is running: what happens inside counts as its backward

    def forward(self, node, arrays):
        inside = self.differentiating
        node.origin = _caller() if inside is None else f"by the backward pass of {type(inside).__name__}, created\n" \
            f"{_origin(inside)}"
        with np.errstate(all="ignore"):  # the error raised here says more than NumPy's warning
            out = node.compute(*arrays)
        for array in (out if type(out) is tuple else (out,)) if inside is None else ():
            if array is not None and hasattr(array, "dtype") and not _is_finite(array):
                raise AnomalyError(f"{type(node).__name__}: expected finite values, the forward pass gave "
                                   f"{_describe(array)}; called\n{node.origin}")
        return out

    def backward(self, node, cotangents):
        outer, self.differentiating = self.differentiating, node
        try:
            gradients = node.backward(*cotangents)
        finally:
            self.differentiating = outer
        for i, g in enumerate(gradients if type(gradients) is tuple else (gradients,)):
            if isinstance(g, Tensor) and not _is_finite(g.data):
                raise AnomalyError(f"{type(node).__name__}: expected finite gradients, the backward pass gave "
                                   f"{_describe(g.data)} for input {i}; the operation was created\n{_origin(node)}")
        return gradients


def _origin(node) -> str:
    return getattr(node, "origin", "before anomaly mode was on")


def _describe(array) -> str:
    xp = array_module(array)
    nans = int(xp.isnan(array).sum())
    return f"{nans} NaN and {int((~xp.isfinite(array)).sum()) - nans} infinite of {array.size} values"


def _caller() -> str:
    """The innermost stack entries outside this package, as Python prints them."""
    import traceback  # here: only who looks for a fault pays for its import
    frames = [f for f in traceback.extract_stack() if f"/{_PACKAGE}/" not in f.filename.replace("\\", "/")]
    return "".join(traceback.format_list(frames[-2:])).rstrip()


def detect_anomaly():
    """A context in which the first operation that makes a NaN or an infinity raises :class:`AnomalyError`.

    The error names the operation, the pass (forward or backward) and the line of the caller's code that created it.
    Every operation waits for its result, so use it to find a fault, not to train.
    """
    return watch(Detector())
