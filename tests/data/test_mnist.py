"""mnist() and fashion_mnist(): splits, checks of content, and what is said when files are missing."""
import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygan.data import DataError, fashion_mnist, mnist

MODULE = sys.modules["tinygan.data.mnist"]
STEMS = list(MODULE.MNIST.files)


@pytest.fixture
def small(tmp_path, write_idx):
    """A folder with 24 training and 8 test images of 6 x 5 pixels under MNIST's names; image i has the value i."""
    for stem, n in (("train", 24), ("t10k", 8)):
        values = np.arange(n, dtype=np.uint8)
        write_idx(f"{stem}-images-idx3-ubyte.gz", np.broadcast_to(values[:, None, None], (n, 6, 5)))
        write_idx(f"{stem}-labels-idx1-ubyte", values % 10)
    return tmp_path


def test_splits_are_all_but_the_last_sixth_the_last_sixth_and_the_test_files(small):
    for split, values in (("train", range(20)), ("heldout", range(20, 24)), ("test", range(8))):
        data = mnist(split, small, verify=False)
        assert data.images.shape == (len(values), 1, 6, 5) and data.images.dtype == np.uint8
        assert data.images[:, 0, 0, 0].tolist() == list(values)
        assert data.labels.tolist() == [value % 10 for value in values] and data.labels.dtype == np.int64
        assert not data.images.flags.writeable and (data.name, data.split) == ("mnist", split)


def test_official_mnist(official_mnist):
    train, heldout, test = (mnist(split, official_mnist) for split in ("train", "heldout", "test"))
    assert (len(train), len(heldout), len(test)) == (50000, 10000, 10000)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]  # the figure everyone has seen
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    # published mean of the 60,000 training images, 0.1307
    assert abs((train.images.sum(dtype=np.int64) + heldout.images.sum(dtype=np.int64)) / 47040000 / 255 - 0.1307) < 5e-5


def test_official_fashion_mnist(official_fashion_mnist):
    test = fashion_mnist("test", official_fashion_mnist)
    assert len(test) == 10000 and np.bincount(test.labels).tolist() == [1000] * 10
    assert test.classes[test.labels[0]] == "ankle boot" and "Zalando" in test.provenance


def test_fashion_in_place_of_mnist_is_named(official_fashion_mnist):
    with pytest.raises(DataError, match="mnist: expected the official content in .*t10k-images.*got fashion-mnist's"):
        mnist("test", official_fashion_mnist)


def test_foreign_files_are_refused_unless_asked_for(small):
    with pytest.raises(DataError, match="expected the official content .*got SHA-256 .*verify=False"):
        mnist("train", small)


def test_swapped_files_are_mislabelled(small, write_idx):
    (small / "train-labels-idx1-ubyte").rename(small / "labels")
    (small / "train-images-idx3-ubyte.gz").rename(small / "train-labels-idx1-ubyte.gz")
    (small / "labels").rename(small / "train-images-idx3-ubyte")
    with pytest.raises(DataError, match="train-images-idx3-ubyte, .*this looks like a file of labels"):
        mnist("train", small, verify=False)


def test_labels_out_of_range_and_of_another_number(small, write_idx):
    write_idx("t10k-labels-idx1-ubyte", np.arange(3, 11, dtype=np.uint8), small)
    with pytest.raises(DataError, match=r"expected labels in \[0, 10\) .*got 10 at position 7"):
        mnist("test", small, verify=False)
    write_idx("t10k-labels-idx1-ubyte", np.zeros(24, np.uint8), small)
    with pytest.raises(DataError, match="each of the 8 images .*got 24 labels"):
        mnist("test", small, verify=False)


@pytest.mark.parametrize("missing", ["images-idx3-ubyte.gz", "labels-idx1-ubyte"])
def test_a_missing_file_says_what_to_fetch_and_where_to_put_it(small, missing):
    path = small / f"train-{missing}"
    path.unlink()
    stem = path.name.removesuffix(".gz")
    with pytest.raises(DataError) as caught:
        mnist("train", small, verify=False)
    for part in (f"expected {stem}", str(small), "got no such file", f"{MODULE.MNIST.url}{stem}.gz", "download=True"):
        assert part in str(caught.value)
    assert len(mnist("test", small, verify=False)) == 8  # the files of other splits are not asked for


def test_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match="fashion-mnist: expected train-images.*nowhere, got no such folder"):
        fashion_mnist(root=tmp_path / "nowhere")


def test_without_a_root_the_cache_folder_is_read(small, monkeypatch):
    monkeypatch.setattr(MODULE, "cache_folder", lambda name: small if name == "mnist" else None)
    assert len(mnist("test", verify=False)) == 8


def test_an_unknown_split():
    with pytest.raises(ValueError, match="mnist: expected a split out of train, heldout, test, got 'validation'"):
        mnist("validation")


def serve(monkeypatch, contents):
    """Put a fake network under pooch's downloader: url -> bytes; returns the list of urls asked for."""
    asked = []

    class Downloader:
        def __call__(self, url, output_file, pooch):
            asked.append(url)
            if contents is None:
                raise OSError("name or service not known")
            Path(output_file).write_bytes(contents[url])

    monkeypatch.setattr("pooch.core.choose_downloader", lambda url, progressbar=False: Downloader())
    return asked


@pytest.fixture
def source(small, monkeypatch):
    """Small files served under MNIST's url, with their own checksums in MNIST's place."""
    contents, files = {}, {}
    for stem in STEMS:
        content = MODULE.load_bytes(MODULE.find_file(small, stem))
        packed = gzip.compress(content, mtime=0)
        contents[f"{MODULE.MNIST.url}{stem}.gz"] = packed
        files[stem] = hashlib.sha256(packed).hexdigest(), hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(MODULE, "MNIST", MODULE.Source(**{**vars(MODULE.MNIST), "files": files}))
    return contents


def test_download_fetches_what_is_missing_once(tmp_path, source, monkeypatch):
    asked, folder = serve(monkeypatch, source), tmp_path / "new" / "cache"
    assert len(mnist("test", folder, download=True)) == 8
    assert sorted(asked) == sorted(url for url in source if "t10k" in url)
    assert len(mnist("test", folder)) == len(mnist("test", folder, download=True)) == 8
    assert len(asked) == 2


def test_a_download_with_another_checksum_is_refused_and_not_kept(tmp_path, source, monkeypatch):
    serve(monkeypatch, {url: content + b"\0" for url, content in source.items()})
    with pytest.raises(DataError, match="mnist: expected to download .*hash"):
        mnist("test", tmp_path / "cache", download=True)
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_a_network_the_error_says_what_to_fetch_and_where_to_put_it(tmp_path, source, monkeypatch):
    serve(monkeypatch, None)
    with pytest.raises(DataError) as caught:
        mnist("train", tmp_path / "cache", download=True)
    for part in (f"{MODULE.MNIST.url}train-images-idx3-ubyte.gz", "name or service not known",
                 "fetch it by other means", str(tmp_path / "cache")):
        assert part in str(caught.value)
