"""Samples of special functions, reductions, cutting and joining, distances, losses and attention."""

import math

import numpy as np

from tinygan.testing.samples import A, S

LAST, SLICED = dict(memory="last"), dict(memory="sliced")
K, D, P = dict(kind="away"), dict(kind="distinct"), dict(kind="positive")


def _unary(op, kind="normal", *more):
    shapes = [A(4, kind=kind), A(3, 5, kind=kind, **SLICED), A(kind=kind), A(2, 3, 3, 2, kind=kind, **LAST),
              A(0, 3, kind=kind), A(5, kind=kind, memory="reversed")]
    return [S(op, a, *more) for a in shapes]


SAMPLES = [
    *_unary("log1p", "positive"), S("log1p", A(2, 4, **P)),
    *_unary("rsqrt", "positive"), *_unary("sign", "away"), *_unary("sin"), *_unary("cos"), *_unary("erf"),
    S("softplus", A(3, 4), 2.0), S("softplus", A(2, 3), beta=0.5),
    *_unary("gelu"), *_unary("gelu", "normal", "tanh"), *_unary("silu"), *_unary("selu", "away"),
    *_unary("hardtanh", "distinct"), S("hardtanh", A(3, 5, **D), -0.4, 0.6), S("hardtanh", A(6, **D), max_val=0.2),
    S("prelu", A(4, 3, **K), A(1)), S("prelu", A(4, 3, **K), A(3)), S("prelu", A(2, 3, 2, 3, **K, **LAST), A(3)),
    S("prelu", A(5, **K), A(1)), S("prelu", A(0, 3, **K), A(3)), S("prelu", A(2, 4, 3, **K, **SLICED), A(1)),
    S("prelu", A(2, 3, 2, 2, 2, **K), A(3, **SLICED)),

    *[S("std", A(*shape, memory=memory), **how) for shape, memory, how in (
        ((3, 4), "C", {}), ((3, 2, 4), "C", dict(dim=1)), ((3, 4), "C", dict(dim=(0, 1), correction=0)),
        ((2, 3, 2, 3), "last", dict(dim=(2, 3), keepdim=True)), ((4, 3), "sliced", dict(dim=-1)),
        ((0, 3), "C", dict(dim=1)), ((5,), "reversed", dict(correction=2)))],
    *[S("prod", A(*shape, memory=memory), **how) for shape, memory, how in (
        ((5,), "C", {}), ((3, 4), "C", dict(dim=1)), ((3, 2, 3), "C", dict(dim=0, keepdim=True)), ((), "C", {}),
        ((2, 3, 2, 2), "last", dict(dim=1)), ((4, 7), "sliced", dict(dim=-1)), ((0, 3), "C", dict(dim=1)),
        ((2, 3, 2), "reversed", dict(dim=(0, 2))), ((0, 3), "C", dict(dim=0)), ((3, 1), "C", dict(dim=1)))],
    *[S("cumsum", A(*shape, memory=memory), dim) for shape, memory, dim in (
        ((5,), "C", 0), ((3, 4), "C", 1), ((2, 3, 2, 3), "last", 1), ((3, 5), "sliced", -1), ((0, 3), "C", 0),
        ((2, 3, 4), "reversed", -2))],

    S("split", A(5, 2), 2), S("split", A(2, 6), 3, 1), S("split", A(5), [1, 4]), S("split", A(2, 5), (2, 0, 3), dim=-1),
    S("split", A(2, 4, 3, 2, **LAST), 2, 1), S("split", A(0, 3), 1, 1), S("split", A(3, 4, **SLICED), 5),
    S("chunk", A(5, 2), 2), S("chunk", A(2, 6), 3, 1), S("chunk", A(7), 4), S("chunk", A(2, 3, 2, 2, **LAST), 3, dim=1),
    S("chunk", A(0, 3), 2), S("chunk", A(3, 2), 5), S("chunk", A(3, 4, memory="reversed"), 2, -1),
    S("unbind", A(3, 2)), S("unbind", A(2, 4), 1), S("unbind", A(2, 3, 2, 3, **LAST), 1), S("unbind", A(4), dim=-1),
    S("unbind", A(3, 4, **SLICED)), S("unbind", A(2, 0, 3), 2), S("unbind", A(2, 1, memory="reversed"), 1),
    S("roll", A(5), 2), S("roll", A(3, 4), 1, 0), S("roll", A(3, 4), (1, -1), (0, 1)), S("roll", A(2, 3), -4),
    S("roll", A(2, 3, 2, 3, **LAST), (5, 1), (2, -1)), S("roll", A(0, 3), 1, 1), S("roll", A(3, 4, **SLICED), 3, 1),
    *[S(op, A(*shape, memory=memory), *how) for op in ("tril", "triu") for shape, memory, how in (
        ((3, 3), "C", ()), ((3, 5), "C", (1,)), ((4, 2), "C", (-1,)), ((2, 3, 4), "C", (0,)), ((0, 2, 2), "C", ()),
        ((2, 3, 3, 4), "last", (2,)), ((3, 4), "reversed", (-2,)))],
    *[S("index_select", A(*shape, memory=memory), dim, A(n, below=shape[dim])) for shape, memory, dim, n in (
        ((4, 3), "C", 0, 6), ((4, 3), "C", 1, 2), ((2, 3, 2, 3), "last", 1, 4), ((3, 5), "sliced", -1, 3),
        ((0, 3), "C", 1, 2), ((5,), "reversed", 0, 7), ((3, 2), "C", 0, 0))],
    S("take_along_dim", A(4, 3), A(2, 3, below=4), 0), S("take_along_dim", A(2, 5), A(2, 3, below=5), dim=1),
    S("take_along_dim", A(3, 4), A(5, below=12)), S("take_along_dim", A(1, 4), A(3, 2, below=4), 1),
    S("take_along_dim", A(3, 4, 2), A(1, 4, 1, below=3), 0), S("take_along_dim", A(0, 3), A(0, 2, below=3), 1),
    S("take_along_dim", A(2, 3, 2, 4, **LAST), A(2, 3, 2, 4, below=2), -2),

    *[S("pairwise_distance", *args, **how) for args, how in (
        ((A(4, 3), A(4, 3)), {}), ((A(2, 4, 3), A(4, 3)), dict(p=1.0, keepdim=True)),
        ((A(5, **D), A(5, kind="between")), dict(p=math.inf)), ((A(3, 2), A(3, 2)), dict(p=3.0, eps=0.0)),
        ((A(0, 3), A(0, 3)), {}), ((A(3, 4, **SLICED), A(4, memory="reversed")), dict(eps=0.1)))],
    *[S("cdist", *args) for args in (
        (A(4, 3), A(5, 3)), (A(2, 3, 2), A(2, 4, 2)), (A(3, 2), A(2, 4, 2), 1.0), (A(0, 3), A(4, 3)),
        (A(3, 2), A(2, 2), 3.0), (A(2, 1, 3, 4, **LAST), A(3, 2, 4), 2.0), (A(3, 4, **SLICED), A(3, 4), 1.0))],

    *[S("binary_cross_entropy_with_logits", *args, **how) for args, how in (
        ((A(3, 4), A(3, 4), A(3, 4)), {}), ((A(3, 4), A(3, 4), A(4), "sum"), dict(pos_weight=A(4, **P))),
        ((A(3, 4), 1.0), dict(pos_weight=A(1, 4, **P))), ((A(3, 4), A(3, 4)), dict(pos_weight=2.0, reduction="none")))],
    *[S("cross_entropy", A(4, 3), A(4, below=3), *args, **how) for args, how in (
        ((A(3, **P),), {}), ((), dict(label_smoothing=0.1)), ((A(3, **P), 1), {}), ((None, -100, "sum", 0.3), {}),
        ((A(3, **P), 2), dict(label_smoothing=0.2)), ((None, 0), dict(reduction="none", label_smoothing=0.2)))],
    S("cross_entropy", A(2, 3, 2, 2, **LAST), A(2, 2, 2, below=3), A(3, **P), label_smoothing=0.1),
    S("cross_entropy", A(4, 3), A(4, 3, **P)), S("cross_entropy", A(4, 3), A(4, 3), A(3), reduction="sum"),
    S("cross_entropy", A(2, 3, 2, 3, **LAST), A(2, 3, 2, 3), label_smoothing=0.2),
    *[S("nll_loss", *args, **how) for args, how in (
        ((A(4, 3), A(4, below=3)), {}), ((A(4, 3), A(4, below=3), A(3, **P)), {}), ((A(0, 3), A(0, below=3)), {
            "reduction": "sum"}), ((A(2, 3, 2, 2, **LAST), A(2, 2, 2, below=3)), dict(ignore_index=1)),
        ((A(4, 3, **SLICED), A(4, below=3), A(3, **P), 0, "sum"), {}), ((A(3, 2), A(3, below=2)), {
            "reduction": "none"}))],
    *[S("kl_div", *args) for args in (
        (A(3, 4), A(3, 4, **P)), (A(3, 4), A(3, 4, **P), "batchmean"), (A(3, 4), A(3, 4), "sum", True),
        (A(2, 3, 2, 2, **LAST), A(2, 3, 2, 2, **P), "none"), (A(0, 3), A(0, 3, **P), "sum"),
        (A(5, **SLICED), A(5), "mean", True))],
    *[S("smooth_l1_loss", *args) for args in (
        (A(3, 4, **D), A(3, 4, kind="between")), (A(4, **D), 0.0, "sum"), (A(3, 4, **D), 0.0, "none", 0.25),
        (A(3, 2, **D), 0.0, "mean", 0.0), (A(2, 3, 2, 2, **D, **LAST), 0.0, "mean", 0.4), (A(0, 3), A(0, 3), "sum"))],

    *[S("scaled_dot_product_attention", *args, **how) for args, how in (
        ((A(3, 4), A(5, 4), A(5, 2)), {}), ((A(2, 3, 4), A(2, 5, 4), A(2, 5, 3)), dict(scale=0.3)),
        ((A(1, 2, 4, 3), A(1, 2, 4, 3), A(1, 2, 4, 3)), dict(is_causal=True)),
        ((A(2, 3, 2), A(2, 4, 2), A(2, 4, 2)), dict(attn_mask=A(3, 4, kind="mask"))),
        ((A(2, 2, 3, 2), A(2, 2, 4, 2), A(2, 2, 4, 2)), dict(attn_mask=A(3, 4))),
        ((A(0, 3, 2), A(0, 4, 2), A(0, 4, 2)), {}), ((A(5, 2), A(3, 2), A(3, 2)), dict(is_causal=True)),
        ((A(2, 3, 2, 4, **LAST), A(3, 3, 4, **SLICED), A(3, 3, 2)), dict(dropout_p=0.0)),
        ((A(3, 2), A(4, 2), A(4, 2), np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]], bool)), {}))],
]
