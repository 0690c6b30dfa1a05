"""Gradient checks to any order: every derivative against a difference of the one below it.

For f, inputs x and cotangents c let D0 = sum_j <c_j, f_j(x)>, and let D_k be the derivative of D_(k-1) along a random
direction, computed by reverse passes. D_k must equal the five-point difference of D_(k-1) along the same direction.
D_(k-1) was checked before, so an error is found at the order at which it is made.

Directions differ from order to order, their components stay away from 0 (a gradient that sums to zero over a batch
hides its errors from all-ones directions and from ``sum(g * g)``), and from the second order on they move the
cotangents too, because a penalty differentiates a gradient with respect to both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygan.autograd import grad
from tinygan.backend import array_module, device_of, is_array, to_device, to_numpy
from tinygan.tensor import Tensor

STEPS = 5e-4, 2e-5  # the second one for functions so steep that the first one takes them for a kink
# A five-point difference is wrong by h^4 D^(5) / 30 + 1.5 eps D / h = 2e-15 D^(5) + 7e-13 D. That leaves a factor of
# 1e5 to steep functions and to cancellation inside D at the first order; every order multiplies the number of terms
# that cancel, so it gets ten times more. Errors of substance (a frozen mean, a lost term) are 1e-3 and larger.
TOLERANCE = {1: 1e-7, 2: 1e-6, 3: 1e-5}
FLOOR = 1e-4  # a derivative smaller than this share of the lower ones is compared relative to them
NEGLIGIBLE = 1e-3  # through tanh, a derivative below this share of the lower ones would prove nothing
SMALL = 64  # elements up to which the gradient is also checked one by one
MOVE = 0.02  # how far the inputs are moved away from a kink


class GradcheckError(AssertionError):
    """A derivative that does not agree with its numeric value, or a rule of the engine that f breaks."""


@dataclass(frozen=True)
class Report:
    """``errors[k - 1]`` is the largest relative error of order k; ``moved`` counts how often a kink was avoided."""

    errors: tuple
    moved: int = 0


class _Again(Exception):
    """This point proves nothing (a kink, or a negligible derivative): try another one."""


def gradcheck(f, inputs, order: int = 1, *, through_tanh: bool = False, seed: int = 0, name: str | None = None,
              tolerance: dict | None = None, attempts: int = 20) -> Report:
    """Check the derivatives of ``f`` at ``inputs`` up to ``order`` numerically, and return the largest errors.

    ``f`` maps Tensors to a Tensor or a tuple of Tensors; ``inputs``, one or a sequence, are float64 Tensors or arrays
    (entries of another kind are handed to ``f`` unchanged) and are not modified. ``through_tanh`` checks
    z -> tanh(f(x + mix(tanh z))), whose derivatives of every order depend on ``f`` even where f is linear, and
    requires them not to be negligible.
    ``tolerance`` is a dict {order: relative error}, default ``TOLERANCE``. Also checked: inputs stay as they are,
    gradients have their input's shape and dtype and do not depend on which other gradients are asked for, nor on
    ``create_graph``. Near a kink the inputs are moved a little, at most ``attempts`` times.
    Raises GradcheckError (an AssertionError) with the operation, the input, the order, both values and their relative
    error; TypeError when an input is float32. Source: the directions follow Chainer's numerical check.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) or is_array(inputs) else tuple(inputs)
    check = _Check(f, inputs, order, seed, name, tolerance or TOLERANCE)
    reason = None
    for attempt in range(attempts):
        try:
            return Report(check.attempt(moved=attempt > 0, through_tanh=through_tanh), attempt)
        except _Again as again:
            reason = again
    raise GradcheckError(f"{check.name}: expected a point where the derivative can be judged, got none in {attempts} "
                         f"attempts; the last: {reason}. Is f deterministic, and do the inputs stay off its kinks?")


class _Check:
    def __init__(self, f, inputs, order, seed, name, tolerance):
        self.f, self.order, self.tolerance = f, order, tolerance
        self.inputs = [x.data if isinstance(x, Tensor) else x for x in inputs]
        self.tensors = [isinstance(x, Tensor) for x in inputs]
        self.where = [i for i, x in enumerate(self.inputs) if is_array(x) and x.dtype.kind == "f"]
        self.name = name or getattr(f, "__name__", type(f).__name__)
        self.rng = np.random.default_rng(seed)
        if not self.where:
            raise TypeError(f"gradcheck of {self.name}: expected an input of dtype float64, got none")
        for i in self.where:
            if self.inputs[i].dtype != np.float64:
                raise TypeError(f"gradcheck of {self.name}: expected inputs of dtype float64 (a difference of float32 "
                                f"values shows nothing), got {self.inputs[i].dtype} as input {i}")

    def attempt(self, moved: bool, through_tanh: bool) -> tuple:
        x = [self.inputs[i] for i in self.where]
        if moved:
            x = [a + MOVE * self.draw(a) for a in x]
        before = [to_numpy(a).copy() for a in x]
        call = self.call
        point = x
        if through_tanh:
            call, point = _through_tanh(self, x)
        outputs = call(*[Tensor(a, requires_grad=True) for a in point])
        usable = [j for j, y in enumerate(outputs) if y.requires_grad]
        if not usable:
            raise GradcheckError(f"{self.name}: expected an output that depends on the inputs, got none")
        cotangents = [self.draw(y.data) if j in usable else None for j, y in enumerate(outputs)]
        gradients = self.first_gradients(call, [*point, *cotangents], len(point))
        self.unchanged(x, before)
        errors = np.zeros(self.order)
        for given, first in self.patterns(len(point), usable):
            c = [v if j in given else None for j, v in enumerate(cotangents)]
            everything = len(given) == len(usable) and len(first) == len(point)
            errors = np.maximum(errors, self.pattern(call, point, c, first, through_tanh and everything))
        errors[0] = max(errors[0], self.elements(call, [*point, *cotangents], len(point), gradients))
        self.unchanged(x, before)
        return tuple(errors.tolist())

    def call(self, *tensors) -> list:
        """f's floating outputs for these differentiable inputs."""
        args = [Tensor(x) if tensor else x for x, tensor in zip(self.inputs, self.tensors)]
        for i, t in zip(self.where, tensors):
            args[i] = t
        outputs = self.f(*args)
        outputs = [outputs] if isinstance(outputs, Tensor) else [y for y in outputs if isinstance(y, Tensor)]
        return [y for y in outputs if y.dtype.kind == "f"]

    def unchanged(self, x, before):
        for i, a, b in zip(self.where, x, before):
            if not np.array_equal(to_numpy(a), b, equal_nan=True):
                raise GradcheckError(f"{self.name}: expected input {i} to stay unchanged, but f or its derivative "
                                     "wrote into it")

    def draw(self, like):
        """Random numbers between 0.5 and 1.5 with random signs, in the shape and memory order of ``like``."""
        out = np.empty_like(to_numpy(like))
        out[...] = self.rng.uniform(0.5, 1.5, out.shape) * self.rng.choice([-1.0, 1.0], out.shape)
        return to_device(out, device_of(like))

    def patterns(self, n_inputs: int, usable: list):
        """(outputs with a cotangent, inputs whose gradient is used): everything, then a random part of it."""
        yield usable, list(range(n_inputs))
        if len(usable) > 1 or n_inputs > 1:
            yield self.part(usable), self.part(list(range(n_inputs)))

    def part(self, of: list) -> list:
        size = self.rng.integers(1, max(len(of), 2))
        return sorted(self.rng.choice(of, size, replace=False).tolist())

    def pattern(self, call, x, c, first, substantial) -> np.ndarray:
        """The relative errors of all orders for these cotangents; only the gradients of ``first`` are used in D1."""
        point = [*x, *c]
        directions = [[self.draw(a) if i in first else None for i, a in enumerate(x)] + [None] * len(c)]
        for _ in range(1, self.order):
            directions.append([None if a is None else self.draw(a) for a in point])
        n = len(x)
        tower = _tower(call, point, n, directions)
        errors = []
        for k in range(1, self.order + 1):
            error, numeric = self.compare(call, point, n, directions[:k], tower)
            scale = max(map(abs, tower[:k]))
            if substantial and abs(numeric) < NEGLIGIBLE * scale:
                raise _Again(f"derivative {k} is negligible: {numeric:.2e} beside {scale:.2e}")
            errors.append(error)
        return np.array(errors)

    def compare(self, call, point, n, directions, tower):
        """The relative error of D_k, the last of the ``directions``, and its numeric value."""
        k = len(directions)
        analytic = tower[k]
        numeric = self.difference(lambda t: _tower(call, _moved(point, directions[-1], t), n, directions[:-1])[-1],
                                  tower[k - 1], max(map(abs, tower[:k])), k)
        error = _relative(analytic, numeric, max(map(abs, tower[:k])))
        if not error <= self.limit(k):
            self.fail(call, point, n, directions, analytic, numeric, error)
        return error, numeric

    def difference(self, value, centre, scale, k) -> float:
        """The derivative of value(t) at 0 by five points. Raises _Again when a kink lies between them."""
        for step in STEPS:
            a, b, c, d = [value(t * step) for t in (-2, -1, 1, 2)]
            slope = (a - 8 * b + 8 * c - d) / (12 * step)
            # the fourth difference of a smooth function is h^4 D^(4); a kink within reach makes it h times the jump
            fourth = abs(a - 4 * b + 6 * centre - 4 * c + d) / step
            if fourth <= 10 * self.limit(k) * max(abs(slope), FLOOR * scale, 1e-300):
                return slope
        raise _Again(f"a kink: the slope {slope:.6g} of derivative {k - 1} comes with a fourth difference of "
                     f"{fourth:.2e}")

    def limit(self, k: int) -> float:
        return self.tolerance.get(k, max(self.tolerance.values()) * 10.0 ** (k - max(self.tolerance)))

    def fail(self, call, point, n, directions, analytic, numeric, error):
        """Raise with the input whose direction alone shows the largest error."""
        k = len(directions)
        worst = None
        for i, v in enumerate(directions[-1]):
            if v is None:
                continue
            alone = [w if j == i else None for j, w in enumerate(directions[-1])]
            tower = _tower(call, point, n, [*directions[:-1], alone])
            try:
                difference = self.difference(
                    lambda t: _tower(call, _moved(point, alone, t), n, directions[:-1])[-1], tower[k - 1],
                    max(map(abs, tower[:k])), k)
            except _Again:
                continue
            here = _relative(tower[k], difference, max(map(abs, tower[:k])))
            if worst is None or here > worst[0]:
                label = f"input {self.where[i]} of shape {point[i].shape}" if i < n else f"cotangent {i - n}"
                worst = here, label, tower[k], difference
        error, label, analytic, numeric = worst or (error, "all inputs together", analytic, numeric)
        raise GradcheckError(f"{self.name}: derivative of order {k} with respect to {label}: analytic {analytic:.12g}, "
                             f"numeric {numeric:.12g}, relative error {error:.2e} (tolerance {self.limit(k):.0e})")

    def first_gradients(self, call, point, n) -> list:
        """The first gradients, whose shape and dtype must be right and which must not depend on how they are asked."""
        kept = [None if a is None else to_numpy(a).copy() for a in point]
        gradients = _gradients(call, point, n, range(n))
        for i, (x, g) in enumerate(zip(point, gradients)):
            if g is not None and (g.shape != x.shape or g.dtype != x.dtype):
                raise GradcheckError(f"{self.name}: expected a gradient of shape {x.shape} and dtype {x.dtype} for "
                                     f"input {self.where[i]}, got {g.shape} and {g.dtype}")
        self.same("with create_graph", gradients, _gradients(call, point, n, range(n), create_graph=True))
        for i in range(n if n > 1 else 0):
            alone = [gradients[j] if j != i else _gradients(call, point, n, [i])[0] for j in range(n)]
            self.same("when it is the only one asked for", gradients, alone)
        for a, b in zip(point[n:], kept[n:]):
            if b is not None and not np.array_equal(to_numpy(a), b, equal_nan=True):
                raise GradcheckError(f"{self.name}: expected a cotangent to stay unchanged, but the derivative wrote "
                                     "into it")
        return gradients

    def same(self, how, expected, got):
        for i, (a, b) in enumerate(zip(expected, got)):
            a, b = [0.0 if g is None else to_numpy(g.data) for g in (a, b)]
            # two correct routes round differently, by eps times the number of terms
            if np.size(a) and np.max(np.abs(a - b)) > 1e-11 * max(np.max(np.abs(a)), FLOOR):
                raise GradcheckError(f"{self.name}: expected the same gradient of input {self.where[i]} {how}, got a "
                                     f"difference of {np.max(np.abs(a - b)):.2e}")

    def elements(self, call, point, n, gradients) -> float:
        """The largest error of the first gradients element by element, if the inputs are small."""
        if not 0 < sum(x.size for x in point[:n]) <= SMALL:
            return 0.0
        centre = _tower(call, point, n, [])[0]
        scale = abs(centre)
        largest = max([scale * FLOOR] + [float(abs(g.data).max()) for g in gradients if g is not None and g.size])
        worst = 0.0
        for i, x in enumerate(point[:n]):
            for at in np.ndindex(x.shape):
                unit = array_module(x).zeros_like(x)
                unit[at] = 1.0
                alone = [unit if j == i else None for j in range(len(point))]
                numeric = self.difference(lambda t: _tower(call, _moved(point, alone, t), n, [])[0],
                                          centre, max(scale, largest / FLOOR), 1)
                analytic = 0.0 if gradients[i] is None else float(gradients[i].data[at])
                error = abs(analytic - numeric) / max(largest, abs(numeric), 1e-300)
                if not error <= self.limit(1):
                    raise GradcheckError(f"{self.name}: derivative of order 1 with respect to element {at} of input "
                                         f"{self.where[i]} of shape {x.shape}: analytic {analytic:.12g}, numeric "
                                         f"{numeric:.12g}, relative error {error:.2e} (tolerance {self.limit(1):.0e})")
                worst = max(worst, error)
        return worst


def _relative(analytic, numeric, scale) -> float:
    return abs(analytic - numeric) / max(abs(analytic), abs(numeric), FLOOR * scale, 1e-300)


def _moved(point, direction, t) -> list:
    return [x if v is None else x + t * v for x, v in zip(point, direction)]


def _weighted(outputs, cotangents):
    """sum_j <c_j, y_j> as a graph, over the pairs that are there."""
    total = None
    for y, c in zip(outputs, cotangents):
        if y is not None and c is not None:
            term = (y * c).sum()
            total = term if total is None else total + term
    return total


def _gradients(call, point, n, of, create_graph=False) -> list:
    """The gradients of D0 with respect to the inputs numbered in ``of``."""
    x = [Tensor(a, requires_grad=i in of) for i, a in enumerate(point[:n])]
    pairs = [(y, Tensor(c)) for y, c in zip(call(*x), point[n:]) if c is not None and y.requires_grad]
    if not pairs:  # the given outputs do not use these inputs
        return [None for _ in of]
    return list(grad([y for y, _ in pairs], [x[i] for i in of], [c for _, c in pairs], create_graph=create_graph,
                     allow_unused=True))


def _tower(call, point, n, directions) -> list:
    """D0 ... D_k as numbers: inputs and cotangents are ``point[:n]`` and ``point[n:]``, k the number of directions."""
    leaves = [None if a is None else Tensor(a, requires_grad=bool(directions)) for a in point]
    value = _weighted(call(*leaves[:n]), leaves[n:])
    numbers = [value.item()]
    for k, direction in enumerate(directions):
        if value is not None and value.requires_grad:
            pairs = [(leaf, Tensor(v)) for leaf, v in zip(leaves, direction) if v is not None]
            gradients = grad(value, [leaf for leaf, _ in pairs], create_graph=k + 1 < len(directions),
                             allow_unused=True)
            value = _weighted(gradients, [v for _, v in pairs])
        else:
            value = None
        numbers.append(0.0 if value is None else value.item())
    return numbers


def _through_tanh(check, x):
    """z -> tanh(f(x + mix(tanh z) - mix(tanh z0))) and z0: f itself is evaluated at x, whatever z0 is.

    The mix adds up three elements per element, so that no input of f moves alone; subtracting the start keeps f
    inside the range that its inputs were chosen for, and tanh off its flat parts.
    """
    z0 = [0.5 * check.draw(a) for a in x]
    orders = [[check.rng.permutation(a.size) for _ in range(2)] for a in x]
    weights = [[Tensor(0.5 * check.draw(a)) for _ in range(3)] for a in x]

    def mix(i, z):
        t = z.tanh()
        flat = t.reshape(-1) if t.size else t
        out = t * weights[i][0]
        for w, order in zip(weights[i][1:], orders[i]):
            out = out + (flat[order].reshape(t.shape) if t.size else t) * w
        return out

    start = [Tensor(a - mix(i, Tensor(z)).data) for i, (a, z) in enumerate(zip(x, z0))]
    outputs = check.call(*[Tensor(a) for a in x])
    scales = [1.0 / (1.0 + float(abs(y.data).max())) if y.size else 1.0 for y in outputs]
    offsets = [Tensor(0.5 * check.draw(y.data) - s * y.data) for y, s in zip(outputs, scales)]

    def call(*z):
        y = check.call(*[mix(i, t) + start[i] for i, t in enumerate(z)])
        return [(o * s + b).tanh() for o, s, b in zip(y, scales, offsets)]
    return call, z0
