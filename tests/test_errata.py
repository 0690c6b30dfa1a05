"""One test per row of the corrections that states a checkable fact: the right value holds, the slide's is off.

The figures in PUBLISHED were worked out before the checks were written; a check has to give them as well.
"""
import functools
import math

import pytest

from tinygan import random
from tinygan.theory import errata
from tinygan.theory.checked import Checked, checks, distance, run

ROWS = errata.errata()
CHECKED = [number for number, row in ROWS.items() if row.unchecked is None]

# number: (slide, right) of the row's figures in their order, to the digits given; None is not published.
PUBLISHED = {
    "1.1": [(1.3863, 0.6931)],
    "1.2": [None, (10.27, None)],
    "1.3": [(0.05191, -1.28247)],
    "1.4": [(0, -math.log(4))],
    "1.7": [(0.6931, 0.2158)],
    "1.8": [(None, 4.25)],
    "2.2": [(-0.99995, -4.54e-5)],
    "2.7": [(0, 0.3)],
    "2.12": [(None, 5.40962766), (None, 1.9)],
    "3.1": [(1, 0.7979), (0.5, 0.3989), (2, 1.1666), (1.5, 1.0085), (2.5, 1.6454)],
    "3.4": [(10, 0.01)],
    "3.5": [(-1.05, 1.05), (None, -1.025)],
    "3.7": [(None, 0), (1, math.sqrt(101))],
    "3.8": [(10, 0)],
    "3.10": [(2, math.sqrt(2))],
    "3.11": [(None, 0.5)],
    "3.14": [(None, [2, 2, -1, 0])],
    "3.16": [(5, 0.5)],
    "3.17": [(1, 0.1)],
    "3.18": [(0.01, 0.001)],
    "4.3": [(1, 1.712), (1, 8.797 / 3)],
    "5.1": [(2.25, 0)],
    "5.2": [(1, 196)],
    "5.3": [(0, 6)],
    "5.6": [(4, 2.25)],
    "5.7": [([-0.2876, 0.6297], None)],
    "5.16": [(0, 400)],
    "5.17": [(0, 0.4486)],
    "7.4": [(None, 6), (None, [1, 2, 3])],
    "8.1": [([1.2829, 1.1472], 1.2131)],
    "8.2": [(2, 4)],
    "8.3": [(None, 10)],
    "10.1": [(0.11142, 0.22284)],
    "10.4": [(1, 1.5), (None, [3 / 28, 1 / 4])],
}


@functools.cache
def figures_of(number):
    """The figures of a row: each check runs once for all tests of this file."""
    return run(number)


@pytest.mark.parametrize("number", CHECKED)
def test_errata(number):
    found = figures_of(number)
    assert found, f"{number}: expected at least one figure, got none"
    for figure in found:
        assert figure.holds, f"{number}: the right value is not confirmed: {figure}"
        assert figure.off, f"{number}: the slide's value is not told apart from the right one: {figure}"


@pytest.mark.parametrize("number", PUBLISHED)
def test_published_figures(number):
    for figure, published in zip(figures_of(number), PUBLISHED[number]):
        for value, known in zip((figure.slide, figure.right), published or ()):
            # four digits are published of most figures; zeros are zeros to rounding and to what optimisers stop at
            assert known is None or distance(value, known) <= max(1e-6, 5e-4 * distance(known, 0)), figure


@pytest.mark.parametrize("number", CHECKED)
def test_a_check_can_fail(number):
    """In the place of the right value, the slide's is refused by the other route."""
    for figure in figures_of(number):
        wrong = Checked(figure.what, figure.slide, figure.slide, figure.again, figure.route, figure.tolerance)
        assert not wrong.holds and not wrong.off


def test_every_row_has_a_check_or_says_why_not():
    assert set(checks()) <= set(ROWS), "expected checks of rows that exist"
    for number, row in ROWS.items():
        assert (number in checks()) == (row.unchecked is None), f"{number}: expected a check or a reason, not both"
        assert row.unchecked is None or 0 < len(row.unchecked.split()) <= 12, f"{number}: one phrase"


def test_rows_are_complete_and_in_order():
    numbers = [tuple(map(int, number.split("."))) for number in ROWS]
    assert numbers == sorted(numbers) and len(numbers) == 106
    counts = [max(n for c, n in numbers if c == chapter) for chapter in range(1, 11)]
    assert counts == [15, 12, 23, 6, 18, 9, 9, 4, 6, 4]
    for row in ROWS.values():
        assert set(row.kind.split(", ")) <= set(errata.KINDS)
        assert row.says and row.right and row.slides
        assert all(slide.split(": ")[0] in ("000", "001", "002", "003", "paper") for slide in row.slides), row


def test_the_text_of_a_row():
    printed = errata.text(errata.find("3.16"))
    assert "slide   001: Discrete example" in printed and "says    W = 5." in printed
    assert "slide 5; right 0.5; by another route 0.5 (SciPy)" in printed
    assert "none: notation only" in errata.text(errata.find("2.1"))


def test_an_unknown_number_is_named():
    with pytest.raises(ValueError, match=r"got '3\.55'; nearest: .*3\.5"):
        errata.find("3.55")


def test_checks_leave_the_random_streams_alone():
    random.manual_seed(7)
    before = random.get_state()
    first = run("5.7")
    assert random.get_state() == before
    assert distance(first[0].right, run("5.7")[0].right) == 0
