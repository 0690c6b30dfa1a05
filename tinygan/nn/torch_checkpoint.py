"""Reading PyTorch's checkpoints without PyTorch, and without running anything that they contain.

A file of ``torch.save`` (since PyTorch 1.6) is an uncompressed zip archive: ``data.pkl`` says in pickle's language how
the object is put together, ``data/0``, ``data/1``, ... hold the bytes of the storages that its tensors look at. Pickle
can call any function; so the instructions are carried out by a small machine of our own, which knows containers,
numbers, strings and the names in ``CALLS`` that torch.save writes for arrays, and stops at any other. The format
before 1.6 has the same pickle in another wrapping: torch_legacy.py.
"""

from __future__ import annotations

import io
import pickletools
import struct
import warnings
import zipfile
import zlib

import numpy as np

# the names of storage classes and dtypes -> how their bytes are read; bfloat16 has no NumPy dtype, see Storage
DTYPES = {"Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "bfloat16", "Long": "i8", "Int": "i4", "Short": "i2",
          "Char": "i1", "Byte": "u1", "Bool": "?", "ComplexDouble": "c16", "ComplexFloat": "c8"}
NAMED = {"float64": "f8", "float32": "f4", "float16": "f2", "bfloat16": "bfloat16", "int64": "i8", "int32": "i4",
         "int16": "i2", "int8": "i1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "?",
         "complex128": "c16", "complex64": "c8"}
NUMBERS = {"NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT",
           "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE",
           "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
IGNORED = {"PROTO", "FRAME"}
MARK = object()
# what zipfile and the file system say about damaged archives: offsets beyond the file, encryption, odd names, ...
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, OSError,
          UnicodeDecodeError, OverflowError)


class _Global:
    """A name that the pickle mentions: inert, only :meth:`_Machine.call` gives a few of them a meaning."""

    def __init__(self, module, name):
        self.path = f"{module}.{name}"


def load_torch(path):
    """What ``torch.save`` wrote to ``path``, with every tensor as a read-only NumPy array.

    State dicts, and checkpoints that nest them with numbers, strings, lists, tuples and dicts; an OrderedDict comes
    back as a dict, in order. dtypes are kept, but bfloat16 becomes float32 (exactly). Tensors that share a storage
    share memory. Nothing in the file can run code: raises ValueError that names the first global which is not a part
    of arrays and containers, and for a file that is truncated, damaged or of another kind. OSError when it cannot be
    read.

        module.load_state_dict(nn.load_torch("generator.pth"))
    """
    from tinygan.nn.torch_legacy import MAGIC, load_legacy  # here, because it builds on this file
    with open(path, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("error")  # pickletools warns of odd escapes in names
        if file.read(len(MAGIC)) == MAGIC:
            file.seek(0)
            return load_legacy(path, file)
        try:
            archive = zipfile.ZipFile(file)
        except DAMAGE as error:
            raise ValueError(f"load_torch: expected a zip file of torch.save, or one in its format before PyTorch "
                             f"1.6, got {path}: {error}") from None
        with archive:
            return _Machine(path, _Archive(path, archive)).run()


class _Archive:
    """The members of the zip file below its one top folder."""

    def __init__(self, path, archive):
        self.path, self.archive = path, archive
        heads = [name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(heads) != 1:
            raise ValueError(f"load_torch: expected one <name>/data.pkl in {path}, got {heads}")
        self.folder = heads[0].removesuffix("data.pkl")
        order = self.read("byteorder") if self.folder + "byteorder" in archive.namelist() else b"little"
        if order not in (b"little", b"big"):
            raise ValueError(f"load_torch: expected byteorder little or big in {path}, got {order[:20]!r}")
        self.order = "<" if order == b"little" else ">"

    def read(self, name: str) -> bytes:
        try:
            info = self.archive.getinfo(self.folder + name)
            if info.compress_type != zipfile.ZIP_STORED:  # torch.save never compresses, and bombs must
                raise ValueError(f"load_torch: expected {name} uncompressed in {self.path}, got compression")
            return self.archive.read(info)
        except (KeyError, *DAMAGE) as error:
            raise ValueError(f"load_torch: expected a whole {name} in {self.path}, got {error!r}") from None


class _Machine:
    """Carries out the instructions of a pickle, of which it knows the harmless ones."""

    def __init__(self, path, archive):
        self.path, self.archive = path, archive
        self.stack, self.memo, self.storages = [], {}, {}

    def fail(self, expected, got):
        raise ValueError(f"load_torch: expected {expected} in {self.path}, got {got}")

    def run(self):
        """The object that the pickle builds."""
        try:
            for code, argument, _ in pickletools.genops(io.BytesIO(self.archive.read("data.pkl"))):
                if code.name == "STOP":
                    result = self.stack.pop()
                    if self.stack or isinstance(result, _Global) or result is MARK:
                        self.fail("one object", "leftovers")
                    return result
                self.do(code.name, argument)
        except ValueError as error:
            if str(error).startswith("load_torch"):
                raise
            self.fail("a pickle", f"{error}")
        except (IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError,
                Warning) as error:
            self.fail("a pickle as torch.save writes it", f"{type(error).__name__}: {error}")

    def do(self, name, argument):
        """One instruction."""
        stack = self.stack
        if name in NUMBERS:
            stack.append(argument if name not in ("NONE", "NEWTRUE", "NEWFALSE") else
                         {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
        elif name in IGNORED:
            return
        elif name == "MARK":
            stack.append(MARK)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name == "GLOBAL":
            stack.append(self.known(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            last = stack.pop()
            stack.append(self.known(stack.pop(), last))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(self.call(stack.pop(), arguments))
        elif name == "BUILD":  # attributes of an OrderedDict: state_dict's _metadata, which says nothing about values
            stack.pop()
            self.container(dict)
        elif name == "BINPERSID":
            stack.append(self.storage(stack.pop()))
        else:
            self.build(name)

    def build(self, name):
        """The instructions that make or fill containers."""
        stack = self.stack
        if name in ("EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_DICT", "EMPTY_SET"):
            stack.append({"EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_SET": set}[name]())
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            items = [stack.pop() for _ in range(int(name[-1]))]
            stack.append(tuple(items[::-1]))
        elif name in ("TUPLE", "LIST", "FROZENSET"):
            items = self.marked()
            stack.append(tuple(items) if name == "TUPLE" else items if name == "LIST" else
                         frozenset(map(self.key, items)))
        elif name == "DICT":
            items = self.marked()
            stack.append({})
            self.fill(items)
        elif name == "APPEND":
            item = stack.pop()
            self.container(list).append(item)
        elif name == "APPENDS":
            items = self.marked()
            self.container(list).extend(items)
        elif name == "ADDITEMS":
            items = self.marked()
            self.container(set).update(map(self.key, items))
        elif name == "SETITEM":
            value = stack.pop()
            self.fill([stack.pop(), value])
        elif name == "SETITEMS":
            self.fill(self.marked())
        else:
            self.fail("the instructions of torch.save", name)

    def marked(self) -> list:
        """What was put on the stack since the last mark."""
        items = []
        while (item := self.stack.pop()) is not MARK:
            items.append(item)
        return items[::-1]

    def container(self, kind):
        """The top of the stack, which must be a ``kind``."""
        if type(self.stack[-1]) is not kind:
            self.fail(f"a {kind.__name__} to be filled", type(self.stack[-1]).__name__)
        return self.stack[-1]

    def fill(self, items):
        """Put keys and values, in turn, into the dict on top of the stack."""
        if len(items) % 2:
            self.fail("keys and values", f"{len(items)} objects")
        target = self.container(dict)
        for key, value in zip(items[::2], items[1::2]):
            target[self.key(key)] = value

    def key(self, key):
        """A key whose hash is cheap: nested tuples could take for ever."""
        if key is not None and type(key) not in (str, int, float, bool, bytes):
            self.fail("keys that are strings or numbers", type(key).__name__)
        return key

    def known(self, module, name):
        """A global that means arrays or containers; any other is refused by name."""
        if module == "torch" and isinstance(name, str):
            if name == "Size" or name in NAMED or name.removesuffix("Storage") in DTYPES and name.endswith("Storage"):
                return _Global(module, name)
        found = _Global(module, name)
        if found.path not in CALLS:
            raise ValueError(f"load_torch: expected arrays, numbers, strings and containers in {self.path}, got the "
                             f"global {module}.{name}, which is not loaded; save a state_dict instead")
        return found

    def call(self, function, arguments):
        """The few functions that torch.save writes, by our own means."""
        if not isinstance(function, _Global) or type(arguments) is not tuple or function.path not in CALLS:
            self.fail("a function of torch.save with its arguments", getattr(function, "path", type(function).__name__))
        return CALLS[function.path](self, *arguments)

    def storage(self, reference):
        """The elements of a storage, one dimension, read once: ("storage", class, key, device, number of elements)."""
        kind, class_, key, _, count, *_ = reference  # the old format has a sixth item, of views
        if kind != "storage" or not isinstance(class_, _Global) or type(key) is not str or type(count) is not int:
            self.fail("a reference to a storage", "another one")
        if key not in self.storages:
            self.storages[key] = self.archive.read("data/" + key)
        name = class_.path.removeprefix("torch.").removesuffix("Storage")
        return _Storage(self.storages[key], DTYPES.get(name), count, key)

    def tensor(self, storage, offset, size, stride, requires_grad, hooks, *rest):
        """torch._utils._rebuild_tensor_v2: a view of a storage; ``rest`` may hold metadata, which is left out."""
        return self.view(storage, storage.dtype, offset, size, stride)

    def tensor_with_dtype(self, storage, offset, size, stride, requires_grad, hooks, dtype, *rest):
        """torch._utils._rebuild_tensor_v3: the same for a storage of bytes, whose dtype comes apart."""
        return self.view(storage, NAMED.get(dtype.path.removeprefix("torch.")), offset, size, stride)

    def view(self, storage, dtype, offset, size, stride):
        numbers = [offset, *size, *stride]
        if type(storage) is not _Storage or dtype is None or len(size) != len(stride) or \
                any(type(n) is not int or n < 0 for n in numbers):
            self.fail("a tensor's dtype, offset, size and stride", (dtype, offset, size, stride))
        flat = storage.elements(self, dtype)
        if 0 not in size and offset + sum((n - 1) * s for n, s in zip(size, stride)) >= len(flat) or offset > len(flat):
            self.fail(f"a tensor within the {len(flat)} elements of its storage", (offset, size, stride))
        strides = [s * flat.itemsize for s in stride]
        return np.lib.stride_tricks.as_strided(flat[offset:], tuple(size), strides, writeable=False)

    def parameter(self, data, *rest):
        """torch._utils._rebuild_parameter: what it holds."""
        return data

    def plain(self, function, kind, arguments, attributes):
        """torch._tensor._rebuild_from_type_v2: a tensor with attributes (nn.Buffer), without them."""
        return self.call(function, arguments)

    def ordered(self, items=()):
        """collections.OrderedDict and Counter: a dict, empty or of pairs."""
        self.stack.append({})
        pairs = items.items() if type(items) is dict else items
        self.fill([x for key, value in pairs for x in (key, value)])
        return self.stack.pop()

    def size(self, items):
        """torch.Size: a tuple."""
        return tuple(items)


class _Storage:
    """Bytes, and what they are said to be."""

    def __init__(self, data, dtype, count, key):
        self.data, self.dtype, self.count, self.key = data, dtype, count, key

    def elements(self, machine, dtype) -> np.ndarray:
        """All of them, one dimension, in the byte order of this machine."""
        given = np.dtype(machine.archive.order + ("u2" if dtype == "bfloat16" else dtype))
        if len(self.data) % given.itemsize or self.dtype and self.count * given.itemsize > len(self.data):
            machine.fail(f"{self.count} elements of {dtype} in data/{self.key}", f"{len(self.data)} bytes")
        flat = np.frombuffer(self.data, given)
        flat = flat if given.isnative else flat.astype(given.newbyteorder("="))
        if dtype == "bfloat16":  # the upper half of a float32
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat


CALLS = {"torch._utils._rebuild_tensor_v2": _Machine.tensor,
         "torch._utils._rebuild_tensor_v3": _Machine.tensor_with_dtype,
         "torch._tensor._rebuild_from_type_v2": _Machine.plain, "torch.Tensor": None,
         "torch._utils._rebuild_parameter": _Machine.parameter,
         "torch._utils._rebuild_parameter_with_state": _Machine.parameter,
         "torch.storage.UntypedStorage": None,
         "torch.Size": _Machine.size, "collections.OrderedDict": _Machine.ordered,
         "collections.Counter": _Machine.ordered}

__all__ = ["load_torch"]
