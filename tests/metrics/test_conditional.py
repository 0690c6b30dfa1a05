"""Conditional scores against hand-made probabilities, class by class distances, classifiers trained on fakes."""
import numpy as np
import pytest

import tinygan
from tinygan import random
from tinygan.data import embedded_mnist, scale
from tinygan.metrics import (am_score, class_leakage, classification_accuracy_score, conditional_accuracy,
                             confusion_matrix, digit_classifier, frechet_distance, intra_frechet, intra_ms_ssim, judge,
                             statistics)


@pytest.fixture(scope="module")
def digits():
    return embedded_mnist("test")


@pytest.fixture(scope="module")
def probabilities(digits):
    return digit_classifier().probabilities(digits.images)


def one_hot(labels, k=4):
    return np.eye(k)[labels]


def test_real_images_have_the_accuracy_of_the_judge(digits, probabilities):
    found = conditional_accuracy(probabilities, digits.labels)
    assert found == digit_classifier().accuracy(digits.scaled(), digits.labels) >= 0.985


def test_random_labels_are_right_by_chance(digits, probabilities):
    labels = np.random.default_rng(0).integers(0, 10, (50, len(digits)))
    # 100,000 trials with probability 0.1: deviation 0.001
    assert np.mean([conditional_accuracy(probabilities, row) for row in labels]) == pytest.approx(0.1, abs=0.005)


def test_confusion_matrix_counts():
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.4, 0.3, 0.3]])
    assert confusion_matrix(p, [0, 0, 2, 2]).tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 1]]
    assert conditional_accuracy(p, [0, 0, 2, 2]) == 0.5


def test_a_sample_leaks_when_its_own_class_is_unlikely_and_another_is_likely():
    p = np.array([[0.4, 0.3, 0.3], [0.5, 0.5, 0.0], [0.4, 0.25, 0.35], [0.4, 0.24, 0.36], [0.6, 0.3, 0.1]])
    assert class_leakage(p, [0] * 5).share == 3 / 5     # not at p(y) = 0.5
    flat = np.full((2, 10), 0.1)
    assert class_leakage(flat, [0, 3]).share == 0       # no other class stands out
    found = class_leakage(p, [0, 0, 1, 1, 1])
    assert found.per_class[:2].tolist() == [0.5, 1] and np.isnan(found.per_class[2])


def test_collapse_to_one_correct_image_per_class_is_no_leakage(digits):
    first = np.array([np.flatnonzero(digits.labels == k)[0] for k in range(10)])
    labels = np.arange(100) % 10
    images = digits.images[first[labels]]
    assert class_leakage(digit_classifier().probabilities(images), labels).share == 0
    assert intra_ms_ssim(images, labels, pairs=3).mean == pytest.approx(1)  # and yet it has collapsed


def test_leakage_grows_with_what_is_mixed_in_of_another_class(digits):
    j = judge("digits", 28)
    other = np.roll(digits.images[:500], 1, axis=0)
    mixed = [scale(digits.images[:500]) * (1 - w) + scale(other) * w for w in (0, 0.4, 0.6)]
    shares = [class_leakage(j.probabilities(images), digits.labels[:500]).share for images in mixed]
    assert shares[0] < 0.02 < shares[1] < shares[2]


def test_am_score_of_sure_predictions_with_the_classes_of_the_data_is_0():
    labels = np.array([0, 0, 0, 1, 2, 2])
    shares = np.bincount(labels, minlength=4) / 6
    assert am_score(shares, one_hot(labels)) == pytest.approx(0, abs=1e-15)
    assert am_score(one_hot(labels), one_hot(labels)) == pytest.approx(0, abs=1e-15)
    # the balanced mix, which the inception score likes best, is penalised by KL(shares || 1/3)
    balanced = np.array([0, 1, 2])
    expected = sum(s * np.log(s * 3) for s in shares[:3])
    assert am_score(shares, one_hot(balanced)) == pytest.approx(expected, rel=1e-12) and expected > 0.08


def test_am_score_of_unsure_predictions_is_their_entropy():
    uniform = np.full((5, 4), 0.25)
    assert am_score(uniform, uniform) == pytest.approx(np.log(4), rel=1e-12)
    assert am_score(uniform, one_hot(np.array([0, 1, 2]))) == np.inf


def test_intra_frechet_is_the_mean_over_classes():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    real = rng.standard_normal((300, 4))
    fake = real + np.array([0.0, 1.0, 2.0])[labels, None]
    found = intra_frechet(real, labels, fake, labels)
    # a shift adds its square: 4 s^2; rounding of eigenvalues of order 1
    assert found.per_class == pytest.approx({0: 0, 1: 4, 2: 16}, abs=1e-9)
    assert found.mean == pytest.approx(20 / 3)
    other = rng.standard_normal((90, 4))
    expected = frechet_distance(*statistics(real[labels == 1]), *statistics(other[np.arange(90) % 3 == 1]))
    assert intra_frechet(real, labels, other, np.arange(90) % 3).per_class[1] == pytest.approx(expected)


def test_classes_with_fewer_samples_than_dimensions_are_exact():
    rng = np.random.default_rng(0)
    real, labels = rng.standard_normal((9, 20)), np.arange(9) % 3
    # the nuclear form takes no root of a rounding error
    assert intra_frechet(real, labels, real, labels).mean == pytest.approx(0, abs=1e-12)
    assert intra_frechet(real, labels, real + 1, labels).mean == pytest.approx(20, rel=1e-12)


def test_swapped_classes_are_seen_class_by_class_alone(digits):
    features = digit_classifier().features(digits.images)
    swapped = (digits.labels + 1) % 10
    assert intra_frechet(features, digits.labels, features, digits.labels).mean == pytest.approx(0, abs=1e-5)
    assert intra_frechet(features, digits.labels, features, swapped).mean > 10


def toy(n, seed, noise=0.2, swap=0.0):
    """14 x 14 images of a bar at one of 4 places, the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    images = np.full((n, 1, 14, 14), -0.5)
    for k in range(4):
        images[labels == k, :, :, 3 * k:3 * k + 3] = 0.5
    wrong = np.where(rng.uniform(size=n) < swap, (labels + 1) % 4, labels)
    return np.clip(images + noise * rng.standard_normal(images.shape), -1, 1), wrong


def test_classifiers_trained_on_good_fakes_know_the_data_and_the_reverse():
    real, real_labels = toy(400, 0)
    fake, fake_labels = toy(500, 1)
    random.manual_seed(9)
    before = random.get_state()
    lines = []
    good = classification_accuracy_score(real, real_labels, fake, fake_labels, epochs=12, width=4,
                                         report=lambda *line: lines.append(line))
    assert random.get_state() == before
    assert good.gan_train > 0.9 and good.gan_test > 0.9
    assert [line[:2] for line in lines] == [(w, e) for w in ("gan_train", "gan_test") for e in range(1, 13)]
    again = classification_accuracy_score(real, real_labels, tinygan.tensor(fake), fake_labels, epochs=12, width=4)
    assert again == good  # seeded


def test_collapsed_fakes_teach_little_and_wrong_ones_are_found_out():
    real, real_labels = toy(400, 0)
    fake, fake_labels = toy(500, 1)
    keep = fake_labels < 2  # two of four classes: at most half of the reals can be known
    dropped = classification_accuracy_score(real, real_labels, fake[keep], fake_labels[keep], epochs=12, width=4)
    assert dropped.gan_train <= 0.5 and dropped.gan_test > 0.9
    wrong, wrong_labels = toy(500, 1, swap=0.5)
    # half of the labels are wrong, binomial deviation 0.022
    assert classification_accuracy_score(real, real_labels, wrong, wrong_labels, epochs=12, width=4).gan_test < 0.65


P = np.full((3, 4), 0.25)
X = np.zeros((4, 1, 14, 14))
Y = np.zeros(4, int)


@pytest.mark.parametrize("call, message", [
    (lambda: conditional_accuracy(P, [0, 1]), r"confusion_matrix: expected labels \(3,\) from 0 to 3"),
    (lambda: class_leakage(P, [0, 1, 4]), r"class_leakage: expected labels \(3,\) from 0 to 3"),
    (lambda: confusion_matrix(P, [0, 1, -1]), "confusion_matrix: expected labels"),
    (lambda: confusion_matrix(P, [0.0, 1.0, 2.0]), "confusion_matrix: expected labels .* got float64"),
    (lambda: class_leakage(P * 4, [0, 1, 2]), "class_leakage: expected rows of probabilities"),
    (lambda: am_score(P, P * np.nan), "am_score: fake: expected rows of probabilities"),
    (lambda: am_score([0.5, 0.5], P), "am_score: expected equal numbers of classes, got 2 and 4"),
    (lambda: intra_frechet(np.zeros((4, 2)), [0, 0, 1, 1], np.zeros((3, 2)), [0, 0, 1]), "two samples of class 1"),
    (lambda: intra_frechet(np.zeros((4, 2)), [0, 0, 1], np.zeros((3, 2)), [0, 0, 1]), "intra_frechet: expected labels"),
    (lambda: intra_frechet(np.zeros((4, 2)), Y, np.full((4, 2), np.inf), Y), "intra_frechet: fake: expected finite"),
    (lambda: classification_accuracy_score(X, Y, X[..., :13, :13], Y), "expected images of equal shape"),
    (lambda: classification_accuracy_score(X, Y[:3], X, Y), r"expected real square images \(N, C, S, S\) with labels"),
    (lambda: classification_accuracy_score(X, Y, X, Y - 1), "expected fake square images"),
    (lambda: classification_accuracy_score(X, Y, X + 2, Y), r"expected images in \[-1, 1\]"),
    (lambda: classification_accuracy_score(X, Y, X * np.nan, Y), r"expected images in \[-1, 1\]"),
])
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
