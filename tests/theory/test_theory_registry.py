"""The registry of entries: numbers, names, seeds, and the nearest names of an unknown one."""
import re

import numpy as np
import pytest

from tinygan import random, theory
from tinygan.theory import registry


@pytest.fixture(name="only")
def _only(monkeypatch):
    """A registry with two entries and no files."""
    monkeypatch.setattr(registry, "_entries", {})
    monkeypatch.setattr(registry.pkgutil, "iter_modules", lambda *_: [])

    @theory.entry("T91", "second-thing", title="Second", paper="Anon 2020", arxiv="2001.00001")
    def second_thing(found, seed=0, factor=1):
        found.note("draw", float(random.normal(()) * factor))

    @theory.entry("T90", "first-thing", title="First", paper="Anon 1990")
    def first_thing(found, seed=0):
        found.note("seed", seed)
    return second_thing, first_thing


def test_entries_are_in_the_order_of_their_numbers(only):
    assert list(theory.entries()) == ["T90", "T91"]
    assert theory.find("T91") is theory.find("t91") is theory.find("second-thing") is only[0]
    assert only[0].source == "Anon 2020, https://arxiv.org/abs/2001.00001" and only[1].source == "Anon 1990"


def test_an_entry_seeds_the_streams_and_leaves_them_as_they_were(only):
    random.manual_seed(7)
    random.normal(())
    before, found = random.get_state(), theory.Findings()
    only[0](found, seed=3)
    only[0](found, seed=3, factor=2)
    only[0](found, seed=4)
    assert random.get_state() == before
    first, doubled, other = (row.value for row in found.rows)
    assert doubled == 2 * first != 0 and other != first


@pytest.mark.parametrize("name, message", [
    ("frist-thing", "nearest: first-thing"),
    ("T92", "nearest: T91, T90|nearest: T90, T91"),
    ("zzz", "`tinygan theory list` shows them all"),
])
def test_an_unknown_name_gets_the_nearest_ones(only, name, message):
    with pytest.raises(ValueError, match=f"theory: expected the name or number of an entry, got '{name}'") as error:
        theory.find(name)
    assert re.search(message, str(error.value))


def test_numbers_and_names_are_taken_once(only):
    def other(found, seed=0):
        """An entry of another file."""
    other.__module__ = "somewhere.else"
    for number, name in (("T90", "new"), ("T99", "first-thing")):
        with pytest.raises(ValueError, match="expected a number and a name of its own"):
            theory.entry(number, name, title="", paper="")(other)


def test_every_entry_says_what_it_states():
    for number, row in theory.entries().items():
        assert re.fullmatch(r"T\d\d", number) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name), row
        assert row.arxiv is None or re.fullmatch(r"\d{4}\.\d{4,5}", row.arxiv), row
        assert len(row.statement) > 100 and row.title and row.paper, row
        assert row.function.__module__ == f"tinygan.theory.{row.name.replace('-', '_')}", row
    assert np.unique([row.name for row in theory.entries().values()]).size == len(theory.entries())
