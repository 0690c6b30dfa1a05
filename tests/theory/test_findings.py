"""Findings: what each criterion accepts, what is printed, and when a picture is drawn."""
import math

import numpy as np
import pytest

from tinygan.theory import Findings
from tinygan.theory.pictures import figure, finish


@pytest.mark.parametrize("add, passed", [
    (lambda f: f.equal("a", 1.0, 1.5, 0.5), True),
    (lambda f: f.equal("a", 1.0, 1.5, 0.4), False),
    (lambda f: f.equal("a", math.inf, math.inf, 0.1), True),
    (lambda f: f.equal("a", math.inf, 1.0, 0.1), False),
    (lambda f: f.equal("a", math.nan, math.nan, 0.1), False),
    (lambda f: f.equal("a", 1.0, 1.5, np.float64(0.4)), False),
    (lambda f: f.at_most("a", 1.0, 1.0), True),
    (lambda f: f.at_most("a", 1.1, 1.0), False),
    (lambda f: f.at_least("a", 1.0, 1.0), True),
    (lambda f: f.at_least("a", 0.9, 1.0), False),
    (lambda f: f.at_least("a", math.nan, 1.0), False),
    (lambda f: f.within("a", 1.0, 0.0, 1.0), True),
    (lambda f: f.within("a", 1.1, 0.0, 1.0), False),
])
def test_criteria(add, passed):
    found = Findings()
    add(found)
    assert found.rows[0].passed is passed and found.rows[0].kind == "KNOWN"
    assert found.known_failures() == ([] if passed else found.rows)


def test_only_known_rows_are_failures():
    found = Findings()
    found.at_most("target", 2, 1, kind="CAL")
    found.note("a number", np.float32(0.5))
    found.note("a text", "words")
    assert found.known_failures() == [] and found.missed() == found.rows[:1]
    assert [row.passed for row in found.rows] == [False, None, None]
    assert [type(row.value) for row in found.rows] == [float, float, str]
    with pytest.raises(ValueError, match="a: expected a kind out of 'KNOWN', 'CAL', '', got 'MAYBE'"):
        found.at_most("a", 0, 1, kind="MAYBE")


def test_the_table_is_aligned_and_says_what_was_missed():
    found = Findings()
    found.equal("W1", 0.798, 0.797885, 0.01, route="quadrature")
    found.within("a longer label", 3, 0, 1, kind="CAL")
    found.note("seed", "0")
    header, first, second, third = str(found).splitlines()
    assert first.split() == ["W1", "0.798", "=", "0.797885", "within", "0.01", "quadrature", "KNOWN", "ok"]
    assert second.endswith("MISSED") and third.split() == ["seed", "0"]
    assert header.index("value") == first.index("0.798") == second.index("3  ")
    assert header.index("verdict") == second.index("MISSED") == first.index("ok")


def test_pictures_are_drawn_only_into_a_folder(tmp_path):
    def draw():
        made, (left, right) = figure(2, title="both")
        left.plot([0, 1], label="line")
        finish(left, "left", "x", "y")
        finish(right, "right", legend=False)
        return made

    found = Findings()
    found.picture(lambda: pytest.fail("drawn for nobody"), "a.png")
    assert found.pictures == []
    found = Findings(tmp_path / "new")
    found.picture(draw, "a.png")
    found.picture(draw(), "b.png")
    assert [path.name for path in found.pictures] == ["a.png", "b.png"]
    for path in found.pictures:
        assert path.read_bytes().startswith(b"\x89PNG")
