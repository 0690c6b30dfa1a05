"""SampleSet: what scores are computed from, read from arrays, files, folders, data sets and functions, and checked.

Images are uint8 (N, C, H, W) throughout: floats in [-1, 1] become rint(127.5 (x + 1)), the rule by which this library
writes PNG files (it is StudioGAN's; StyleGAN2-ADA truncates 127.5 x + 128, which differs by at most one grey level). So
an array, the folder of its pictures and the generator behind both give the same scores. Nothing else is ever rescaled.
"""

from __future__ import annotations

import hashlib
import warnings
import zipfile
import zlib
from functools import cached_property
from pathlib import Path

import numpy as np

from tinygan.backend import is_array, to_numpy
from tinygan.data import DataError, ImageDataset, Points, unchanged_folder, unscale
from tinygan.metrics.statistics import Statistics
from tinygan.tensor import Tensor

CHANNELS = (1, 3)
SLACK = 1e-4  # how far beyond [-1, 1] rounding may carry a pixel; half a grey level is 4e-3
# Of the same seed "data" is what a model was trained on, "preview" and "noise" are what its samples are made of.
POINT_STREAM = "augment"
EDGE = 0.02  # floats that fill [0, 1] this closely were probably meant as [0, 1]
BLOCK = 1 << 24  # values that are checked and quantised at a time


class SampleSet:
    """Images uint8 (N, C, H, W), or points float32 (N, D), with labels (N,) or None and a few words on their origin.

    ``features`` (N, F) and ``probabilities`` (N, K) are None until an ``extractor`` has looked at them, and
    ``looked_at`` then says at what. ``digest``: SHA-256 of dtype, shape and values. Where they are known, ``mixture``:
    the distribution of the points, ``data``: the name of the data set, ``paths``: the generator of the samples, as
    :class:`~tinygan.metrics.path_length.LatentPaths`.
    """

    def __init__(self, values: np.ndarray, what: str, labels=None, classes=(), mixture: Points | None = None,
                 data: str | None = None):
        self.values, self.what, self.labels, self.classes = values, what, labels, tuple(classes)
        self.mixture, self.data = mixture, data
        self.features, self.probabilities, self.looked_at = None, None, None
        self.extractor, self.paths = None, None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def are_images(self) -> bool:
        """Whether these are images, not points."""
        return self.values.ndim == 4

    @property
    def shape(self) -> tuple:
        """The shape of one sample."""
        return self.values.shape[1:]

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of dtype, shape and values."""
        found = hashlib.sha256(f"{self.values.dtype.str} {self.values.shape} ".encode())
        found.update(np.ascontiguousarray(self.values))
        return found.hexdigest()

    @cached_property
    def statistics(self) -> Statistics:
        """Mean and covariance of the features."""
        return Statistics(self.features)

    def take(self, index) -> SampleSet:
        """The samples at ``index`` (a slice, or an array of positions), with what is known about them."""
        part = SampleSet(self.values[index], self.what, None if self.labels is None else self.labels[index],
                         self.classes, self.mixture, self.data)
        part.paths = self.paths
        part.features = None if self.features is None else self.features[index]
        part.probabilities = None if self.probabilities is None else self.probabilities[index]
        return part

    def about(self) -> dict:
        """What JSON is to know."""
        return {"what": self.what, "n": len(self), "shape": list(self.shape), "dtype": str(self.values.dtype),
                "sha256": self.digest}


def sample_set(source, n: int | None = None, what: str | None = None, name: str = "samples") -> SampleSet:
    """``n`` (default: all) samples of a source as a :class:`SampleSet`; of more, those at even distances.

    source: an array or Tensor, uint8 (N, C, H, W) with C 1 or 3, floating in [-1, 1], or floating points (N, D); a path
    of a folder of images, an .npy file or an .npz file (``file.npz:NAME`` names the array in it; an array "labels" is
    taken as labels); an ImageDataset; a set of points (:class:`tinygan.data.Points`) or a function ``f(n) -> array``,
    which are called once with ``n``. Files may also hold (N, H, W, C) and (N, H, W). what: what to call it in a report.
    Raises ValueError for arrays that are not such (DataError for files), naming ``name``; a warning is given for floats
    that just fill [0, 1] and for uint8 that does not exceed 1, which may have been meant otherwise.
    """
    if isinstance(source, SampleSet):
        found = source
    elif isinstance(source, (str, Path)):
        found = _of_path(str(source), name)
    elif isinstance(source, ImageDataset):
        found = SampleSet(source.images, f"{source.name} {source.split}", source.labels, source.classes,
                          data=source.name)
    elif callable(source) and not is_array(source) and not isinstance(source, Tensor):
        if n is None:
            raise ValueError(f"{name}: expected n, the number of samples to ask a function for, got None")
        points = source if isinstance(source, Points) else None
        values = _values(source(n, POINT_STREAM) if points else source(n), name)
        if len(values) != n:
            raise ValueError(f"{name}: expected {n} samples from the function, got {len(values)}")
        found = SampleSet(values, points.name if points else name, mixture=points, data=points and points.name)
    else:
        found = SampleSet(_values(source, name), name)
    _check_kind(found, name)
    if what is not None:
        found.what = what
    if n is None or n == len(found):
        return found
    if n > len(found):
        raise ValueError(f"{name}: expected at least {n} samples, got {len(found)} in {found.what}")
    # at even distances, because files are often sorted by class
    return found.take(np.arange(n) * len(found) // n)


def _values(array, name: str) -> np.ndarray:
    """uint8 images, or float32 points, of any array. Raises ValueError."""
    array = array.data if isinstance(array, Tensor) else array
    array = to_numpy(array) if is_array(array) else np.asarray(array)
    if array.ndim not in (2, 4) or 0 in array.shape:
        raise ValueError(f"{name}: expected images (N, C, H, W) or points (N, D), got an array of shape {array.shape}")
    if array.dtype.kind == "f":
        _check_finite(array, name)
        return _quantised(array, name) if array.ndim == 4 else array.astype(np.float32)
    if array.dtype != np.uint8 or array.ndim != 4:
        hint = "; .astype(np.uint8) if these are grey levels from 0 to 255" if array.dtype.kind in "iu" else ""
        raise ValueError(f"{name}: expected images of uint8 or of floats in [-1, 1], or points of floats, got "
                         f"{array.dtype} of shape {array.shape}{hint if array.ndim == 4 else ''}")
    if array.max() <= 1:
        warnings.warn(f"{name}: uint8 images without a value above 1 are nearly black; multiply by 255 if 1 was meant "
                      "to be white", stacklevel=4)
    return array


def _check_finite(array, name: str) -> None:
    for start in range(0, len(array), _rows(array)):
        bad = ~np.isfinite(array[start:start + _rows(array)]).reshape(len(array[start:start + _rows(array)]), -1)
        if bad.any():
            raise ValueError(f"{name}: expected finite values, got NaN or infinity in sample "
                             f"{start + int(bad.any(axis=1).argmax())}")


def _quantised(images, name: str) -> np.ndarray:
    low, high = float(images.min()), float(images.max())
    if low < -1 - SLACK or high > 1 + SLACK:
        hint = ("pass uint8 for grey levels from 0 to 255" if high > 2 else
                "clip them to [-1, 1] as a picture of them would be")
        raise ValueError(f"{name}: expected floating images in [-1, 1], got values from {low:.4g} to {high:.4g}; "
                         f"{hint}")
    if 0 <= low < EDGE and high > 1 - EDGE:
        warnings.warn(f"{name}: floating images with values from {low:.4g} to {high:.4g} are taken as [-1, 1], where 0 "
                      "is mid-grey; pass 2 * x - 1 if they were meant as [0, 1]", stacklevel=5)
    out = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _rows(images)):
        out[start:start + _rows(images)] = unscale(images[start:start + _rows(images)].astype(np.float32, copy=False))
    return out


def _rows(array) -> int:
    return max(1, BLOCK * len(array) // array.size)


def _check_kind(found: SampleSet, name: str) -> None:
    if found.are_images and found.shape[0] not in CHANNELS:
        hint = "; pass x.transpose(0, 3, 1, 2)" if found.shape[-1] in CHANNELS else ""
        raise ValueError(f"{name}: expected images (N, C, H, W) with 1 or 3 channels, got {found.values.shape} in "
                         f"{found.what}{hint}")
    if not len(found):
        raise ValueError(f"{name}: expected samples, got none in {found.what}")


# Files

def _of_path(text: str, name: str) -> SampleSet:
    path, _, member = text.partition(".npz:")
    path = Path(f"{path}.npz" if member else text)
    if path.is_dir():
        folder = unchanged_folder(path)
        return SampleSet(folder.images, f"{folder.name}/", folder.labels if folder.classes else None,
                         folder.classes)
    if path.suffix not in (".npz", ".npy") or not path.is_file():
        state = "a file of another kind" if path.is_file() else "no such file or folder"
        raise DataError(f"{name}: expected a folder of images, an .npz or an .npy file, got {text} ({state})")
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = {key: loaded[key] for key in loaded.files} if path.suffix == ".npz" else {"": loaded}
    except (OSError, ValueError, EOFError, AttributeError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{name}: expected arrays of numbers in {path}, got {type(error).__name__}: {error}") from error
    key = _image_member(arrays, member, path, name)
    try:
        values = _values(_channels_second(arrays[key]), name)
    except ValueError as error:
        raise DataError(f"{path}{f':{key}' if key else ''}: {error}") from error
    labels = arrays.get("labels") if key != "labels" else None
    if labels is not None and (labels.shape != (len(values),) or labels.dtype.kind not in "iu"):
        raise DataError(f"{path}: expected whole-numbered labels of shape ({len(values)},), got {labels.dtype} of "
                        f"shape {labels.shape}")
    return SampleSet(values, path.name + (f":{key}" if member else ""),
                     None if labels is None else labels.astype(np.int64))


def _image_member(arrays: dict, member: str, path: Path, name: str) -> str:
    """Which array of a file holds the samples. Raises DataError when that is not clear."""
    listed = ", ".join(f"{key} {array.dtype} {array.shape}" for key, array in arrays.items()) or "no array"
    if member:
        if member not in arrays:
            raise DataError(f"{name}: expected an array {member!r} in {path}, got {listed}")
        return member
    for dimensions in ((3, 4), (2,)):
        found = [key for key, array in arrays.items() if array.ndim in dimensions and key != "labels"]
        if len(found) > 1:
            raise DataError(f"{name}: expected one array of samples in {path}, got {', '.join(found)}; name one: "
                            f"{path}:{found[0]}")
        if found:
            return found[0]
    raise DataError(f"{name}: expected an array of images (N, C, H, W) or points (N, D) in {path}, got {listed}")


def _channels_second(array: np.ndarray) -> np.ndarray:
    """Images of files in one layout: (N, H, W) and (N, H, W, C), which other programs write, become (N, C, H, W)."""
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4 and array.shape[1] not in CHANNELS and array.shape[3] in CHANNELS:
        return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
    return array


__all__ = ["SampleSet", "sample_set"]
