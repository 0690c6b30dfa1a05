"""Tensor: an array, and the operation that made it. Operators and methods are attached by ``tinygan.ops``."""

from __future__ import annotations

import numpy as np

from tinygan import backend

FLOATS = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.float16))


class Version:
    """How often a parameter's array was written, and by whom; shared by every Tensor that looks at the same array."""

    __slots__ = ("name", "count", "writer")

    def __init__(self, name: str):
        self.name = name
        self.count = 0
        self.writer = "nobody"


class Tensor:
    """An n-dimensional array that remembers how it was computed.

    ``data`` is the NumPy or CuPy array; ``node`` is the :class:`~tinygan.autograd.Function` that made it (None for a
    leaf) and ``index`` says which of the node's outputs it is (-1 for a leaf); ``grad`` is filled by :meth:`backward`
    for leaves; ``version`` counts the writes to the array when it belongs to a :class:`Parameter`.
    """

    __slots__ = ("data", "requires_grad", "node", "index", "grad", "version", "__weakref__")
    __array_ufunc__ = None  # numpy_array * tensor must come to us, not become an object array or float64

    def __init__(self, data, requires_grad: bool = False, node=None, index: int = -1):
        self.data = data
        self.requires_grad = requires_grad
        self.node = node
        self.index = index
        self.grad = self.version = None

    # What it is

    @property
    def shape(self) -> tuple:
        return self.data.shape

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def device(self) -> backend.Device:
        return backend.device_of(self.data)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.node is None

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("len: expected a tensor with at least one dimension, got a scalar tensor")
        return len(self.data)

    def __repr__(self) -> str:
        body = np.array2string(self.numpy(), separator=", ", prefix="tensor(", threshold=100)
        extra = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        extra += "" if self.device == "cpu" else f", device='{self.device}'"
        if self.node is not None:
            extra += f", from {type(self.node).__name__}"
        elif self.requires_grad:
            extra += ", requires_grad=True"
        return f"tensor({body}{extra})"

    # Reading values: each of these waits for the device

    def numpy(self) -> np.ndarray:
        """The values as a read-only NumPy array: a view on the CPU, a copy from a GPU."""
        view = backend.to_numpy(self.data).view()
        view.flags.writeable = False
        return view

    def item(self):
        """The value of a tensor of one element as a Python number."""
        if self.data.size != 1:
            raise ValueError(f"item: expected a tensor of one element, got shape {self.shape}")
        return self.data.item()

    def tolist(self):
        """The values as nested Python lists."""
        return self.data.tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __index__(self) -> int:
        if self.data.dtype.kind not in "iu":
            raise TypeError(f"index: expected an integer tensor, got dtype {self.dtype}")
        return int(self.item())

    # Its place in the graph

    def detach(self) -> Tensor:
        """The same array outside the graph: no gradient flows through it."""
        out = Tensor(self.data)
        out.version = self.version
        return out

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients of this leaf (or stop asking), and return it."""
        if self.node is not None:
            raise RuntimeError("requires_grad_: expected a leaf, got the result of "
                               f"{type(self.node).__name__}; use detach() first")
        self.requires_grad = _check_differentiable(self.data, requires_grad)
        return self

    __hash__ = object.__hash__  # by identity, although == compares values

    def __deepcopy__(self, memo):
        if self.node is not None:
            raise RuntimeError(f"deepcopy: expected a leaf, got the result of {type(self.node).__name__}; "
                               "copy tensor.detach()")
        out = memo[id(self)] = type(self)(self.data.copy(), requires_grad=self.requires_grad)
        return out


class Parameter(Tensor):
    """A leaf that an optimiser learns. Its array keeps its identity for life and is written only by :meth:`assign`.

    ``name`` says where it lives ("Generator.project.weight"), ``owner`` names the optimiser that holds it.
    """

    def __init__(self, data, requires_grad: bool = True):
        data = data.data if isinstance(data, Tensor) else data
        # C order in the logical shape: reductions over other strides give other bits, so every copy must agree
        if not data.flags.c_contiguous:
            data = data.copy(order="C")
        super().__init__(data, _check_differentiable(data, requires_grad))
        self.version = Version("a parameter")
        self.owner = None

    @property
    def name(self) -> str:
        return self.version.name

    @name.setter
    def name(self, name: str):
        self.version.name = name

    def assign(self, value, writer: str = "assign") -> None:
        """Write ``value`` (array, Tensor or number) into the array; graphs that use the old values become stale.

        Raises ValueError when the shape differs.
        """
        value = value.data if isinstance(value, Tensor) else value
        if getattr(value, "shape", self.shape) != self.shape:
            raise ValueError(f"{self.name}: expected values of shape {self.shape}, got {value.shape}")
        self.data[...] = backend.to_device(value, self.device) if backend.is_array(value) else value
        self.written(writer)

    def written(self, writer: str) -> None:
        """Record that ``writer`` has changed the array in place (what optimiser kernels do)."""
        self.version.count += 1
        self.version.writer = writer

    def __deepcopy__(self, memo):
        out = super().__deepcopy__(memo)
        out.name = self.name
        return out

    def __repr__(self) -> str:
        return f"Parameter({self.name}, {super().__repr__()})"


def _check_differentiable(data, requires_grad: bool) -> bool:
    if requires_grad and data.dtype not in FLOATS:
        raise TypeError(f"requires_grad: expected a floating dtype, got {data.dtype}")
    return bool(requires_grad)


def constant(array) -> Tensor:
    """A Tensor around an array (not copied) or around the scalar that NumPy returns in place of a 0-d array."""
    return Tensor(np.asarray(array) if isinstance(array, np.generic) else array)


def tensor(array, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """A Tensor with a copy of ``array`` (numbers, nested lists, NumPy or CuPy array, Tensor).

    ``dtype`` defaults to the array's own; Python floats become float32. ``device`` defaults to where the array is,
    the CPU for numbers and lists. Raises TypeError for data that is not numeric.

    >>> tensor([1.0, 2.0]).dtype
    dtype('float32')
    """
    if isinstance(array, Tensor):
        array = array.data
    if not backend.is_array(array) and not isinstance(array, np.generic):
        array = np.asarray(array)
        if dtype is None and array.dtype == np.float64:
            dtype = np.float32
    if array.dtype.kind not in "fiub":
        raise TypeError(f"tensor: expected numbers, got dtype {array.dtype}")
    data = array.astype(dtype or array.dtype, copy=True)
    if device is not None:
        data = backend.to_device(data, device)
    return Tensor(data, _check_differentiable(data, requires_grad))


def align_dtypes(name: str, inputs):
    """Inputs of one dtype: integers and booleans are cast to the one floating dtype among them; two of those raise."""
    dtypes = [x.dtype for x in inputs if isinstance(x, Tensor)]
    floats = {d for d in dtypes if d.kind == "f"}
    if len(floats) > 1:
        raise TypeError(f"{name}: expected inputs of one floating dtype, got {' and '.join(map(str, dtypes))}; "
                        "convert one with .to(dtype)")
    dtype = floats.pop() if floats else np.result_type(*dtypes)
    return [Tensor(x.data.astype(dtype)) if isinstance(x, Tensor) and x.dtype != dtype else x for x in inputs]
