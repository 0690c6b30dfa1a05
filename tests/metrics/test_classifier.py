"""Judges: the packaged digit classifier, what it refuses, its file, and that training one is repeatable."""
import numpy as np
import pytest

import tinygan
from tinygan import random
from tinygan.data import embedded_mnist
from tinygan.metrics import Judge, JudgeNetwork, digit_classifier
from tinygan.metrics.classifier import packaged
from tinygan.metrics.judge_training import mirrored, shifted, train_judge, without_class
from tinygan.metrics.train_classifier import main

PACKAGED = packaged("digits", 28)


@pytest.fixture(scope="module")
def judge():
    return digit_classifier()


@pytest.fixture(scope="module")
def digits():
    return embedded_mnist("test")


def test_the_packaged_weights_reach_their_accuracy(judge, digits):
    assert len(digits) == 2000
    assert judge.accuracy(digits.scaled(), digits.labels) >= 0.985
    # what the file says of itself was measured by the training script on images that training did not see
    assert judge.about["accuracy"]["heldout"] >= 0.985 and judge.about["accuracy"]["test"] >= 0.985


def test_the_packaged_file_is_small_and_safe():
    assert PACKAGED.stat().st_size < 300_000
    with np.load(PACKAGED, allow_pickle=False) as archive:
        assert all(archive[key].dtype.kind in "fiU" for key in archive.files)


def test_probabilities_and_features(judge, digits):
    images = digits.scaled()[:7]
    p, f = judge.probabilities(images), judge.features(images)
    assert p.shape == (7, 10) and f.shape == (7, 64) and p.dtype == f.dtype == np.float32
    assert p.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-5)
    assert (f >= 0).all() and len(np.unique(f)) > 100
    both = judge.scores(images)
    assert (both[0] == p).all() and (both[1] == f).all()


def test_the_size_of_batches_does_not_matter(judge, digits):
    images = digits.scaled()[:50]
    # matrix products of other sizes may round differently: 1e-5 is some ten roundings of float32
    np.testing.assert_allclose(judge.features(images, batch_size=7), judge.features(images), rtol=1e-5, atol=1e-5)


def test_tensors_and_float64_are_images_too(judge, digits):
    images = digits.scaled()[:5]
    expected = judge.probabilities(images)
    assert (judge.probabilities(tinygan.tensor(images, requires_grad=True)) == expected).all()
    assert (judge.probabilities(images.astype(np.float64)) == expected).all()


def test_judging_touches_no_random_stream_and_changes_nothing(digits):
    random.manual_seed(5)
    random.normal((3,), stream="init")
    before = random.get_state()
    judge = digit_classifier()
    state = judge.network.state_dict()
    judge.scores(digits.scaled()[:20])
    assert random.get_state() == before
    assert all((value == state[key]).all() for key, value in judge.network.state_dict().items())
    assert not any(module.training for module in judge.network.modules())


def good():
    return np.zeros((2, 1, 28, 28), np.float32)


@pytest.mark.parametrize("images", [
    good()[0], good()[:0], np.zeros((2, 3, 28, 28), np.float32), np.zeros((2, 1, 32, 32), np.float32),
    np.zeros((2, 28, 28), np.float32), np.zeros((2, 1, 28, 28), np.int64), [[0.0]]])
def test_other_shapes_and_dtypes_are_refused(judge, images):
    with pytest.raises(ValueError, match=r"digits-28: expected images \(N, 1, 28, 28\) of a floating dtype"):
        judge.probabilities(images)


@pytest.mark.parametrize("value", [255.0, -1.5, np.nan, np.inf])
def test_values_outside_the_range_are_refused(judge, value):
    images = good()
    images[1, 0, 3, 4] = value
    with pytest.raises(ValueError, match=r"digits-28: expected images in \[-1, 1\], got values up to"):
        judge.features(images)


def small():
    random.manual_seed(0)
    return JudgeNetwork(size=14, channels=3, classes=4, width=2, kernel=3)


def test_a_judge_of_another_size_survives_its_file(tmp_path):
    judge = Judge(small(), "colours-14", {"seed": 7})
    path = tmp_path / "judge.npz"
    judge.save(path)
    again = Judge.load(path)
    images = random.uniform((5, 3, 14, 14), -1, 1)
    assert (again.probabilities(images) == judge.probabilities(images)).all()
    assert again.subject == "colours-14" and again.name == "judge colours-14" and again.about == {"seed": 7}
    assert again.network.settings == judge.network.settings
    second = tmp_path / "second.npz"
    again.save(second)
    assert second.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("damage", ["missing", "text", "truncated", "foreign", "other weights"])
def test_a_damaged_file_is_one_clear_error(tmp_path, damage):
    path = tmp_path / "judge.npz"
    if damage == "text":
        path.write_text("no archive")
    elif damage == "truncated":
        path.write_bytes(PACKAGED.read_bytes()[:100_000])
    elif damage == "foreign":
        np.savez(path, x=np.zeros(3))
    elif damage == "other weights":
        with np.load(PACKAGED) as archive:
            np.savez(path, **{key: archive[key] for key in archive.files if key != "head.bias"})
    state = random.get_state()
    with pytest.raises(ValueError, match="Judge.load: expected a file that Judge.save wrote, got .*judge.npz"):
        Judge.load(path)
    assert random.get_state() == state


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="JudgeNetwork: expected images that two 5x5 convolutions"):
        JudgeNetwork(size=12)


@pytest.fixture
def threads():
    before = tinygan.get_num_threads()
    yield tinygan.set_num_threads
    tinygan.set_num_threads(before)


def test_training_is_repeatable_for_any_number_of_threads_and_learns(digits, threads):
    part = digits.take(slice(0, 600))
    losses, states = [], []
    for n in (1, 2):
        threads(n)
        random.manual_seed(1)
        network = JudgeNetwork(width=4)
        train_judge(network, part.images, part.labels, epochs=2, batch_size=50,
                    report=lambda epoch, loss: losses.append(loss))
        states.append(network.state_dict())
    assert losses[:2] == losses[2:]
    assert all((states[0][key] == states[1][key]).all() for key in states[0])
    assert losses[1] < losses[0]
    # chance is 0.1; 24 steps reach about 0.7 on images they did not see
    rest = digits.take(slice(600, 1000))
    assert Judge(network, "test").accuracy(rest.scaled(), rest.labels) > 0.4


def test_shifts_move_whole_images():
    random.manual_seed(0)
    images = np.full((200, 1, 9, 9), -1, np.float32)
    images[:, 0, 4, 3] = 1
    moved = shifted(images, 2)
    assert moved.shape == images.shape and moved.dtype == np.float32
    n, _, rows, columns = np.nonzero(moved == 1)
    assert (n == np.arange(200)).all() and (moved == -1).sum() == 200 * 80
    assert set(rows - 4) == set(columns - 3) == {-2, -1, 0, 1, 2}


def test_about_half_of_the_images_become_mirror_images():
    random.manual_seed(0)
    images = np.arange(400 * 6, dtype=np.float32).reshape(400, 1, 2, 3)
    turned = mirrored(images)
    same, mirror = (turned == images).all((1, 2, 3)), (turned == images[..., ::-1]).all((1, 2, 3))
    # 5 binomial deviations of 400 trials
    assert (same ^ mirror).all() and abs(mirror.mean() - 0.5) < 5 * 0.025 and turned.dtype == np.float32


def test_images_without_a_class(digits):
    random.manual_seed(0)
    images = digits.scaled()[:40]
    strange = without_class(images)
    assert strange.shape == images.shape and strange.dtype == np.float32 and np.abs(strange).max() <= 1
    assert all(len(np.unique(image)) == 1 for image in strange[2::4])
    assert (np.sort(strange[3::4].reshape(10, -1)) == np.sort(images[3::4].reshape(10, -1))).all()
    assert not (strange[3::4] == images[3::4]).all((1, 2, 3)).any()
    assert without_class(np.zeros((6, 3, 14, 14), np.float32)).shape == (6, 3, 14, 14)


def test_the_script_needs_the_data(tmp_path):
    from tinygan.data import DataError
    with pytest.raises(DataError, match="mnist: expected train-images"):
        main([str(tmp_path)])
