"""sample and interpolate: which weights, which numbers, which files."""
import numpy as np
import pytest
from PIL import Image

from tinygan.cli.sampling import slerp, straight
from tinygan.tensor import Tensor
from tinygan.train import load_gan


def test_a_grid_says_which_weights_it_shows(tinygan, runs, tmp_path):
    done = tinygan("sample", runs["images"], "-n", 9, "--grid", "--out", "new/grid.png")
    assert done.status == 0 and "9 samples with raw weights of checkpoint 'last'" in done.out
    with Image.open(tmp_path / "new" / "grid.png") as picture:
        assert picture.size == (32, 32)  # 3 x 3 images of 8 pixels, lines of 2 pixels around them
    done = tinygan("sample", runs["points"], "--out", "a.npy")
    assert done.status == 0 and "64 samples with EMA (0.9) weights" in done.out and "a.npy" in done.out


def test_samples_are_those_of_the_weights_that_were_named(tinygan, runs, tmp_path):
    for words, raw in [([], False), (["--ema"], False), (["--raw"], True)]:
        done = tinygan("sample", runs["points"], "-n", 5, "--seed", 3, "--out", "a.npy", *words)
        assert done.status == 0 and ("raw" in done.out) == raw
        from tinygan import random
        gan = load_gan(runs["points"], raw=raw)
        random.manual_seed(3)
        assert (np.load(tmp_path / "a.npy") == gan.sample(5)).all()
    one = np.load(tmp_path / "a.npy")
    tinygan("sample", runs["points"], "-n", 5, "--seed", 4, "--raw", "--out", "a.npy")
    assert (np.load(tmp_path / "a.npy") != one).all()


def test_the_best_checkpoint(tinygan, runs, tmp_path):
    assert "checkpoint 'best'" in tinygan("sample", runs["points"], "--best", "--out", "a.npy").out
    done = tinygan("sample", runs["images"], "--best")
    assert done.status == 1 and "best.npz: cannot read the checkpoint" in done.err


def test_truncated_noise_gives_less_spread(tinygan, runs, tmp_path):
    spread = []
    for words in ([], ["--truncation", 0.2]):
        assert tinygan("sample", runs["points"], "-n", 500, "--raw", "--out", "a.npy", *words).status == 0
        spread.append(np.load(tmp_path / "a.npy").std(axis=0).mean())
    # G is piecewise linear without biases of size yet: noise 1 / 0.115 times as wide makes samples as much wider
    assert spread[1] < 0.5 * spread[0]


def test_default_places(tinygan, runs):
    for name, words, out in [("images", ["--grid"], "grid.png"), ("images", [], "generated"),
                             ("points", [], "generated.npy"), ("points", ["--grid"], "grid.png")]:
        done = tinygan("sample", runs[name], "-n", 3, *words)
        assert done.status == 0 and (runs[name] / out).exists()
    images = sorted((runs["images"] / "generated").iterdir())
    assert [p.name for p in images] == ["00000.png", "00001.png", "00002.png"]
    with Image.open(images[0]) as picture:
        assert picture.size == (8, 8)


@pytest.mark.parametrize("run, words, message", [
    ("plain", ["--ema"], "expected a run with averaged weights for --ema, got one with ema 0"),
    ("points", ["--out", "folder"], "expected a .png or .npy file for samples of shape (2,), got folder"),
    ("points", ["--out", "a.jpg"], "expected a .png or .npy file or a folder, got a.jpg"),
    ("images", ["--grid", "--out", "a.npy"], "--grid: expected --out with the ending .png, got a.npy"),
    ("points", ["-n", "0"], "expected a whole number of at least 1, got '0'"),
    ("points", ["--truncation", "-1"], "expected a number above 0, got '-1'"),
    ("points", ["--raw", "--ema"], "argument --ema: not allowed with argument --raw"),
])
def test_what_cannot_be_meant(tinygan, runs, tmp_path, run, words, message):
    done = tinygan("sample", runs[run], *words)
    assert done.status == 2 and message in done.err and len(done.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def shown(film):
    """For how many milliseconds a film is shown; Pillow writes equal frames as one that lasts longer."""
    return sum(film.seek(k) or film.info["duration"] for k in range(film.n_frames))


def test_a_film_and_a_picture_of_images(tinygan, runs, tmp_path):
    done = tinygan("interpolate", runs["images"], "--rows", 3, "--frames", 4, "--out", "way")
    assert done.status == 0, done.err
    assert "with raw weights" in done.out
    with Image.open(tmp_path / "way.png") as picture:
        assert picture.size == (4 * 10 + 2, 3 * 10 + 2)
        cells = np.asarray(picture)
    with Image.open(tmp_path / "way.gif") as film:
        assert film.size == (8, 8) and film.info["loop"] == 0
        assert shown(film) == 3 * 3 * 60
    rows = [[cells[10 * r + 2:10 * r + 10, 10 * c + 2:10 * c + 10] for c in range(4)] for r in range(3)]
    for r in range(3):  # the end of each way is the beginning of the next: no seam
        assert (rows[r][3] == rows[(r + 1) % 3][0]).all() and (rows[r][0] != rows[r][3]).any()


def test_a_single_way_and_points(tinygan, runs, tmp_path):
    assert tinygan("interpolate", runs["images"], "--rows", 1, "--frames", 3, "--out", "one").status == 0
    with Image.open(tmp_path / "one.gif") as film:
        assert shown(film) == 2 * 60
    assert tinygan("interpolate", runs["images"], "--rows", 1, "--frames", 3, "--out", "two.png").status == 0
    assert {path.name for path in tmp_path.glob("two*")} == {"two.png", "two.gif"}
    done = tinygan("interpolate", runs["points"], "--rows", 2, "--frames", 5)
    assert done.status == 0 and "EMA" in done.out
    with Image.open(runs["points"] / "interpolation.png") as picture:
        assert picture.size == (256, 256)


def test_slerp_keeps_length_and_turns_evenly():
    rng = np.random.default_rng(0)
    a, b = (Tensor(v / np.linalg.norm(v, axis=1, keepdims=True)) for v in rng.standard_normal((2, 6, 5)))
    angle = np.arccos((a.data * b.data).sum(1))
    for share in (0.0, 0.25, 0.5, 1.0):
        at = slerp(a, b, share).data
        np.testing.assert_allclose(np.linalg.norm(at, axis=1), 1, atol=1e-12)
        # arccos loses half of the digits near 1, where share = 0 is
        np.testing.assert_allclose(np.arccos(np.clip((at * a.data).sum(1), -1, 1)), share * angle, atol=1e-7)
    np.testing.assert_allclose(slerp(a, b, 1.0).data, b.data, atol=1e-12)


def test_slerp_of_parallel_and_opposite_rows_is_straight():
    a = Tensor(np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]]))
    b = Tensor(np.array([[2.0, 4.0], [-3.0, 0.0], [1.0, 1.0]]))
    assert np.isfinite(slerp(a, b, 0.3).data).all()
    np.testing.assert_allclose(slerp(a, b, 0.5).data[:2], straight(a, b, 0.5).data[:2])
    assert slerp(Tensor(a.data.astype(np.float32)), Tensor(b.data.astype(np.float32)), 0.5).dtype == np.float32
