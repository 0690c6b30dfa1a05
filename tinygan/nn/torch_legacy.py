"""Reading what ``torch.save`` wrote before PyTorch 1.6 (and writes with ``_use_new_zipfile_serialization=False``).

Such a file is five pickles in a row - a magic number, the version 1001, sizes of C types, the object, the keys of its
storages - and then, for every key in that order, the number of elements (int64) and their bytes. The object's pickle
is carried out by the machine of :mod:`tinygan.nn.torch_checkpoint`, twice: how many bytes a storage has follows from
its class, which that pickle alone knows, so the first time nothing but the storages' classes is noted.
"""

from __future__ import annotations

import io
import pickletools

import numpy as np

from tinygan.nn.torch_checkpoint import DTYPES, _Machine, _Storage

MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."  # the pickle of torch's magic number,
VERSION = b"\x80\x02M\xe9\x03."                                       # and that of 1001


def load_legacy(path, file):
    """The object in a file, open for reading bytes, that begins with :data:`MAGIC`; see ``load_torch``.

    Raises ValueError for everything that ``load_torch`` raises it for.
    """
    stream = io.BytesIO(file.read())
    if stream.read(len(MAGIC + VERSION)) != MAGIC + VERSION:
        raise ValueError(f"load_torch: expected version 1001 of PyTorch's old format in {path}, got another")
    types, body, keys = [_Parts({"data.pkl": _next_pickle(path, stream)}) for _ in range(3)]
    types, keys = _Machine(path, types).run(), _Machine(path, keys).run()
    if type(types) is not dict or types.get("little_endian") is not True:
        raise ValueError(f"load_torch: expected little-endian numbers in {path}, got others")
    sizes = _Sizes(path, body)
    sizes.run()
    if type(keys) is not list or sorted(map(str, keys)) != sorted(sizes.found):
        raise ValueError(f"load_torch: expected the {len(sizes.found)} storages of the object in {path}, got others")
    for key in map(str, keys):
        body["data/" + key] = _storage(path, stream, key, *sizes.found[key])
    return _Machine(path, body).run()


class _Parts(dict):
    """The parts of the file under the names that the members of a zip archive would have: "data.pkl", "data/KEY"."""

    order = "<"
    read = dict.__getitem__


def _next_pickle(path, stream) -> bytes:
    """The bytes of the pickle that begins here; its instructions are only counted."""
    start = stream.tell()
    try:
        for _ in pickletools.genops(stream):
            continue
    except (ValueError, OverflowError, MemoryError, Warning) as error:
        raise ValueError(f"load_torch: expected a pickle in {path}, got {error}") from None
    return stream.getbuffer()[start:stream.tell()].tobytes()


def _storage(path, stream, key, dtype, count) -> bytes:
    """The bytes of the storage that begins here, which must have the number of elements that the pickle says."""
    number = int.from_bytes(stream.read(8), "little")
    size = count * np.dtype("u2" if dtype == "bfloat16" else dtype).itemsize
    left = len(stream.getbuffer()) - stream.tell()
    if number != count or size > left:
        raise ValueError(f"load_torch: expected {count} elements of {dtype} in storage {key!r} of {path}, got {number} "
                         f"and {left} bytes: the file is truncated or damaged")
    return stream.read(size)


class _Sizes(_Machine):
    """Carries out the pickle without building a tensor; ``found`` is {key of storage: (dtype, number of elements)}."""

    def __init__(self, path, archive):
        super().__init__(path, archive)
        self.found = {}

    def storage(self, reference):
        kind, class_, key, _, count, view = reference
        name = getattr(class_, "path", "").removeprefix("torch.").removesuffix("Storage")
        known = (DTYPES.get(name), count)
        if kind != "storage" or known[0] is None or type(key) is not str or type(count) is not int or count < 0 or \
                view is not None or self.found.setdefault(key, known) != known:
            self.fail("a reference to a storage", "another one")
        return _Storage(b"", *known, key)

    def view(self, *_):
        return None


__all__ = ["MAGIC", "load_legacy"]
