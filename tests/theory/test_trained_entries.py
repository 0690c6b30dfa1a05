"""T19, T23, T24: what these entries measure, on cases with a known answer, and that they report it."""
import numpy as np
import pytest

from tinygan import data, random
from tinygan.tensor import Tensor
from tinygan.theory.findings import Findings
from tinygan.theory.mode_collapse import mode_collapse, play
from tinygan.theory.overfitting_claim import MOONS, best_table, nearest, overfitting_claim, ratio
from tinygan.theory.overfitting_claim import play as play_on_points
from tinygan.theory.pixel_loss import PIXELS, adversary, batch, commitment, drawn, pixel_loss, predictor


def test_the_baseline_is_the_plain_gan_with_the_networks_of_the_paper():
    random.manual_seed(0)
    gan = play(data.ring8, 2, batch=8)
    assert repr(gan.penalty) == "none" and gan.loss.name == "non_saturating" and gan.betas == (0.5, 0.999)
    assert [p.shape for p in gan.G.parameters()] == [(128, 2), (128,), (128, 128), (128,), (2, 128), (2,)]
    assert [p.shape for p in gan.D.parameters()] == [(128, 2), (128,), (128, 128), (128,), (1, 128), (1,)]


def test_rho_is_1_for_the_data_themselves_and_0_for_the_training_points():
    random.manual_seed(0)
    train = MOONS(500)
    assert ratio(MOONS(1000), train, 3) == pytest.approx(1, abs=0.1)  # 1,000 distances of relative spread about 1
    assert ratio(train, train, 1) == 0
    assert nearest(np.array([[0.0, 0.0]] * 20), np.array([[3.0, 4.0], [6.0, 8.0]])) == 5


def test_the_tables_optimum_is_the_training_set():
    values = best_table(8, 64)
    assert values[0] == 0 and (np.diff(values) > 0).all()


def test_batches_on_points_are_these_points():
    random.manual_seed(0)
    gan = play_on_points(MOONS(4), 1, batch=16)
    assert gan.sample(5).shape == (5, 2)


def test_the_best_prediction_of_a_fork_is_the_mean_and_commitment_tells_it_from_a_future():
    random.manual_seed(0)
    past, following, futures = batch(data.embedded_mnist().take(slice(0, 300)), 64)
    assert past.shape == following.shape == (64, PIXELS) and futures.shape == (64, 2, PIXELS)
    share, left = commitment(following, futures)
    assert share == 1 and 0.2 < left < 0.8
    assert commitment(futures.mean(1), futures)[0] == 0
    assert commitment(futures[:, 0], futures) == (1, 1)


def test_the_predictor_learns_something_between_both_futures():
    random.manual_seed(0)
    digits = data.embedded_mnist().take(slice(0, 100))
    network = predictor(digits, 40, size=32)
    past, _, futures = batch(digits, 64)
    error = np.sqrt(((drawn(network, Tensor(past)).numpy() - futures.mean(1)) ** 2).mean())
    assert error < np.sqrt(((futures[:, 0] - futures.mean(1)) ** 2).mean())  # nearer to the mean than a future is
    before = [p.data.copy() for p in network.parameters()]
    other = adversary(network, digits, 1, size=8)
    assert all((p.data == q).all() for p, q in zip(network.parameters(), before))  # the predictor stays as it is
    assert any((p.data != q).any() for p, q in zip(other.parameters(), before))


@pytest.mark.parametrize("entry, rows", [(mode_collapse, 5), (overfitting_claim, 5), (pixel_loss, 5)],
                         ids=lambda value: getattr(value, "name", ""))
def test_every_entry_reports_its_figures(entry, rows):
    found = Findings()
    small = {overfitting_claim: {"large": 200}, pixel_loss: {"pixel_steps": 2}}
    entry(found, steps=2, **small.get(entry, {}))
    assert len(found.rows) == rows and found.known_failures() == []
