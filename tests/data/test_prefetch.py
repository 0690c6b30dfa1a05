"""Prefetch: the same batches, errors, states and draws as without it, whatever the thread has done ahead."""
import gc
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan import random
from tinygan.data import Batches, PointBatches, Prefetch, Unpaired, ring8


def wait_until(condition):
    """Until the thread has come to rest; the time is a bound for broken code and no measurement."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("expected the thread to come to rest within ten seconds")


def test_the_same_batches_over_epochs():
    random.manual_seed(3)
    plain = Batches(np.arange(20), 6)
    expected = [plain.next_batch() for _ in range(11)]
    state = random.get_state()
    random.manual_seed(3)
    with Prefetch(Batches(np.arange(20), 6), depth=3) as ahead:
        np.testing.assert_array_equal([ahead.next_batch() for _ in range(11)], expected)
        assert random.get_state() == state


def test_batches_are_made_ahead_but_not_more_than_depth():
    made = []
    source = (made.append(i) or i for i in range(100))
    with Prefetch(source, depth=2) as ahead:
        assert not made                                       # nothing happens before somebody asks
        assert ahead.next_batch() == 0
        wait_until(lambda: len(made) == 3)
        threading.Event().wait(0.02)
        assert made == [0, 1, 2]


operations = st.lists(st.sampled_from(["batch", "batch", "draw", "other", "save", "restore"]), max_size=40)


@given(operations=operations, depth=st.integers(1, 4), shuffle=st.booleans())
def test_any_mixture_of_batches_draws_saving_and_restoring(operations, depth, shuffle):
    def play(source):
        """What is seen by a program that also draws from the same stream, saves and restores."""
        random.manual_seed(1)
        seen, saved = [], (source.state_dict(), random.get_state())
        for operation in operations:
            if operation == "batch":
                seen.append(source.next_batch().tolist())
            elif operation == "draw":
                seen.append(random.permutation(5, "data").tolist())
            elif operation == "other":
                seen.append(random.integers(0, 100, (2,)).tolist())
            elif operation == "save":
                saved = source.state_dict(), random.get_state()
            else:
                source.load_state_dict(saved[0])
                random.set_state(saved[1])
            seen.append((source.state_dict(), source.epoch, source.position, random.get_state()))
        return seen
    before = random.get_state()
    expected = play(Batches(np.arange(7), 2, shuffle=shuffle))
    with Prefetch(Batches(np.arange(7), 2, shuffle=shuffle), depth) as ahead:
        assert play(ahead) == expected
    random.set_state(before)


def test_a_saved_state_is_that_of_the_last_batch_handed_out():
    source = Batches(np.arange(100), 10)
    with Prefetch(source, depth=4) as ahead:
        for _ in range(3):
            ahead.next_batch()
        wait_until(lambda: source.position == 7)              # four batches further
        assert ahead.state_dict()["position"] == ahead.position == 3
        saved, now = ahead.state_dict(), random.get_state()
        rest = [ahead.next_batch() for _ in range(12)]
    random.manual_seed(9)
    fresh = Batches(np.arange(100), 10)
    fresh.load_state_dict(saved)
    random.set_state(now)
    np.testing.assert_array_equal([fresh.next_batch() for _ in range(12)], rest)


def test_sources_that_always_draw_are_not_made_ahead():
    random.manual_seed(0)
    plain = PointBatches(ring8, 4)
    expected = [plain.next_batch() for _ in range(3)]
    random.manual_seed(0)
    with Prefetch(PointBatches(ring8, 4)) as ahead:
        for batch in expected:
            np.testing.assert_array_equal(ahead.next_batch(), batch)
            assert random.get_state()["counters"]["data"] <= 6


def test_several_sources_side_by_side():
    def source():
        random.manual_seed(5)
        return Unpaired(Batches(np.arange(8), 2), Batches(np.arange(12), 2))
    plain = source()
    expected = [plain.next_batch() for _ in range(14)]
    with Prefetch(source()) as ahead:
        np.testing.assert_array_equal([ahead.next_batch() for _ in range(14)], expected)


class Failing:
    """Batch k is k, but for those that are errors."""

    batch_size = 1

    def __init__(self, errors):
        self.errors, self.k = errors, -1

    def next_batch(self):
        self.k += 1
        if self.k in self.errors:
            raise OSError(f"batch {self.k}")
        return self.k


def test_an_error_comes_where_it_would_have_come_and_the_rest_after_it():
    with Prefetch(Failing({2, 3}), depth=3) as ahead:
        assert [ahead.next_batch(), ahead.next_batch()] == [0, 1]
        for k in (2, 3):
            with pytest.raises(OSError, match=f"batch {k}"):
                ahead.next_batch()
        assert [ahead.next_batch(), ahead.next_batch()] == [4, 5]


def test_iterators_end_where_they_end():
    with Prefetch(iter("abc"), depth=5) as ahead:
        assert list(ahead) == ["a", "b", "c"] and list(ahead) == []
        with pytest.raises(StopIteration):
            next(ahead)
    with Prefetch("abc") as ahead:
        assert list(ahead.forever()) == ["a", "b", "c"]


def test_epochs_end_as_those_of_the_source():
    with Prefetch(Batches(np.arange(6), 2)) as ahead:
        assert len(list(ahead)) == 3 == len(ahead) and ahead.epoch == 1 and ahead.batch_size == 2
        ahead.next_batch()
        assert len(list(ahead)) == 2 and (ahead.epoch, ahead.position) == (2, 0)


def test_closing_ends_the_thread_and_refuses_more():
    ahead = Prefetch(Batches(np.arange(6), 2))
    ahead.next_batch()
    thread = ahead._thread
    assert thread.is_alive() and thread.daemon
    ahead.close()
    ahead.close()
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="expected an open Prefetch"):
        ahead.next_batch()


def test_the_thread_ends_when_nobody_uses_the_object():
    ahead = Prefetch(Batches(np.arange(60), 2))
    ahead.next_batch()
    thread = ahead._thread
    del ahead
    gc.collect()
    wait_until(lambda: not thread.is_alive())


def test_a_state_that_does_not_fit_changes_nothing():
    random.manual_seed(2)
    plain = Batches(np.arange(10), 2)
    expected = [plain.next_batch() for _ in range(4)]
    random.manual_seed(2)
    with Prefetch(Batches(np.arange(10), 2)) as ahead:
        got = [ahead.next_batch(), ahead.next_batch()]
        with pytest.raises(ValueError, match="expected a state"):
            ahead.load_state_dict({"rows": 3})
        np.testing.assert_array_equal([*got, ahead.next_batch(), ahead.next_batch()], expected)


def test_wrong_arguments():
    for depth in (0, -1, 1.5):
        with pytest.raises(ValueError, match="expected a depth of at least 1"):
            Prefetch([1], depth)
    with pytest.raises(TypeError, match="expected an iterator with state_dict"):
        Prefetch([1]).state_dict()
