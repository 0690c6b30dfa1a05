"""Penalties, to be added to a player's loss: on the gradient of a network's output, or on its weights.

A penalty is called as ``penalty(D, real, fake)`` with samples (N, ...) and returns a scalar with a graph; penalties
add (``r1(1) + r2(1)``), and ``every(k, penalty)`` applies one every k-th time. Everything is taken on the raw score a
(the logit): the gradient of D = sigmoid(a) is D (1 - D) times as long and vanishes where D is sure of itself.
Penalties of the critic are constant with respect to the generator: real and generated samples are detached.

>>> from tinygan import tensor
>>> critic = lambda x: (x * 3.0).sum(1)
>>> x, fake = tensor([[1.0], [2.0]]), tensor([[0.0], [5.0]])
>>> float(r1(10)(critic, x, fake)), round(float(gp(10)(critic, x, fake)), 4)
(45.0, 40.0)
>>> r1(1) + every(4, gp(10))
r1(gamma=1) + every(4, gp(weight=10))
"""

from __future__ import annotations

import ast
import math
import warnings

from tinygan import random
from tinygan.autograd import grad
from tinygan.backend import array_module
from tinygan.losses.pair import flat_scores
from tinygan.tensor import Tensor

EPSILON = 1e-12  # inside the root: its derivative is infinite at 0, and critics do have zero gradients


def squared_gradient(D, x: Tensor, scores: Tensor | None = None) -> Tensor:
    """|grad_x a(x)|^2 for each sample: (N,), with a graph that reaches the parameters of D.

    x: (N, ...), used as a leaf of its own. With ``scores`` = D(x), computed from an x that requires gradients, that
    evaluation is used again. The gradient is that of the sum of the scores, so each score must depend on its own
    sample only: batch norm in D in training mode gets a UserWarning. Raises ValueError unless D gives one score per
    sample, RuntimeError when the scores do not depend on x.
    """
    _warn_of_batch_norm(D)
    if scores is None:
        x = x.detach().requires_grad_()
        scores = D(x)
    flat = flat_scores("gradient penalty", scores)
    if not x.ndim or flat.shape != x.shape[:1]:
        raise ValueError(f"gradient penalty: expected {x.shape[:1]} scores for x of shape {x.shape}, "
                         f"got {scores.shape}")
    if not flat.requires_grad or not x.requires_grad:
        raise RuntimeError("gradient penalty: expected scores that were computed, with gradients on, from the x that "
                           "is passed and requires gradients, got scores that do not depend on it")
    (gradient,) = grad(flat.sum(), x, create_graph=True)
    squares = (gradient * gradient).sum(tuple(range(1, x.ndim))) if x.ndim > 1 else gradient * gradient
    # one norm per image: libraries have shipped one per pixel (a sum over the channels of a 4-D gradient)
    assert squares.shape == x.shape[:1], f"gradient penalty: expected shape {x.shape[:1]}, got {squares.shape}"
    return squares


def gradient_norm(D, x: Tensor, scores: Tensor | None = None) -> Tensor:
    """sqrt(|grad_x a(x)|^2 + 1e-12) for each sample: (N,); arguments and errors as :func:`squared_gradient`."""
    return (squared_gradient(D, x, scores) + EPSILON).sqrt()


def _warn_of_batch_norm(D) -> None:
    """Warn when D normalises over the batch: then a score depends on every sample, and 'its' gradient is another's too.

    Recognised by the class name, so that a subclass or somebody else's layer is found as well. D may be any function.
    """
    for module in D.modules() if hasattr(D, "modules") else ():
        if module.training and any(c.__name__.startswith("BatchNorm") for c in type(module).__mro__):
            warnings.warn(f"gradient penalty: expected a critic whose scores depend on one sample each, got "
                          f"{type(module).__name__} in training mode; use layer, instance or group norm "
                          "(Gulrajani et al. 2017, section 4)", UserWarning, stacklevel=3)
            return


class Penalty:
    """A term of the critic's loss; ``p + q`` is their sum.

    A subclass writes ``value(D, real, fake, scores)``. Only :func:`every` has state (how often it was called), which
    ``state_dict()`` returns, ready for JSON; players that must not share it take a ``copy.deepcopy``.
    """

    def __call__(self, D, real: Tensor, fake: Tensor, scores=(None, None)) -> Tensor:
        """The penalty, a scalar Tensor.

        real, fake: (N, ...). scores: optionally (D(real), D(fake)) when they were computed from the very real and
        fake passed here and these require gradients: R1 and R2 then save an evaluation of D.
        """
        return self.value(D, real, fake, scores)

    def value(self, D, real, fake, scores):
        raise NotImplementedError(f"{type(self).__name__}.value")

    def __add__(self, other: Penalty) -> Penalty:
        if not isinstance(other, Penalty):
            return NotImplemented
        return Sum((*_terms(self), *_terms(other)))

    def state_dict(self) -> dict:
        return {}

    def load_state_dict(self, state: dict) -> None:
        """Continue from a state of :meth:`state_dict`. Raises ValueError for the state of another penalty."""
        if set(state) != set(self.state_dict()):
            raise ValueError(f"{self!r}: expected a state with {sorted(self.state_dict())}, got {sorted(state)}")
        self.restore(state)

    def restore(self, state: dict) -> None:
        """Nothing to restore, unless a subclass has state."""


def _terms(penalty):
    return penalty.terms if isinstance(penalty, Sum) else (penalty,)


class NoPenalty(Penalty):
    """0, whatever the critic: what a recipe without a penalty adds."""

    def value(self, D, real, fake, scores):
        return Tensor(array_module(real.data).zeros((), real.dtype))

    def __repr__(self):
        return "none"


class Sum(Penalty):
    """The sum of several penalties."""

    def __init__(self, terms):
        self.terms = tuple(terms)

    def value(self, D, real, fake, scores):
        total = self.terms[0](D, real, fake, scores)
        for term in self.terms[1:]:
            total = total + term(D, real, fake, scores)
        return total

    def state_dict(self):
        return {str(k): term.state_dict() for k, term in enumerate(self.terms)}

    def restore(self, state):
        for k, term in enumerate(self.terms):
            term.load_state_dict(state[str(k)])

    def __repr__(self):
        return " + ".join(map(repr, self.terms))


class GradientPenalty(Penalty):
    """See :func:`gp`."""

    def __init__(self, weight, one_sided):
        self.weight, self.one_sided = _weight("gp: weight", weight), bool(one_sided)

    def value(self, D, real, fake, scores):
        excess = gradient_norm(D, self.between(real, fake)) - 1.0
        if self.one_sided:
            excess = excess.relu()
        return (excess * excess).mean() * self.weight

    @staticmethod
    def between(real, fake):
        """One point, uniform on the segment, per pair of samples."""
        if real.shape != fake.shape or real.dtype != fake.dtype:
            raise ValueError(f"gp: expected real and generated samples of one shape and dtype, got "
                             f"{real.shape}, {real.dtype} and {fake.shape}, {fake.dtype}")
        shape = real.shape[:1] + (1,) * (real.ndim - 1)  # one epsilon per sample, not per pixel
        epsilon = random.uniform(shape, stream="penalty", dtype=real.dtype, device=real.device)
        return Tensor(epsilon * real.data + (1 - epsilon) * fake.data)

    def __repr__(self):
        return f"gp(weight={self.weight:g}{', one_sided=True' if self.one_sided else ''})"


class Dragan(Penalty):
    """See :func:`dragan`."""

    def __init__(self, weight, c):
        self.weight, self.c = _weight("dragan: weight", weight), _weight("dragan: c", c)

    def value(self, D, real, fake, scores):
        noise = random.normal(real.shape, stream="penalty", dtype=real.dtype, device=real.device)
        excess = gradient_norm(D, Tensor(real.data + math.sqrt(self.c) * noise)) - 1.0
        return (excess * excess).mean() * self.weight

    def __repr__(self):
        return f"dragan(weight={self.weight:g}, c={self.c:g})"


class ZeroCentred(Penalty):
    """See :func:`r1` and :func:`r2`."""

    def __init__(self, name, index, gamma):
        self.name, self.index, self.gamma = name, index, _weight(f"{name}: gamma", gamma)

    def value(self, D, real, fake, scores):
        return squared_gradient(D, (real, fake)[self.index], scores[self.index]).mean() * (0.5 * self.gamma)

    def __repr__(self):
        return f"{self.name}(gamma={self.gamma:g})"


class Orthogonal(Penalty):
    """See :func:`orthogonal`."""

    def __init__(self, beta, form):
        if form not in ORTHOGONAL:
            raise ValueError(f"orthogonal: expected a form out of {', '.join(ORTHOGONAL)}, got {form!r}")
        self.beta, self.form = _weight("orthogonal: beta", beta), form

    def value(self, D, real, fake, scores):
        weights = [p for p in D.parameters() if p.ndim > 1]
        if not weights:
            raise ValueError(f"orthogonal: expected a network with weights of at least 2 dimensions, got {D!r}")
        total = self.of(weights[0])
        for w in weights[1:]:
            total = total + self.of(w)
        return total * self.beta

    def of(self, w: Tensor) -> Tensor:
        """The penalty of one weight, a scalar, without beta."""
        rows = w.reshape(w.shape[0], -1)
        gram = rows @ rows.transpose(0, 1)
        eye = array_module(w.data).eye(w.shape[0], dtype=w.dtype)
        return ORTHOGONAL[self.form](gram, Tensor(eye))

    def __repr__(self):
        return f"orthogonal(beta={self.beta:g}, form={self.form!r})"


ORTHOGONAL = {
    "full": lambda gram, eye: (gram - eye).square().sum(),
    "off_diagonal": lambda gram, eye: (gram * (1.0 - eye)).square().sum(),
    "absolute": lambda gram, eye: (gram - eye).abs().sum(),
}


class PathLength(Penalty):
    """See :func:`path_length`."""

    def __init__(self, weight, decay):
        self.weight, self.decay, self.mean = _weight("path_length: weight", weight), float(decay), 0.0

    def value(self, G, z, fake, scores):
        z = z.detach().requires_grad_()
        images = G(z)
        y = random.normal(images.shape, stream="penalty", dtype=images.dtype, device=images.device)
        (gradient,) = grad((images * Tensor(y)).sum(), z, create_graph=True)  # J^T y, a row for each sample
        positions = math.prod(images.shape[2:])  # the authors' scale: independent of the resolution
        lengths = (gradient.square().reshape(len(z), -1).sum(1) / positions + EPSILON).sqrt()
        penalty = (lengths - self.mean).square().mean() * self.weight
        self.mean = self.mean + self.decay * (lengths.mean().detach() - self.mean)  # stays on the device
        return penalty

    def state_dict(self):
        return {"mean": float(self.mean)}

    def restore(self, state):
        self.mean = float(state["mean"])

    def __repr__(self):
        return f"path_length(weight={self.weight:g}, decay={self.decay:g})"


class Every(Penalty):
    """See :func:`every`."""

    def __init__(self, k, penalty):
        if not isinstance(k, int) or k < 1 or not isinstance(penalty, Penalty):
            raise ValueError(f"every: expected a positive integer and a penalty, got {k!r} and {penalty!r}")
        self.k, self.penalty, self.calls = k, penalty, 0

    def value(self, D, real, fake, scores):
        due = self.calls % self.k == 0
        self.calls += 1
        if not due:
            return none(D, real, fake)
        return self.penalty(D, real, fake, scores) * float(self.k)

    def state_dict(self):
        return {"calls": self.calls, "penalty": self.penalty.state_dict()}

    def restore(self, state):
        self.calls = int(state["calls"])
        self.penalty.load_state_dict(state["penalty"])

    def __repr__(self):
        return f"every({self.k}, {self.penalty!r})"


def _weight(name, value) -> float:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0):
        raise ValueError(f"{name}: expected a finite number >= 0, got {value!r}")
    return float(value)


def gp(weight: float = 10, one_sided: bool = False) -> Penalty:
    """WGAN-GP's penalty: weight E (|grad a(x^)| - 1)^2 at x^ = e x + (1 - e) G, e uniform on [0, 1], one per sample.

    With ``one_sided`` weight E max(0, |grad a(x^)| - 1)^2, which leaves slopes below 1 alone. e comes from the random
    stream "penalty". The penalty is soft and looks at segments between independently drawn pairs only: it does not
    make the critic 1-Lipschitz. Raises ValueError when real and generated samples differ in shape or dtype.
    Source: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3 and Algorithm 1 (one-sided: section 4, and Petzka, Fischer,
    Lukovnikov 2017, arXiv:1709.08894).
    """
    return GradientPenalty(weight, one_sided)


def r1(gamma: float = 10) -> Penalty:
    """R1: gamma / 2 E |grad a(x)|^2 at real samples x, no root, on the logit.

    Some libraries leave out the 1/2: their gamma = 10 is 20 here.
    Source: Mescheder, Geiger, Nowozin 2018, arXiv:1801.04406, eq. 9.
    """
    return ZeroCentred("r1", 0, gamma)


def r2(gamma: float = 10) -> Penalty:
    """R2: gamma / 2 E |grad a(G)|^2 at generated samples, no root, on the logit; the generator gets no gradient of it.

    Source: Mescheder, Geiger, Nowozin 2018, arXiv:1801.04406, eq. 10.
    """
    return ZeroCentred("r2", 1, gamma)


def dragan(weight: float = 10, c: float = 0.05) -> Penalty:
    """DRAGAN's penalty: weight E (|grad a(x + d)| - 1)^2 at real samples x with noise d ~ N(0, c I).

    As in the paper's text; c is a variance on the scale of the data (the default suits data of standard deviation
    about 1). What libraries call DRAGAN is not this: the authors' program and most ports add one-sided noise
    std(batch) U[0, 1] / 2, some once more weighted by a factor per pixel, others std(batch) (U - 1/2) clipped to the
    range of the images; one takes a norm per pixel instead of per sample. d comes from the random stream "penalty".
    Source: Kodali, Abernethy, Hays, Kira 2017, arXiv:1705.07215 (k = 1).
    """
    return Dragan(weight, c)


def orthogonal(beta: float = 1e-4, form: str = "full") -> Penalty:
    """Orthogonal regularisation: beta times the sum over all weights W, as matrices (outputs, everything else).

    form "full" is |W W^T - I|_F^2; "off_diagonal" |W W^T * (1 - I)|_F^2, which leaves the filters' norms alone
    (Brock, Donahue, Simonyan 2018, arXiv:1809.11096, section 3.1, eqs. 2 and 3, there written W^T W for a W whose
    columns are the filters); "absolute" sum |W W^T - I| (Brock et al. 2016, arXiv:1609.07093). A penalty
    of the network it is called with: D's in ``penalty``, G's where the variant has a ``g_penalty``. Parameters with
    fewer than two dimensions are left out. Raises ValueError for another form and for a network without weights.
    """
    return Orthogonal(beta, form)


def path_length(weight: float = 2, decay: float = 0.01) -> Penalty:
    """Path-length regularisation of a generator: weight E_{z, y} (|J^T y| - a)^2, J = dG / dz, y ~ N(0, I / pixels).

    J^T y = grad_z <G(z), y>; a is a running mean of the lengths, a <- a + decay (E |J^T y| - a), taken before this call
    and constant in the backward pass (the authors' program uses it after). A penalty of the generator, called with
    (G, z, anything); its state is a. Source: Karras et al. 2019 (StyleGAN2), arXiv:1912.04958, eq. 4, appendix B.
    """
    return PathLength(weight, decay)


def every(k: int, penalty: Penalty) -> Penalty:
    """k times ``penalty`` at the first, (k + 1)-th, (2 k + 1)-th ... call, and 0 at the others: the same on average.

    The optimiser's settings are left alone (StyleGAN2 also corrects Adam's for a separate lazy step).
    Raises ValueError unless k is a positive integer. Source: Karras et al. 2019, arXiv:1912.04958, section 3.1.
    """
    return Every(k, penalty)


none = NoPenalty()
# What `parse` may call; a new penalty is a row here.
PENALTIES = {"gp": gp, "r1": r1, "r2": r2, "every": every, "dragan": dragan, "orthogonal": orthogonal,
             "path_length": path_length}


def parse(text: str) -> Penalty:
    """The penalty that a text describes, as its ``repr`` and the command line write it.

    >>> parse("r1(1) + every(4, gp(weight=10))")
    r1(gamma=1) + every(4, gp(weight=10))

    Nothing but the functions in ``PENALTIES``, sums and constants is evaluated. Raises ValueError for anything else.
    """
    try:
        return _parsed(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"penalty: expected none, or a sum of {', '.join(PENALTIES)} such as 'r1(1) + r2(1)', got "
                         f"{text!r} ({error})") from error


def _parsed(node):
    if isinstance(node, ast.Name) and node.id == "none":
        return none
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _parsed(node.left) + _parsed(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PENALTIES:
        options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords}
        values = [_parsed(a) if isinstance(a, (ast.Call, ast.BinOp)) else ast.literal_eval(a) for a in node.args]
        return PENALTIES[node.func.id](*values, **options)
    raise ValueError(f"{ast.unparse(node)} is none of these")


__all__ = ["PENALTIES", "Penalty", "dragan", "every", "gp", "gradient_norm", "none", "orthogonal", "parse",
           "path_length", "r1", "r2", "squared_gradient"]
