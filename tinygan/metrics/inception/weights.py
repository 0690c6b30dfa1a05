"""The weights of Inception-v3: found, downloaded, read from any of their files, checked, kept as .npz.

All published files were made from one, TensorFlow's graph of 2015-12-05. Nothing in a file is executed.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

from tinygan import nn
from tinygan.data import DataError
from tinygan.data.mnist import cache_folder
from tinygan.metrics.inception.graphdef import read_constants
from tinygan.metrics.inception.network import CLASSES, TABLE, TAPS, Conv, Fork, convolutions

PTH = "pt_inception-2015-12-05-6726825d.pth"
PTH_URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{PTH}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
TGZ = "inception-2015-12-05.tgz"
TGZ_URL = f"http://download.tensorflow.org/models/image/imagenet/{TGZ}"
PB = "classify_image_graph_def.pb"
NPZ = "inception-2015-12-05.npz"
# names of files whose content is known; no checksum was published for TensorFlow's archive, so its weights are checked
# by their names, shapes and values alone
KNOWN = {PTH: SHA256, "weights-inception-2015-12-05-6726825d.pth": SHA256}
LARGEST = 1 << 28  # bytes; the graph has 96 MB
BATCH_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def find_weights(path=None, download: bool = False) -> dict:
    """Checked weights, {key: float32 array}: from the file ``path``, or from the user's cache folder.

    In the cache folder the first there of .npz, .pth (pytorch-fid's or torch-fidelity's), .tgz and .pb counts, and is
    kept as .npz from then on. download: fetch the .pth when there is none, checked by SHA-256. Raises DataError when
    there are no weights (it says which file to put where) and for a damaged or foreign file.
    """
    if path is not None:
        return load_weights(path)
    folder = cache_folder("inception")
    kept = folder / NPZ
    candidates = [kept, *(folder / name for name in (*KNOWN, TGZ, PB))]
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        if not download:
            raise DataError(f"InceptionV3: expected the weights {PTH} (96 MB) in {folder}, got no such file; pass "
                            f"download=True, or fetch {PTH_URL} or {TGZ_URL} and put it there, or give its path")
        found = _download(folder)
    weights = load_weights(found)
    if found != kept:
        try:
            save_weights(kept, weights)
        except OSError as error:  # a full disk or a folder of somebody else's: slower next time, nothing else
            warnings.warn(f"InceptionV3: cannot write {kept} ({error.strerror or error}); {found.name} will be "
                          "converted again next time", stacklevel=2)
    return weights


def load_weights(path) -> dict:
    """Checked weights, {key: float32 array}, of a .pth, .pb, .tgz or .npz file. Raises DataError for any other."""
    path = Path(path)
    readers = {".pth": nn.load_torch, ".npz": _read_npz, ".tgz": _read_tgz, ".pb": _read_pb}
    if path.suffix not in readers:
        raise DataError(f"InceptionV3: expected weights in a file {', '.join(readers)}, got {path}")
    try:
        if path.name in KNOWN and _sha256(path) != KNOWN[path.name]:
            raise ValueError("another SHA-256 than the official file's: damaged, or other weights under its name")
        return checked(readers[path.suffix](path))
    except FileNotFoundError:
        raise DataError(f"InceptionV3: expected weights in {path}, got no such file") from None
    except (OSError, KeyError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise DataError(f"InceptionV3: expected weights of Inception-v3 in {path}, got {error}") from error


def save_weights(path, weights: dict) -> None:
    """Write weights to an .npz file, at once or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **weights)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def shapes() -> dict:
    """{key: shape} of all weights, in the order of the network."""
    found = {}
    for name, channels, conv in convolutions():
        found[f"{name}.conv.weight"] = (conv.outputs, channels, *conv.geometry()["kernel_size"])
        found.update({f"{name}.bn.{key}": (conv.outputs,) for key in BATCH_NORM})
    return {**found, "fc.weight": (CLASSES, TAPS[-1]), "fc.bias": (CLASSES,)}


def checked(state: dict) -> dict:
    """The weights in a state dict as float32, in order, without counters of batches. Raises ValueError for others."""
    if not isinstance(state, dict):
        raise ValueError(f"{type(state).__name__} in place of a state dict")
    expected = shapes()
    state = {key: value for key, value in state.items() if not str(key).endswith("num_batches_tracked")}
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    if missing or unexpected:
        raise ValueError(f"{len(missing)} keys missing ({', '.join(missing[:3])}) and {len(unexpected)} foreign ones "
                         f"({', '.join(map(str, unexpected[:3]))})")
    for key, shape in expected.items():
        value = state[key]
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.shape != shape:
            got = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            raise ValueError(f"{got} in {key} where floats of shape {shape} belong")
        if not np.isfinite(value).all() or key.endswith("running_var") and (value < 0).any():
            raise ValueError(f"values in {key} that are not finite, or negative variances")
    return {key: np.ascontiguousarray(state[key], np.float32) for key in expected}


def tensorflow_scopes() -> dict:
    """{name of a convolution: its scope in TensorFlow's graph}: "Mixed_5b.branch5x5_2": "mixed/tower/conv_1", ..."""
    names = [name for name, _, _ in convolutions()]
    return dict(zip(names, _scopes(TABLE, _Scope("")), strict=True))


class _Scope:
    """A name space of TensorFlow, where a name that comes again gets _1, _2, ..."""

    def __init__(self, path: str):
        self.path, self.counts = path, Counter()

    def fresh(self, name: str) -> str:
        number = self.counts[name]
        self.counts[name] += 1
        return f"{self.path}{name}_{number}" if number else f"{self.path}{name}"


def _scopes(steps, scope: _Scope):
    """The scope of every convolution, in order: a fork is a "mixed", a branch of several steps in it a "tower"."""
    for step in steps:
        if isinstance(step, Conv):
            yield scope.fresh("conv")
        elif isinstance(step, Fork):
            inner = _Scope(scope.fresh("mixed") + "/")
            for branch in step.branches:
                yield from _scopes(branch, inner if len(branch) == 1 else _Scope(inner.fresh("tower") + "/"))


def from_constants(constants: dict) -> dict:
    """The weights in TensorFlow's constants: kernels (H, W, in, out) turned to (out, in, H, W), fc transposed."""
    found = {"fc.weight": constants["softmax/weights"].T, "fc.bias": constants["softmax/biases"]}
    for name, scope in tensorflow_scopes().items():
        found[f"{name}.conv.weight"] = constants[f"{scope}/conv2d_params"].transpose(3, 2, 0, 1)
        for key, theirs in BATCH_NORM.items():
            found[f"{name}.bn.{key}"] = constants[f"{scope}/batchnorm/{theirs}"]
    return found


def _read_npz(path) -> dict:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def _read_pb(path) -> dict:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.stat().st_size} bytes, more than a graph of Inception-v3 has")
    return _from_graph(path.read_bytes())


def _read_tgz(path) -> dict:
    """The graph in TensorFlow's archive, read in memory: nothing is written."""
    with tarfile.open(path, "r:gz") as archive:
        member = archive.getmember(PB)
        if not member.isfile() or member.size > LARGEST:
            raise ValueError(f"no file of at most {LARGEST} bytes under the name {PB}")
        return _from_graph(archive.extractfile(member).read())


def _from_graph(content: bytes) -> dict:
    try:
        return from_constants(read_constants(content))
    except KeyError as error:
        raise ValueError(f"a graph without the constant {error}") from None


def _sha256(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _download(folder: Path) -> Path:
    """Fetch the .pth; pooch gives it its final name only when its SHA-256 is the known one."""
    import pooch
    try:
        return Path(pooch.retrieve(PTH_URL, known_hash=f"sha256:{SHA256}", fname=PTH, path=folder))
    except (OSError, ValueError) as error:  # no network and unwritable folders are OSError, a wrong hash is ValueError
        raise DataError(f"InceptionV3: expected to download {PTH_URL}, got {type(error).__name__}: {error}; fetch it "
                        f"by other means and put it in {folder}") from error


__all__ = ["checked", "find_weights", "from_constants", "load_weights", "save_weights", "shapes", "tensorflow_scopes"]
