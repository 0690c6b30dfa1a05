"""load(): the names and folders of the examples' --data option."""
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tinygan.data import DataError, embedded_mnist, load

MODULE = sys.modules["tinygan.data.sources"]


def test_embedded_in_the_sizes_and_channels_asked_for():
    np.testing.assert_array_equal(load("embedded").images, embedded_mnist("train").images)
    assert load("embedded", "heldout", size=16, channels=3).images.shape == (2000, 3, 16, 16)


@pytest.mark.parametrize("name, function", [("mnist", "mnist"), ("fashion-mnist", "fashion_mnist"),
                                            ("cifar10", "cifar10")])
def test_names_call_their_functions_and_download_by_default(name, function, monkeypatch):
    calls = []
    monkeypatch.setattr(MODULE, function, lambda *args, **kw: calls.append((args, kw)) or embedded_mnist("test"))
    load(name, "heldout")
    load(name, "test", download=False)
    assert calls == [(("heldout",), {"download": True}), (("test",), {"download": False})]


def test_a_folder_of_idx_files(tmp_path, write_idx):
    values = np.arange(12, dtype=np.uint8)
    write_idx("train-images.idx3-ubyte.gz", np.broadcast_to(values[:, None, None], (12, 28, 28)))
    write_idx("train-labels.idx1-ubyte", values * 3)
    train, heldout = load(tmp_path), load(str(tmp_path), "heldout", size=14)
    assert train.images[:, 0, 0, 0].tolist() == list(range(10)) and heldout.images.shape == (2, 1, 14, 14)
    assert heldout.labels.tolist() == [30, 33] and heldout.split == "heldout" and train.name == tmp_path.name
    with pytest.raises(DataError, match="load: expected t10k-images-idx3-ubyte and t10k-labels.*got neither"):
        load(tmp_path, "test")
    (tmp_path / "train-labels.idx1-ubyte").unlink()
    with pytest.raises(DataError, match="load: expected train-labels-idx1-ubyte .*got no such file"):
        load(tmp_path)


def test_a_folder_of_images_holds_out_every_sixth(tmp_path):
    for i in range(13):
        Image.new("L", (30, 30), 10 * i).save(tmp_path / f"{i:02}.png")
    parts = {split: (load(tmp_path, split, size=8).images[:, 0, 0, 0] // 10).tolist()
             for split in ("train", "heldout", "test")}
    assert parts == {"train": [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 12], "heldout": [5, 11], "test": [5, 11]}
    assert load(tmp_path, "heldout").split == "heldout"


def test_too_few_images_to_hold_some_out(tmp_path, write_idx):
    Image.new("L", (8, 8)).save(tmp_path / "only.png")
    assert len(load(tmp_path)) == 1
    with pytest.raises(DataError, match="expected at least 6 images in .*, got 1"):
        load(tmp_path, "heldout")
    folder = tmp_path / "idx"
    write_idx("train-images-idx3-ubyte", np.ones((5, 4, 4), np.uint8), folder)
    write_idx("train-labels-idx1-ubyte", np.ones(5, np.uint8), folder)
    assert len(load(folder)) == 5
    with pytest.raises(DataError, match="expected at least 6 images"):
        load(folder, "heldout")


def test_what_is_neither_a_name_nor_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="load: expected embedded, mnist, .*, cifar10 or a folder, got 'cifar'"):
        load("cifar")
    with pytest.raises(DataError, match=r"got '.*file' \(a file\)"):
        load(tmp_path / "file")
    with pytest.raises(DataError, match="or images, in .*, got neither"):
        load(tmp_path)
    with pytest.raises(ValueError, match="load: expected a split out of train, heldout, test, got 'all'"):
        load("embedded", "all")


def test_importing_data_imports_numpy_alone():
    code = ("import sys, tinygan.data; "
            "print(*{'PIL', 'pooch', 'matplotlib', 'scipy', 'tqdm', 'cupy', 'requests'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
