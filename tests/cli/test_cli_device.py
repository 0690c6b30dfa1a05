"""--device cuda, on the strict stand-in for CuPy."""
import json

import numpy as np
import pytest

from tinygan.train import load_checkpoint


@pytest.mark.parametrize("recipe", ["rpgan-r1-r2", "wgan", "wgan-gp", "began", "infogan"])
def test_a_run_on_a_gpu_is_trained_resumed_and_sampled(tinygan, tmp_path, words, cupy_standin, recipe):
    words = [word for word in words.points if word not in ("--device", "cpu")]
    done = tinygan("train", recipe, *words, "ema=0.9", "--device", "cuda", "--steps", 4, "--quiet", "--out", "a")
    assert (done.status, done.err) == (0, ""), done.err
    settings = json.loads((tmp_path / "a" / "config.json").read_text())["settings"]
    assert settings["device"] == "cuda:0"
    assert tinygan("resume", "a", "--steps", 6, "--quiet").err == ""
    assert load_checkpoint(tmp_path / "a" / "last.npz")["step"] == 6
    assert tinygan("sample", "a", "--device", "cuda", "--out", "gpu.npy").status == 0
    assert tinygan("resume", "a", "--device", "cpu", "--steps", 7, "--quiet").err == ""
    samples = np.load(tmp_path / "gpu.npy")
    assert samples.shape == (64, 2) and np.isfinite(samples).all()


def test_auto_takes_the_gpu(tinygan, words, cupy_standin):
    words = [word for word in words.points if word not in ("--device", "cpu")]
    done = tinygan("train", "gan", *words, "--dry-run")
    assert done.status == 0 and "device cuda:0, " in done.out


@pytest.mark.standin
def test_info_names_every_gpu_and_what_drives_them(tinygan, cupy_standin, monkeypatch):
    monkeypatch.setattr(cupy_standin.cuda.Device, "count", 2)
    monkeypatch.setattr(cupy_standin.cuda.runtime, "memGetInfo",
                        lambda: ((3 - cupy_standin.cuda.Device().id) * 2 ** 30, 4 * 2 ** 30))
    lines = [" ".join(line.split()) for line in tinygan("info").out.splitlines()]
    assert "cuda:0 Stand-in 9000, compute capability 9.0, 4.0 GiB, 3.0 GiB of it unused" in lines
    assert "cuda:1 Stand-in 9000, compute capability 9.0, 4.0 GiB, 2.0 GiB of it unused" in lines
    assert "CUDA runtime 12.9, driver for up to 13.0" in lines
    assert "float32 products set_precision('highest')" in lines


@pytest.mark.standin
def test_info_says_why_there_is_no_gpu(tinygan, cupy_standin, monkeypatch):
    def count():
        raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version")
    monkeypatch.setattr(cupy_standin.cuda.runtime, "getDeviceCount", count)
    assert "none: cudaErrorInsufficientDriver: CUDA driver version" in tinygan("info").out


def test_images_on_a_gpu(tinygan, tmp_path, words, cupy_standin):
    words = [word for word in words.images if word not in ("--device", "cpu")]
    done = tinygan("train", "dcgan", *words, "--device", "cuda", "--steps", 2, "--no-score", "--quiet", "--out", "a")
    assert (done.status, done.err) == (0, ""), done.err
    for command in (["sample", "a", "--grid"], ["interpolate", "a", "--rows", 2, "--frames", 3]):
        assert tinygan(*command, "--device", "cuda").status == 0
    assert (tmp_path / "a" / "grid.png").exists() and (tmp_path / "a" / "interpolation.gif").exists()
