"""The examples refuse what they cannot do before anything is computed or written; what they compute CI looks at."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name, option", [("dcgan_mnist", "--epochs"), ("gan_points", "--steps"),
                                          ("wgan_gp_mnist", "--steps")])
@pytest.mark.parametrize("count", ["-1", "0"])
def test_a_training_of_no_length_is_refused(name, option, count, tmp_path):
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), option, count, "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    assert done.stderr.splitlines()[-1].endswith(f"argument {option}: expected a number of at least 1, got {count}")
