"""A strict stand-in for CuPy 14 on the host, to be put in ``sys.modules["cupy"]`` where there is no GPU.

Its arrays wrap NumPy arrays, and it refuses what CuPy refuses or what would hurt on a GPU: mixing with NumPy arrays,
implicit conversion, functions and keywords that CuPy does not have. What makes the host wait for the device (float(x),
x.item(), bool(x), x.get(), boolean-mask indexing, ...) works and is counted in ``counters.synchronizations``.
Results of elementwise functions are C-ordered in memory, whatever the order of their inputs, as CuPy's are.
"""
import builtins
import sys
from types import ModuleType, SimpleNamespace

import numpy
from cupy_standin_cuda import Core, MemoryPool, counters, cuda  # beside this file; conftest.py loads it first
from cupy_standin_cuda import synchronize as _synchronize

__version__ = "14.0.0"

# Names checked against CuPy 14.2; test_cupy_standin compares them with CuPy itself where it is installed.
UFUNCS = """absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or bitwise_xor
cbrt ceil copysign cos cosh divide equal exp exp2 expm1 floor floor_divide fmax fmin fmod greater greater_equal invert
isfinite isinf isnan left_shift less less_equal log log10 log1p log2
logaddexp logical_and logical_not logical_or logical_xor maximum minimum
multiply negative not_equal positive power reciprocal remainder right_shift rint sign signbit sin sinh
sqrt square subtract tan tanh true_divide trunc""".split()
SCATTERING = {"add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"}  # those with .at
REDUCING = {"add", "multiply"}  # those with .reduce and .accumulate
COMPUTING = """sum prod mean var std max min amax amin argmax argmin any all cumsum cumprod median average count_nonzero
where clip take take_along_axis repeat tile roll flip concatenate stack vstack hstack pad sort argsort searchsorted
bincount dot matmul tensordot einsum inner outer vdot kron trace tril triu eye identity nan_to_num around isclose
allclose array_equal diff cross meshgrid unravel_index logspace linspace arange zeros ones full empty
ascontiguousarray indices""".split()
VIEWING = """broadcast_to broadcast_arrays expand_dims squeeze ravel reshape transpose moveaxis swapaxes rollaxis split
array_split diagonal diag atleast_1d atleast_2d zeros_like ones_like empty_like full_like""".split()
WRITING = ["copyto", "put_along_axis", "fill_diagonal"]
SYNCHRONIZING = ["nonzero", "flatnonzero", "argwhere", "unique"]
LINALG = "cholesky det eigh eigvalsh inv norm pinv qr slogdet solve svd matrix_power".split()
_HOST_ONLY_KEYWORDS = {"where", "initial", "subok", "like", "device", "casting", "order"}
_KEYWORDS_OF = {"copyto": {"where", "casting"}, "concatenate": {"casting"}, "stack": {"casting"},
                "zeros": {"order"}, "ones": {"order"}, "empty": {"order"}, "full": {"order"}, "reshape": {"order"},
                "ravel": {"order"}, "zeros_like": {"order"}, "ones_like": {"order"}, "empty_like": {"order"},
                "full_like": {"order"}}

newaxis, inf, nan, pi, e = None, numpy.inf, numpy.nan, numpy.pi, numpy.e
for _name in """dtype generic bool_ float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 intp
complex64 complex128 floating integer issubdtype finfo iinfo result_type can_cast promote_types broadcast_shapes
isscalar""".split():
    globals()[_name] = getattr(numpy, _name)


def _unwrap(value, name):
    """The host's array behind ``value``, through lists and tuples; TypeError for an array of NumPy's own."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, numpy.ndarray):
        raise TypeError(f"cupy.{name}: Unsupported type {type(value)}")
    if isinstance(value, (list, tuple)):
        return type(value)(_unwrap(item, name) for item in value)
    return value


def _wrap(value, c_order=False):
    if isinstance(value, (numpy.ndarray, numpy.generic)):
        value = numpy.asarray(value)
        return ndarray(numpy.array(value, order="C") if c_order and not value.flags.c_contiguous else value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # the named tuples of linalg
        return type(value)(*(_wrap(item, c_order) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_wrap(item, c_order) for item in value)
    return value


def _key(key, name="ndarray.__getitem__"):
    """An index for the host's array; NumPy arrays and lists are refused, for they would be copied to the device."""
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if isinstance(part, (list, numpy.ndarray)):
            raise TypeError(f"cupy.{name}: expected integers, slices or cupy arrays, got {type(part)}")
    return tuple(_unwrap(part, name) for part in parts)


def _is_mask(part):
    return isinstance(part, numpy.ndarray) and part.dtype == bool


class Flags:
    """What CuPy knows about an array's memory: there is no ``writeable``."""

    def __init__(self, flags):
        self.c_contiguous, self.f_contiguous, self.owndata = flags.c_contiguous, flags.f_contiguous, flags.owndata


class ndarray:  # noqa: N801  (CuPy's name)
    """An array on the device that is not there."""

    __slots__ = ("_host", "__weakref__")
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, host):
        if not isinstance(host, numpy.ndarray):
            raise TypeError("cupy.ndarray: the stand-in makes arrays with empty, zeros, array or asarray")
        self._host = host

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: Flags(self._host.flags))
    device = property(lambda self: cuda.Device(0))
    data = property(lambda self: SimpleNamespace(ptr=self._host.ctypes.data))
    T = property(lambda self: ndarray(self._host.T))
    real = property(lambda self: ndarray(self._host.real))
    base = property(lambda self: None if self._host.base is None else ndarray(self._host.base))

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed; use .get() or cupy.asnumpy")

    def __array_ufunc__(self, function, method, *inputs, **kwargs):
        own = getattr(_this, function.__name__, None)
        if method != "__call__" or not isinstance(own, ufunc):
            raise TypeError(f"cupy has no numpy.{function.__name__}.{method} for its arrays")
        out = kwargs.pop("out", None)
        return own(*inputs, out=out[0] if isinstance(out, tuple) and len(out) == 1 else out, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        own = getattr(_this, function.__name__, None)
        if own is None or not builtins.all(issubclass(kind, ndarray) for kind in types):
            raise TypeError(f"cupy has no numpy.{function.__name__} for {types}")
        return own(*args, **kwargs)

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        key = _key(key)
        if builtins.any(_is_mask(part) for part in key):
            _synchronize()
        computed = builtins.any(isinstance(part, numpy.ndarray) for part in key)
        spelt_out = computed or builtins.any(part is Ellipsis for part in key)
        view = key if spelt_out else (*key, Ellipsis)  # x[0, 0] is an array
        return _wrap(self._host[view], c_order=computed)

    def __setitem__(self, key, value):
        key = _key(key, "ndarray.__setitem__")
        value = _unwrap(value, "ndarray.__setitem__")
        if isinstance(value, (list, tuple)):
            raise TypeError(f"cupy.ndarray.__setitem__: Unsupported type {type(value)}")
        if builtins.any(_is_mask(part) for part in key) and numpy.ndim(value):
            _synchronize()
        self._host[key] = value

    def get(self, *args, **kwargs):
        _synchronize()
        counters.downloads += 1
        return self._host.copy()

    def item(self, *args):
        _synchronize()
        return self._host.item(*args)

    def tolist(self):
        _synchronize()
        return self._host.tolist()

    def __bool__(self):
        _synchronize()
        return bool(self._host)

    def __float__(self):
        _synchronize()
        return float(self._host)

    def __int__(self):
        _synchronize()
        return int(self._host)

    def __complex__(self):
        _synchronize()
        return complex(self._host)

    def __repr__(self):
        _synchronize()
        return repr(self._host)

    def __str__(self):
        _synchronize()
        return str(self._host)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def copy(self, order="C"):
        return ndarray(self._host.copy(order))

    def astype(self, dtype, order="K", copy=True):
        return self if not copy and self.dtype == dtype else ndarray(self._host.astype(dtype, order=order))

    def view(self, dtype=None):
        return ndarray(self._host.view() if dtype is None else self._host.view(dtype))

    def fill(self, value):
        self._host.fill(_unwrap(value, "ndarray.fill"))

    def scatter_add(self, key, value):
        getattr(_this, "add").at(self, key, value)


def _delegate(name, c_order):
    def method(self, *args, **kwargs):
        _refuse_keywords(name, kwargs)
        args, kwargs = _unwrap(args, name), {key: _unwrap(value, name) for key, value in kwargs.items()}
        return _wrap(getattr(self._host, name)(*args, **kwargs), c_order)
    method.__name__ = name
    return method


for _name in """all any argmax argmin argsort clip cumprod cumsum dot flatten max mean min prod repeat round std sum
take trace var""".split():
    setattr(ndarray, _name, _delegate(_name, True))
for _name in "reshape transpose swapaxes squeeze ravel diagonal".split():
    setattr(ndarray, _name, _delegate(_name, False))


def _refuse_keywords(name, kwargs):
    refused = (_HOST_ONLY_KEYWORDS - _KEYWORDS_OF.get(name, set())) & set(kwargs)
    if refused:
        raise TypeError(f"cupy.{name}() got an unexpected keyword argument {sorted(refused)[0]!r}")


class ufunc:  # noqa: N801  (CuPy's name)
    """An elementwise function of CuPy's: stand-in arrays and numbers in, C-ordered memory out."""

    def __init__(self, name):
        self.__name__ = self.name = name
        self._host = getattr(numpy, name)

    def __call__(self, *args, out=None, dtype=None):
        inputs = [_unwrap(value, self.name) for value in args]
        if out is None:
            return _wrap(self._host(*inputs, dtype=dtype, order="C"))
        if not isinstance(out, ndarray):
            raise TypeError(f"cupy.{self.name}: expected a cupy array as out, got {type(out)}")
        self._host(*inputs, out=out._host, dtype=dtype)
        return out

    def _only_if(self, has):
        if self.name not in has:
            raise NotImplementedError(f"cupy.{self.name} has no such method")

    def at(self, array, key, value=None):
        self._only_if(SCATTERING)
        self._host.at(_unwrap(array, "at"), _key(key, self.name + ".at"), _unwrap(value, self.name + ".at"))

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        self._only_if(REDUCING)
        total = getattr(_this, "sum" if self.name == "add" else "prod")
        return total(array, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        self._only_if(REDUCING)
        return getattr(_this, "cumsum" if self.name == "add" else "cumprod")(array, axis=axis, dtype=dtype, out=out)


def _function(name, module=numpy, c_order=True, synchronizes=False):
    host = getattr(module, name)

    def function(*args, **kwargs):
        _refuse_keywords(name, kwargs)
        if synchronizes:
            _synchronize()
        out = kwargs.get("out")
        args, kwargs = _unwrap(args, name), {key: _unwrap(value, name) for key, value in kwargs.items()}
        result = host(*args, **kwargs)
        return out if out is not None else _wrap(result, c_order)
    function.__name__ = name
    return function


_this = sys.modules[__name__]
for _names, _make in ((UFUNCS, ufunc), (COMPUTING, _function), (WRITING, _function),
                      (VIEWING, lambda name: _function(name, c_order=False)),
                      (SYNCHRONIZING, lambda name: _function(name, synchronizes=True))):
    for _name in _names:
        setattr(_this, _name, _make(_name))
abs = absolute  # noqa: F821, A001  (set above)
linalg = SimpleNamespace(**{name: _function(name, numpy.linalg) for name in LINALG})


def _operator(name, own):
    def forward(self, other):
        return own(self, other) if _operand(other) else NotImplemented

    def reflected(self, other):
        return own(other, self) if _operand(other) else NotImplemented

    def in_place(self, other):
        if not _operand(other):
            raise TypeError(f"cupy.{own.__name__}: Unsupported type {type(other)}")
        return own(self, other, out=self)

    setattr(ndarray, f"__{name}__", forward)
    if name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(ndarray, f"__r{name}__", reflected)
        setattr(ndarray, f"__i{name}__", in_place)
    return None


def _operand(other):
    if isinstance(other, numpy.ndarray):
        raise TypeError(f"cupy: Unsupported type {type(other)}")
    return isinstance(other, (ndarray, int, float, complex, numpy.generic))


def _matmul(a, b, out=None):
    result = matmul(a, b)  # noqa: F821
    if out is None:
        return result
    out[...] = result
    return out


for _name, _own in dict(add="add", sub="subtract", mul="multiply", truediv="true_divide", floordiv="floor_divide",
                        mod="remainder", pow="power", lshift="left_shift", rshift="right_shift", xor="bitwise_xor",
                        lt="less", le="less_equal", gt="greater", ge="greater_equal", eq="equal", ne="not_equal",
                        **{"and": "bitwise_and", "or": "bitwise_or"}).items():
    _operator(_name, getattr(_this, _own))
_operator("matmul", _matmul)
for _name, _own in dict(neg="negative", pos="positive", abs="absolute", invert="invert").items():
    setattr(ndarray, f"__{_name}__", lambda self, own=getattr(_this, _own): own(self))


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    """The array on the device: an explicit transfer when ``a`` is NumPy's or a Python sequence of numbers."""
    if isinstance(a, ndarray):
        same = dtype is None or a.dtype == dtype
        return a if same and not copy else a.astype(dtype or a.dtype)
    made = ndarray(numpy.array(a, dtype=dtype, order=order or "K"))
    counters.uploaded.append(made.nbytes)
    return made


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    made = asarray(obj, dtype, copy=copy)
    return ndarray(numpy.array(made._host, order=order, ndmin=ndmin, copy=None))


def asnumpy(a, *args, **kwargs):
    """The NumPy copy of an array: an explicit transfer, for which the host waits."""
    return a.get() if isinstance(a, ndarray) else numpy.asarray(a)


def get_array_module(*args):
    return _this if [value for value in args if isinstance(value, ndarray)] else numpy


def _as_strided(x, shape=None, strides=None):
    return ndarray(numpy.lib.stride_tricks.as_strided(x._host, shape, strides))


_core, _pool = Core(), MemoryPool()
get_default_memory_pool = get_default_pinned_memory_pool = lambda: _pool  # noqa: E731
lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_as_strided))


class _Philox4x3210:
    def __init__(self, seed=None, *, size=-1):
        self.host = numpy.random.Philox(seed)


class _Generator:
    """CuPy's generator: fewer methods than NumPy's (no permutation, no shuffle, no normal)."""

    def __init__(self, bit_generator):
        if not isinstance(bit_generator, _Philox4x3210):
            raise TypeError(f"cupy.random.Generator: expected a bit generator of cupy's, got {type(bit_generator)}")
        self._host = numpy.random.Generator(bit_generator.host)

    def random(self, size=None, dtype=numpy.float64, out=None):
        return _wrap(self._host.random(size, dtype))

    def standard_normal(self, size=None, dtype=numpy.float64, out=None):
        return _wrap(self._host.standard_normal(size, dtype))

    def uniform(self, low=0.0, high=1.0, size=None, dtype=numpy.float64):
        return _wrap(self._host.uniform(low, high, size).astype(dtype))

    def integers(self, low, high=None, size=None, dtype=numpy.int64, endpoint=False):
        return _wrap(self._host.integers(low, high, size, dtype, endpoint))


random = SimpleNamespace(Generator=_Generator, Philox4x3210=_Philox4x3210)


def _erf(x):
    from scipy.special import erf
    return _wrap(erf(_unwrap(x, "erf")), c_order=True)


def make_cupyx():
    """The module ``cupyx``, as far as anybody needs it."""
    module = ModuleType("cupyx")
    module.scatter_add = lambda target, key, value: target.scatter_add(key, value)
    module.scipy = ModuleType("cupyx.scipy")
    special = module.scipy.special = ModuleType("cupyx.scipy.special")
    special.erf = _erf
    return module
