"""What counts as agreement of two figures, and as a slide that is off."""
import math

import numpy as np
import pytest

from tinygan import random
from tinygan.theory.checked import Checked, distance, seeded, shown


@pytest.mark.parametrize("a, b, apart", [
    (1.0, 1.5, 0.5), ([1, 2], [1, 5], 3), (math.inf, math.inf, 0), (math.inf, 1, math.inf),
    (-math.inf, math.inf, math.inf),
    (math.nan, 1, math.inf), (math.nan, math.nan, math.inf), ([0, 0], 2, 2), ([], [], 0),
])
def test_distance(a, b, apart):
    assert distance(a, b) == apart


def test_shapes_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError):
        distance([1, 2], [1, 2, 3])


@pytest.mark.parametrize("slide, right, again, holds, off", [
    (2, 1, 1.05, True, False),   # nearer than ten times the tolerance: not told apart
    (3, 1, 1.05, True, True),
    (3, 1, 1.2, False, True),    # the two routes do not agree
    (math.inf, 1, 1, True, True),
    (math.nan, 1, 1, True, True),
    (3, math.nan, math.nan, False, True),
])
def test_verdicts(slide, right, again, holds, off):
    figure = Checked("a figure", slide, right, again, "by hand", tolerance=0.1)
    assert (figure.holds, figure.off) == (holds, off)


def test_counts_agree_exactly_or_not_at_all():
    assert Checked("steps", 6, 5, 5, "by hand", tolerance=0).off
    assert not Checked("steps", 5, 5, 5, "by hand", tolerance=0).off


def test_figures_are_short():
    assert shown(1 / 3) == "0.333333" and shown(np.float32(-0.0)) == "0" and shown([1, 2.5]) == "(1, 2.5)"
    assert shown(math.inf) == "inf" and shown(1e-12) == "1e-12"


def test_streams_are_put_back_after_an_error_too():
    random.manual_seed(3)
    before = random.get_state()
    with pytest.raises(KeyError), seeded(0):
        random.normal((2,))
        raise KeyError
    assert random.get_state() == before
