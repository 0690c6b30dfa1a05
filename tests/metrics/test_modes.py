"""Mode counts of samplers whose modes are known."""
import numpy as np
import pytest

from tinygan import random
from tinygan.data import embedded_mnist, gauss1, grid25, ring8, stacked
from tinygan.metrics import digit_classifier, mode_count, stacked_modes
from tinygan.metrics.modes import _from_labels


@pytest.fixture(autouse=True)
def _seed():
    before = random.get_state()
    random.manual_seed(0)
    yield
    random.set_state(before)


@pytest.mark.parametrize("mixture, modes", [(ring8, 8), (grid25, 25)], ids=["ring8", "grid25"])
def test_the_true_sampler_has_all_modes_and_the_share_of_a_gaussian_disc(mixture, modes):
    found = mode_count(mixture(20000), mixture)
    assert (found.captured, found.modes) == (modes, modes) and found.counts.sum() <= 20000
    # within 3 sigma in two dimensions: 1 - exp(-9/2); binomial deviation of 20,000: 0.00074
    assert found.high_quality == pytest.approx(1 - np.exp(-4.5), abs=5 * 0.00074)
    assert str(found).startswith(f"{modes}/{modes} modes, 0.98")


def test_on_the_line_the_share_is_that_of_three_sigma():
    mixture = gauss1(2.0, 0.3)
    assert mode_count(mixture(20000), mixture).high_quality == pytest.approx(0.9973, abs=5 * 0.00037)


def test_a_sampler_of_one_mode_has_one():
    one = grid25.centers[7] + 0.05 * np.random.default_rng(0).standard_normal((2500, 2))
    assert mode_count(one, grid25).captured == 1


def test_a_mode_needs_a_fifth_of_its_share():
    # 2,500 samples: 312.5 are expected in each of 8 modes, a fifth of them is 62.5
    samples = np.concatenate([np.repeat(ring8.centers[:1], 63, 0), np.repeat(ring8.centers[1:2], 62, 0),
                              np.full((2375, 2), 9.0)])
    found = mode_count(samples, ring8)
    assert found.captured == 1 and found.counts[:2].tolist() == [63, 62] and found.high_quality == 125 / 2500


def test_what_is_no_sample_is_refused():
    with pytest.raises(ValueError, match=r"expected samples \(N, 2\), got \(5, 3\)"):
        mode_count(np.zeros((5, 3)), ring8)
    with pytest.raises(ValueError, match="expected finite samples"):
        mode_count(np.full((5, 2), np.nan), ring8)


def test_kl_of_known_shares():
    # half of the samples in one mode, half in another, of 1000: log 500
    found = _from_labels(np.array([3, 3, 8, 8]), 1000)
    assert found.captured == 2 and found.kl == pytest.approx(np.log(500), rel=1e-12)
    assert _from_labels(np.arange(1000), 1000).kl == pytest.approx(0, abs=1e-12)


def test_real_stacked_digits_have_the_modes_of_their_labels():
    stack = stacked(embedded_mnist("test"), 400)
    found = stacked_modes(stack.scaled(), digit_classifier())
    # the judge is right about 99 % of digits, so about 97 % of triples: counts may differ by a few
    assert abs(found.captured - len(np.unique(stack.labels))) <= 12 and found.counts.sum() == 400
    with pytest.raises(ValueError, match=r"expected images \(N, 3, H, W\)"):
        stacked_modes(stack.scaled()[:, :1], digit_classifier())


def test_labels_of_real_stacks_cover_nearly_all_modes():
    labels = random.integers(0, 10, (25600, 3)) @ np.array([100, 10, 1])
    assert _from_labels(labels, 1000).captured >= 990
