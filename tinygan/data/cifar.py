"""CIFAR-10 in its binary version, as files or in the official archive; see also cifar_pickle.py for the other version.

    one record   a label (one byte, 0 to 9), then 3072 bytes: 32 x 32 red values row by row, then green, then blue

Both versions hold the same records in the same order, so the SHA-256 of the records checks either of them.
Format and data: A. Krizhevsky 2009, "Learning multiple layers of features from tiny images".
"""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from pathlib import Path

import numpy as np

from tinygan.data.cifar_pickle import records_of_pickle
from tinygan.data.dataset import ImageDataset
from tinygan.data.idx import DataError
from tinygan.data.mnist import cache_folder

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
PROVENANCE = "CIFAR-10, A. Krizhevsky, V. Nair, G. Hinton, official files"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32
LARGEST = 1 << 26  # bytes; the official parts have 31 MB, and nobody's mistake shall fill the memory
# part -> SHA-256 of its records, which is that of its file in the binary version
PARTS = {
    "data_batch_1": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
SPLITS = {"train": tuple(PARTS)[:4], "heldout": ("data_batch_5",), "test": ("test_batch",), "full": tuple(PARTS)[:5]}
# version -> folder inside the archive, and the suffix of the parts
VERSIONS = {"binary": ("cifar-10-batches-bin", ".bin"), "python": ("cifar-10-batches-py", "")}


def cifar10(split: str = "train", root=None, download: bool = False, verify: bool = True) -> ImageDataset:
    """CIFAR-10: 32 x 32 colour photographs in 10 classes; the split is "train" (40,000, the first four parts),
    "heldout" (10,000, the fifth), "test" (10,000), or "full" (50,000: "train" and "heldout", as most papers train).

    root: the folder with the parts of the binary or the python version, or with their folder, or with the archive
    (.tar.gz, read without unpacking); None is the user's cache folder. Pickles of the python version are read by a
    reader that can build arrays, dictionaries and bytes only. download: fetch the binary archive into that folder,
    checked by SHA-256, when nothing is there. verify: refuse content that is not the official one; False is for other
    images in the same format. images: uint8 (N, 3, 32, 32). Raises DataError for missing, damaged or foreign files,
    and ValueError for an unknown split. Source: Krizhevsky 2009.
    """
    if split not in SPLITS:
        raise ValueError(f"cifar10: expected a split out of {', '.join(SPLITS)}, got {split!r}")
    folder = cache_folder("cifar10") if root is None else Path(root)
    contents = _find(folder, SPLITS[split])
    if contents is None and download:
        _download(folder)
        contents = _find(folder, SPLITS[split])
    if contents is None:
        state = "none of them" if folder.is_dir() else "no such folder"
        raise DataError(f"cifar10: expected cifar-10-binary.tar.gz, cifar-10-python.tar.gz or their parts "
                        f"({SPLITS[split][0]}.bin, ...) in {folder}, got {state}; pass download=True, or fetch {URL} "
                        "and put it there")
    records = np.concatenate([_records(part, content, where, verify)
                              for part, (content, where) in zip(SPLITS[split], contents)])
    images = np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32)
    return ImageDataset(images, records[:, 0].astype(np.int64), "cifar10", split, PROVENANCE, CLASSES)


def _find(folder: Path, parts) -> list | None:
    """[(content of the part, where it was found)], or None when ``folder`` has neither parts nor an archive."""
    for inner, suffix in VERSIONS.values():
        for place in (folder, folder / inner):
            files = [place / (part + suffix) for part in parts]
            if any(file.is_file() for file in files):
                return [(_read(file), file) for file in files]
    for version, (inner, suffix) in VERSIONS.items():
        archive = folder / f"cifar-10-{version}.tar.gz"
        if archive.is_file():
            return _unpack(archive, [f"{inner}/{part}{suffix}" for part in parts])
    return None


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise DataError(f"cifar10: expected at most {LARGEST} bytes in {file}, got {file.stat().st_size}")
        return file.read_bytes()
    except FileNotFoundError:
        raise DataError(f"cifar10: expected a file {file} beside the other parts, got no such file") from None
    except OSError as error:
        raise DataError(f"cifar10: expected a readable file {file}, got {error.strerror}") from error


def _unpack(archive: Path, names) -> list:
    """The members of these names, read in memory: nothing is written, whatever their paths say."""
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.name in names and member.isfile() and member.size <= LARGEST:
                    found[member.name] = tar.extractfile(member).read()
                if len(found) == len(names):
                    break
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"cifar10: expected a complete archive in {archive}, got one that is truncated or damaged "
                        f"({error}); fetch it again") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"cifar10: expected {missing[0]} in {archive}, got an archive without it; fetch it again")
    return [(found[name], f"{archive}: {name}") for name in names]


def _records(part: str, content: bytes, where, verify: bool) -> np.ndarray:
    """The records (N, 3073) in the content of a part, of either version; checked."""
    if content[:1] == b"\x80":  # the first byte of a pickle; a label is at most 9
        content = records_of_pickle(content, where)
    if not content or len(content) % RECORD:
        raise DataError(f"cifar10: expected records of {RECORD} bytes in {where}, got {len(content)} bytes: the file "
                        "is truncated, or no part of CIFAR-10; fetch it again")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    wrong = np.flatnonzero(records[:, 0] >= len(CLASSES))
    if wrong.size:
        raise DataError(f"cifar10: expected labels in [0, 10) in {where}, got {records[wrong[0], 0]} in record "
                        f"{wrong[0]} ({wrong.size} labels out of range)")
    digest = hashlib.sha256(content).hexdigest()
    if verify and digest != PARTS[part]:
        other = next((name for name, known in PARTS.items() if known == digest), None)
        got = f"those of {other}" if other else f"SHA-256 {digest}"
        raise DataError(f"cifar10: expected the official records of {part} in {where} (SHA-256 {PARTS[part]}), got "
                        f"{got}; fetch it again, or pass verify=False if it is other data on purpose")
    return records


def _download(folder: Path) -> None:
    """Fetch the archive; pooch gives it its final name only when its SHA-256 is the known one."""
    import pooch
    try:
        pooch.retrieve(URL, known_hash=f"sha256:{ARCHIVE_SHA256}", fname="cifar-10-binary.tar.gz", path=folder)
    except (OSError, ValueError) as error:  # no network and unwritable folders are OSError, a wrong hash is ValueError
        raise DataError(f"cifar10: expected to download {URL}, got {type(error).__name__}: {error}; fetch it by other "
                        f"means and put it in {folder}") from error


__all__ = ["cifar10"]
