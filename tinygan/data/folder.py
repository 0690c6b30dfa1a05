"""Images of a folder, in the formats Pillow reads, as one data set: made square, or as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinygan.data.dataset import ImageDataset
from tinygan.data.idx import DataError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def image_folder(path, size: int, channels: int = 3) -> ImageDataset:
    """All images of a folder, scaled so that the short side is ``size`` and cropped in the middle.

    Images directly in the folder have label 0; if there are none, its subfolders, sorted by name, are the classes.
    Files are taken in sorted order; others than images, by suffix, and hidden ones are passed over. channels: 1 (grey)
    or 3 (RGB). Transparent pixels become white. images: uint8 (N, channels, size, size).
    Raises DataError for a missing or empty folder and for an image that cannot be read, ValueError for other channels.
    """
    if channels not in (1, 3) or size < 1:
        raise ValueError(f"image_folder: expected 1 or 3 channels and a positive size, got {channels} and {size}")
    folder = Path(path)
    files, labels, classes = _found("image_folder", folder)

    def square(image):
        from PIL import Image, ImageOps
        return ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (size, size), Image.Resampling.BICUBIC)
    images = np.empty((len(files), channels, size, size), np.uint8)
    for image, file in zip(images, files):
        image[:] = _read("image_folder", file, square)
    return ImageDataset(images, np.array(labels, np.int64), folder.resolve().name, "all", f"images of folder {folder}",
                        classes)


def unchanged_folder(path) -> ImageDataset:
    """All images of a folder with the pixels they have: nothing is scaled or cropped; (N, C, H, W), uint8.

    C is 1 when the files are grey and 3 otherwise; files, labels and transparency as in :func:`image_folder`. Raises
    DataError for a missing or empty folder, an image that cannot be read, and images of different sizes or channels.
    """
    folder = Path(path)
    files, labels, classes = _found("unchanged_folder", folder)

    def plain(image):
        return image.convert("L" if image.mode in ("1", "L") else "RGB")
    first = _read("unchanged_folder", files[0], plain)
    images = np.empty((len(files), *first.shape), np.uint8)
    for image, file in zip(images, files):
        read = _read("unchanged_folder", file, plain)
        if read.shape != first.shape:
            raise DataError(f"unchanged_folder: expected images of one size and kind in {folder}, got "
                            f"{_kind(first)} in {files[0].name} and {_kind(read)} in {file.name}")
        image[:] = read
    return ImageDataset(images, np.array(labels, np.int64), folder.resolve().name, "all", f"images of folder {folder}",
                        classes)


def has_images(folder: Path) -> bool:
    """Whether :func:`image_folder` would find images in a folder."""
    return bool(_image_files(folder)[0])


def _found(operation: str, folder: Path) -> tuple[list[Path], list[int], tuple[str, ...]]:
    """What :func:`_image_files` finds. Raises DataError when that is nothing."""
    if not folder.is_dir():
        state = "a file" if folder.exists() else "no such folder"
        raise DataError(f"{operation}: expected a folder {folder}, got {state}")
    found = _image_files(folder)
    if not found[0]:
        raise DataError(f"{operation}: expected images ({', '.join(SUFFIXES)}) in {folder}, got none")
    return found


def _kind(image: np.ndarray) -> str:
    c, h, w = image.shape
    return f"{'grey' if c == 1 else 'colour'} {w} x {h}"


def _image_files(folder: Path) -> tuple[list[Path], list[int], tuple[str, ...]]:
    """Image files, their labels and the names of the classes."""
    files = _images_in(folder)
    if files:
        return files, [0] * len(files), ()
    groups = [(sub.name, _images_in(sub)) for sub in _visible(folder) if sub.is_dir()]
    groups = [(name, members) for name, members in groups if members]
    files = [file for _, members in groups for file in members]
    labels = [label for label, (_, members) in enumerate(groups) for _ in members]
    return files, labels, tuple(name for name, _ in groups)


def _images_in(folder: Path) -> list[Path]:
    return [file for file in _visible(folder) if file.suffix.lower() in SUFFIXES and file.is_file()]


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"image_folder: expected a readable folder {folder}, got {error.strerror}") from error


def _read(operation: str, file: Path, prepare) -> np.ndarray:
    """One image, upright and opaque, after ``prepare`` (which leaves mode L or RGB), as uint8 (channels, H, W)."""
    from PIL import Image, ImageOps
    try:
        with Image.open(file) as image:
            mode = image.mode
            if mode[0] not in "IF":  # 16- and 32-bit images: Pillow would clip them to white without a word
                image = ImageOps.exif_transpose(image)
                if "A" in image.getbands() or "transparency" in image.info:
                    image = image.convert("RGBA")
                    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
                pixels = np.asarray(prepare(image))
                return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    except Exception as error:  # decoders of damaged files raise errors of any class
        raise DataError(f"{operation}: expected a readable image in {file}, got {type(error).__name__}: "
                        f"{error}") from error
    raise DataError(f"{operation}: expected an image with 8 bits per channel in {file}, got Pillow's mode {mode}")


__all__ = ["image_folder", "unchanged_folder"]
