"""The IDX reader: what is written comes back, and everything wrong with a file is one DataError naming the file."""
import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygan.data import DataError, read_idx, read_images, read_labels, read_pair
from tinygan.data.idx import TYPES, parse_idx

from .conftest import idx_bytes

IMAGES = (np.arange(5 * 4 * 3) % 251).astype(np.uint8).reshape(5, 4, 3)
LABELS = np.array([0, 1, 2, 1, 0], np.uint8)

arrays = st.sampled_from(sorted(TYPES.values())).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))


@given(array=arrays, compressed=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip_of_every_type_and_shape(tmp_path, array, compressed):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx_bytes(array)) if compressed else idx_bytes(array))
    result = read_idx(path)
    assert result.dtype == array.dtype and result.dtype.isnative and not result.flags.writeable
    np.testing.assert_array_equal(result, array)


def test_a_flipped_bit_in_a_gzip_file_never_gives_other_values(tmp_path):
    whole, path = gzip.compress(idx_bytes(IMAGES), mtime=0), tmp_path / "images.gz"
    harmless = set()
    for bit in range(8 * len(whole)):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        try:
            result = read_idx(path)
        except DataError as error:
            assert str(path) in str(error)
        else:
            harmless.add(bit // 8)
            np.testing.assert_array_equal(result, IMAGES)
    # flags, date, compression hint and operating system; and the padding in front of the trailer of 8 bytes
    assert harmless <= {*range(3, 10), len(whole) - 9}


@given(content=st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_are_an_array_of_their_length_or_a_data_error(content):
    try:
        result = parse_idx(content, "noise")
    except DataError as error:
        assert "noise" in str(error)
    else:
        assert 4 + 4 * result.ndim + result.nbytes == len(content)


@pytest.mark.parametrize("length", [0, 1, 2, 9, 17, 18, 30, -9, -8, -4, -1])
def test_a_truncated_gzip_file(tmp_path, length):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(IMAGES), mtime=0)[:length])
    with pytest.raises(DataError, match="images.gz"):
        read_idx(path)


def test_every_truncation_of_a_plain_file(tmp_path):
    content, path = idx_bytes(IMAGES), tmp_path / "images"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=str(path)):
            read_idx(path)
    assert length == len(content) - 1


def damaged(content):
    header = content[:4]
    return [
        (content[:-7], "expected 76 bytes .*5 x 4 x 3 of uint8.*got 69: the file is truncated"),
        (content + b"\0\0", "expected 76 bytes .*got 78: bytes follow"),
        (b"\1" + content[1:], "expected an IDX file .*begins with the bytes 1, 0, 8, 3"),
        (b"\0\1" + content[2:], "expected an IDX file .*begins with the bytes 0, 1, 8, 3"),
        (header[:2] + b"\x0a" + content[3:], "expected a type code out of .*got 10"),
        (header[:3] + b"\0" + content[4:], "expected an IDX file .*begins with the bytes 0, 0, 8, 0"),
        (header[:3] + b"\xff" + content[4:], "expected an IDX file .*begins with the bytes 0, 0, 8, 255"),
        (header + content[4:10], "expected a header of 16 bytes .*got a file of 10 bytes"),
        (header + struct.pack(">3I", 6, 4, 3) + content[16:], "expected 88 bytes .*got 76"),
        (header + struct.pack(">3I", 2 ** 32 - 1, 2 ** 32 - 1, 3) + content[16:], "got 76: the file is truncated"),
        (b"<html>not found</html>", "begins with the bytes 60, 104, 116, 109"),
        (b"", "got a file of 0 bytes"),
    ]


@pytest.mark.parametrize("content, message", damaged(idx_bytes(IMAGES)))
@pytest.mark.parametrize("name", ["images-file", "images-file.gz"])
def test_damaged_content_is_named(tmp_path, content, message, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DataError, match=message) as caught:
        read_images(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_in_its_place(tmp_path):
    with pytest.raises(DataError, match="expected a file .*absent, got no such file"):
        read_idx(tmp_path / "absent")
    with pytest.raises(DataError, match="expected a readable file .*got Is a directory"):
        read_idx(tmp_path)


def test_gzip_is_recognised_by_content_whatever_the_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(idx_bytes(IMAGES))
    (tmp_path / "packed").write_bytes(gzip.compress(idx_bytes(IMAGES)))
    for name in ("plain.gz", "packed"):
        np.testing.assert_array_equal(read_images(tmp_path / name), IMAGES)


def test_labels_where_images_are_expected_and_the_reverse(write_idx):
    images, labels = write_idx("images.gz", IMAGES), write_idx("labels.gz", LABELS)
    with pytest.raises(DataError, match=r"labels.gz, got uint8 of shape \(5,\); this looks like a file of labels"):
        read_images(labels)
    with pytest.raises(DataError, match=r"images.gz, got uint8 of shape \(5, 4, 3\); this looks like a file of images"):
        read_labels(images)
    with pytest.raises(DataError, match="looks like a file of labels"):
        read_pair(labels, images)


def test_images_of_another_type_or_of_no_pixels(write_idx):
    with pytest.raises(DataError, match="expected uint8 images .*got float32"):
        read_images(write_idx("floats", IMAGES.astype(np.float32)))
    with pytest.raises(DataError, match=r"got uint8 of shape \(0, 4, 3\)"):
        read_images(write_idx("empty", IMAGES[:0]))
    with pytest.raises(DataError, match="expected integer labels .*got float64"):
        read_labels(write_idx("real", LABELS.astype(np.float64)))


def test_labels_are_int64_and_checked_against_the_number_of_classes(write_idx):
    path = write_idx("labels", LABELS)
    labels = read_labels(path, classes=3)
    assert labels.dtype == np.int64 and labels.tolist() == LABELS.tolist() and not labels.flags.writeable
    with pytest.raises(DataError, match=r"expected labels in \[0, 2\) in .*labels, got 2 at position 2 \(1 labels"):
        read_labels(path, classes=2)
    with pytest.raises(DataError, match="got -3 at position 1"):
        read_labels(write_idx("signed", np.array([1, -3, 2], np.int8)))


def test_numbers_of_images_and_labels_must_agree(write_idx):
    images = write_idx("images", IMAGES)
    read_images_, read_labels_ = read_pair(images, write_idx("labels", LABELS))
    assert len(read_images_) == len(read_labels_) == 5
    with pytest.raises(DataError, match="each of the 5 images in .*images, got 4 labels in .*short"):
        read_pair(images, write_idx("short", LABELS[:4]))
