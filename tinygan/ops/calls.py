"""The usual calls of operations on one and on two tensors, written out: on small arrays the loops of the general call
take longer than NumPy's arithmetic. Both do what ``Function.__call__`` does, and leave what is unusual to it."""

from __future__ import annotations

from numpy import ndarray

from tinygan.autograd import NUMBERS, Function, no_scalar
from tinygan.mode import current_mode
from tinygan.tensor import Tensor


class Single(Function):
    """An operation on one tensor, which saves nothing, its input or its output."""

    differentiable = (True,)

    def of(self, x):
        """The same as calling it, quicker when x is a Tensor."""
        mode = current_mode()
        if type(x) is not Tensor or x.version is not None or mode.watcher is not None:
            return self(x)
        array = x.data
        out = self.forward(array) if type(array) is ndarray else self.compute(array)
        if type(out) is not ndarray:
            out = no_scalar(out)
        if not (x.requires_grad and mode.grad):
            return Tensor(out)
        self.number = next(NUMBERS)
        self.edges = ((x.node or x, x.index, array.shape),)
        if self.saves_output:
            self.output = out
        elif self.saves:
            self.saved = (x,)
        return Tensor(out, True, self, 0)


class Pair(Function):
    """An operation on two tensors, whose ``saves``, if any, are both."""

    differentiable = (True, True)

    def of(self, a, b):
        """The same as calling it, quicker; a and b are Tensors."""
        x, y = a.data, b.data
        mode = current_mode()
        if x.dtype is not y.dtype or a.version is not None or b.version is not None or mode.watcher is not None:
            return self(a, b)
        out = self.forward(x, y) if type(x) is ndarray else self.compute(x, y)
        if type(out) is not ndarray:
            out = no_scalar(out)
        if not mode.grad:
            return Tensor(out)
        if a.requires_grad and b.requires_grad:
            self.edges = (a.node or a, a.index, x.shape), (b.node or b, b.index, y.shape)
        elif a.requires_grad:
            self.edges = (a.node or a, a.index, x.shape), None
            self.differentiable = (True, False)
        elif b.requires_grad:
            self.edges = None, (b.node or b, b.index, y.shape)
            self.differentiable = (False, True)
        else:
            return Tensor(out)
        self.number = next(NUMBERS)
        if self.saves:
            self.saved = (a, b)
        return Tensor(out, True, self, 0)


__all__ = ["Pair", "Single"]
