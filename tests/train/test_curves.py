"""Curves of a log, drawn without matplotlib's global state."""
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinygan.plot import curves

ROOT = Path(__file__).resolve().parents[2]
LOG = [{"step": step, "d_loss": 1.0 / (1 + step), "g_loss": float(step), "note": "x", "images_per_s": 9 - step}
       for step in range(9)]


def colours(path):
    """Return the set of saturated colours in a picture: those of the lines, not the grey of axes and text."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    return set(map(tuple, pixels[np.ptp(pixels, axis=1) > 100]))


@pytest.mark.parametrize("keys, hues", [(["d_loss"], 1), (["d_loss", "g_loss"], 2), (None, 2),
                                        (["d_loss", "g_loss", "images_per_s"], 3)])
def test_one_line_for_each_key(tmp_path, keys, hues):
    curves(LOG, tmp_path / "a.png", keys)
    # The first three colours of matplotlib's cycle.
    cycle = [(31, 119, 180), (255, 127, 14), (44, 160, 44)]
    assert [colour in colours(tmp_path / "a.png") for colour in cycle] == [index < hues for index in range(3)]


def test_missing_keys_and_values_that_are_not_finite_leave_gaps(tmp_path):
    curves([{"step": 0, "a": 1.0}, {"step": 1}, {"step": 2, "a": math.nan}, {"step": 3, "a": math.inf},
            {"step": 4, "a": 2.0}, {"a": 3.0}], tmp_path / "a.png", ["a"])
    assert (tmp_path / "a.png").stat().st_size > 0


@pytest.mark.parametrize("log, keys", [([], None), (LOG, []), (LOG, ["other"]), (LOG, ["note"]),
                                       ([{"d_loss": 1.0}], None)])
def test_nothing_to_draw_is_an_error(tmp_path, log, keys):
    with pytest.raises(ValueError, match=f"curves: expected records .* none in {len(log)} records"):
        curves(log, tmp_path / "a.png", keys)
    assert not (tmp_path / "a.png").exists()


def test_pyplot_is_not_loaded(tmp_path):
    script = (f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tinygan.plot import curves\n"
              "assert 'matplotlib' not in sys.modules\n"
              f"curves([dict(step=0, loss=1.0)], {str(tmp_path / 'a.png')!r}, ['loss'])\n"
              "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
