"""The op table is complete: no function, method or operation of the engine is left out of it."""

from collections import Counter

import numpy as np
import pytest

import tinygan
from tinygan import autograd, functional
from tinygan.autograd import Function
from tinygan.ops import METHODS, OPERATORS
from tinygan.tensor import Tensor
from tinygan.testing import naive_ops
from tinygan.testing.samples import S, A, as_tensors, table

SAMPLES = table()
AT_LEAST = 5

# What a Tensor offers beside operations: what it is, reading its values, and its place in the graph.
NOT_OPERATIONS = set("""
    data grad node index requires_grad version shape dtype ndim size device is_leaf numpy item tolist detach
    requires_grad_ backward
    __len__ __iter__ __repr__ __float__ __int__ __bool__ __index__ __deepcopy__ __init__ __hash__ __array_ufunc__
    __doc__ __module__ __dict__ __slots__ __weakref__ __annotations__ __firstlineno__ __static_attributes__
""".split())
# Methods that convert: their results' dtype or device is not their input's, so the table's checks do not fit them.
CONVERSIONS = {"to": "test_conversions", "float": "test_conversions", "double": "test_conversions"}
# Operations whose calls need more than arrays: who exercises them.
ELSEWHERE = {"ToDevice": "test_strict_device.py", "Sign": "test_sign_has_the_derivative_zero in test_more_ops.py",
             "Cast": "test_conversions in this file"}


class Witness:
    """Watches operations and notes which classes computed values and which were differentiated."""

    def __init__(self):
        self.called, self.differentiated = set(), set()

    def forward(self, node, arrays):
        self.called.add(type(node))
        return node.forward(*arrays)

    def backward(self, node, cotangents):
        self.differentiated.add(type(node))
        return node.backward(*cotangents)


def subclasses(of) -> set:
    """Every concrete operation of the library, at any depth."""
    found = set()
    for c in of.__subclasses__():
        found |= subclasses(c)
        if c.__module__.startswith(("tinygan.ops", "tinygan.autograd")) and c.forward is not Function.forward:
            found.add(c)
    return found


def witness(samples) -> Witness:
    """Run the samples and their derivatives to the second order under a witness."""
    seen = Witness()
    for s in samples:
        inputs = as_tensors(s.arrays(), requires_grad=True)
        with autograd.watch(seen):
            y = s.f(*inputs)
            if not s.differentiable:
                continue
            y = y if isinstance(y, Tensor) else y[0]
            wanted = [x for x in inputs if x.requires_grad]
            total = sum((g * g).sum() for g in tinygan.grad((y * y * y).sum(), wanted, create_graph=True,
                                                            allow_unused=True) if g is not None)
            tinygan.grad(total, wanted, allow_unused=True)
    return seen


def test_every_operation_is_called_and_differentiated_by_the_table():
    seen = witness(SAMPLES)
    everything = {c for c in subclasses(Function) if c.__name__ not in ELSEWHERE}
    assert len(everything) > 30
    assert not (missing := {c.__name__ for c in everything - seen.called}), f"never called by the table: {missing}"
    missing = {c.__name__ for c in everything - seen.differentiated}
    assert not missing, f"never differentiated by the table: {missing}"


def test_an_operation_that_nobody_runs_is_noticed():
    few = witness([s for s in SAMPLES if s.op == "tanh"])
    missing = {c.__name__ for c in subclasses(Function) - few.called}
    assert {"Correlate", "Weight", "Normalize", "VectorJacobianProduct"} <= missing and "Tanh" not in missing

    class Forgotten(Function):
        __module__ = "tinygan.ops.forgotten"

        def forward(self, x):
            return x
    assert Forgotten in subclasses(Function)
    Forgotten.__module__ = "tests"  # the class lives until it is collected: the other tests must not see it
    assert Forgotten not in subclasses(Function)


def too_few(samples, names) -> dict:
    """The names with fewer samples than there must be."""
    counts = Counter(s.op for s in samples)
    return {name: counts[name] for name in names if counts[name] < AT_LEAST}


def test_every_public_function_has_samples():
    assert too_few(SAMPLES, functional.__all__) == {}
    assert too_few(SAMPLES[10:], ["add"]) == {"add": 0}
    assert too_few(SAMPLES, ["new_function"]) == {"new_function": 0}


def public_methods() -> dict:
    """Name -> function of every operation that a Tensor offers."""
    found = {}
    for name, member in vars(Tensor).items():
        if name not in NOT_OPERATIONS and name not in CONVERSIONS and not (name.startswith("_") and name[1] != "_"):
            found[name] = member.fget if isinstance(member, property) else member
    return found


def uncovered(methods, samples) -> list:
    """Methods that are neither a function of the table under another name nor in the table themselves."""
    run = {id(s.function) for s in samples}
    return sorted(name for name, f in methods.items() if id(f) not in run)


def test_every_method_and_operator_has_samples():
    methods = public_methods()
    attached = {name for names in METHODS.values() for name in names.split()} | set(OPERATORS)
    assert attached - set(CONVERSIONS) <= set(methods)
    assert uncovered(methods, SAMPLES) == []
    assert uncovered({"new_method": lambda x: x}, SAMPLES) == ["new_method"]
    assert "__getitem__" in uncovered(methods, [s for s in SAMPLES if "getitem" not in s.op])
    own = {s.op for s in SAMPLES if s.op.startswith("Tensor.")}
    assert too_few(SAMPLES, own) == {}


def test_every_sample_has_a_naive_definition_and_a_name_of_its_own():
    assert [s.op for s in SAMPLES if not hasattr(naive_ops, s.name)] == []
    repeated = [name for name, n in Counter(map(str, SAMPLES)).items() if n > 1]
    assert repeated == []


def test_naive_definitions_do_not_call_the_operations():
    for name in set(vars(naive_ops)) - {"__builtins__"}:
        module = getattr(getattr(naive_ops, name), "__module__", None) or ""
        assert not module.startswith(("tinygan.ops", "tinygan.kernels", "tinygan.functional"))


@pytest.mark.parametrize("what", ["last", "sliced", "reversed"])
def test_layouts_are_what_they_say(what):
    spec = A(2, 3, 4, 5)
    x, plain = [spec.draw(np.random.default_rng(0), np.float64, m) for m in (what, "C")]
    assert np.array_equal(x, plain) and plain.flags.c_contiguous and not x.flags.c_contiguous
    assert np.moveaxis(x, 1, -1).flags.c_contiguous == (what == "last")


def test_samples_are_drawn_from_a_seed():
    s = S("add", A(3), A(2, 3))
    assert all(np.array_equal(a, b) for a, b in zip(s.arrays(), s.arrays()))
    assert not np.array_equal(s.arrays(0)[0], s.arrays(1)[0])
    assert [a.dtype for a in s.arrays(dtype=np.float32)] == [np.float32] * 2


@pytest.mark.parametrize("convert, dtype", [
    (lambda x: x.double(), np.float64), (lambda x: x.float(), np.float32), (lambda x: x.to("float64"), np.float64),
    (lambda x: x.to(np.float32), np.float32), (lambda x: x.to("cpu"), np.float32)])
def test_conversions(convert, dtype):
    x = Tensor(np.array([1.5, -2.0], np.float32), requires_grad=True)
    y = convert(x)
    assert y.dtype == dtype and np.array_equal(y.numpy(), x.numpy())
    (g,) = tinygan.grad((y * y).sum(), x, create_graph=True)
    assert g.dtype == np.float32 and np.array_equal(g.numpy(), [3, -4])
    (h,) = tinygan.grad(g.sum(), x)
    assert h.dtype == np.float32 and np.array_equal(h.numpy(), [2, 2])
