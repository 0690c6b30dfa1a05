"""The engine: operations that record themselves, and the walk back that differentiates them.

A :class:`Function` is an operation and, once called on tensors that require gradients, the node of the graph that
remembers the call. Its ``backward`` is written in Tensor operations, so the gradient of a graph is itself a graph
(``create_graph=True``) and derivatives of any order come from the same few lines. :func:`grad` is the primitive.

An operation whose speed matters is a :class:`Fused` pair: array kernels for the values and a *definition* in Tensor
operations that is differentiated, by recomputation, whenever a graph of the gradient is wanted.
"""

from __future__ import annotations

import itertools
from operator import add, attrgetter

import numpy as np

from tinygan import backend
from tinygan.kernels.layout import elementwise
from tinygan.mode import current_mode, enable_grad, is_grad_enabled, no_grad, set_grad_enabled, watch
from tinygan.tensor import Tensor, align_dtypes, constant

ALL = "all inputs"  # for Function.saves
NUMBERS = itertools.count()  # every recorded call takes the next one
_FREED = ("freed",)  # stands in for the saved tensors of a node whose buffers were given back


class Function:
    """One differentiable operation; an instance is one call of it.

    A subclass writes ``forward(self, *arrays)`` on NumPy/CuPy arrays and ``backward(self, *cotangents)`` on Tensors,
    one cotangent per output (None where nothing flowed into that output), and returns one gradient per input (None
    where ``self.needs[i]`` is false: what nobody asked for is not computed). What ``backward`` reads it declares:
    ``saves`` lists the indices of inputs found in ``self.saved``, ``saves_output`` provides ``self.output``.
    An ``arithmetic`` operation's ``backward`` is nothing but operators (+ - * / **) on those and its cotangents: when
    no graph is wanted the walk lets it run on bare arrays, which takes half as long when they are small.
    Inputs that are not Tensors (Python numbers, None) are passed through. The default ``backward`` raises.
    """

    saves: tuple = ()
    saves_output = False
    arithmetic = False
    view = False  # the output looks at the input's memory
    mixes_dtypes = False  # the operation itself defines what inputs of different dtypes mean

    # What a recorded call remembers, beside ``edges``: per input (node or leaf, output index or -1, shape), or None;
    # ``differentiable``: which edges are not None; and ``number``, which grows from one call to the next.
    saved: tuple = ()
    versions = None
    output = None  # the array; while backward runs on Tensors, a Tensor, which for longer would close a reference cycle
    n_outputs = 1

    def forward(self, *arrays):
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def compute(self, *arrays):  # forward, wherever the arrays live: an elementwise operation minds their memory
        return self.forward(*arrays)

    def backward(self, *cotangents):
        raise NotImplementedError(f"{type(self).__name__} has no derivative: define backward, or detach its input")

    def unbroadcast(self, gradient, shape):
        """Bring a gradient to its input's shape; only operations that broadcast may need it."""
        raise RuntimeError(f"{type(self).__name__}.backward: expected a gradient of shape {shape}, "
                           f"got {gradient.shape}")

    def __call__(self, *inputs):
        arrays = []
        dtype = array = None
        record = False
        for x in inputs:
            if isinstance(x, Tensor):
                array = x.data
                arrays.append(array)
                kind = array.dtype
                if kind is not dtype:
                    if dtype is not None and not self.mixes_dtypes:
                        return self(*align_dtypes(type(self).__name__, inputs))
                    dtype = kind
                if x.requires_grad:
                    record = True
            else:
                arrays.append(x)
        mode = current_mode()
        run = self.forward if type(array) is np.ndarray else self.compute
        out = run(*arrays) if mode.watcher is None else mode.watcher.forward(self, arrays)
        if record and mode.grad:
            self._record(inputs, out)
            node = self
        else:
            node = None
        if type(out) is np.ndarray:
            result = Tensor(out) if node is None else Tensor(out, True, node, 0)
        elif type(out) is tuple:
            return tuple([None if o is None else _result(o, node, i) for i, o in enumerate(out)])
        else:
            result = _result(out, node, 0)
        if self.view and inputs[0].version is not None:
            result.version = inputs[0].version
        return result

    def _record(self, inputs, out) -> None:
        """Become a node of the graph: remember where the inputs came from and what backward will read."""
        self.number = next(NUMBERS)
        self.edges = edges = []
        versioned = False
        for x in inputs:
            if isinstance(x, Tensor):
                edges.append((x.node or x, x.index, x.data.shape) if x.requires_grad else None)
                if x.version is not None:
                    versioned = True
            else:
                edges.append(None)
        self.differentiable = [edge is not None for edge in edges]
        if type(out) is tuple:
            self.n_outputs = len(out)
        if self.saves_output:
            self.output = out
        if self.saves:
            self.saved = inputs if self.saves is ALL else tuple([inputs[i] for i in self.saves])
            if versioned:
                self.versions = [(x, x.version.count) for x in self.saved
                                 if isinstance(x, Tensor) and x.version is not None]

    def check_usable(self) -> None:
        """Raise when the buffers were freed, or when a saved parameter was written since this call."""
        if self.saved is _FREED:
            raise RuntimeError(f"{type(self).__name__}: expected a graph with its buffers, got one that a backward "
                               "has used and freed; pass retain_graph=True to the first one")
        for x, count in self.versions or ():
            if x.version.count != count:
                raise RuntimeError(f"{type(self).__name__}: {x.version.name} was written by {x.version.writer} after "
                                   "this graph was computed with its old values; compute the forward pass again "
                                   "before backward")

    def release(self) -> None:
        """Give the saved tensors back."""
        self.saved = _FREED
        if self.output is not None:
            self.output = None
        if self.versions:
            self.versions = None


def _result(array, node, index) -> Tensor:
    array = no_scalar(array)
    return Tensor(array) if node is None else Tensor(array, True, node, index)


def no_scalar(array):
    """NumPy returns a scalar, not an array, where a result has no dimensions."""
    return np.asarray(array) if isinstance(array, np.generic) else array


class Alias(Function):
    """y = x. A requested alias is where a walk ends, so a recomputed piece of a graph can be differentiated alone."""

    view = True

    def forward(self, x):
        return x

    def backward(self, g):
        return g


class Fused(Function):
    """A pair: a ``definition`` in Tensor operations, and kernels that compute the same values faster.

    A subclass writes ``definition(self, *tensors)`` (the mathematics: it reads nothing that ``forward`` kept),
    ``forward(self, *arrays)`` (may keep arrays in ``self.kept``) and, optionally,
    ``vjp(self, kept, arrays, cotangents, needs)`` on arrays. Without ``vjp`` the definition is differentiated.
    The vector-Jacobian product is again such a pair, so every order is right as soon as the definition is.
    """

    saves = ALL
    vjp = None
    kept = None

    def definition(self, *tensors):
        raise NotImplementedError(f"{type(self).__name__}.definition")

    def backward(self, *cotangents):
        product = VectorJacobianProduct(self, self.needs)
        if self.vjp is None:
            return product.definition(*self.saved, *cotangents)
        return product(*self.saved, *cotangents)

    def release(self):
        super().release()
        self.kept = None


class VectorJacobianProduct(Fused):
    """(inputs, cotangents) -> gradients of the needed inputs of a fused operation; itself a fused operation."""

    def __init__(self, of: Fused, needs):
        self.of, self.kept_by, self.wanted, self.n = of, of.kept, needs, len(of.saved)

    def forward(self, *arrays):
        out = self.of.vjp(self.kept_by, arrays[:self.n], arrays[self.n:], self.wanted)
        self.kept_by = None
        return out

    def definition(self, *tensors):
        return recompute(self.of.definition, tensors[:self.n], tensors[self.n:], self.wanted)


def recompute(f, inputs, cotangents, needs, leaves=()):
    """The gradients of ``f(*inputs)``, recomputed here, weighted with ``cotangents``: one per input, then per leaf.

    Differentiable itself when recording is on. ``leaves`` are parameters that ``f`` uses besides its inputs.
    """
    create_graph = is_grad_enabled()
    with enable_grad():
        aliases = [Alias()(x) if isinstance(x, Tensor) else x for x in inputs]
        outputs = f(*aliases)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    pairs = [(o, c) for o, c in zip(outputs, cotangents) if c is not None and o is not None and o.requires_grad]
    wanted = [x for x, need in zip([*aliases, *leaves], needs) if need]
    found = iter(grad([o for o, _ in pairs], wanted, [c for _, c in pairs], create_graph=create_graph,
                      allow_unused=True) if pairs else [None] * len(wanted))
    return tuple([next(found) if need else None for need in needs])


# The walk back


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False):
    """The gradients of ``sum_k <grad_outputs[k], outputs[k]>`` with respect to ``inputs``: a tuple of Tensors.

    ``outputs``, ``inputs``, ``grad_outputs``: a Tensor or a sequence; ``grad_outputs`` may be left out for scalars.
    ``create_graph`` records the computation, so that the gradients can be differentiated again. The graph's buffers
    are freed unless ``retain_graph`` (default: ``create_graph``). Treat the results as read-only.
    Raises ValueError for wrong shapes and RuntimeError when an input was not used (None with ``allow_unused``), when
    the graph was freed, and when a parameter it saved was written since.
    """
    outputs, inputs = _as_tuple(outputs), _as_tuple(inputs)
    seeds = _seeds(outputs, grad_outputs)
    leaves, values = {}, {}
    for x in inputs:
        if not x.requires_grad:
            raise RuntimeError(f"grad: expected inputs that require gradients, got {x!r}")
        if x.node is None:
            leaves[x] = None
        else:
            values[x.node, x.index] = None
    retain_graph = create_graph if retain_graph is None else retain_graph
    reached, _ = _walk(outputs, seeds, leaves, values, create_graph, retain_graph)
    results = tuple([_as_tensor(reached.get(x) if x.node is None else values[x.node, x.index]) for x in inputs])
    for k, result in enumerate(results):
        if result is None and not allow_unused:
            name = getattr(inputs[k], "name", f"shape {inputs[k].shape}")
            raise RuntimeError(f"grad: expected every input to be used by the outputs, got unused input {k} ({name}); "
                               "is there a detach() on the way? allow_unused=True returns None for it")
    return results


def backward(outputs, grad_outputs=None, retain_graph: bool = False) -> None:
    """Add the gradient of ``outputs`` to the ``.grad`` of every leaf that they depend on; ``.grad`` has no graph."""
    outputs = _as_tuple(outputs)
    reached, owned = _walk(outputs, _seeds(outputs, grad_outputs), None, {}, False, retain_graph)
    for leaf, gradient in reached.items():
        if leaf.grad is not None:
            leaf.grad = constant(leaf.grad.data + gradient)
        else:  # a borrowed array may be shared with another leaf, or be a broadcast view
            leaf.grad = constant(gradient if leaf in owned else gradient.copy())


def _as_tuple(x) -> tuple:
    return (x,) if isinstance(x, Tensor) else tuple(x)


def _seeds(outputs, grad_outputs) -> list:
    given = [None] * len(outputs) if grad_outputs is None else _as_tuple(grad_outputs)
    if len(given) != len(outputs):
        raise ValueError(f"grad: expected one grad_output per output ({len(outputs)}), got {len(given)}")
    seeds = []
    for output, seed in zip(outputs, given):
        if not output.requires_grad:
            raise RuntimeError("grad: expected outputs that depend on a tensor that requires gradients, got "
                               f"{output!r}")
        if seed is None:
            if output.size != 1:
                raise ValueError(f"grad: expected a scalar output or grad_outputs, got an output of shape "
                                 f"{output.shape}")
            seed = Tensor(backend.array_module(output.data).ones_like(output.data))
        elif seed.data.shape != output.data.shape or seed.data.dtype != output.data.dtype:
            raise ValueError(f"grad: expected a grad_output of shape {output.shape} and dtype {output.dtype}, "
                             f"got {seed.shape} and {seed.dtype}")
        seeds.append(seed)
    return seeds


class Start(Function):
    """Where a walk begins: a node above the outputs, whose backward hands each of them its seed."""

    arithmetic = True

    def __init__(self, outputs, seeds):
        self.number = next(NUMBERS)
        self.edges = [(x.node or x, x.index, x.data.shape) for x in outputs]
        self.differentiable = [True] * len(outputs)
        self.seeds = seeds

    def backward(self, _):
        return self.seeds


def _order(start, leaves, values):
    """The nodes on a path from the start to something requested, every node before the nodes it was computed from.

    An operation is called after those that made its inputs, so the order of the calls, backwards, is such an order.
    It matters: in ``b = a + a; c = b + b`` the gradient of b must be complete before b passes it on to a.
    Beside the nodes: None where every leaf found is requested, or else the edges that each node needs.
    """
    ends = {node for node, _ in values if type(node) is Alias}
    everything = not values
    nodes, found = [start], set()
    for node in nodes:  # which grows meanwhile
        for edge in () if node in ends else node.edges:
            if edge is not None and edge[0] not in found:
                found.add(edge[0])
                if edge[1] >= 0:
                    nodes.append(edge[0])
                elif everything and leaves is not None:
                    everything = edge[0] in leaves
    nodes.sort(key=attrgetter("number"))
    needed = None if everything else _needed(nodes, ends, leaves, {node for node, _ in values})
    nodes.reverse()
    return nodes, needed


def _needed(nodes, ends, leaves, requested):
    """``{node: edges}``: of ``nodes``, first call first, those that lead to something requested, by these edges.

    An edge that does not is None. Whatever a node was computed from is already known to be useful or not.
    """
    useful = {*leaves, *requested}
    needed = {}
    for node in nodes:
        edges = [] if node in ends else [edge if edge and edge[0] in useful else None for edge in node.edges]
        if any(edges):
            useful.add(node)
            needed[node] = edges
    return needed


def _walk(outputs, seeds, leaves, values, create_graph, retain_graph):
    """Carry the seeds from the outputs to the requested ``leaves`` (None: to all of them) and ``values``, filled here.

    Returns ``{leaf: gradient}`` and the leaves whose gradient is shared with nobody. Without a graph gradients are
    arrays until handed out.
    """
    start = Start(outputs, tuple([seed if create_graph else seed.data for seed in seeds]))
    order, needed = _order(start, leaves, values)
    cotangents = {start: ()}  # node or leaf -> its cotangent; a list of them where a node has several outputs
    owned = set()  # keys, in a list with the output, whose cotangent is a sum made here: it may be added to in place
    with set_grad_enabled(create_graph):
        watcher = current_mode().watcher
        on_arrays = watcher is None and not create_graph and type(outputs[0].data) is np.ndarray
        for node in order:
            cotangent = cotangents.pop(node, None)
            if cotangent is None:
                continue
            if values:
                slots = cotangent if type(cotangent) is list else (cotangent,)
                values.update(((node, i), c) for i, c in enumerate(slots) if (node, i) in values)
            edges = node.edges if needed is None else needed.get(node)
            if edges is None:
                continue
            node.needs = node.differentiable if needed is None else [edge is not None for edge in edges]
            saved = node.saved
            if saved is _FREED or saved and node.versions:
                node.check_usable()
            if not (on_arrays and node.arithmetic or node is start):
                gradients = _on_tensors(node, cotangent, watcher, create_graph)
            elif saved:
                node.saved = [x.data if isinstance(x, Tensor) else x for x in saved]
                try:
                    gradients = node.backward(cotangent)
                finally:
                    node.saved = saved
            else:
                gradients = node.backward(cotangent)
            if not retain_graph and (saved or node.output is not None):
                node.release()
            if type(gradients) is not tuple:
                gradients = (gradients,)
            if len(gradients) != len(edges):
                raise RuntimeError(f"{type(node).__name__}: expected {len(edges)} gradients, got {len(gradients)}")
            for edge, gradient in zip(edges, gradients) if len(edges) > 1 else ((edges[0], gradients[0]),):
                if edge is None or gradient is None:
                    continue
                target, index, shape = edge
                if gradient.shape != shape:
                    gradient = node.unbroadcast(_as_tensor(gradient), shape)
                    gradient = gradient if create_graph else gradient.data
                before = cotangents.get(target)
                if before is None:  # the first contribution is borrowed, not copied
                    if index >= 0 and target.n_outputs > 1:
                        gradient = [gradient if i == index else None for i in range(target.n_outputs)]
                    cotangents[target] = gradient
                elif type(before) is list:
                    before[index] = _added(before[index], gradient, (target, index), owned)
                else:
                    cotangents[target] = _added(before, gradient, target, owned)
    return cotangents, owned


def _added(before, gradient, key, owned):
    """``before + gradient``, in place where that is a sum made here."""
    if before is None:
        return gradient
    if key in owned:
        before += gradient  # of Tensors it makes a new sum
        return before
    owned.add(key)
    if type(before) is np.ndarray or isinstance(before, Tensor):
        return before + gradient
    return elementwise(add, before, gradient)


def _on_tensors(node, cotangent, watcher, create_graph):
    """The gradients of one node, by its backward in Tensor operations: as Tensors for a graph, or else as arrays."""
    slots = cotangent if type(cotangent) is list else [cotangent]
    if not create_graph:
        slots = [_as_tensor(s) for s in slots]
    output = node.output
    if output is not None:
        node.output = _result(output, node, 0)
    try:
        gradients = node.backward(*slots) if watcher is None else watcher.backward(node, slots)
    finally:
        if output is not None:
            node.output = output
    if create_graph:
        return gradients
    return tuple([None if g is None else g.data for g in (gradients if type(gradients) is tuple else (gradients,))])


def _as_tensor(x):
    return Tensor(x) if type(x) is np.ndarray else x if x is None or isinstance(x, Tensor) else constant(x)


__all__ = ["Alias", "Function", "Fused", "backward", "enable_grad", "grad",
           "is_grad_enabled", "no_grad", "recompute", "set_grad_enabled", "watch"]
