"""Grids of images and the PNG files that hold them."""
import errno
import os

import numpy as np
import pytest
from PIL import Image

from tinygan.train import grid, save_grid, save_png


def naive_grid(images, columns, padding):
    """Return the grid by loops over cells and pixels."""
    count, channels, height, width = images.shape
    rows = (count + columns - 1) // columns
    picture = np.zeros((padding + rows * (height + padding), padding + columns * (width + padding), channels), np.uint8)
    for index in range(count):
        top = padding + index // columns * (height + padding)
        left = padding + index % columns * (width + padding)
        for channel in range(channels):
            for y in range(height):
                for x in range(width):
                    picture[top + y, left + x, channel] = round((float(images[index, channel, y, x]) + 1) * 127.5)
    return picture


@pytest.mark.parametrize("shape, columns, padding", [((7, 1, 3, 5), 3, 2), ((6, 3, 4, 2), 2, 1), ((4, 3, 2, 2), 4, 0),
                                                     ((1, 1, 1, 1), 1, 3), ((5, 3, 2, 3), 1, 2)])
def test_grid_is_the_loop_over_cells(shape, columns, padding):
    images = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    expected = naive_grid(images, columns, padding)
    result = grid(images, columns, padding)
    assert result.dtype == np.uint8
    assert np.array_equal(result, expected if shape[1] == 3 else expected[:, :, 0])


def test_the_ends_of_the_range_and_beyond():
    images = np.array([-5.0, -1.0, 0.0, 1.0, 5.0]).reshape(1, 1, 1, 5)
    assert grid(images, padding=0).tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("count, expected", [(1, (1, 1)), (2, (1, 2)), (5, (2, 3)), (64, (8, 8)), (65, (8, 9))])
def test_default_columns(count, expected):
    assert grid(np.zeros((count, 1, 1, 1)), padding=0).shape == expected


def test_images_are_not_modified_and_any_layout_will_do():
    images = np.random.default_rng(0).uniform(-2, 2, (4, 5, 6, 3)).transpose(0, 3, 1, 2)
    before = images.copy()
    assert np.array_equal(grid(images), grid(np.ascontiguousarray(images)))
    assert np.array_equal(images, before)


@pytest.mark.parametrize("images, words", [
    (np.zeros((4, 28, 28)), r"got \(4, 28, 28\)"),
    (np.zeros((4, 2, 8, 8)), r"got \(4, 2, 8, 8\)"),
    (np.zeros((0, 1, 8, 8)), r"got \(0, 1, 8, 8\)"),
    (np.zeros((1, 1, 8, 8), np.uint8), "got uint8"),
])
def test_other_arrays_are_refused(images, words):
    with pytest.raises(ValueError, match=f"grid: expected .*{words}"):
        grid(images)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_images_that_are_not_finite_are_refused(value, tmp_path):
    images = np.zeros((6, 1, 2, 2), np.float32)
    images[[3, 5], 0, 1, 0] = value
    with pytest.raises(ValueError, match="NaN or infinity in 2 of 6 images, first in image 3"):
        save_grid(tmp_path / "a.png", images)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("columns, padding", [(0, 2), (-1, 2), (3, -1)])
def test_other_settings_are_refused(columns, padding):
    with pytest.raises(ValueError, match="grid: expected columns"):
        grid(np.zeros((1, 1, 2, 2)), columns, padding)


@pytest.mark.parametrize("shape, mode", [((5, 7), "L"), ((5, 7, 3), "RGB")])
def test_png_round_trip(tmp_path, shape, mode):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    save_png(tmp_path / "a.png", array)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG" and picture.mode == mode
        assert np.array_equal(np.asarray(picture), array)


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros((2, 2, 4), np.uint8), np.zeros(4, np.uint8)])
def test_other_pictures_are_refused(tmp_path, array):
    with pytest.raises(ValueError, match="save_png: expected uint8"):
        save_png(tmp_path / "a.png", array)


def test_a_failed_write_leaves_the_earlier_picture(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    save_png(path, np.zeros((2, 2), np.uint8))
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_png(path, np.ones((3, 3), np.uint8))
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.png"]
