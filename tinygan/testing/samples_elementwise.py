"""Samples of elementwise operations, operators, activations and reductions."""

import math

from tinygan.testing.samples import A, S

P, D, K = dict(kind="positive"), dict(kind="distinct"), dict(kind="away")


def _binary(op, first, second):
    """Equal shapes, broadcasts of every sort, numbers, layouts, nothing."""
    return [
        S(op, A(2, 3, **first), A(2, 3, **second)),
        S(op, A(2, 3, **first), A(3, **second)),
        S(op, A(4, 1, 3, **first), A(2, 1, **second)),
        S(op, A(**first), A(2, 3, 2, **second)),
        S(op, A(3, 5, memory="sliced", **first), A(3, 1, **second)),
        S(op, A(2, 3, 4, 2, memory="last", **first), A(3, 1, 1, **second)),
        S(op, A(0, 3, **first), A(3, **second)),
    ]


def _unary(op, kind, **kwargs):
    """Shapes with no, one and several dimensions, layouts, nothing."""
    return [S(op, A(*shape, kind=kind, memory=memory), **kwargs) for shape, memory in (
        ((), "C"), ((5,), "reversed"), ((3, 4), "C"), ((3, 5), "sliced"), ((2, 3, 2, 3), "last"), ((0, 3), "C"))]


SAMPLES = [
    *_binary("add", {}, {}), S("add", A(3, 2), 2), S("add", A(2), -0.5),
    *_binary("sub", {}, {}), S("sub", A(3, 2), 1.5), S("sub", 2, A(3)),
    *_binary("mul", {}, {}), S("mul", A(3, 2), -2), S("mul", 0.5, A(3, 1)),
    *_binary("div", {}, K), S("div", A(3, 2), 3), S("div", 1.5, A(4, **P)),
    S("pow", A(3, 4), 2), S("pow", A(3, **P), 0.5), S("pow", A(2, 3, **P), -1.5), S("pow", A(2, 1), 3),
    S("pow", A(2, 3, **P), A(3)), S("pow", A(3, 1, **P), A(1, 2)), S("pow", 2.0, A(2, 3)), S("pow", A(0, 2), 2),
    S("pow", A(2, 2, 3, 3, kind="positive", memory="last"), 1.5), S("pow", A(4), 1),
    *_binary("maximum", D, dict(kind="between")), S("maximum", A(3, 4, **K), 0.0), S("maximum", 0.1, A(5, **D)),
    *_binary("minimum", D, dict(kind="between")), S("minimum", A(3, 4, **K), 0.0), S("minimum", -0.1, A(5, **D)),
    *_unary("neg", "normal"), *_unary("exp", "normal"), *_unary("log", "positive"), *_unary("sqrt", "positive"),
    *_unary("square", "normal"), *_unary("tanh", "normal"), *_unary("abs", "away"), *_unary("expm1", "normal"),
    *_unary("sigmoid", "normal"), *_unary("softplus", "normal"), *_unary("logsigmoid", "normal"),
    *_unary("relu", "away"), *_unary("leaky_relu", "away"), S("leaky_relu", A(3, 4, **K), 0.2),
    S("leaky_relu", A(3, 4, **K), negative_slope=0.0), S("leaky_relu", A(3, 4, **K), 1.5),
    *_unary("elu", "away"), S("elu", A(3, 4, **K), 0.5), S("elu", A(2, 3, **K), alpha=2.0),
    *_unary("dropout", "normal"), S("dropout", A(4, 5), 0.25), S("dropout", A(4, 5), 0.9, training=False),
    S("dropout", A(2, 3), 0.0),
    S("clamp", A(3, 5, **D), -0.4, 0.5), S("clamp", A(3, 5, **D), min=-0.1), S("clamp", A(7, **D), max=0.1),
    S("clamp", A(2, 3, 3, 2, kind="distinct", memory="last"), -0.5, 0.6), S("clamp", A(0, 2), 0.0, 1.0),
    S("where", A(2, 3, kind="mask"), A(2, 3), A(2, 3)), S("where", A(3, kind="mask"), A(2, 1), A(2, 3)),
    S("where", A(2, 3, kind="mask"), A(2, 3), 0.5), S("where", A(2, 3, kind="mask"), -1.0, A(3)),
    S("where", A(4, 1, 2, kind="mask"), A(3, 2, memory="sliced"), A(4, 3, 1)),
    S("where", A(0, 3, kind="mask"), A(3), A(0, 3)),

    # Operators: those that are the same object as a function are covered by it, these are not
    *[S(op, A(3, 2), other) for op in ("Tensor.__radd__", "Tensor.__rsub__", "Tensor.__rmul__")
      for other in (2, -1.5, A(3, 2), A(2), A(4, 1, 1))],
    *[S("Tensor.__rtruediv__", A(3, 2, **K), other) for other in (2, -1.5, A(3, 2), A(2), A(4, 1, 1))],
    *[S("Tensor.__rpow__", A(3, 2), other) for other in (2, 1.5, A(3, 2, **P), A(2, **P), A(4, 1, 1, **P))],
    *[S(f"Tensor.__{op}__", *args) for op in ("eq", "ne", "lt", "le", "gt", "ge") for args in (
        (A(2, 3, below=3), A(3, below=3)), (A(4, 2), A(4, 2)), (A(3, 1), A(2)), (A(5, **D), 0.03), (A(5, below=3), 1),
        (A(0, 2), A(2)))],
]

# Reductions: every dim, several, negative ones, kept or not
_DIMS = [(), (0,), (-1,), ((0, 2),), (1, True), (None, True), ((2, -2), True)]


def _dims(*args):
    names = ("dim", "keepdim")
    return dict(zip(names, args))


def _reductions(op, kind, **more):
    rows = [S(op, A(3, 2, 4, kind=kind), **_dims(*dims), **more) for dims in _DIMS]
    return rows + [S(op, A(2, 3, 2, 3, kind=kind, memory="last"), dim=(2, 3), **more),
                   S(op, A(4, 3, kind=kind, memory="sliced"), dim=1, **more),
                   S(op, A(2, 3, kind=kind, memory="reversed"), dim=0, **more),
                   S(op, A(0, 3, kind=kind), dim=1, **more)]


SAMPLES += [
    *_reductions("sum", "normal"), S("sum", A(0, 3), dim=0), S("sum", A()), S("mean", A()), S("norm", A(**K)),
    S("amax", A()), S("amin", A()),
    S("sum", A(2, 3, below=5)),
    *_reductions("mean", "normal"), *_reductions("amax", "distinct"), *_reductions("amin", "distinct"),
    *_reductions("var", "normal", correction=0), S("var", A(3, 4)), S("var", A(3, 4), 1), S("var", A(5, 2), 0, 1, True),
    S("var", A(4, 3), (0, 1), 2),
    *_reductions("norm", "away"), S("norm", A(3, 4, **K), 1, 1), S("norm", A(3, 4, **D), math.inf, 0),
    S("norm", A(3, 4, **K), 3, 1, True), S("norm", A(4, 3, **K), p=1.5),
    *[S(op, A(*shape, kind="distinct", memory=memory), *dims) for op in ("max", "min", "argmax", "argmin")
      for shape, memory, dims in (((3, 4), "C", ()), ((3, 4), "C", (0,)), ((3, 2, 4), "C", (1, True)),
                                  ((3, 5), "sliced", (-1,)), ((2, 3, 2, 2), "last", (2,)), ((0, 3), "C", (1,)))],
    *[S("logsumexp", A(*shape, memory=memory), *dims) for shape, memory, dims in (
        ((3, 4), "C", (1,)), ((3, 4), "C", (0, True)), ((2, 3, 4), "C", ((0, 2),)), ((3, 5), "sliced", (-1,)),
        ((2, 3, 2, 2), "last", ((1, 3), True)), ((0, 3), "C", (1,)))],
    *[S(op, A(*shape, memory=memory), dim) for op in ("softmax", "log_softmax") for shape, memory, dim in (
        ((5,), "C", 0), ((3, 4), "C", 1), ((3, 4), "reversed", 0), ((2, 3, 4), "C", -2), ((3, 5), "sliced", -1),
        ((2, 3, 2, 3), "last", 1), ((0, 3), "C", 1))],
]
