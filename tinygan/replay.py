"""checkpoint: trade time for memory by running a piece of the forward pass again during the backward pass.

The second run must see what the first one saw. Random numbers are rewound by their counters. Module buffers (running
statistics, spectral norm's u and v) are read and written through :func:`read_buffer` and :func:`write_buffer`: the
first run notes what it read, the second one reads that, and what it writes is thrown away.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar

from tinygan import random
from tinygan.autograd import ALL, Alias, Function, enable_grad, is_grad_enabled, recompute
from tinygan.tensor import Tensor


class Journal:
    """The buffers that a run has met: their values when first read or written; when replaying, also the new ones."""

    def __init__(self, replaying: bool = False, values=None):
        self.replaying = replaying
        self.values = dict(values or {})


_journal: ContextVar[Journal | None] = ContextVar("tinygan_journal", default=None)


def read_buffer(owner, name: str, live):
    """The value of buffer ``name`` of ``owner``, whose present value is ``live``: the first run's while replaying."""
    journal = _journal.get()
    if journal is None:
        return live
    first = journal.values.setdefault((id(owner), name), live)
    return first if journal.replaying else live


def write_buffer(owner, name: str, live, new, store) -> None:
    """Replace a buffer: ``store(new)``, except while replaying, where only the replay itself sees the new value."""
    journal = _journal.get()
    if journal is None:
        store(new)
    elif journal.replaying:
        journal.values[id(owner), name] = new
    else:
        journal.values.setdefault((id(owner), name), live)
        store(new)


@contextlib.contextmanager
def _using(journal):
    token = _journal.set(journal)
    try:
        yield journal
    finally:
        _journal.reset(token)


@contextlib.contextmanager
def _rewound(state):
    """Random streams put back to ``state`` inside the block, and left as they were after it."""
    present = random.get_state()
    random.set_state(state)
    try:
        yield
    finally:
        random.set_state(present)


class Checkpoint(Function):
    """(inputs, leaves) -> outputs of ``f``, of which only the values are kept; backward runs ``f`` again."""

    saves = ALL

    def __init__(self, f, n_inputs, outputs, journal, state):
        self.f, self.n_inputs, self.outputs, self.journal, self.state = f, n_inputs, outputs, journal, state
        self.single = len(outputs) == 1

    def forward(self, *arrays):
        outputs, self.outputs = self.outputs, None
        return outputs[0] if self.single else outputs

    def backward(self, *cotangents):
        inputs, leaves = self.saved[:self.n_inputs], self.saved[self.n_inputs:]
        with _using(Journal(True, self.journal.values)), _rewound(self.state):
            return recompute(self.f, inputs, cotangents, self.needs, leaves)


def checkpoint(f, *inputs):
    """``f(*inputs)`` without keeping its intermediate results: they are computed again in the backward pass.

    ``f`` takes the ``inputs`` (Tensors, numbers or None), may use parameters of modules, and returns a Tensor or a
    tuple of Tensors. It must draw random numbers from ``tinygan.random`` only. The second run has the first one's
    buffers and random counters and changes neither; it is differentiable again, so a checkpointed critic can still be
    penalised. Other tensors that ``f`` uses should be passed as inputs. (Chen et al. 2016, arXiv:1604.06174.)
    """
    if not is_grad_enabled():
        return f(*inputs)
    state, journal = random.get_state(), Journal()
    with enable_grad(), _using(journal):
        aliases = [Alias()(x) if isinstance(x, Tensor) else x for x in inputs]
        outputs = f(*aliases)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    leaves = _leaves(outputs, {x.node for x in aliases if isinstance(x, Tensor) and x.node is not None})
    node = Checkpoint(f, len(inputs), tuple([x.data for x in outputs]), journal, state)
    return node(*inputs, *leaves)


def _leaves(outputs, ends) -> list:
    """The leaves that the outputs depend on other than through the nodes in ``ends``, in a fixed order."""
    leaves, seen = {}, set(ends)
    stack = [x.node for x in outputs if x.node is not None]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        for edge in node.edges:
            if edge is not None and edge[1] >= 0:
                stack.append(edge[0])
            elif edge is not None:
                leaves[id(edge[0])] = edge[0]
    return list(leaves.values())
