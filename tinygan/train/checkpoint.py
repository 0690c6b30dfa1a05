"""Checkpoints: nested dicts and lists of arrays and numbers in one file, written atomically, read without executing.

The file is a zip archive with the arrays as .npy members (numpy.load opens it too) and a member `checkpoint.json`:

    {"format": "tinygan checkpoint", "version": 1, "state": ...}

In `state`, None, bool, int, str and lists stand for themselves; everything else is an object with one key: {"float":
the sixteen hexadecimal digits of the IEEE 754 double}, {"array": member}, {"scalar": member} (a NumPy scalar),
{"tuple": [...]}, {"dict": [[key, value], ...]}. So floats keep every bit, NaN and infinity included, and dicts keep
their order and their integer keys.
"""
import io
import json
import struct
import zipfile

import numpy as np

from tinygan.backend import is_array, to_numpy
from tinygan.train.files import atomic, reason

FORMAT = "tinygan checkpoint"
VERSION = 1
STRUCTURE = "checkpoint.json"


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be written or read; the message names the file, what was expected and what came."""


def save_checkpoint(path, state):
    """Write `state` to the file `path`, which is replaced at once or, when anything fails, left as it was.

    `state`: nested dicts (keys str or int), lists and tuples of arrays (NumPy or CuPy, any shape; booleans, numbers or
    strings, C-contiguous), NumPy scalars, int, float, str, bool, None. The same state gives the same bytes. Raises
    TypeError for anything else, ValueError for an array in another memory order (sums over other strides may round
    differently after loading), CheckpointError when the file cannot be written; the message names the place.
    """
    members = []
    structure = json.dumps({"format": FORMAT, "version": VERSION, "state": _encode(state, members, "state")})
    try:
        with atomic(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            with _new_member(archive, STRUCTURE) as member:
                member.write(structure.encode())
            for index, array in enumerate(members):
                with _new_member(archive, _member(index)) as member:
                    np.lib.format.write_array(member, to_numpy(array), allow_pickle=False)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot write the checkpoint: {reason(error)}; nothing was changed") from error


def load_checkpoint(path):
    """Return the state in the file `path`: the values, types, dtypes and shapes given to `save_checkpoint`.

    Arrays come as NumPy arrays. Nothing in the file is executed. Raises CheckpointError for a file that is missing,
    truncated, corrupt, foreign, or written by a later version of the format.
    """
    try:
        with open(path, "rb") as file:
            return _read(path, file)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot read the checkpoint: {reason(error)}") from error


def _member(index):
    return f"arrays/{index}.npy"


def _new_member(archive, name):
    # The date of a ZipInfo is fixed (1980): the file depends on the state alone.
    return archive.open(zipfile.ZipInfo(name), "w", force_zip64=True)


def _encode(value, members, place):
    """Return the JSON form of `value`; arrays are appended to `members`."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return {"float": struct.pack(">d", value).hex()}
    if isinstance(value, np.generic):
        return {"scalar": _encode(np.asarray(value), members, place)["array"]}
    if is_array(value):
        _check_array(value, place)
        members.append(value)
        return {"array": _member(len(members) - 1)}
    if type(value) in (list, tuple):
        items = [_encode(item, members, f"{place}[{index}]") for index, item in enumerate(value)]
        return items if type(value) is list else {"tuple": items}
    if isinstance(value, dict):
        for key in value:
            if type(key) not in (str, int):
                raise TypeError(f"save_checkpoint: expected str or int keys in {place}, got {key!r}")
        return {"dict": [[key, _encode(item, members, f"{place}[{key!r}]")] for key, item in value.items()]}
    raise TypeError(f"save_checkpoint: expected dict, list, tuple, array, int, float, str, bool or None at {place}, "
                    f"got {type(value).__name__}")


def _check_array(array, place):
    # A dtype that its .npy name does not bring back (objects, records, the types of other libraries) would be lost.
    if array.dtype.kind not in "biufcSU" or np.dtype(array.dtype.str) != array.dtype:
        raise TypeError(f"save_checkpoint: expected booleans, numbers or strings at {place}, got dtype {array.dtype}")
    if not array.flags.c_contiguous:
        raise ValueError(f"save_checkpoint: expected a C-contiguous array at {place}, got shape {array.shape} with "
                         f"strides {array.strides}")


def _read(path, file):
    """Return the state in an open file."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
        size = file.seek(0, io.SEEK_END)
        raise CheckpointError(f"{path}: expected a {FORMAT}, got {size} bytes that are truncated or no checkpoint "
                              f"({error})") from error
    if STRUCTURE not in archive.namelist():
        raise CheckpointError(f"{path}: expected a {FORMAT}, got an archive without {STRUCTURE}")
    try:
        document = json.loads(archive.read(STRUCTURE))
        kind, version = document["format"], document["version"]
        if kind == FORMAT and version == VERSION:
            return _decode(document["state"], archive)
    # A damaged archive makes zipfile, NumPy and JSON raise errors of a dozen kinds: for the caller all are one.
    except Exception as error:
        raise CheckpointError(f"{path}: expected a {FORMAT}, got a damaged one: {type(error).__name__}: "
                              f"{error}") from error
    if kind != FORMAT:
        raise CheckpointError(f"{path}: expected a {FORMAT}, got the format {kind!r}")
    raise CheckpointError(f"{path}: expected version {VERSION} of the format, got version {version!r}; another "
                          "version of tinygan to read it")


def _decode(value, archive):
    """Return the value of a JSON form."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is list:
        return [_decode(item, archive) for item in value]
    if type(value) is not dict or len(value) != 1:
        raise ValueError(f"expected an object with one key, got {str(value)[:80]}")
    (kind, content), = value.items()
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(content))[0]
    if kind in ("array", "scalar"):
        # Read whole first: the archive's checksum is compared before NumPy looks at the header.
        array = np.lib.format.read_array(io.BytesIO(archive.read(content)), allow_pickle=False)
        return array if kind == "array" else array[()]
    if kind == "tuple":
        return tuple(_decode(item, archive) for item in content)
    if kind == "dict":
        return {key: _decode(item, archive) for key, item in content}
    raise ValueError(f"expected array, scalar, float, tuple or dict, got {kind!r}")
