"""Every differentiable operation, one file per kind of mathematics; importing this attaches them to ``Tensor``."""

from tinygan.autograd import backward
from tinygan.ops import activation, elementwise, index, linalg, reduce, shape, special
from tinygan.tensor import Tensor

OPERATORS = {
    "__add__": elementwise.add, "__radd__": lambda a, b: elementwise.add(b, a),
    "__sub__": elementwise.sub, "__rsub__": lambda a, b: elementwise.sub(b, a),
    "__mul__": elementwise.mul, "__rmul__": lambda a, b: elementwise.mul(b, a),
    "__truediv__": elementwise.div, "__rtruediv__": lambda a, b: elementwise.div(b, a),
    "__pow__": elementwise.pow, "__rpow__": lambda a, b: elementwise.pow(b, a),
    "__neg__": elementwise.neg, "__abs__": elementwise.abs,
    "__matmul__": linalg.matmul, "__getitem__": index.getitem,
    "__eq__": elementwise.eq, "__ne__": elementwise.ne, "__lt__": elementwise.lt, "__le__": elementwise.le,
    "__gt__": elementwise.gt, "__ge__": elementwise.ge,
}
METHODS = {
    elementwise: "add sub mul div neg pow exp log sqrt square tanh abs maximum minimum clamp",
    special: "log1p rsqrt sign sin cos erf",
    activation: "relu sigmoid softmax log_softmax expm1 prelu",
    reduce: "sum mean var std prod cumsum amax amin max min argmax argmin logsumexp norm expand",
    shape: "reshape flatten permute transpose squeeze unsqueeze flip to split chunk roll tril triu",
    index: "gather scatter_add index_select take_along_dim",
    linalg: "matmul",
}


def _attach():
    for name, function in OPERATORS.items():
        setattr(Tensor, name, function)
    for module, names in METHODS.items():
        for name in names.split():
            setattr(Tensor, name, getattr(module, name))
    Tensor.__iter__ = lambda self: (self[i] for i in range(len(self)))
    Tensor.view = shape.reshape
    Tensor.float = lambda self: shape.to(self, "float32")
    Tensor.double = lambda self: shape.to(self, "float64")
    Tensor.T = property(lambda self: shape.permute(self, tuple(range(self.ndim))[::-1]))
    Tensor.backward = backward


_attach()
