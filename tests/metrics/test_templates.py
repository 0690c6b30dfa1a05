"""Nearest neighbours against a naive search, and judges of rendered sets."""
import numpy as np
import pytest

from tinygan.metrics import TemplateJudge, nearest, templates


def squares():
    """Templates of squares: 2 sizes at 9 places, with (size, row, column)."""
    images, labels = [], []
    for size in (2, 4):
        for i in (0, 4, 8):
            for j in (0, 4, 8):
                image = -np.ones((1, 12, 12), np.float32)
                image[0, i:i + size, j:j + size] = 1
                images.append(image)
                labels.append((size, i, j))
    return np.stack(images), np.array(labels)


@pytest.mark.parametrize("block", [1, 50, 2 ** 24])
def test_nearest_by_a_naive_search(monkeypatch, block):
    monkeypatch.setattr(templates, "BLOCK", block)
    rng = np.random.default_rng(0)
    queries, gallery = rng.standard_normal((23, 2, 3)), rng.standard_normal((11, 2, 3))
    squared = ((queries[:, None] - gallery) ** 2).sum((2, 3))
    found, distances = nearest(queries, gallery)
    np.testing.assert_array_equal(found, squared.argmin(axis=1))
    np.testing.assert_allclose(distances, squared.min(axis=1), rtol=1e-12)


def test_small_differences_at_a_large_offset_are_seen():
    gallery = 1e8 + np.array([[0.0], [1.0], [2.0]])
    assert nearest(1e8 + np.array([[1.2], [1.6], [0.4]]), gallery)[0].tolist() == [1, 2, 0]


def test_the_first_of_equals_wins_and_itself_is_at_distance_0():
    gallery = np.array([[1, 0], [1, 0], [3, 3]], np.uint8)
    found, distances = nearest(gallery, gallery)
    assert found.tolist() == [0, 0, 2] and not distances.any()


def test_templates_under_noise_are_recognised_with_all_their_parameters():
    images, labels = squares()
    judge = TemplateJudge(images, labels, "squares-12")
    assert judge.accuracy(images, labels).tolist() == [1, 1, 1] and not judge.distance(images).any()
    rng = np.random.default_rng(0)
    noisy = images + 0.3 * rng.standard_normal(images.shape)
    # two templates differ by at least 2 in 4 pixels: 4 apart, against a projected noise of deviation 0.3
    assert (judge.judge(noisy) == labels).all()
    # root mean square of 144 values of deviation 0.3: relative deviation 1 / sqrt(288) = 6 %, 18 images, 5 sigma
    assert judge.distance(noisy) == pytest.approx(np.full(18, 0.3), rel=0.3)
    assert "squares-12: 18 templates (1, 12, 12)" in repr(judge)


def test_one_label_per_template():
    images, labels = squares()
    judge = TemplateJudge(images, labels[:, 0])
    wrong = labels[:, 0].copy()
    wrong[:9] = 4
    assert judge.accuracy(images, labels[:, 0]) == 1 and judge.accuracy(images, wrong) == 0.5


@pytest.mark.parametrize("call, message", [
    (lambda: TemplateJudge(np.zeros((3, 1, 4, 4)), [1, 2]), "judge templates: expected templates"),
    (lambda: TemplateJudge(np.zeros((0, 1, 4, 4)), []), "judge templates: expected templates"),
    (lambda: TemplateJudge(np.zeros((2, 1, 4, 4)), [1, 2]).judge(np.zeros((2, 1, 5, 5))), "nearest: expected queries"),
    (lambda: nearest(np.full((1, 2), np.inf), np.zeros((1, 2))), "nearest: expected finite"),
    (lambda: nearest(np.zeros((1, 2)), np.full((1, 2), np.nan)), "nearest: expected finite"),
    (lambda: nearest(np.zeros(2), np.zeros(2)), "nearest: expected queries")])
def test_what_has_no_neighbour_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
