"""Reader of IDX files, the format of MNIST: a big-endian header, then the values; plain or compressed with gzip.

    byte 0-1   0, 0
    byte 2     type code (8 = uint8, 9 = int8, 11 = int16, 12 = int32, 13 = float32, 14 = float64)
    byte 3     number of dimensions d
    4 d bytes  the sizes, as big-endian uint32
    the rest   the values in C order, big-endian

Format: LeCun, Cortes, Burges, "The MNIST database of handwritten digits". Whatever is wrong with a file, the reader
raises one :class:`DataError` that names the file, what was expected and what was found.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}


class DataError(ValueError):
    """A data file or folder is missing, damaged, or not what it is said to be."""


def read_idx(path) -> np.ndarray:
    """The array in an IDX file, in native byte order and read-only; gzip is recognised by content, not by name.

    Raises DataError when the file cannot be read or decompressed, is no IDX file, or has too few or too many bytes.
    """
    return parse_idx(load_bytes(path), path)


def read_images(path) -> np.ndarray:
    """The uint8 images (N, H, W) in an IDX file. Raises DataError for a damaged file or one that holds no images."""
    return as_images(read_idx(path), path)


def read_labels(path, classes: int = 256) -> np.ndarray:
    """The labels in an IDX file, int64 of shape (N,), each in [0, classes).

    Raises DataError for a damaged file, one that holds no labels, or a label out of range.
    """
    return as_labels(read_idx(path), path, classes)


def read_pair(images_path, labels_path, classes: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W) and their labels (N,) from two IDX files. Raises DataError when their numbers differ, too."""
    images, labels = read_images(images_path), read_labels(labels_path, classes)
    check_pair(images, labels, images_path, labels_path)
    return images, labels


def load_bytes(path) -> bytes:
    """The content of a file, decompressed when it is gzip's. Raises DataError when it cannot be read."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"read_idx: expected a file {path}, got no such file") from None
    except OSError as error:
        raise DataError(f"read_idx: expected a readable file {path}, got {error.strerror}") from error
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error, struct.error) as error:
        # struct.error: a gzip file that ends inside its own trailer
        raise DataError(f"read_idx: expected a complete gzip file in {path} ({len(content)} bytes), got one that is "
                        f"truncated or damaged ({error}); fetch it again") from error


def parse_idx(content: bytes, path) -> np.ndarray:
    """The array whose IDX form is ``content``; ``path`` is named in errors. Raises DataError."""
    code, shape = _header(content, path)
    dtype = np.dtype(TYPES[code])
    start = 4 + 4 * len(shape)
    expected, actual = start + math.prod(shape) * dtype.itemsize, len(content)
    if actual != expected:
        sizes = " x ".join(map(str, shape))
        what = "the file is truncated" if actual < expected else "bytes follow the last value"
        raise DataError(f"read_idx: expected {expected} bytes in {path} (the header says {sizes} of {dtype}), "
                        f"got {actual}: {what}; fetch it again")
    array = np.frombuffer(content, dtype.newbyteorder(">"), offset=start).reshape(shape).astype(dtype, copy=False)
    array.flags.writeable = False
    return array


def _header(content: bytes, path) -> tuple[int, tuple[int, ...]]:
    """Type code and sizes from the header of an IDX file."""
    if len(content) < 4:
        raise DataError(f"read_idx: expected an IDX header in {path}, got a file of {len(content)} bytes")
    if content[:2] != b"\0\0" or not 1 <= content[3] <= 32:  # 32: NumPy's own limit on dimensions is not far above
        raise DataError(f"read_idx: expected an IDX file in {path} (bytes 0, 0, type code, 1 to 32 dimensions), "
                        f"got a file that begins with the bytes {', '.join(map(str, content[:4]))}")
    code, ndim = content[2], content[3]
    if code not in TYPES:
        known = ", ".join(f"{number} = {name}" for number, name in TYPES.items())
        raise DataError(f"read_idx: expected a type code out of {known} in {path}, got {code}")
    if len(content) < 4 + 4 * ndim:
        raise DataError(f"read_idx: expected a header of {4 + 4 * ndim} bytes in {path} ({ndim} dimensions), "
                        f"got a file of {len(content)} bytes: the file is truncated; fetch it again")
    return code, struct.unpack_from(f">{ndim}I", content, 4)


def as_images(array: np.ndarray, path) -> np.ndarray:
    """``array`` when it can be a set of images: uint8 (N, H, W), not empty. Raises DataError naming ``path``."""
    if array.ndim != 3 or array.dtype != np.uint8 or array.size == 0:
        hint = "; this looks like a file of labels" if array.ndim == 1 else ""
        raise DataError(f"read_images: expected uint8 images of shape (N, H, W) in {path}, "
                        f"got {array.dtype} of shape {array.shape}{hint}")
    return array


def as_labels(array: np.ndarray, path, classes: int = 256) -> np.ndarray:
    """``array`` as int64 labels when all are integers in [0, classes). Raises DataError naming ``path``."""
    if array.ndim != 1 or array.dtype.kind not in "iu":
        hint = "; this looks like a file of images" if array.ndim == 3 else ""
        raise DataError(f"read_labels: expected integer labels of shape (N,) in {path}, "
                        f"got {array.dtype} of shape {array.shape}{hint}")
    labels = array.astype(np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise DataError(f"read_labels: expected labels in [0, {classes}) in {path}, "
                        f"got {labels[wrong[0]]} at position {wrong[0]} ({wrong.size} labels out of range)")
    labels.flags.writeable = False
    return labels


def check_pair(images: np.ndarray, labels: np.ndarray, images_path, labels_path) -> None:
    """Raise DataError unless there is one label for each image."""
    if len(images) != len(labels):
        raise DataError(f"read_pair: expected one label for each of the {len(images)} images in {images_path}, "
                        f"got {len(labels)} labels in {labels_path}; the two files do not belong together")


__all__ = ["DataError", "read_idx", "read_images", "read_labels", "read_pair"]
