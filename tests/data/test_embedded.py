"""The packaged part of MNIST is what PROVENANCE.md says it is."""
import hashlib
import io
import sys
import zlib

import numpy as np
import pytest

from tinygan.data import DataError, embedded_mnist
from tinygan.data import mnist as mnist_function
from tinygan.data.embed_mnist import archive_bytes, balanced, embedded_arrays, main
from tinygan.data.mnist import EMBEDDED

SHA256 = "de1402f18328d6cc3698b3b54280db0a90f4b491ac40ebdc2e9f1424d5e12dce"


def test_the_packaged_file_has_the_stated_checksum_and_size():
    content = EMBEDDED.read_bytes()
    provenance = EMBEDDED.with_name("PROVENANCE.md").read_text()
    assert hashlib.sha256(content).hexdigest() == SHA256
    assert SHA256 in provenance and f"{len(content):,} bytes" in provenance
    assert "LeCun" in provenance and "Cortes" in provenance and "Burges" in provenance and "CC BY-SA 3.0" in provenance


@pytest.mark.parametrize("split, per_class", [("train", 1000), ("test", 200)])
def test_every_class_has_the_same_number_of_images(split, per_class):
    data = embedded_mnist(split)
    assert data.images.shape == (10 * per_class, 1, 28, 28) and data.images.dtype == np.uint8
    assert data.labels.dtype == np.int64
    assert np.bincount(data.labels, minlength=10).tolist() == [per_class] * 10
    assert not data.images.flags.writeable and not data.labels.flags.writeable
    assert data.name == "embedded" and data.split == split and "LeCun" in data.provenance


def test_no_image_is_in_both_parts_or_twice():
    rows = [image.tobytes() for split in ("train", "test") for image in embedded_mnist(split).images]
    assert len(set(rows)) == len(rows) == 12000


def test_the_images_are_digits_and_go_with_their_labels():
    """A nearest class mean, which cannot work on shuffled labels, is right on 82 % of MNIST's test images."""
    train, test = embedded_mnist("train"), embedded_mnist("test")
    x, y = (data.scaled().reshape(len(data), -1) for data in (train, test))
    means = np.stack([x[train.labels == label].mean(axis=0) for label in range(10)])
    nearest = ((means ** 2).sum(axis=1) - 2 * y @ means.T).argmin(axis=1)
    assert 0.75 < (nearest == test.labels).mean() < 0.9


def test_scaled_images_fill_the_interval_exactly():
    scaled = embedded_mnist("test").scaled()
    assert scaled.dtype == np.float32 and scaled.shape == (2000, 1, 28, 28)
    assert scaled.min() == -1 and scaled.max() == 1


def test_heldout_is_the_test_part_and_other_splits_are_refused():
    np.testing.assert_array_equal(embedded_mnist("heldout").images, embedded_mnist("test").images)
    with pytest.raises(ValueError, match="embedded_mnist: expected a split out of train, heldout, test, got 'valid'"):
        embedded_mnist("valid")


def test_a_damaged_packaged_file_is_one_clear_error(tmp_path, monkeypatch):
    content = EMBEDDED.read_bytes()
    broken = tmp_path / "broken.npz"
    monkeypatch.setattr(sys.modules["tinygan.data.mnist"], "EMBEDDED", broken)  # the attribute is the function
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1:]
    for damage in (None, b"", content[:middle], flipped, b"\x80\x04."):
        if damage is not None:
            broken.write_bytes(damage)
        with pytest.raises(DataError, match="embedded_mnist: expected the packaged file .*broken.npz"):
            embedded_mnist("train")


def test_balanced_takes_evenly_spaced_images_of_every_class():
    class Labelled:
        labels = np.array([0, 1, 0, 0, 1, 1, 0, 1, 0, 1])  # class 0 at 0 2 3 6 8, class 1 at 1 4 5 7 9
        classes = ("zero", "one")
    # of 5 members, numbers 0 and floor(5 / 2) = 2
    assert balanced(Labelled, 2).tolist() == [0, 1, 3, 5]
    with pytest.raises(ValueError, match="expected 6 images of class 0, got 5"):
        balanced(Labelled, 6)


def test_the_archive_depends_on_values_alone(monkeypatch):
    arrays = {"a": np.arange(5, dtype=np.uint8), "b": np.ones((2, 3), np.uint8)}
    first = archive_bytes(arrays)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert archive_bytes(arrays) == first
    with np.load(io.BytesIO(first), allow_pickle=False) as loaded:
        assert all((loaded[name] == array).all() for name, array in arrays.items())


def test_rebuilding_gives_the_packaged_arrays_out_of_the_official_splits(official_mnist):
    arrays = embedded_arrays(official_mnist)
    for split in ("train", "test"):
        data, whole = embedded_mnist(split), mnist_function(split, official_mnist)
        np.testing.assert_array_equal(arrays[f"{split}_images"], data.images)
        np.testing.assert_array_equal(arrays[f"{split}_labels"], data.labels)
        known = {image.tobytes(): label for image, label in zip(whole.images, whole.labels)}
        assert all(known[image.tobytes()] == label for image, label in zip(data.images, data.labels))
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng compresses the same values to other bytes
        assert hashlib.sha256(archive_bytes(arrays)).hexdigest() == SHA256


def test_the_script_says_what_it_needs(tmp_path, capsys):
    assert main([str(tmp_path), "--out", str(tmp_path / "out.npz")]) == 1
    assert "error: mnist: expected train-images-idx3-ubyte" in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()
