"""Batches: what an epoch is, that it depends on (seed, stream) alone, and that resuming changes no batch."""
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygan import random
from tinygan.data import Batches

ROWS = np.arange(10)


def test_an_epoch_has_every_row_once():
    batches = Batches(ROWS, 3, drop_last=False)
    epoch = list(batches)
    assert [len(batch) for batch in epoch] == [3, 3, 3, 1] and len(batches) == 4
    assert sorted(np.concatenate(epoch)) == ROWS.tolist()
    assert batches.epoch == 1 and batches.position == 0


def test_drop_last_leaves_out_the_smaller_batch():
    batches = Batches(ROWS, 3)
    epoch = np.concatenate(list(batches))
    assert len(batches) == 3 and len(epoch) == 9 and len(set(epoch)) == 9


def test_the_order_is_the_permutation_of_the_stream():
    orders = [random.permutation(10, "augment") for _ in range(2)]
    random.manual_seed(0)
    batches = Batches(ROWS, 5, stream="augment")
    for order in orders:
        np.testing.assert_array_equal(np.concatenate(list(batches)), order)
    assert random.get_state()["counters"]["augment"] == 2
    assert random.get_state()["counters"]["data"] == 0


def test_epochs_differ_and_seeds_differ():
    batches = Batches(np.arange(100), 100)
    first, second = batches.next_batch(), batches.next_batch()
    random.manual_seed(1)
    assert (first != second).any() and (Batches(np.arange(100), 100).next_batch() != first).any()


def test_without_shuffling_the_order_is_that_of_the_array_and_nothing_is_drawn():
    batches = Batches(ROWS, 4, shuffle=False, drop_last=False)
    np.testing.assert_array_equal(np.concatenate(list(batches)), ROWS)
    assert set(random.get_state()["counters"].values()) == {0}


def test_several_arrays_keep_their_rows_together_and_their_dtypes():
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    for x, y in Batches((images, ROWS), 4):
        assert x.dtype == np.uint8 and x.shape == (4, 1, 1, 1)
        np.testing.assert_array_equal(x.ravel(), y)


def test_a_batch_of_shuffled_rows_is_a_copy():
    data = ROWS.copy()
    Batches(data, 5).next_batch()[:] = -1
    np.testing.assert_array_equal(data, ROWS)


def test_forever_crosses_epochs_and_a_loop_stops_at_the_end_of_one():
    batches = Batches(ROWS, 5)
    endless = batches.forever()
    drawn = np.concatenate([next(endless) for _ in range(4)])
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == ROWS.tolist()
    assert len(list(batches)) == 2 and batches.epoch == 3


def test_a_loop_that_was_left_goes_on_with_the_next_batch():
    batches = Batches(ROWS, 2)
    seen = []
    for batch in batches:
        seen.append(batch)
        if len(seen) == 2:
            break
    seen += list(batches)
    assert sorted(np.concatenate(seen)) == ROWS.tolist()


def test_a_batch_taken_inside_a_loop_may_end_the_epoch():
    batches = Batches(ROWS, 2)
    loops = 0
    for _ in batches:  # batches 0, 2, 4; the last one's inner draw is of the next epoch
        batches.next_batch()
        loops += 1
    assert loops == 3 and (batches.epoch, batches.position) == (1, 1)


@given(n=st.integers(1, 12), batch_size=st.integers(1, 12), before=st.integers(0, 15), seed=st.integers(0, 2 ** 64 - 1),
       shuffle=st.booleans(), drop_last=st.booleans(), random_first=st.booleans())
@settings(max_examples=150, deadline=None)
def test_resuming_gives_the_same_batches(n, batch_size, before, seed, shuffle, drop_last, random_first):
    batch_size = min(batch_size, n)
    random.manual_seed(seed)
    make = dict(batch_size=batch_size, shuffle=shuffle, drop_last=drop_last)
    batches = Batches(np.arange(n), **make)
    for _ in range(before):
        batches.next_batch()
        random.permutation(3, "data")  # others draw from the stream, too
    states = json.loads(json.dumps([random.get_state(), batches.state_dict()]))
    expected = [(batches.epoch, batches.position, batches.next_batch().tolist()) for _ in range(15)]

    random.manual_seed(99)
    again = Batches(np.arange(n), **make)
    again.next_batch()
    if random_first:
        random.set_state(states[0])
    again.load_state_dict(states[1])
    if not random_first:
        random.set_state(states[0])
    assert [(again.epoch, again.position, again.next_batch().tolist()) for _ in range(15)] == expected


def test_restoring_draws_nothing_and_saving_draws_nothing():
    batches = Batches(ROWS, 3)
    batches.next_batch()
    before = random.get_state()
    batches.load_state_dict(batches.state_dict())
    assert random.get_state() == before


def test_the_rest_of_an_epoch_needs_no_random_state():
    """The iterator's own state has the origin of the current order."""
    batches = Batches(ROWS, 2)
    batches.next_batch()
    state = batches.state_dict()
    rest = np.concatenate(list(batches))
    random.manual_seed(5)
    again = Batches(ROWS, 2)
    again.load_state_dict(state)
    np.testing.assert_array_equal(np.concatenate(list(again)), rest)
    assert random.get_state()["seed"] == 5


def test_a_state_saved_after_the_last_batch_begins_the_next_epoch():
    batches = Batches(ROWS, 5)
    for batch in batches:
        state = batches.state_dict()
    assert (state["epoch"], state["position"], state["draw"]) == (1, 0, None)


@pytest.mark.parametrize("change, message", [
    (dict(batch_size=4), r"expected a state for \{'batch_size': 4\}, got one for \{'batch_size': 3\}"),
    (dict(arrays=np.arange(11)), r"expected a state for \{'rows': 11\}, got one for \{'rows': 10\}"),
    (dict(shuffle=False), "'shuffle': False"),
    (dict(drop_last=False), "'drop_last': False"),
    (dict(stream="preview"), "'stream': 'preview'"),
])
def test_a_state_of_other_settings_is_refused(change, message):
    batches = Batches(ROWS, 3)
    batches.next_batch()
    with pytest.raises(ValueError, match=message):
        Batches(**{**dict(arrays=ROWS, batch_size=3), **change}).load_state_dict(batches.state_dict())


@pytest.mark.parametrize("change, message", [
    (dict(position=3), r"expected a position in \[0, 3\)"),
    (dict(position=-1), r"expected a position in \[0, 3\)"),
    (dict(draw=None), "the origin of its order, got position 1 and origin None"),
    (dict(position=0), "got position 0 and origin"),
])
def test_an_impossible_state_is_refused_and_changes_nothing(change, message):
    batches = Batches(ROWS, 3)
    batches.next_batch()
    state = batches.state_dict()
    with pytest.raises(ValueError, match=message):
        batches.load_state_dict({**state, **change})
    assert batches.state_dict() == state
    with pytest.raises(ValueError, match="got one without draw, epoch"):
        batches.load_state_dict({key: state[key] for key in state if key not in ("draw", "epoch")})


@pytest.mark.parametrize("arguments, message", [
    (dict(arrays=ROWS, batch_size=0), "got batch size 0 and 10 rows"),
    (dict(arrays=ROWS, batch_size=11), "got batch size 11 and 10 rows; use a smaller batch size, or drop_last=False"),
    (dict(arrays=ROWS[:0], batch_size=1, drop_last=False), "got batch size 1 and 0 rows"),
    (dict(arrays=(ROWS, ROWS[:9]), batch_size=1), r"equal length, got lengths \[10, 9\]"),
    (dict(arrays=(), batch_size=1), r"one or more arrays of equal length, got lengths \[\]"),
    (dict(arrays=ROWS, batch_size=1, stream="date"), "expected a stream out of .*got 'date'"),
])
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Batches(**arguments)
