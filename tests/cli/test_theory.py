"""tinygan theory: list, one entry, all entries, and exit statuses."""
import pytest

from tinygan import theory
from tinygan.theory import registry


@pytest.fixture(name="two")
def _two(monkeypatch):
    """Two entries instead of those that there are: one right, one wrong as the test wants it."""
    monkeypatch.setattr(registry, "_entries", {})
    monkeypatch.setattr(registry.pkgutil, "iter_modules", lambda *_: [])
    kind = {"kind": "KNOWN"}

    @theory.entry("T90", "right", title="It holds", paper="Anon 1990", arxiv="9999.00001")
    def right(found, seed=0):
        from tinygan.theory.pictures import figure
        found.equal("one", 1.0, 1.0, 0.0)
        found.note("the seed", seed)
        found.picture(lambda: figure()[0], "one.png")

    @theory.entry("T91", "wrong", title="It does not", paper="Anon 1991")
    def wrong(found, seed=0):
        found.at_most("two", 2.0, 1.0, kind=kind["kind"])
    return kind


def test_list_shows_number_name_title_and_paper(tinygan, two):
    done = tinygan("theory", "list")
    assert done.status == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["number", "name", "title", "paper"], ["T90", "right", "It", "holds", "Anon", "1990"],
        ["T91", "wrong", "It", "does", "not", "Anon", "1991"]]


def test_one_entry_prints_header_statement_figures_and_picture(tinygan, two, tmp_path):
    done = tinygan("theory", "right", "--out", "here", "--seed", "5")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("T90 right: It holds\nAnon 1990, https://arxiv.org/abs/9999.00001\n")
    assert __doc__ in done.out  # the statement is the docstring of the entry's file
    rows = [line.split() for line in done.out.splitlines()]
    assert ["one", "1", "=", "1", "within", "0", "closed", "form", "KNOWN", "ok"] in rows
    assert ["the", "seed", "5"] in rows
    assert "picture: here/one.png" in done.out and (tmp_path / "here" / "one.png").is_file()
    assert done.out.rstrip().splitlines()[-1].startswith("seed 5, ")


@pytest.mark.parametrize("kind, status", [("KNOWN", 1), ("CAL", 0)])
def test_only_a_known_miss_fails(tinygan, two, kind, status):
    two["kind"] = kind
    one, everything = tinygan("theory", "T91"), tinygan("theory", "all")
    assert one.status == everything.status == status
    assert "MISSED" in one.out
    assert "2 entries, 2 figures with a criterion, 1 of them missed" in everything.out
    assert everything.out.splitlines()[-1].split() == ["T91", "two", "2", "<=", "1", kind]


def test_an_unknown_entry_is_one_line(tinygan, two):
    done = tinygan("theory", "rihgth")
    assert done.status == 2 and done.out == ""
    assert done.err == ("tinygan: error: theory: expected the name or number of an entry, got 'rihgth'; nearest: "
                        "right\n")


def test_the_real_list(tinygan):
    done = tinygan("theory", "list")
    assert done.status == 0 and len(done.out.splitlines()) == 1 + len(theory.entries())
