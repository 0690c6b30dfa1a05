"""Products: matmul with batches, linear layers, einsum as matrix products."""

from __future__ import annotations

from tinygan.autograd import ALL, Function
from tinygan.kernels import kernels_for
from tinygan.ops.calls import Pair, Single
from tinygan.ops.reduce import Sum, sum_to
from tinygan.ops.shape import permute, reshape


class MatrixTranspose(Single):
    """A^T for (..., m, n), a view; its own inverse and adjoint."""

    view = True

    def forward(self, a):
        return a.swapaxes(-1, -2)

    def backward(self, g):
        return MatrixTranspose().of(g)


class MatMul(Pair):
    """Y = A B for (..., m, k) and (..., k, n), batch dimensions broadcast; dA = G B^T, dB = A^T G."""

    saves = ALL

    def forward(self, a, b):
        return kernels_for(a).matmul(a, b)

    def backward(self, g):
        a, b = self.saved
        return (MatMul().of(g, MatrixTranspose().of(b)) if self.needs[0] else None,
                MatMul().of(MatrixTranspose().of(a), g) if self.needs[1] else None)

    def unbroadcast(self, gradient, shape):
        return sum_to(gradient, shape)


class Linear(Function):
    """Y = X W^T + b for (m, in), (out, in) and (out,) or None; dX = G W, dW = G^T X, db = the sum of G's rows."""

    saves = (0, 1)

    def forward(self, x, w, b):
        y = kernels_for(x).matmul(x, w.T)
        if b is not None:
            y += b
        return y

    def backward(self, g):
        x, w = self.saved
        return (MatMul().of(g, w) if self.needs[0] else None,
                MatMul().of(MatrixTranspose().of(g), x) if self.needs[1] else None,
                Sum((0,), keepdims=False)(g) if self.needs[2] else None)


def matmul(input, other):
    """The matrix product of (..., m, k) and (..., k, n); one-dimensional inputs count as a row and a column."""
    a = input if input.ndim > 1 else reshape(input, (1,) * (2 - input.ndim) + input.shape)
    b = other if other.ndim > 1 else reshape(other, other.shape + (1,) * (2 - other.ndim))
    if not input.ndim or not other.ndim or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matmul: expected (..., m, k) and (..., k, n), got {input.shape} and {other.shape}")
    out = MatMul().of(a, b)
    if input.ndim == 1:
        out = reshape(out, out.shape[:-2] + out.shape[-1:])
    return reshape(out, out.shape[:-1]) if other.ndim == 1 else out


def linear(input, weight, bias=None):
    """y = x W^T + b for x (..., in), weight (out, in), bias (out,)."""
    if input.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"linear: expected input with {weight.shape[1]} features (weight is {weight.shape}), "
                         f"got {input.shape}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"linear: expected a bias of shape {weight.shape[:1]}, got {bias.shape}")
    rows = input if input.ndim == 2 else reshape(input, (-1, weight.shape[1])) if input.size else None
    if rows is None:  # an empty batch leaves -1 undetermined
        rows = reshape(input, (0, weight.shape[1]))
    out = Linear()(rows, weight, bias)
    return out if input.ndim == 2 else reshape(out, input.shape[:-1] + weight.shape[:1])


def einsum(equation: str, *operands):
    """Sums of products in Einstein's notation ("bij,bjk->bik"), every pair of operands as one matrix product (BLAS).

    Repeated letters within an operand take its diagonal; "..." stands for the dimensions not named. Raises
    ValueError for an equation that does not fit the operands.
    """
    terms, output = _parse(equation, operands)
    current, letters = _diagonal(operands[0], terms[0])
    for k in range(1, len(operands)):
        other, other_letters = _diagonal(operands[k], terms[k])
        later = set(output).union(*terms[k + 1:])
        current, letters = _contract(current, letters, other, other_letters, later)
    current, letters = _sum_out(current, letters, set(output))
    return permute(current, [letters.index(c) for c in output]) if letters != list(output) else current


def _parse(equation, operands):
    left, arrow, output = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: expected {len(terms)} operands for {equation!r}, got {len(operands)}")
    dots = [x.ndim - len(t.replace("...", "")) if "..." in t else 0 for t, x in zip(terms, operands)]
    names = [chr(0x2460 + i) for i in range(max(dots))]  # letters nobody types stand for the dimensions of "..."
    terms = [t.replace("...", "".join(names[len(names) - d:])) for t, d in zip(terms, dots)]
    if not arrow:
        output = "".join(names) + "".join(sorted(c for c in set("".join(terms)) - set(names)
                                                 if "".join(terms).count(c) == 1))
    output = output.replace("...", "".join(names))
    sizes = {}
    for term, x in zip(terms, operands):
        if len(term) != x.ndim:
            raise ValueError(f"einsum: expected an operand with {len(term)} dimensions for {term!r}, got {x.shape}")
        for c, n in zip(term, x.shape):
            if sizes.setdefault(c, n) != n:
                raise ValueError(f"einsum: expected one size for {c!r}, got {sizes[c]} and {n}")
    if len(set(output)) != len(output) or not set(output) <= set(sizes):
        raise ValueError(f"einsum: expected an output of different input letters, got {output!r}")
    return terms, output


def _diagonal(x, letters):
    """Repeated letters of one operand reduced to one by reading the diagonal."""
    letters = list(letters)
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            order = [k for k in range(x.ndim) if k not in (i, j)] + [i, j]
            x = permute(x, order)
            every = range(x.shape[-1])
            x = x[(Ellipsis, every, every)]
            letters = [letters[k] for k in order[:-2]] + [c]
    return x, letters


def _sum_out(x, letters, keep):
    """The sum over the dimensions whose letters nobody needs any more."""
    gone = tuple([i for i, c in enumerate(letters) if c not in keep])
    return (x.sum(gone) if gone else x), [c for c in letters if c in keep]


def _contract(a, a_letters, b, b_letters, later):
    """One pair of operands as a batched matrix product: (batch, rows, inner) @ (batch, inner, columns)."""
    a, a_letters = _sum_out(a, a_letters, later | set(b_letters))
    b, b_letters = _sum_out(b, b_letters, later | set(a_letters))
    shared = [c for c in a_letters if c in b_letters]
    batch = [c for c in shared if c in later]
    inner = [c for c in shared if c not in later]
    rows = [c for c in a_letters if c not in shared]
    columns = [c for c in b_letters if c not in shared]
    size = dict(zip(a_letters + b_letters, a.shape + b.shape))

    def count(group):
        n = 1
        for c in group:
            n *= size[c]
        return n

    left = permute(a, [a_letters.index(c) for c in batch + rows + inner]) if a.ndim else a
    right = permute(b, [b_letters.index(c) for c in batch + inner + columns]) if b.ndim else b
    out = MatMul().of(reshape(left, (count(batch), count(rows), count(inner))),
                      reshape(right, (count(batch), count(inner), count(columns))))
    letters = batch + rows + columns
    return reshape(out, tuple([size[c] for c in letters])), letters
