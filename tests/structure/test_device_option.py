"""`pytest -m gpu --device cuda` runs the tests of the GPU on the GPU, and says so where there is none."""
import subprocess
import sys
from pathlib import Path

import pytest

from tinygan import backend

ROOT = Path(__file__).resolve().parents[2]
FILES = ["tests/train/test_full_device.py", "tests/train/test_play_on_device.py"]


def run(*arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, *FILES]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_tests_of_the_gpu_are_found_and_those_of_the_stand_in_are_not_among_them():
    done = run("-m", "gpu", "--collect-only")
    assert done.returncode == 0 and "test_play_on_device.py" in done.stdout, done.stdout + done.stderr
    assert "test_full_device.py" not in done.stdout and "deselected" in done.stdout


@pytest.mark.skipif(backend.cuda_available(), reason="expected no GPU, found one")
def test_without_a_gpu_the_option_is_an_error():
    done = run("-m", "gpu", "--device", "cuda")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--device cuda: expected CuPy and a GPU that it finds, got none" in done.stderr
