"""T21: flipped labels are the same game, and what the slides minimise instead is unbounded."""
import pytest

from tinygan import random
from tinygan.functional import ones_like, zeros_like
from tinygan.functional import binary_cross_entropy_with_logits as bce
from tinygan.theory.findings import Findings
from tinygan.theory.label_flip import both_games, descend, label_flip, margin_losses, slide


@pytest.mark.parametrize("seed", [0, 1])
def test_trajectories_are_identical_under_flipped_labels(seed):
    random.manual_seed(seed)
    apart, mirrored, (first, second) = both_games(40)
    # losses written differently round differently by 1e-16; 40 steps do not amplify that a thousandfold
    assert apart < 1e-12 and mirrored < 1e-12
    assert first == pytest.approx(second, abs=1e-12) and len(set(first)) > 30


def test_descent_on_the_slide_ends_at_0_and_on_the_cross_entropy_at_the_share_of_q():
    assert descend(slide, 300) < 1e-3
    for q in (0.3, 0.8):
        assert descend(lambda a: (1 - q) * bce(a, zeros_like(a)) + q * bce(a, ones_like(a)), 400) == pytest.approx(
            q, abs=1e-9)  # descent contracts by 1 - lr q (1 - q) <= 0.92 a step: 0.92^400 < 1e-14


def test_a_margin_loss_is_bounded_below_only_for_an_energy():
    random.manual_seed(0)
    linear = margin_losses(lambda e: e, 100)
    assert linear[-1] < -10 and linear[-1] < linear[50] < linear[20]
    assert min(margin_losses(lambda e: e.abs(), 100)) >= 0


def test_every_criterion_that_is_known_holds():
    found = Findings()
    label_flip(found, steps=80)
    assert found.rows and found.known_failures() == []
