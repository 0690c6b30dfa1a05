"""load: what the examples' --data option names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinygan.data.cifar import cifar10
from tinygan.data.dataset import ImageDataset
from tinygan.data.folder import has_images, image_folder
from tinygan.data.idx import DataError, read_pair
from tinygan.data.mnist import check_split, embedded_mnist, fashion_mnist, find_file, mnist, select_split, stems

NAMED = ("embedded", "mnist", "fashion-mnist", "cifar10")


def load(name_or_path, split: str = "train", size: int = 28, channels: int = 1, download: bool = True) -> ImageDataset:
    """The data set of a name ("embedded", "mnist", "fashion-mnist", "cifar10") or of a folder with IDX files or images.

    split: "train", "heldout" or "test". A folder of IDX files has the names of MNIST's files; "heldout" is the last
    sixth of its training files. Of a folder of images, every sixth is held out (and "test" is the same as "heldout").
    Images come as (N, channels, size, size), uint8. download: fetch named sets that are not in the user's cache.
    Raises ValueError for an unknown split, DataError for everything that is wrong with the data.
    """
    check_split("load", split)
    if name_or_path == "embedded":
        dataset = embedded_mnist(split)
    elif name_or_path == "mnist":
        dataset = mnist(split, download=download)
    elif name_or_path == "fashion-mnist":
        dataset = fashion_mnist(split, download=download)
    elif name_or_path == "cifar10":
        dataset = cifar10(split, download=download)
    else:
        return _folder(Path(name_or_path), split, size, channels)
    return dataset.resized(size).with_channels(channels)


def _folder(folder: Path, split: str, size: int, channels: int) -> ImageDataset:
    if not folder.is_dir():
        state = "a file" if folder.exists() else "no such folder"
        raise DataError(f"load: expected {', '.join(NAMED)} or a folder, got {str(folder)!r} ({state})")
    found = [find_file(folder, stem) for stem in stems(split)]
    if any(found):
        return _idx_folder(folder, found, split).resized(size).with_channels(channels)
    if any(find_file(folder, stem) for other in ("train", "test") for stem in stems(other)) or not has_images(folder):
        raise DataError(f"load: expected {stems(split)[0]} and {stems(split)[1]} (or the same with .gz), or images, "
                        f"in {folder}, got neither")
    dataset = image_folder(folder, size, channels)
    held_out = np.arange(len(dataset)) % 6 == 5
    part = dataset.take(~held_out if split == "train" else held_out)
    if len(part) == 0:
        raise DataError(f"load: expected at least 6 images in {folder} to hold some out, got {len(dataset)}")
    part.split = split
    return part


def _idx_folder(folder: Path, found: list, split: str) -> ImageDataset:
    for stem, path in zip(stems(split), found):
        if path is None:
            raise DataError(f"load: expected {stem} or {stem}.gz in {folder}, got no such file")
    images, labels = select_split(*read_pair(*found), split)
    if len(images) == 0:
        raise DataError(f"load: expected at least 6 images in {found[0]} to hold some out, got fewer")
    return ImageDataset(images[:, None], labels, folder.resolve().name, split, f"IDX files of folder {folder}",
                        tuple(map(str, range(labels.max() + 1))))


__all__ = ["load"]
