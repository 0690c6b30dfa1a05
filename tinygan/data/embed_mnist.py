"""Writes embedded_mnist.npz, the packaged part of MNIST: ``python -m tinygan.data.embed_mnist ROOT``.

ROOT is a folder with the four official IDX files, whose SHA-256 are checked. Of each class the file takes 1,000 of the
first 50,000 training images and 200 of the 10,000 test images: of the n images of the class, in file order, those with
number floor(i n / 1000), or floor(i n / 200), for i = 0, 1, ... Taking them evenly spaced matters for the test images,
the first 5,000 of which are easier than the rest. File order is kept. The archive has no dates and fixed settings, so
the same zlib writes the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from tinygan.data.dataset import ImageDataset
from tinygan.data.idx import DataError
from tinygan.data.mnist import EMBEDDED, mnist

PER_CLASS = {"train": 1000, "test": 200}


def balanced(dataset: ImageDataset, per_class: int) -> np.ndarray:
    """Positions, ascending, of ``per_class`` evenly spaced images of every class.

    Raises ValueError when a class has fewer.
    """
    chosen = []
    for label in range(len(dataset.classes)):
        members = np.flatnonzero(dataset.labels == label)
        if len(members) < per_class:
            raise ValueError(f"balanced: expected {per_class} images of class {label}, got {len(members)}")
        chosen.append(members[np.arange(per_class) * len(members) // per_class])
    return np.sort(np.concatenate(chosen))


def embedded_arrays(root) -> dict[str, np.ndarray]:
    """The arrays of the packaged file, from the official files in ``root``; images (N, 1, 28, 28) and labels, uint8."""
    arrays = {}
    for split, per_class in PER_CLASS.items():
        dataset = mnist(split, root)
        part = dataset.take(balanced(dataset, per_class))
        arrays[f"{split}_images"] = part.images
        arrays[f"{split}_labels"] = part.labels.astype(np.uint8)
    return arrays


def archive_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """The arrays as a compressed .npz archive that depends on nothing but their values (np.savez stores the time)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # the byte that names the operating system, fixed
            archive.writestr(entry, member.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


def main(arguments=None) -> int:
    """Build the file and say what was written; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tinygan.data.embed_mnist", description=__doc__.split("\n")[0])
    parser.add_argument("root", type=Path, help="folder with the official MNIST files")
    parser.add_argument("--out", type=Path, default=EMBEDDED, help="file to write (default: the packaged one)")
    options = parser.parse_args(arguments)
    try:
        content = archive_bytes(embedded_arrays(options.root))
        options.out.write_bytes(content)
    except (DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
