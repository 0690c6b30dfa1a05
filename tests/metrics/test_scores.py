"""The judge's scores: counts against hand-made probabilities, FID_J against its definition, floors and sizes."""
import numpy as np
import pytest

from tinygan import tensor
from tinygan.data import embedded_mnist
from tinygan.metrics import (am_score, class_counts, classes_present, confident_share, digit_classifier, fid_j,
                             frechet_distance, inception_score, judge_report, statistics)


@pytest.fixture(scope="module")
def judge():
    return digit_classifier()


@pytest.fixture(scope="module")
def digits():
    """2,000 test digits in file order: the classes are mixed."""
    return embedded_mnist("test").scaled()


def one_hot(labels, k=10, top=1.0):
    p = np.full((len(labels), k), (1 - top) / (k - 1))
    p[np.arange(len(labels)), labels] = top
    return p


def test_confident_share_counts_rows_above_the_threshold():
    p = np.array([[0.95, 0.05], [0.9, 0.1], [0.5, 0.5], [0.02, 0.98]])
    assert confident_share(p) == 0.5  # 0.9 itself is not above it
    assert confident_share(p, threshold=0.4) == 1.0


@pytest.mark.parametrize("n, few, share, expected", [
    (2000, 40, 0.02, 2), (2000, 39, 0.02, 1), (100, 7, 0.07, 2), (100, 6, 0.07, 1), (50, 1, 0.02, 2)])
def test_a_class_is_present_from_exactly_its_share(n, few, share, expected):
    p = one_hot([3] * few + [7] * (n - few), top=0.4)
    assert classes_present(p, share) == expected
    assert class_counts(p).tolist() == [0, 0, 0, few, 0, 0, 0, n - few, 0, 0]


def test_the_judge_is_sure_of_real_digits_and_not_of_noise(judge, digits):
    p = judge.probabilities(digits)
    assert classes_present(p) == 10 and confident_share(p) > 0.95
    noise = np.random.default_rng(0).uniform(-1, 1, (500, 1, 28, 28)).astype(np.float32)
    assert confident_share(judge.probabilities(noise)) < 0.05


@pytest.mark.parametrize("bad", [np.zeros((0, 10)), np.zeros(10), np.full((3, 2), 50.0), np.array([[2.0, -1.0]]),
                                 np.array([[np.nan, 1.0]])])
def test_what_is_no_probability_is_refused(bad):
    for score in (confident_share, classes_present, class_counts):
        with pytest.raises(ValueError, match="expected (rows of )?probabilities"):
            score(bad)


def test_probabilities_may_be_tensors_and_arrays_of_a_gpu(cupy_standin):
    p = one_hot([0, 3, 3, 7], top=0.95)
    for form in (tensor(p), cupy_standin.asarray(p)):
        assert (confident_share(form), classes_present(form), class_counts(form).tolist()) == (
            confident_share(p), 3, class_counts(p).tolist())
        assert am_score(form, form) == am_score(p, p) and inception_score(form, 2) == inception_score(p, 2)


def test_fid_j_is_the_frechet_distance_of_the_features(judge, digits):
    a, b = digits[:300], digits[300:700]
    expected = frechet_distance(*statistics(judge.features(a)), *statistics(judge.features(b)))
    assert fid_j(a, b, judge) == expected > 0
    assert fid_j(a, a, judge) == pytest.approx(0, abs=1e-6)


def test_report_of_real_digits_is_its_own_floor(judge, digits):
    report = judge_report(digits[:1000], digits[1000:], judge, real=digits[:1000])
    assert report.fid_j == report.floor
    assert (report.samples, report.reference, report.floor_samples, report.floor_reference) == (1000,) * 4
    assert report.classes_present == report.classes == 10 and report.confident_share > 0.95


def test_the_floor_has_the_sizes_of_the_figure(judge, digits):
    report = judge_report(digits[:150], digits[150:650], judge, real=digits[650:])
    assert report.floor == fid_j(digits[650:800], digits[150:650], judge)
    assert (report.floor_samples, report.floor_reference) == (150, 500)
    short = judge_report(digits[:150], digits[150:650], judge, real=digits[650:700])
    assert (short.floor_samples, short.floor_reference) == (50, 500)


def test_without_other_real_images_the_floor_is_between_halves(judge, digits):
    report = judge_report(digits[:100], digits[100:401], judge)
    assert report.floor == fid_j(digits[100:401:2], digits[101:401:2], judge)
    assert (report.floor_samples, report.floor_reference) == (151, 150)
    assert "real against real" in str(report) and "151 against 150" in str(report)


def test_the_floor_falls_with_the_sample_size(judge, digits):
    # the bias is proportional to 1 / N + 1 / M; 1.5 leaves the factor 4 of the sizes room for chance
    small = judge_report(digits[:100], digits[1000:1200], judge).floor
    large = judge_report(digits[:100], digits[1000:1800], judge).floor
    assert small > 1.5 * large


def test_damage_raises_fid_j_step_by_step(judge, digits):
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(digits[:500].shape).astype(np.float32)
    values = [fid_j(np.clip(digits[:500] + s * noise, -1, 1), digits[500:1000], judge) for s in (0, 0.3, 0.6, 1.2)]
    assert values == sorted(values) and values[-1] > 3 * values[0]
    one_class = judge.probabilities(digits).argmax(axis=1) == 3
    few = judge_report(digits[one_class], digits[~one_class], judge)
    assert few.classes_present == 1 and few.fid_j > 3 * few.floor


def test_too_few_images_are_refused(judge, digits):
    with pytest.raises(ValueError, match="statistics: expected at least two samples"):
        judge_report(digits[:1], digits[1:50], judge)
    with pytest.raises(ValueError, match="judge_report: expected at least 4 reference images"):
        judge_report(digits[:9], digits[:3], judge)
    with pytest.raises(ValueError, match="digits-28: expected images"):
        judge_report(np.zeros((4, 1, 28, 28), np.int64), digits, judge)
