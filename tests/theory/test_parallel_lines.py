"""T04: exact divergences of parallel lines, and both players for one theta."""
import math

import pytest

from tinygan import random
from tinygan.theory.parallel_lines import THETAS, by_hand, exact, slopes, trained


@pytest.mark.parametrize("theta", THETAS)
def test_exact_divergences(theta):
    assert exact(theta, places=5) == pytest.approx(by_hand(theta), abs=1e-9)


def test_slopes_leave_out_what_touches_zero():
    assert slopes({theta: abs(theta) for theta in THETAS}) == pytest.approx([-1, -1, 1, 1])


def test_the_discriminator_sees_log_2_and_the_critic_the_distance():
    before = random.get_state()
    random.manual_seed(0)
    _, jsd, _, w1 = trained(0.5, steps=200)
    random.set_state(before)
    # D's loss on separable data falls to 0 from above, so the estimate stays below log 2; 200 steps of 500
    assert 0.68 < jsd <= math.log(2)
    assert w1 == pytest.approx(0.5 * (1 + 0.5 / 20), abs=0.05)  # the optimum under the penalty, 10 % of theta
