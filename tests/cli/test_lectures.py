"""tinygan theory errata and tinygan theory map."""
import pytest

from tinygan.theory import errata, lecture_map


def test_one_correction_has_its_slide_both_statements_and_the_number(tinygan):
    done = tinygan("theory", "errata", "3.1")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "3.1 (wrong)"
    assert lines[1] == "slide   001: Example of WGAN with Lipschitz Constraints"
    assert lines[2].startswith("says    W1(") and lines[3].startswith("right   E|mu")
    assert any("slide 2; right 1.16663" in line for line in lines)


def test_all_corrections_are_printed_when_none_is_named(tinygan, monkeypatch):
    monkeypatch.setattr(errata, "run", lambda number: [])  # their figures are tests of their own
    done = tinygan("theory", "errata")
    assert done.status == 0
    heads = [line.split(" ")[0] for line in done.out.splitlines() if line.endswith(")") and line[0].isdigit()]
    assert heads == list(errata.errata())


def statements(out):
    """The printed rows below the headings, without the header and the summary."""
    return [line for line in out.splitlines()[1:-1] if line.startswith("  ")]


def test_the_map_of_one_deck(tinygan):
    done = tinygan("theory", "map", "--deck", "002")
    rows = lecture_map.chosen("002")
    assert done.status == 0 and len(statements(done.out)) == len(rows)
    headings = [line for line in done.out.splitlines()[1:-1] if not line.startswith("  ")]
    assert headings == list(dict.fromkeys(f"002 {row.slide}" for row in rows))
    assert done.out.splitlines()[-1] == lecture_map.summary(rows)


def test_planned_statements_are_those_without_a_file(tinygan):
    shown = statements(tinygan("theory", "map", "--planned").out)
    assert len(shown) == sum(line.status == "planned" for line in lecture_map.lines())
    assert all(" planned" in line for line in shown)


def test_the_page(tinygan):
    assert tinygan("theory", "map", "--markdown").out == lecture_map.markdown()


@pytest.mark.parametrize("words, message", [
    (("errata", "99.1"), "expected the number of a correction, got '99.1'"),
    (("list", "3.1"), "expected a number after errata alone, got list 3.1"),
    (("errata", "--planned"), "expected --planned with map alone, got it with errata"),
    (("bilinear-game", "--deck", "000"), "expected --deck with map alone, got it with bilinear-game"),
    (("map", "--deck", "004"), "invalid choice: '004'"),
])
def test_what_cannot_be_meant_is_one_line(tinygan, words, message):
    done = tinygan("theory", *words)
    assert done.status == 2 and done.out == ""
    assert message in done.err and len(done.err.splitlines()) == 1
