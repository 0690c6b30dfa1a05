"""T22: mutual information, its bound and the gap between them."""
import numpy as np
import pytest

from tinygan.theory.findings import Findings
from tinygan.theory.mutual_information import (CHANNEL, CODE, bound, information, kl_gap, learn, mutual_information,
                                               posterior, resampled)

EXACT = dict(rel=0, abs=1e-12)  # sums of at most 27 float64 terms of order 1


def test_the_information_of_simple_channels():
    assert information(CODE, CHANNEL) == pytest.approx(0.41158, abs=5e-6)
    assert information(CODE, np.eye(3)) == pytest.approx(np.log(3), **EXACT)
    assert information(CODE, np.full((3, 3), 1 / 3)) == pytest.approx(0, **EXACT)


def test_the_gap_of_the_bound_is_the_kl_for_any_q():
    rng = np.random.default_rng(0)
    for _ in range(20):
        code, channel, q = (rng.dirichlet(np.ones(k), size) for k, size in ((3, None), (4, 3), (3, 4)))
        gap = information(code, channel) - bound(q, code, channel)
        assert gap == pytest.approx(kl_gap(q, code, channel), **EXACT) and gap > 0
        assert bound(posterior(code, channel), code, channel) == pytest.approx(information(code, channel), **EXACT)
        assert resampled(code, channel) == pytest.approx(
            -np.sum(code[:, None] * channel * -np.log(posterior(code, channel).T)), **EXACT)


def test_training_q_reaches_the_bound_from_below():
    values = learn(CODE, CHANNEL, 150)
    assert values[0] == pytest.approx(0, **EXACT) and (np.diff(values) > -1e-15).all()
    assert values[-1] == pytest.approx(information(CODE, CHANNEL), abs=1e-6)


def test_every_criterion_that_is_known_holds():
    found = Findings()
    mutual_information(found, steps=200)
    assert found.rows and found.known_failures() == []
