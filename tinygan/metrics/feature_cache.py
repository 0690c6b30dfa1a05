"""Features of images, kept in files by the content of the images and the fingerprint of the network that made them.

The name of a file is the SHA-256 of everything its numbers depend on: dtype, shape and values of the images, the
extractor's fingerprint (weights and settings), the version of tinygan. So an entry never has to be thrown away for
being out of date, where the folder is changes no number, and a file that is damaged is a file that is not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from tinygan.data.mnist import cache_folder
from tinygan.metrics.sample_set import SampleSet
from tinygan.metrics.statistics import Statistics

# Images an extractor is given at a time: the progress bar moves once for each. Part of the key, because batches of
# other sizes round differently.
CHUNK = 32
LIMIT = 8 << 30  # bytes in the folder; 50,000 x 2048 features have 0.4 GB
UNREADABLE = (OSError, KeyError, TypeError, ValueError, EOFError, AttributeError, zlib.error, zipfile.BadZipFile)


class FeatureCache:
    """Features, probabilities and statistics of sets of images, computed once: ``FeatureCache().look(images, judge)``.

    folder: where the files are; None is ``features`` in the user's cache folder, next to downloaded data. keep: False
    reads and writes nothing. limit: beyond so many bytes the entries that were not used for longest are deleted.
    ``hits`` and ``misses`` count. Files appear whole or not at all; a damaged one is told by a warning and computed
    again, and so is a folder that cannot be written to.
    """

    def __init__(self, folder=None, keep: bool = True, limit: int = LIMIT):
        self.folder = cache_folder("features") if folder is None else Path(folder)
        self.keep, self.limit, self.hits, self.misses = keep, limit, 0, 0

    def look(self, samples: SampleSet, extractor, advance=None) -> None:
        """Give a set of images its ``features`` (N, F) and ``probabilities`` (N, K) by ``extractor.scores``.

        ``advance(n)`` is called after every n images. A set that has them already is left as it is. Raises what the
        extractor raises.
        """
        advance = advance or (lambda n: None)
        key = entry_key(samples, extractor)
        if samples.looked_at == key:
            return
        found = self._read(key, samples, extractor)
        if found is None:
            self.misses += 1
            parts = []
            for start in range(0, len(samples), CHUNK):
                parts.append(extractor.scores(samples.values[start:start + CHUNK]))
                advance(len(parts[-1][1]))
            found = {"probabilities": np.concatenate([part[0] for part in parts]),
                     "features": np.concatenate([part[1] for part in parts])}
            self._write(key, found)
        else:
            self.hits += 1
            advance(len(samples))
        samples.features, samples.probabilities = found["features"], found["probabilities"]
        samples.looked_at = key
        samples.__dict__.pop("statistics", None)  # of earlier features

    def statistics(self, samples: SampleSet, extractor) -> Statistics:
        """Mean and covariance of the features of a set that :meth:`look` has seen, from a file where there is one."""
        path = self.folder / f"{entry_key(samples, extractor)}-statistics.npz"
        if self.keep and path.is_file():
            try:
                found = Statistics.load(path)
                if found.n != len(samples) or found.mean.shape != samples.features.shape[1:]:
                    raise ValueError(f"expected statistics of {samples.features.shape} features")
                return found
            except UNREADABLE as error:
                _warn_damaged(path, error)
        found = Statistics()
        found.update(samples.features)
        self._keep(path, found.save)
        return found

    # Files

    def _read(self, key: str, samples: SampleSet, extractor) -> dict | None:
        path = self.folder / f"{key}.npz"
        if not self.keep or not path.is_file():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                found = {name: archive[name] for name in ("features", "probabilities")}
                about = json.loads(archive["about"].item())
            if about["key"] != key or found["features"].shape != (len(samples), extractor.dim) \
                    or len(found["probabilities"]) != len(samples):
                raise ValueError(f"expected the features of {len(samples)} images, got {found['features'].shape}")
            os.utime(path)  # used now: the oldest ones are deleted first
            return found
        except UNREADABLE as error:
            _warn_damaged(path, error)
            return None

    def _write(self, key: str, found: dict) -> None:
        about = np.array(json.dumps({"key": key, "format": 1}))
        self._keep(self.folder / f"{key}.npz", lambda file: np.savez(file, **found, about=about))

    def _keep(self, path: Path, save) -> None:
        """Write one file by ``save(open file)``, at once or not at all."""
        if not self.keep:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(path, save)
            self._make_room(path)
        except OSError as error:
            warnings.warn(f"feature cache: cannot write to {self.folder} ({error.strerror or error}); features will be "
                          "computed again next time", stacklevel=3)

    def _make_room(self, kept: Path) -> None:
        entries = [(path, path.stat()) for path in self.folder.glob("*.npz")]
        total = sum(state.st_size for _, state in entries)
        for path, state in sorted(entries, key=lambda entry: entry[1].st_mtime):
            if total <= self.limit:
                return
            if path != kept:
                path.unlink(missing_ok=True)  # another process may have been quicker
                total -= state.st_size


def entry_key(samples: SampleSet, extractor) -> str:
    """SHA-256 of what the features of a set depend on: the images, the extractor, the version of the library."""
    version = sys.modules["tinygan"].__version__
    return hashlib.sha256(f"{samples.digest} {extractor.fingerprint} {version} {CHUNK}".encode()).hexdigest()


def _replace(path: Path, save) -> None:
    # Not flushed to the disk, unlike a checkpoint: what a power cut damages is computed again.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            save(file)
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too must leave nothing behind
        temporary.unlink(missing_ok=True)
        raise


def _warn_damaged(path: Path, error: Exception) -> None:
    warnings.warn(f"feature cache: {path} is damaged ({type(error).__name__}: {error}); it is computed again",
                  stacklevel=4)


__all__ = ["FeatureCache", "entry_key"]
