"""MNIST and Fashion-MNIST from official files, and the part of MNIST that is packaged with tinygan.

Splits: "train" is the first 50,000 of the 60,000 training images, "heldout" the last 10,000 of them, "test" the
10,000 images of the t10k files. Models are trained on "train", metrics compare with "heldout".
Provenance and licences: PROVENANCE.md in this folder.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygan.data.dataset import ImageDataset
from tinygan.data.idx import DataError, as_images, as_labels, check_pair, load_bytes, parse_idx

SPLITS = ("train", "heldout", "test")
EMBEDDED = Path(__file__).with_name("embedded_mnist.npz")


@dataclass(frozen=True)
class Source:
    """Where one data set comes from. ``files``: stem -> (SHA-256 of the .gz at ``url``, SHA-256 of its content)."""

    name: str
    url: str
    provenance: str
    classes: tuple[str, ...]
    files: dict[str, tuple[str, str]]


MNIST = Source(
    name="mnist", url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    provenance="MNIST, Y. LeCun, C. Cortes, C. J. C. Burges, official IDX files, CC BY-SA 3.0",
    classes=tuple("0123456789"),
    files={
        "train-images-idx3-ubyte": ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        "train-labels-idx1-ubyte": ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        "t10k-images-idx3-ubyte": ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                                   "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        "t10k-labels-idx1-ubyte": ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                                   "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    })

FASHION_MNIST = Source(
    name="fashion-mnist", url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    provenance="Fashion-MNIST, H. Xiao, K. Rasul, R. Vollgraf (Zalando), arXiv:1708.07747, official IDX files, MIT",
    classes=("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    files={
        "train-images-idx3-ubyte": ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        "train-labels-idx1-ubyte": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        "t10k-images-idx3-ubyte": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                                   "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        "t10k-labels-idx1-ubyte": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                                   "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    })


def mnist(split: str = "train", root=None, download: bool = False, verify: bool = True) -> ImageDataset:
    """MNIST: 28 x 28 grey digits, labels 0-9; the split is "train" (50,000), "heldout" (10,000) or "test" (10,000).

    root: the folder with the IDX files, plain or .gz; None is the user's cache folder. download: fetch what is missing
    into that folder, checked by SHA-256. verify: refuse files whose content is not, byte for byte, the official one;
    False is for other data in the same files. Raises DataError for missing, damaged or foreign files, and ValueError
    for an unknown split.
    """
    return _official(MNIST, split, root, download, verify)


def fashion_mnist(split: str = "train", root=None, download: bool = False, verify: bool = True) -> ImageDataset:
    """Fashion-MNIST: 28 x 28 grey pictures of clothes in 10 classes; arguments and errors as :func:`mnist`.

    Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747.
    """
    return _official(FASHION_MNIST, split, root, download, verify)


def embedded_mnist(split: str = "train") -> ImageDataset:
    """The packaged part of MNIST: "train" is 10,000 images out of mnist("train"), "test" 2,000 out of mnist("test").

    Every class has the same number of images; they are evenly spaced over the images of their class in file order, and
    kept in file order. "heldout" is another name of "test" here, as both are kept from training.
    Raises ValueError for an unknown split, DataError when the packaged file is damaged.
    """
    part = "train" if check_split("embedded_mnist", split) == "train" else "test"
    try:
        # opened here, because np.load leaves a damaged archive open
        with EMBEDDED.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
    except (OSError, KeyError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"embedded_mnist: expected the packaged file {EMBEDDED} with {part} images and labels, "
                        f"got {error}; install tinygan again") from error
    return ImageDataset(images, labels.astype(np.int64), "embedded", part,
                        f"class-balanced part of the {part} images of {MNIST.provenance}", MNIST.classes)


def check_split(operation: str, split: str) -> str:
    """``split`` when it is a known one. Raises ValueError."""
    if split not in SPLITS:
        raise ValueError(f"{operation}: expected a split out of {', '.join(SPLITS)}, got {split!r}")
    return split


def select_split(images, labels, split: str):
    """The part of a training file that "train" (all but the last sixth) or "heldout" (the last sixth) names.

    "test" has files of its own and is returned whole.
    """
    cut = len(images) - len(images) // 6
    part = {"train": slice(None, cut), "heldout": slice(cut, None), "test": slice(None)}[split]
    return images[part], labels[part]


def find_file(root: Path, stem: str) -> Path | None:
    """The file called ``stem`` in ``root``, plain before .gz; also with the dot that some copies have before "idx"."""
    for name in (stem, stem.replace("-idx", ".idx")):
        for candidate in (root / name, root / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    return None


def stems(split: str) -> tuple[str, str]:
    """Names, without .gz, of the images and labels files of a split."""
    prefix = "t10k" if split == "test" else "train"
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def cache_folder(name: str) -> Path:
    """The folder in the user's cache that downloads of data set ``name`` go to."""
    import pooch
    return Path(pooch.os_cache("tinygan")) / name


def _official(source: Source, split: str, root, download: bool, verify: bool) -> ImageDataset:
    check_split(source.name, split)
    folder = cache_folder(source.name) if root is None else Path(root)
    paths = [_locate(source, folder, stem, download) for stem in stems(split)]
    contents = [load_bytes(path) for path in paths]
    images, labels = (parse_idx(content, path) for content, path in zip(contents, paths))
    images, labels = as_images(images, paths[0]), as_labels(labels, paths[1], classes=len(source.classes))
    check_pair(images, labels, *paths)
    if verify:
        for stem, path, content in zip(stems(split), paths, contents):
            _verify(source, stem, path, content)
    images, labels = select_split(images[:, None], labels, split)
    return ImageDataset(images, labels, source.name, split, source.provenance, source.classes)


def _locate(source: Source, folder: Path, stem: str, download: bool) -> Path:
    """The path of one official file in ``folder``, downloaded when that is asked for and needed."""
    path = find_file(folder, stem)
    if path is not None:
        return path
    if download:
        return _download(source, folder, stem)
    state = "no such file" if folder.is_dir() else "no such folder"
    raise DataError(f"{source.name}: expected {stem} or {stem}.gz in {folder}, got {state}; "
                    f"pass download=True, or fetch {source.url}{stem}.gz and put it there")


def _download(source: Source, folder: Path, stem: str) -> Path:
    """Fetch one .gz file; pooch writes it under its final name only when its SHA-256 is the known one."""
    import pooch
    url = f"{source.url}{stem}.gz"
    try:
        return Path(pooch.retrieve(url, known_hash=f"sha256:{source.files[stem][0]}", fname=f"{stem}.gz", path=folder))
    except (OSError, ValueError) as error:  # no network and unwritable folders are OSError, a wrong hash is ValueError
        raise DataError(f"{source.name}: expected to download {url}, got {type(error).__name__}: {error}; "
                        f"fetch it by other means and put it in {folder}") from error


def _verify(source: Source, stem: str, path: Path, content: bytes) -> None:
    """Raise DataError unless the decompressed content is the official one: this also finds swapped data sets."""
    digest = hashlib.sha256(content).hexdigest()
    if digest == source.files[stem][1]:
        return
    known = {hashes[1]: f"{other.name}'s {name}" for other in (MNIST, FASHION_MNIST)
             for name, hashes in other.files.items()}
    raise DataError(f"{source.name}: expected the official content in {path} (SHA-256 {source.files[stem][1]}), got "
                    f"{known.get(digest, f'SHA-256 {digest}')}; fetch it again, or pass verify=False if it is other "
                    "data on purpose")


__all__ = ["embedded_mnist", "fashion_mnist", "mnist"]
