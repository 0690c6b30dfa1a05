"""Anomaly mode names the operation that made the first NaN or infinity, and the caller's line (DESIGN 2.12)."""

import numpy as np
import pytest

import tinygan
from tinygan.anomaly import AnomalyError, detect_anomaly


def test_forward_names_operation_counts_and_line():
    x = tinygan.tensor(np.array([1.0, -1.0, 0.0]), requires_grad=True)
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"(?s)Log.*1 NaN and 1 infinite of 3.*test_anomaly.py"):
        x.log()


def test_backward_names_the_operation_and_where_it_was_created():
    x = tinygan.tensor(np.array([0.0, 1.0]), requires_grad=True)
    with detect_anomaly():
        y = x.sqrt()            # finite, but its derivative at 0 is not
        z = (y * 3.0).sum()
        with pytest.raises(AnomalyError, match=r"(?s)Sqrt.*backward.*created.*y = x.sqrt"):
            tinygan.grad(z, x)


def test_finite_computations_pass_unchanged():
    x = tinygan.tensor(np.array([0.5, 1.0]), requires_grad=True)
    plain = tinygan.grad((x.log() * x).sum(), x)[0].numpy()
    with detect_anomaly():
        np.testing.assert_array_equal(tinygan.grad((x.log() * x).sum(), x)[0].numpy(), plain)


def test_the_first_culprit_is_named_not_its_consequences():
    x = tinygan.tensor(np.array([-1.0]), requires_grad=True)
    with detect_anomaly(), pytest.raises(AnomalyError) as error:
        (x.log() * 2.0).exp().sum()
    assert str(error.value).startswith("Log:")


def test_outside_the_block_nothing_is_watched():
    x = tinygan.tensor(np.array([0.0]), requires_grad=True)
    with detect_anomaly():
        pass
    with np.errstate(all="ignore"):
        assert not np.isfinite(x.log().item())
