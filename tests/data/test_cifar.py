"""CIFAR-10: both versions give the same images, from files and archives; damage is a DataError; pickles are safe."""
import hashlib
import io
import os
import pickle
import sys
import tarfile

import numpy as np
import pytest

from tinygan.data import DataError, cifar10
from tinygan.data.cifar import ARCHIVE_SHA256, CLASSES, PARTS, SPLITS, URL
from tinygan.data.cifar_pickle import records_of_pickle

MODULE = sys.modules["tinygan.data.cifar"]
GENERATOR = np.random.default_rng(0)
RECORDS = {part: np.column_stack([GENERATOR.integers(0, 10, (4, 1)), GENERATOR.integers(0, 256, (4, 3072))]
                                 ).astype(np.uint8) for part in PARTS}


def binary(records):
    return records.tobytes()


def py2_pickle(records, fortran=False):
    """A pickle as Python 2 and the NumPy of its day wrote them (protocol 2, names of strings as bytes)."""
    pixels = np.asfortranarray(records[:, 1:]) if fortran else np.ascontiguousarray(records[:, 1:])
    state = pixels.tobytes(order="A")
    op = pickle

    def short(text):
        return op.SHORT_BINSTRING + bytes([len(text)]) + text

    def integer(value):
        return op.BININT + int(value).to_bytes(4, "little", signed=True)

    dtype = (op.GLOBAL + b"numpy\ndtype\n" + op.MARK + short(b"u1") + integer(0) + integer(1) + op.TUPLE + op.REDUCE
             + op.MARK + integer(3) + short(b"|") + op.NONE * 3 + integer(-1) + integer(-1) + integer(0) + op.TUPLE
             + op.BUILD)
    array = (op.GLOBAL + b"numpy.core.multiarray\n_reconstruct\n" + op.GLOBAL + b"numpy\nndarray\n" + integer(0)
             + op.TUPLE1 + short(b"b") + op.TUPLE3 + op.REDUCE + op.MARK + integer(1) + integer(len(records))
             + integer(3072) + op.TUPLE2 + dtype + (op.NEWTRUE if fortran else op.NEWFALSE)
             + op.BINSTRING + len(state).to_bytes(4, "little") + state + op.TUPLE + op.BUILD)
    labels = op.EMPTY_LIST + op.MARK + b"".join(integer(v) for v in records[:, 0]) + op.APPENDS
    return (op.PROTO + b"\x02" + op.EMPTY_DICT + op.MARK + short(b"data") + array + short(b"labels") + labels
            + short(b"batch_label") + short(b"training batch 1 of 5") + op.SETITEMS + op.STOP)


CONTENTS = {"binary": ("cifar-10-batches-bin", ".bin", binary), "python": ("cifar-10-batches-py", "", py2_pickle)}


def write(root, version, place):
    """All parts of a version, as files in the folder itself or below it, or in an archive."""
    inner, suffix, encode = CONTENTS[version]
    if place == "archive":
        with tarfile.open(root / f"cifar-10-{version}.tar.gz", "w:gz") as tar:
            for part, records in RECORDS.items():
                content = encode(records)
                info = tarfile.TarInfo(f"{inner}/{part}{suffix}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return root
    folder = root if place == "flat" else root / inner
    folder.mkdir(exist_ok=True)
    for part, records in RECORDS.items():
        (folder / (part + suffix)).write_bytes(encode(records))
    return root


@pytest.mark.parametrize("version", CONTENTS)
@pytest.mark.parametrize("place", ["flat", "folder", "archive"])
def test_both_versions_from_files_and_archives(tmp_path, version, place):
    write(tmp_path, version, place)
    for split, parts in SPLITS.items():
        data = cifar10(split, tmp_path, verify=False)
        records = np.concatenate([RECORDS[part] for part in parts])
        np.testing.assert_array_equal(data.images.reshape(len(records), 3072), records[:, 1:])
        np.testing.assert_array_equal(data.labels, records[:, 0])
        assert data.images.shape[1:] == (3, 32, 32) and data.classes == CLASSES and data.split == split


def test_the_splits_share_no_part_and_full_is_all_that_is_for_training():
    assert SPLITS["full"] == SPLITS["train"] + SPLITS["heldout"] and len(set(SPLITS["full"] + SPLITS["test"])) == 6


def test_red_comes_first_then_rows(tmp_path):
    record = np.zeros((1, 3073), np.uint8)
    record[0, 1 + 32 * 5 + 7] = 200                      # red, row 5, column 7
    (tmp_path / "test_batch.bin").write_bytes(record.tobytes())
    image = cifar10("test", tmp_path, verify=False).images[0]
    assert image[0, 5, 7] == 200 and image.sum() == 200


def test_arrays_in_fortran_order_and_pickles_of_today():
    expected = RECORDS["test_batch"].tobytes()
    assert records_of_pickle(py2_pickle(RECORDS["test_batch"], fortran=True), "x") == expected
    batch = {"data": RECORDS["test_batch"][:, 1:], "labels": RECORDS["test_batch"][:, 0].tolist()}
    for protocol in (2, 4):
        assert records_of_pickle(pickle.dumps(batch, protocol), "x") == expected


def test_a_number_for_the_memo_that_would_fill_the_memory():
    bomb = pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + pickle.LONG_BINPUT + b"\xff\xff\xff\x7f" + pickle.STOP
    with pytest.raises(DataError, match="got one numbered 2147483647"):
        records_of_pickle(bomb, "x")


def test_content_is_checked_by_the_records_whatever_the_version(tmp_path, monkeypatch):
    write(tmp_path, "python", "flat")
    with pytest.raises(DataError, match="expected the official records of test_batch in .*got SHA-256 .*verify=False"):
        cifar10("test", tmp_path)
    known = {part: hashlib.sha256(records.tobytes()).hexdigest() for part, records in RECORDS.items()}
    monkeypatch.setattr(MODULE, "PARTS", known)
    assert len(cifar10("test", tmp_path)) == 4
    (tmp_path / "test_batch").write_bytes(binary(RECORDS["data_batch_3"]))
    with pytest.raises(DataError, match="got those of data_batch_3"):
        cifar10("test", tmp_path)


class Calls:
    """Pickles to a call of os.system, the usual attack."""

    def __reduce__(self):
        return os.system, ("exit 0",)


class Fills:
    """Pickles to a call of a harmless name that is not on the list."""

    def __reduce__(self):
        return bytearray, (10,)


@pytest.mark.parametrize("thing, name", [(Calls(), "system"), (Fills(), "bytearray"), (np.float64(1), "scalar"),
                                         ({1}, "set"), (io.BytesIO(), "BytesIO"),
                                         (np.array([Calls()], object), "got dtype 'O8'"),
                                         (np.zeros((2, 3072), np.float32), "got dtype 'f4'")])
def test_nothing_but_arrays_dictionaries_and_bytes_is_built(thing, name, monkeypatch):
    def never(*_):
        raise AssertionError("a pickle has run something")
    content = pickle.dumps({"data": thing, "labels": []}, protocol=2)
    monkeypatch.setattr(os, "system", never)
    with pytest.raises(DataError, match=f"cifar10: expected .*in bad.*{name}|cifar10: {name}.*bad"):
        records_of_pickle(content, "bad")


def test_a_shape_that_does_not_fit_allocates_nothing():
    good = py2_pickle(RECORDS["test_batch"])
    shape = pickle.BININT + (4).to_bytes(4, "little") + pickle.BININT + (3072).to_bytes(4, "little")
    huge = pickle.BININT + (2 ** 31 - 1).to_bytes(4, "little") + pickle.BININT + (3072).to_bytes(4, "little")
    assert shape in good
    with pytest.raises(DataError, match="cannot reshape"):
        records_of_pickle(good.replace(shape, huge), "x")


@pytest.mark.parametrize("batch, message", [
    ({"data": np.zeros((2, 3072), np.uint8)}, "a list of labels"),
    ({"labels": [1, 2]}, "a dictionary with data"),
    ([1, 2], "a dictionary with data"),
    ({"data": np.zeros((2, 3071), np.uint8), "labels": [1, 2]}, "a dictionary with data"),
    ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "one label in .*got 1 entries"),
    ({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 256]}, "one label"),
    ({"data": np.zeros((2, 3072), np.uint8), "labels": [1, b"2"]}, "one label"),
])
def test_pickles_of_other_things(batch, message):
    with pytest.raises(DataError, match=f"cifar10: expected .*{message}"):
        records_of_pickle(pickle.dumps(batch, protocol=2), "x")


def test_every_truncation_and_many_flipped_bits_of_a_pickle():
    content = py2_pickle(RECORDS["test_batch"][:1])
    lengths = [*range(1, 180, 3), *range(180, len(content), 397), *range(len(content) - 60, len(content))]
    for length in lengths:
        with pytest.raises(DataError, match="x"):
            records_of_pickle(content[:length], "x")
    interesting = [*range(0, 180), *range(len(content) - 80, len(content))]  # around the pixels
    for bit in (0, 2, 5):
        for position in interesting:
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            try:
                assert len(records_of_pickle(bytes(damaged), "x")) == 3073
            except DataError as error:
                assert "x" in str(error)


@pytest.mark.parametrize("content, message", [
    (b"", "got 0 bytes"), (RECORDS["test_batch"].tobytes()[:-1], "truncated"), (b"\x80\x02.", "pickled part"),
    (b"\x0a" * 3073, r"labels in \[0, 10\) .*got 10 in record 0"), (b"<html>", "expected records of 3073 bytes")])
def test_damaged_files(tmp_path, content, message):
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(DataError, match=f"cifar10: .*{message}") as caught:
        cifar10("test", tmp_path, verify=False)
    assert "test_batch.bin" in str(caught.value)


def test_missing_parts_and_folders(tmp_path):
    with pytest.raises(DataError, match=f"in {tmp_path}, got none of them; pass download=True"):
        cifar10("test", tmp_path)
    with pytest.raises(DataError, match="absent, got no such folder"):
        cifar10("test", tmp_path / "absent")
    write(tmp_path, "binary", "flat")
    (tmp_path / "data_batch_3.bin").unlink()
    with pytest.raises(DataError, match="data_batch_3.bin beside the other parts, got no such file"):
        cifar10("train", tmp_path, verify=False)
    with pytest.raises(ValueError, match="expected a split out of train, heldout, test, full, got 'all'"):
        cifar10("all", tmp_path)


def test_too_large_files_are_not_read(tmp_path):
    with (tmp_path / "test_batch.bin").open("wb") as file:
        file.truncate(1 << 40)                                    # sparse: no disk is used
    with pytest.raises(DataError, match="expected at most 67108864 bytes"):
        cifar10("test", tmp_path)


def test_damaged_archives(tmp_path):
    write(tmp_path, "binary", "archive")
    archive = tmp_path / "cifar-10-binary.tar.gz"
    whole = archive.read_bytes()
    for length in (0, 5, 100, len(whole) // 2):
        archive.write_bytes(whole[:length])
        with pytest.raises(DataError, match="cifar10: expected .*cifar-10-binary.tar.gz"):
            cifar10("test", tmp_path, verify=False)
    archive.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match="truncated or damaged"):
        cifar10("test", tmp_path)
    with tarfile.open(archive, "w:gz") as tar:
        link = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    with pytest.raises(DataError, match="got an archive without it"):
        cifar10("test", tmp_path)


def test_download_asks_for_the_official_archive_and_reads_it(tmp_path, monkeypatch):
    import pooch
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash, fname))
        write(path, "binary", "archive")
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert len(cifar10("full", tmp_path, download=True, verify=False)) == 20
    cifar10("full", tmp_path, download=True, verify=False)
    assert asked == [(URL, f"sha256:{ARCHIVE_SHA256}", "cifar-10-binary.tar.gz")]


@pytest.mark.parametrize("error", [OSError("no network"), ValueError("wrong hash")])
def test_a_download_that_fails(tmp_path, monkeypatch, error):
    import pooch

    def retrieve(*_, **__):
        raise error
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(DataError, match=f"expected to download {URL}, got .*{error}"):
        cifar10("test", tmp_path, download=True)
