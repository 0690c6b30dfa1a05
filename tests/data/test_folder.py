"""image_folder: order, classes, crop, colours; empty folders and unreadable files are one error each."""
import numpy as np
import pytest
from PIL import Image

from tinygan.data import DataError, image_folder, unchanged_folder

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def picture(path, colour, size=(8, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


def test_images_of_a_flat_folder_in_sorted_order(tmp_path):
    picture(tmp_path / "b.png", GREEN)
    picture(tmp_path / "a.bmp", RED)
    picture(tmp_path / "C.PNG", BLUE)
    picture(tmp_path / ".hidden.png", BLUE)
    (tmp_path / "notes.txt").write_text("not an image")
    data = image_folder(tmp_path, 4)
    assert data.images.shape == (3, 3, 4, 4) and data.images.dtype == np.uint8
    assert [tuple(map(int, image[:, 0, 0])) for image in data.images] == [BLUE, RED, GREEN]  # "C" sorts before "a"
    assert data.labels.tolist() == [0, 0, 0] and data.classes == () and data.name == tmp_path.name


def test_subfolders_are_classes(tmp_path):
    picture(tmp_path / "dogs" / "1.png", RED)
    picture(tmp_path / "cats" / "1.png", GREEN)
    picture(tmp_path / "cats" / "2.png", BLUE)
    (tmp_path / "empty").mkdir()
    data = image_folder(tmp_path, 2)
    assert data.labels.tolist() == [0, 0, 1] and data.classes == ("cats", "dogs")


def test_the_middle_is_cut_out_and_the_short_side_scaled(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, :10], pixels[:, 10:20], pixels[:, 20:] = RED, GREEN, BLUE
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    image = image_folder(tmp_path, 5).images[0]
    assert image.shape == (3, 5, 5)
    np.testing.assert_array_equal(image[:, 2, 2], GREEN)
    # bicubic interpolation reaches into the neighbours only at the border
    assert (image[:, :, 1:-1] == np.array(GREEN)[:, None, None]).all()


def test_grey_is_luma_and_channels_are_as_asked(tmp_path):
    picture(tmp_path / "red.png", RED)
    grey = image_folder(tmp_path, 4, channels=1)
    assert grey.images.shape == (1, 1, 4, 4) and set(grey.images.ravel()) == {76}  # 0.299 * 255
    picture(tmp_path / "red.png", 100, mode="L")
    assert set(image_folder(tmp_path, 4, channels=3).images.ravel()) == {100}


def test_transparent_pixels_are_white(tmp_path):
    picture(tmp_path / "clear.png", (255, 0, 0, 0), mode="RGBA")
    assert set(image_folder(tmp_path, 4).images.ravel()) == {255}


def test_an_empty_or_missing_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(DataError, match=f"image_folder: expected images .*in {tmp_path}, got none"):
        image_folder(tmp_path, 4)
    with pytest.raises(DataError, match="expected a folder .*absent, got no such folder"):
        image_folder(tmp_path / "absent", 4)
    with pytest.raises(DataError, match="expected a folder .*notes.txt, got a file"):
        image_folder(tmp_path / "notes.txt", 4)


def test_unreadable_images_are_named(tmp_path):
    whole = picture(tmp_path / "a.png", RED, size=(64, 64)).read_bytes()
    for content in (b"", b"not a png", whole[: len(whole) // 2], whole[:60] + b"\xff" * 40 + whole[100:]):
        (tmp_path / "b.png").write_bytes(content)
        with pytest.raises(DataError, match="expected a readable image in .*b.png, got"):
            image_folder(tmp_path, 4)


def test_deep_images_are_refused_rather_than_clipped(tmp_path):
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match="expected an image with 8 bits per channel in .*deep.png, got .*I;16"):
        image_folder(tmp_path, 4)


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match="expected 1 or 3 channels and a positive size, got 2 and 4"):
        image_folder(tmp_path, 4, channels=2)
    with pytest.raises(ValueError, match="got 3 and 0"):
        image_folder(tmp_path, 0)


def test_unchanged_images_keep_their_pixels(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 5, 7, 3), np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    data = unchanged_folder(tmp_path)
    assert (data.images == pixels.transpose(0, 3, 1, 2)).all() and data.name == tmp_path.name
    for index, image in enumerate(pixels):
        (tmp_path / f"{index}.png").unlink()
        (tmp_path / "ab"[index % 2]).mkdir(exist_ok=True)
        Image.fromarray(image[:, :, 0]).save(tmp_path / "ab"[index % 2] / f"{index}.png")
    data = unchanged_folder(tmp_path)
    assert (data.images == pixels[[0, 2, 1], None, :, :, 0]).all()  # grey stays grey
    assert data.labels.tolist() == [0, 0, 1] and data.classes == ("a", "b")


@pytest.mark.parametrize("second, message", [
    (dict(size=(8, 6)), "expected images of one size and kind in .*, got colour 8 x 8 in a.png and colour 8 x 6 in b"),
    (dict(mode="L", colour=7), "got colour 8 x 8 in a.png and grey 8 x 8 in b.png"),
    (dict(mode="I;16", colour=7), "expected an image with 8 bits per channel"),
])
def test_unchanged_images_that_are_not_alike_are_refused(tmp_path, second, message):
    picture(tmp_path / "a.png", RED)
    picture(tmp_path / "b.png", **{"colour": RED, **second})
    with pytest.raises(DataError, match=message):
        unchanged_folder(tmp_path)
