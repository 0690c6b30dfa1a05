"""Moons, lines and mixtures on the line follow their definitions; sources of batches; stacked digits."""
import numpy as np
import pytest

from tinygan import random
from tinygan.data import (POINTS, Batches, PointBatches, Unpaired, embedded_mnist, gauss1, grid25, lines, mixture1,
                          moons, ring8, stacked)


def test_moons_are_two_half_circles_with_noise():
    n = 20000
    points, labels = moons().labelled(n)
    assert points.shape == (n, 2) and points.dtype == np.float32 and set(labels) == {0, 1}
    for label, centre, side in ((0, (0, 0), 1), (1, (1, 0.5), -1)):
        offset = points[labels == label] - np.array(centre, np.float32)
        radius = np.hypot(*offset.T)
        # radius of a point at 1 with noise 0.1 in both directions: mean sqrt(1 + ...) = 1.005, deviation 0.1, n = 10^4
        assert abs(radius.mean() - 1.005) < 0.006 and abs(radius.std() - 0.1) < 0.005
        angles = np.arctan2(side * offset[:, 1], offset[:, 0])
        inside = np.clip(angles, 0, np.pi)
        assert abs(inside.mean() - np.pi / 2) < 0.05  # uniform on [0, pi]: deviation 0.907 / 100, five of them
        assert (side * offset[:, 1] > -0.5).all()


def test_moons_without_noise_lie_on_their_circles():
    points, labels = moons(std=0.0).labelled(500, dtype=np.float64)
    centres = np.array([[0, 0], [1, 0.5]])[labels]
    np.testing.assert_allclose(np.hypot(*(points - centres).T), 1, rtol=1e-12)
    assert ((points[:, 1] - centres[:, 1]) * np.where(labels == 0, 1, -1) >= 0).all()


@pytest.mark.parametrize("theta", [0.0, 0.75])
def test_lines_are_vertical_and_uniform(theta):
    points = lines(theta)(10000)
    assert (points[:, 0] == np.float32(theta)).all()
    assert points[:, 1].min() >= 0 and points[:, 1].max() < 1 and abs(points[:, 1].mean() - 0.5) < 0.015


def test_mixtures_on_the_line():
    points = gauss1(3.0, 0.5)(20000)
    assert points.shape == (20000, 1)
    assert abs(points.mean() - 3) < 5 * 0.5 / 141 and abs(points.std() - 0.5) < 5 * 0.5 / 200
    mixture = mixture1((-1.0, 4.0), 0.25)
    points, labels = mixture.labelled(5000)
    np.testing.assert_array_equal(labels, (points[:, 0] > 1.5).astype(int))  # ten deviations from either mean
    assert abs(points[labels == 1].mean() - 4) < 5 * 0.25 / 50


@pytest.mark.parametrize("name", sorted(POINTS))
def test_named_point_sets_are_drawn_from_their_stream_in_their_dtype(name):
    points = POINTS[name]
    first = points(6, dtype=np.float64)
    assert first.shape == (6, points.dim) and first.dtype == np.float64
    assert {k for k, v in random.get_state()["counters"].items() if v} == {"data"}
    random.manual_seed(0)
    np.testing.assert_array_equal(points.labelled(6, dtype=np.float64)[0], first)
    assert points.labelled(300)[1].max() == points.classes - 1
    with pytest.raises(ValueError, match="expected a number of points >= 0, got -1"):
        points(-1)


def test_point_batches_never_repeat_and_continue_from_the_counters():
    source = PointBatches(ring8, 4)
    first, state, streams = source.next_batch(), source.state_dict(), random.get_state()
    second = source.next_batch()
    assert first.shape == (4, 2) and (first != second).any()
    again = PointBatches(ring8, 4)
    again.load_state_dict(state)
    random.set_state(streams)
    np.testing.assert_array_equal(again.next_batch(), second)
    points, labels = PointBatches(grid25, 5, labelled=True, dtype=np.float64).next_batch()
    assert points.dtype == np.float64 and labels.shape == (5,)
    with pytest.raises(ValueError, match="PointBatches: expected a state of .*grid25"):
        PointBatches(grid25, 4).load_state_dict(state)
    with pytest.raises(ValueError, match="expected a batch size of at least 1, got 0"):
        PointBatches(ring8, 0)


def test_unpaired_sources_walk_on_their_own():
    a, b = Batches(np.arange(6), 2), Batches(np.arange(100, 109), 2)
    both = Unpaired(a, b)
    seen = [both.next_batch() for _ in range(5)]
    assert all(x.max() < 6 and y.min() >= 100 for x, y in seen) and (a.epoch, b.epoch) == (1, 1)
    state, streams = both.state_dict(), random.get_state()
    expected = [both.next_batch() for _ in range(4)]
    again = Unpaired(Batches(np.arange(6), 2), Batches(np.arange(100, 109), 2))
    again.load_state_dict(state)
    random.set_state(streams)
    for (x, y), (p, q) in zip(expected, [again.next_batch() for _ in range(4)]):
        assert (x == p).all() and (y == q).all()


def test_stacked_digits_are_three_digits_with_their_label():
    digits = embedded_mnist("test")
    stack = stacked(digits, 50)
    assert stack.images.shape == (50, 3, 28, 28) and stack.labels.max() < 1000
    for image, label in zip(stack.images[:10], stack.labels):
        for channel, digit in zip(image, (label // 100, label // 10 % 10, label % 10)):
            same = (digits.images[:, 0] == channel).all(axis=(1, 2))
            assert digit in digits.labels[same]
    assert stack.images.flags.c_contiguous and "three images per sample" in stack.provenance
    random.manual_seed(0)
    np.testing.assert_array_equal(stacked(digits, 50).images, stack.images)
    with pytest.raises(ValueError, match="stacked: expected grey images"):
        stacked(stack)
