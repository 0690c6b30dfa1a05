"""A reader of CIFAR-10's python version that cannot run anything: pickles are programs, and these come from anywhere.

Whatever a pickle wants to call is looked up by name, and the look-up here knows four names: NumPy's array constructors
and the way in which old pickles write bytes. Behind them are not the real functions but records of what was asked for,
from which an array of bytes is made, or an error. So the result consists of dictionaries, lists, tuples, numbers,
bytes, strings and uint8 arrays.
"""

from __future__ import annotations

import io
import pickle

import numpy as np

from tinygan.data.idx import DataError


class _Dtype:
    """What a pickle says of a dtype; only uint8 is accepted, whose state has nothing that matters."""

    def __init__(self, name, *_):
        if name not in ("u1", b"u1"):
            raise ValueError(f"expected an array of uint8, got dtype {name!r}")

    def __setstate__(self, state):
        """Byte order and fields: of no importance for single bytes."""


class _Array:
    """An array to be; ``array`` is there once its state was set."""

    array = None

    def __setstate__(self, state):
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
            raise ValueError("expected an array of bytes")
        if not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"expected a shape, got {shape}")
        # reshape of what is there: a shape that does not fit is an error and never an allocation
        self.array = np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


class _Name:
    """Stands for numpy.ndarray, which the pickle hands to _reconstruct. It cannot be called."""


def _reconstruct(kind, *_):
    if kind is not _Name:
        raise ValueError("expected numpy.ndarray")
    return _Array()


def _encode(text, encoding):
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise ValueError("expected bytes, written as text in latin1")
    return text.encode("latin1")


NAMES = {("numpy.core.multiarray", "_reconstruct"): _reconstruct, ("numpy", "ndarray"): _Name,
         ("numpy._core.multiarray", "_reconstruct"): _reconstruct, ("numpy", "dtype"): _Dtype,
         ("_codecs", "encode"): _encode}


class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError("expected arrays, dictionaries and bytes alone, got a call of "
                                         f"{module}.{name}")
        return NAMES[module, name]


def _check_numbers(content: bytes) -> None:
    """Raise ValueError for lengths beyond the end of the content and for memo numbers that would fill the memory."""
    import pickletools
    for opcode, argument, _ in pickletools.genops(content):  # reads the instructions and follows none; checks lengths
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(content):
            raise ValueError(f"expected at most {len(content)} objects, got one numbered {argument}")


def records_of_pickle(content: bytes, where) -> bytes:
    """The records of the binary version (label, 3072 pixels) of a part in the python version.

    Raises DataError, naming ``where``, for everything else than a dictionary with "data" (N, 3072), uint8, and N
    "labels" in [0, 256), also when the content asks for anything to be built that is no array, dictionary or bytes.
    """
    try:
        _check_numbers(content)
        batch = _Reader(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a damaged pickle is a damaged program: errors of any class
        raise DataError(f"cifar10: expected a pickled part of CIFAR-10 in {where}, got {type(error).__name__}: "
                        f"{error}; fetch it again") from error
    pixels, labels = [batch.get(key, batch.get(key.decode())) if isinstance(batch, dict) else None
                      for key in (b"data", b"labels")]
    array = pixels.array if isinstance(pixels, _Array) else None
    if array is None or array.ndim != 2 or array.shape[1] != 3072 or not isinstance(labels, list):
        raise DataError(f"cifar10: expected a dictionary with data (N, 3072) and a list of labels in {where}, got "
                        "something else")
    if len(labels) != len(array) or not all(isinstance(v, int) and 0 <= v < 256 for v in labels):
        raise DataError(f"cifar10: expected one label in [0, 10) for each of the {len(array)} images in {where}, got "
                        f"{len(labels)} entries")
    return np.column_stack([np.array(labels, np.uint8), array]).tobytes()


__all__ = ["records_of_pickle"]
