"""Samples of operations that move elements, read and add at positions, and join."""

import numpy as np

from tinygan.testing.samples import A, S

LAST = dict(memory="last")
_ROWS, _COLUMNS = np.array([0, 2, 2]), np.array([[1], [-1]])


def _index(*shape_and_index, memory="C"):
    *shape, index = shape_and_index
    return S("Tensor.__getitem__", A(*shape, memory=memory), index)


SAMPLES = [
    S("reshape", A(2, 6), (3, 4)), S("reshape", A(2, 3, 4), 4, -1), S("reshape", A(2, 3, 4, 2, **LAST), (2, -1)),
    S("reshape", A(0, 6), (0, 2, 3)), S("reshape", A(3, 4, memory="sliced"), (-1,)), S("reshape", A(1), ()),
    S("Tensor.view", A(2, 6), 3, 4), S("Tensor.view", A(2, 6), (12,)), S("Tensor.view", A(2, 3, 4), -1, 6),
    S("Tensor.view", A(2, 2, 3, 3, **LAST), (2, 18)), S("Tensor.view", A(0, 4), (0, 2, 2)),
    S("flatten", A(2, 3, 4)), S("flatten", A(2, 3, 4), 1), S("flatten", A(2, 3, 4, 2), 1, 2),
    S("flatten", A(2, 3, 2, 3, **LAST), 1), S("flatten", A(0, 3, 2), 1), S("flatten", A(3, 4), 0, 0),
    S("permute", A(2, 3, 4), (2, 0, 1)), S("permute", A(2, 3, 4), 0, 2, 1), S("permute", A(3, 4), -1, 0),
    S("permute", A(2, 3, 2, 4, **LAST), (0, 2, 3, 1)), S("permute", A(0, 3, 2), (1, 0, 2)),
    S("transpose", A(2, 3), 0, 1), S("transpose", A(2, 3, 4), -1, 0), S("transpose", A(2, 3, 4), 1, 1),
    S("transpose", A(2, 3, 2, 4, **LAST), 1, 3), S("transpose", A(0, 3), 0, 1),
    S("Tensor.T", A(2, 3)), S("Tensor.T", A(4)), S("Tensor.T", A(2, 3, 4)), S("Tensor.T", A(3, 5, memory="sliced")),
    S("Tensor.T", A(0, 2)),
    S("squeeze", A(1, 3, 1)), S("squeeze", A(1, 3, 1), 0), S("squeeze", A(2, 1, 3, 1), (1, -1)),
    S("squeeze", A(2, 3), 0), S("squeeze", A(0, 1)), S("squeeze", A(2, 1, 3, 2, **LAST), 1),
    S("unsqueeze", A(3), 0), S("unsqueeze", A(2, 3), -1), S("unsqueeze", A(2, 3), 1), S("unsqueeze", A(), 0),
    S("unsqueeze", A(0, 2), 1), S("unsqueeze", A(2, 3, 2, 2, **LAST), 2),
    S("flip", A(2, 3), 0), S("flip", A(2, 3), (0, 1)), S("flip", A(2, 3, 4), -1),
    S("flip", A(2, 3, 2, 3, **LAST), (2, 3)),
    S("flip", A(0, 3), 1), S("flip", A(5, memory="reversed"), 0),
    S("expand", A(3), 2, 3), S("expand", A(2, 1, 3), (2, 4, 3)), S("expand", A(2, 1), (5, -1, 3)),
    S("expand", A(), (2,)),
    S("expand", A(1, 3), 0, 3), S("expand", A(3, 1, memory="sliced"), (2, 3, 2)),
    S("cat", [A(2, 3), A(4, 3)]), S("cat", [A(2, 3), A(2, 1), A(2, 2)], 1), S("cat", (A(3),), 0),
    S("cat", [A(2, 3, 2, 2, **LAST), A(2, 1, 2, 2)], dim=1), S("cat", [A(0, 3), A(2, 3)]),
    S("cat", [A(2, 2, 3), A(2, 2, 3, memory="sliced")], -1),
    S("stack", [A(2, 3), A(2, 3)]), S("stack", [A(3), A(3), A(3)], 1), S("stack", [A(), A()], 0),
    S("stack", [A(2, 3), A(2, 3)], -1), S("stack", (A(0, 2), A(0, 2)), 1),
    S("stack", [A(2, 3, 2, 2, **LAST), A(2, 3, 2, 2)], dim=2),
    S("pad", A(2, 3), (1, 2)), S("pad", A(2, 3), (1, 0, 2, 1), value=-1.5),
    S("pad", A(1, 2, 3, 3, **LAST), (1, 1, 0, 2)),
    S("pad", A(2, 5), (-1, 2)), S("pad", A(3, 4), (-1, -2, 0, 1)), S("pad", A(0, 2), (1, 1)),
    S("pad", A(4, memory="reversed"), [2, 0]),

    # Indexing: basic, advanced, both; positions that occur twice; boolean masks
    _index(4, 3, 1), _index(4, 3, -1), _index(4, 3, (slice(1, None), 0)), _index(5, 4, (slice(None, None, -2), ...)),
    _index(2, 3, 4, (..., None, 1)), _index(2, 3, 4, (0, ..., slice(0, 3, 2))), _index(3, None),
    _index(0, 3, slice(None)),
    _index(4, 3, [0, 0, 3]), _index(3, 4, _ROWS), _index(3, 4, (_ROWS, slice(1, 3))),
    _index(3, 4, (slice(None), _ROWS)),
    _index(3, 4, 2, (_ROWS, slice(None), np.array([0, 1, 1]))), _index(3, 4, (np.array([0, 2]), _COLUMNS)),
    _index(2, 3, 2, 3, (slice(None), [2, 0], 1), memory="last"), _index(4, memory="reversed", *[[1, 1, 1]]),
    _index(2, 3, np.array([[True, False, True], [False, True, True]])), _index(3, 2, np.array([True, False, True])),
    _index(3, 4, (np.array([True, False, True]), 1)), _index(4, 2, []), _index(3, 4, np.int64(1)),
    _index(3, 2, (np.array(2), slice(None))), _index(3, 2, True), S("Tensor.__getitem__", A(5, 2), A(4, below=5)),
    S("gather", A(3, 4), 1, A(3, 2, below=4)), S("gather", A(3, 4), 0, A(5, 4, below=3)),
    S("gather", A(2, 3, 4), -1, A(2, 3, 6, below=4)), S("gather", A(2, 3, 2, 3, **LAST), 2, A(2, 3, 3, 3, below=2)),
    S("gather", A(3, 4), 1, A(2, 2, below=4)), S("gather", A(0, 3), 1, A(0, 2, below=3)),
    S("scatter_add", A(3, 4), 1, A(3, 2, below=4), A(3, 2)), S("scatter_add", A(3, 4), 0, A(5, 4, below=3), A(5, 4)),
    S("scatter_add", A(2, 3, 4), -1, A(2, 3, 6, below=4), A(2, 3, 6, memory="sliced")),
    S("scatter_add", A(3, 4), 0, A(2, 3, below=3), A(3, 4)), S("scatter_add", A(0, 3), 1, A(0, 2, below=3), A(0, 2)),
    S("scatter_add", A(2, 3, 2, 3, **LAST), 1, A(2, 1, 2, 3, below=3), A(2, 1, 2, 3)),
    S("embedding", A(4, below=5), A(5, 3)), S("embedding", A(2, 3, below=4), A(4, 2)),
    S("embedding", A(below=3), A(3, 2)),
    S("embedding", A(0, below=3), A(3, 2)), S("embedding", A(7, below=2), A(2, 3, memory="sliced")),
    S("one_hot", A(4, below=3), 3), S("one_hot", A(2, 3, below=4), 4), S("one_hot", A(below=3), 3),
    S("one_hot", A(0, below=3), 5), S("one_hot", A(3, below=2), 4, np.float64),
    *[S(op, A(*shape, memory=memory)) for op in ("zeros_like", "ones_like") for shape, memory in (
        ((), "C"), ((3, 4), "C"), ((3, 5), "sliced"), ((2, 3, 2, 3), "last"), ((0, 3), "C"))],
]
