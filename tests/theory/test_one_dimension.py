"""T15 and T20: the game on the line; the best logit, the cosine with its gradient, and that the game reaches 1/2."""
import numpy as np
import pytest

from tinygan import random
from tinygan.tensor import Tensor
from tinygan.theory.discriminator_steps import cosine, discriminator_steps
from tinygan.theory.discriminator_steps import play as play_steps
from tinygan.theory.findings import Findings
from tinygan.theory.four_panels import GRID, four_panels, play, probability
from tinygan.theory.one_dimension import MEAN, STD, best_logit, game, moments, normal_density


def test_the_game_begins_at_the_standard_normal_and_its_best_logit_is_the_log_ratio():
    gan = game()
    assert moments(gan) == (0, 1)
    x = np.linspace(-2, 5, 50)
    ratio = np.log(normal_density(x, MEAN, STD) / normal_density(x, 0, 1))
    assert best_logit(gan)(Tensor(x)).numpy() == pytest.approx(ratio, abs=1e-12)  # values below 50 in float64
    assert normal_density(x, 1, 2).sum() * (x[1] - x[0]) == pytest.approx(0.9104, abs=0.01)  # P(-2 < N(1, 2) < 5)


def test_the_cosine_is_1_when_d_is_the_best_and_minus_1_when_it_is_the_opposite():
    gan = game(loss="wasserstein")  # whose gradient is linear in the scores
    best = best_logit(gan)
    gan.D = best
    assert cosine(gan) == pytest.approx(1, abs=1e-6)  # float32 gradients
    gan.D = lambda x: -best(x)
    assert cosine(gan) == pytest.approx(-1, abs=1e-6)


def test_a_few_steps_move_the_samples_towards_the_data_and_frames_are_kept():
    random.manual_seed(0)
    gan, path, kept = play("r1(0.1)", 40, frames=(0, 20, 40))
    assert list(kept) == [0, 20, 40] and kept[0][0] == (0, 1) and path.shape == (40, 2)
    assert path[-1, 0] > 1 and kept[40][0] == moments(gan) == tuple(path[-1])
    assert (kept[40][1] == probability(gan, GRID)).all() and (0 < kept[40][1]).all() and (kept[40][1] < 1).all()


def test_more_steps_of_d_move_g_faster():
    paths = []
    for k in (1, 8):
        random.manual_seed(0)
        cosines, path, _ = play_steps(k, 8)
        paths.append(path)
        assert cosines.shape == (8,) and abs(cosines).max() <= 1 + 1e-6
    assert paths[1][-1, 0] > paths[0][-1, 0] > 0


def test_both_entries_report_their_figures():
    for entry, rows in ((four_panels, 6), (discriminator_steps, 6)):
        found = Findings()
        entry(found, steps=20, **({"ks": (1, 3)} if entry is discriminator_steps else {}))
        assert len(found.rows) == rows and all(row.kind != "KNOWN" for row in found.rows)


@pytest.mark.slow
def test_the_game_on_the_line_ends_at_one_half():
    found = Findings()
    four_panels(found)
    passed = {row.label: row.passed for row in found.rows}
    assert passed["mean of the samples"] and passed["standard deviation of the samples"]
    assert passed["mean |D - 1/2| on the data"]
