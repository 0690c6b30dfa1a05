"""evaluate: every row of the table, floors, full names, one number for every form of the same samples, bad input."""
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tinygan import random
from tinygan.data import POINTS, DataError, embedded_mnist, grid25, scale, stacked
from tinygan.metrics import (METRICS, Evaluation, FeatureCache, digit_classifier, evaluate, extractor_names, fid,
                             find_extractor, inception_score, judge_report, kid, mode_count, sample_set, swd)
from tinygan.metrics.extractors import usual_extractor
from tinygan.metrics.score_table import NEEDS, TABLE

N = 200


@pytest.fixture(scope="module")
def test():
    """500 digits that no judge has seen; their classes are mixed."""
    return embedded_mnist("test").take(slice(0, 500))


@pytest.fixture(scope="module")
def train():
    return embedded_mnist("train")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return FeatureCache(tmp_path_factory.mktemp("features"))


def blurred(images, times):
    """Images in [-1, 1], each pixel the mean of its 3 x 3 neighbours, ``times`` times."""
    for _ in range(times):
        padded = np.pad(images, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
        images = sum(padded[:, :, i:i + 28, j:j + 28] for i in range(3) for j in range(3)) / np.float32(9)
    return images


# What is computed

def test_noise_and_blur_make_every_score_worse_step_by_step(test, train, cache):
    real, noise = train.scaled()[:N], np.random.default_rng(0).standard_normal((N, 1, 28, 28)).astype(np.float32)
    noisy = [np.clip(real + s * noise, -1, 1) for s in (0, 0.1, 0.2, 0.4, 0.8)]
    soft = [blurred(real, times) for times in (0, 1, 2, 3)]
    # a little noise does not move coverage by more than chance does (0.04 with 200 samples); so it is asked of blur
    for ladder, labels in ((soft, ("FID_J", "KID_J", "coverage_J")),
                           (noisy, ("FID_J", "KID_J", "IS_J", "sharpness"))):
        found = [evaluate(images, test, ("fid", "kid", "dc", "is", "sharpness"), cache=cache) for images in ladder]
        for label in labels:
            values = [-one[label] if one.score(label).better == "higher" else one[label] for one in found]
            assert values == sorted(values) and values[0] < values[-1], (label, values)
    # the first rung is real: its scores are about their floors, and those of the last are far from them
    assert found[0]["FID_J"] < 2 * found[0].score("FID_J").floor < 0.1 * found[-1]["FID_J"]


def test_score_and_floor_are_those_of_judge_report(test, train, cache):
    judge, fakes = digit_classifier(), scale(train.images[1000:1200])
    for real in (train.take(slice(0, 200)), None):
        report = judge_report(fakes, test.scaled(), judge, None if real is None else real.scaled())
        found = evaluate(fakes, test, ("fid", "confident"), real=real, cache=cache)
        score = found.score("FID_J")
        # batches of another size round the features differently, in the last of seven digits
        assert score.value == pytest.approx(report.fid_j, rel=1e-4)
        if real is not None:
            assert score.floor == pytest.approx(report.floor, rel=1e-4)
        assert (found["confident_J"], found["classes_J"]) == (report.confident_share, report.classes_present)


def test_the_floor_has_the_sizes_of_the_score_where_it_can(test, train, cache):
    fakes = train.images[:150]
    found = evaluate(fakes, test, ("fid", "is"), real=train, cache=cache)
    assert found.score("FID_J").floor_name == "150 of embedded train / 500 of embedded test"
    assert found.settings["real"]["n"] == 150
    halved = evaluate(fakes, test.take(slice(0, 200)), ("fid", "is"), cache=cache)
    assert halved.score("FID_J").floor_name == "100 of embedded test / 100 of embedded test"
    assert halved.score("IS_J").floor_name == "150 of embedded test"  # alone: nothing to keep apart from
    features = digit_classifier().features(test.images[:200])
    assert halved.score("FID_J").floor == pytest.approx(fid(features[1::2], features[::2]), rel=1e-4)


def test_every_metric_of_the_table_can_be_had(test, train, cache):
    special = {"points", "mixture", "stacked", "generator"}  # what a folder of digits is not, or has not
    images = [name for name, row in METRICS.items() if not special & set(row.needs)]
    # a classifier is trained four times for "cas": its own test has it
    names = [name for name in images if name != "cas"]
    found = evaluate(train.take(slice(0, 80)), test.take(slice(0, 160)), names, cache=cache)
    assert {score.metric for score in found.scores} == set(names)
    assert all(np.isfinite(score.value) and np.isfinite(score.floor) for score in found.scores)
    points = evaluate(lambda n: grid25(n), grid25, ("modes", "sw", "pr", "mind"), n=200)
    assert [score.label for score in points.scores] == ["modes", "high quality", "sliced W1", "precision_points",
                                                        "recall_points", "MIND_points"]
    random.manual_seed(0)
    stack = evaluate(stacked(train, 60), stacked(test, 60), cache=cache)
    assert [score.label for score in stack.scores] == ["sharpness", "modes", "KL"] and stack["modes"] > 50


def test_rows_are_well_formed():
    assert len({row.name for row in TABLE}) == len(TABLE)
    for row in TABLE:
        assert len(row.labels) == len(row.better) and set(row.needs) <= set(NEEDS) and row.about
        assert set(row.better) <= {"lower", "higher", "as the real ones"}


def test_a_metric_alone_is_the_metric_among_others(test, train, cache):
    both = evaluate(train.images[:N], test, cache=cache)
    assert {"fid", "kid", "pr", "dc", "is", "confident", "sharpness"} == {score.metric for score in both.scores}
    for name in ("kid", "is", "dc"):
        alone = evaluate(train.images[:N], test, name, cache=cache)
        assert alone.scores == tuple(score for score in both.scores if score.metric == name)


def test_scores_that_need_equal_numbers_take_them(test, train, cache):
    found = evaluate(train.images[:40], test, ("prd", "swd"), real=train, cache=cache)
    assert "20 clusters, 10 runs, 40 of each] 40 samples / 500" in found.score("PRD F8_J").name
    assert "512 directions, 40 of each] 40 samples / 500" in found.score("SWD").name
    even = np.arange(40) * 500 // 40
    assert found["SWD"] == swd(test.images[even], train.images[:40]).mean


def test_an_infinite_score_survives_json(test, cache):
    one_class = test.take(test.labels == 3)
    found = evaluate(one_class, test, "am", cache=cache)
    # nine classes of ten have at most 1 % of the samples: KL >= 0.9 log(0.1 / 0.01) - 0.1 log 10 = 1.8
    assert found["AM_J"] > 1.8
    infinite = replace(found, scores=(replace(found.scores[0], value=float("inf")),))
    assert Evaluation.from_dict(json.loads(json.dumps(infinite.to_dict(), allow_nan=False))) == infinite


def test_points_with_a_known_mixture():
    random.manual_seed(3)
    points = grid25(500)
    before = random.get_state()
    found = evaluate(points, grid25)
    assert random.get_state() == before
    counted = mode_count(points, grid25)
    assert (found["modes"], found["high quality"]) == (counted.captured, counted.high_quality)
    assert found.score("modes").floor == 25 and found["sliced W1"] < 0.5
    off = evaluate(points + np.float32([3, 0]), grid25)
    # W1 to a cloud moved by 3 along x: its mean over directions is at most 3 * 2 / pi = 1.9, and near it
    assert off["sliced W1"] > found["sliced W1"] + 0.3 and off["high quality"] < 0.1
    assert [score.metric for score in evaluate(POINTS["moons"](100), POINTS["moons"]).scores] == ["sw"]


def test_compat_is_that_of_the_functions_where_they_have_it(test, train, cache):
    judge, fakes = digit_classifier(), train.images[:100]
    known, seen = sample_set(test), sample_set(fakes)
    for one in (known, seen):
        cache.look(one, judge)
    found = evaluate(seen, known, ("fid", "kid", "is", "pr"), judge, cache=cache, compat="stylegan2-ada")
    assert found["FID_J"] == fid(known.features, seen.features, "stylegan2-ada")
    distance = kid(known.features, seen.features, 100, 100, compat="stylegan2-ada")
    assert (found["KID_J"], found.score("KID_J").spread) == distance
    assert found["IS_J"] == inception_score(seen.probabilities, compat="stylegan2-ada").mean
    assert [score.name.split("; ", 2)[2].split("]")[0] for score in found.scores] == [
        "ddof 0, compat stylegan2-ada", "100 subsets of 100, compat stylegan2-ada", "10 splits, compat stylegan2-ada",
        "k 3, <=", "k 3, <="]
    assert found.settings["compat"] == "stylegan2-ada"
    torch = evaluate(seen, known, ("fid", "is"), judge, cache=cache, compat="torch-fidelity", seed=3)
    assert torch["IS_J"] == inception_score(seen.probabilities, compat="torch-fidelity").mean  # its own seed, 2020
    assert "[judge digits-28; uint8; 10 splits, shuffled, compat torch-fidelity]" in torch.score("IS_J").name
    assert torch["FID_J"] == fid(known.features, seen.features, "torch-fidelity") != found["FID_J"]
    alone = evaluate(seen, known, ("kid", "is"), judge, cache=cache, compat="clean-fid")
    assert "compat" in alone.score("KID_J").name and "compat" not in alone.score("IS_J").name


# Names and JSON

def test_a_name_says_what_the_number_depends_on(test, train, cache):
    found = evaluate(train.images[:50], test, ("fid", "kid", "sharpness"), cache=cache)
    assert [score.name for score in found.scores] == [
        "FID_J[judge digits-28; uint8; ddof 1, no more samples than dimensions: large bias] 50 samples / 500 "
        "embedded test",
        "KID_J[judge digits-28; uint8; 100 subsets of 50] 50 samples / 500 embedded test",
        "sharpness[uint8] 50 samples / 500 embedded test"]
    lines = str(found).splitlines()
    assert lines[0].split() == ["score", "value", "real", "better"]
    for score, line in zip(found.scores, lines[1:]):
        assert line.startswith(score.name) and f"{score.value:.4g}" in line and f"{score.floor:.4g}" in line


def test_json_holds_everything(test, train, cache):
    found = evaluate(train.images[:50], test, ("fid", "kid"), cache=cache, seed=4)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert Evaluation.from_dict(json.loads(text)) == found
    document, judge = json.loads(text), digit_classifier()
    assert document["extractor"] == {"name": judge.name, "fingerprint": judge.fingerprint, "dim": 64}
    assert document["seed"] == 4 and set(document["versions"]) == {"tinygan", "numpy", "python"}
    assert document["samples"]["n"] == 50 and document["reference"]["sha256"] == sample_set(test).digest
    assert json.dumps(evaluate(train.images[:50], test, ("fid", "kid"), cache=cache, seed=4).to_dict()) == text
    for other in ([], {}, {"format": "x"}, {**document, "version": 2}):
        with pytest.raises(ValueError, match="Evaluation.from_dict: expected"):
            Evaluation.from_dict(other)
    with pytest.raises(KeyError, match="expected one of FID_J, KID_J, got 'FID'"):
        found["FID"]


def test_a_cached_evaluation_is_the_same_and_asks_nobody(test, train, tmp_path):
    judge = digit_classifier()
    images = train.images[:100]
    first = evaluate(images, test, extractor=judge, cache=FeatureCache(tmp_path))
    fresh = evaluate(images, test, extractor=judge, cache=False)
    judge.scores = None  # calling it would fail
    again = evaluate(images, test, extractor=judge, cache=FeatureCache(tmp_path))
    assert first == again == fresh


# Forms of samples

def test_every_form_of_the_same_samples_has_the_same_scores(test, train, cache, tmp_path):
    floats = np.clip(train.scaled()[:40] + 0.003, -1, 1)  # between grey levels
    pixels = sample_set(floats).values
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, image in enumerate(pixels):
        Image.fromarray(image[0]).save(folder / f"{index:05d}.png")
    np.save(tmp_path / "a.npy", pixels[:, 0])
    np.savez(tmp_path / "b.npz", images=np.moveaxis(pixels, 1, 3), labels=train.labels[:40])
    np.savez(tmp_path / "c.npz", other=pixels[:3], wanted=floats.astype(np.float64))

    def values(source):
        return [score.value for score in evaluate(source, test, ("fid", "dc", "sharpness"), n=40, cache=cache).scores]
    expected = values(floats)
    assert cache.misses and all(values(source) == expected for source in (
        pixels, folder, tmp_path / "a.npy", tmp_path / "b.npz", f"{tmp_path / 'c.npz'}:wanted", lambda n: floats[:n]))
    assert (sample_set(str(tmp_path / "b.npz")).labels == train.labels[:40]).all()


def test_the_rule_of_quantisation():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    assert (sample_set(scale(levels)).values == levels).all()
    # half a level is 1 / 255: below it the nearer level wins
    assert (sample_set(scale(levels[:, :, :-1]) + np.float32(0.9 / 255)).values == levels[:, :, :-1]).all()
    assert (sample_set(scale(levels[:, :, :-1]) + np.float32(1.1 / 255)).values == levels[:, :, :-1] + 1).all()


def test_fewer_samples_are_taken_at_even_distances(test):
    assert (sample_set(test, 4).values == test.images[[0, 125, 250, 375]]).all()
    assert sample_set(test, 4).labels.tolist() == test.labels[[0, 125, 250, 375]].tolist()
    asked = []
    evaluate(lambda n: asked.append(n) or test.images[:n], test.take(slice(0, 30)), "sharpness")
    assert asked == [30]  # as many as the reference has


def test_labels_decide_the_conditional_scores(test, cache):
    right = evaluate(test.take(slice(0, 100)), test, ("accuracy", "intra-fid"), cache=cache)
    moved = sample_set(test.take(slice(0, 100)))
    moved.labels = (moved.labels + 1) % 10
    wrong = evaluate(moved, test, ("accuracy", "intra-fid"), cache=cache)
    assert right["accuracy_J"] > 0.95 and wrong["accuracy_J"] < 0.05
    assert wrong["intra FID_J"] > 5 * right["intra FID_J"]


# What cannot be meant

def bad(values, **kinds):
    return np.full((8, 1, 28, 28), values, **kinds)


@pytest.mark.parametrize("samples, message", [
    (bad(3.0), r"samples: expected floating images in \[-1, 1\], got values from 3 to 3; pass uint8"),
    (bad(1.1), r"got values from 1.1 to 1.1; clip them to \[-1, 1\]"),
    (bad(np.nan), "samples: expected finite values, got NaN or infinity in sample 0"),
    (bad(7), r"got int64 of shape \(8, 1, 28, 28\); .astype\(np.uint8\) if these are grey levels"),
    (bad(True), "expected images of uint8 or of floats"),
    (bad(0, dtype=np.uint8)[:0], r"got an array of shape \(0, 1, 28, 28\)"),
    (bad(9, dtype=np.uint8)[0], r"got an array of shape \(1, 28, 28\)"),
    (np.full((8, 2, 28, 28), 9, np.uint8), "with 1 or 3 channels, got"),
    (np.full((8, 28, 28, 3), 9, np.uint8), r"; pass x.transpose\(0, 3, 1, 2\)"),
    (np.full((8, 3, 28, 28), 9, np.uint8), r"of one shape, got \(3, 28, 28\) in samples and \(1, 28, 28\) in embedded"),
    (np.zeros((8, 2), np.float32), r"of one shape, got \(2,\) in samples"),
    (lambda n: np.full((n - 1, 1, 28, 28), 9, np.uint8), "samples: expected 8 samples from the function, got 7"),
    ("nowhere", "samples: expected a folder of images, an .npz or an .npy file, got nowhere"),
])
def test_samples_that_are_none(test, samples, message):
    with pytest.raises(ValueError, match=message):
        evaluate(samples, test.take(slice(0, 8)), "fid", cache=False)


@pytest.mark.parametrize("words, message", [
    (dict(metrics="fidd"), "metrics: unknown metric 'fidd'; did you mean 'fid'?"),
    (dict(metrics=()), "metrics: expected at least one name, got none"),
    (dict(metrics="dc"), "dc: it needs at least 6 samples, got 5 in samples"),
    (dict(metrics="is"), "is: it needs at least 10 samples, got 5 in samples"),
    (dict(metrics="modes"), "modes: it is for points of a known mixture"),
    (dict(metrics="accuracy"), "accuracy: it needs the classes of the samples"),
    (dict(metrics="ppl"), "ppl: it needs the generator of the samples, .*: evaluate a run; a folder, a file"),
    (dict(compat="keras"), "compat: expected one of clean-fid, improved-gan, pytorch-fid, .*, got 'keras'"),
    (dict(metrics="pr", compat="pytorch-fid"), r"expected a metric with a definition by pytorch-fid \(fid\), got pr"),
    (dict(extractor="digits"), "extractor: expected one of digits-28"),
    (dict(n=6), "samples: expected at least 6 samples, got 5 in samples"),
])
def test_questions_that_cannot_be_meant(test, words, message):
    with pytest.raises(ValueError, match=message):
        evaluate(test.images[:5], test, **{"cache": False, **words})


def test_too_few_samples_leave_out_what_nobody_named(test, cache):
    found = evaluate(test.images[:5], test.take(slice(0, 8)), cache=cache)
    assert found.skipped == {"dc": "it needs at least 6 samples, got 5 in samples",
                             "is": "it needs at least 10 samples, got 5 in samples"}
    assert "left out: dc: it needs at least 6 samples" in str(found)
    tiny = evaluate(test.images[:5], test.take(slice(0, 5)), "pr", cache=cache)
    assert tiny.score("precision_J").floor is None and "  -  " in str(tiny)  # halves of 5 are too few


def test_images_without_a_judge_are_told_what_there_is(test):
    assert usual_extractor("mnist", (1, 28, 28)) == "digits-28" and usual_extractor("mnist", (1, 20, 20)) is None
    assert usual_extractor("mnist", (3, 28, 28)) is None and usual_extractor(None, (1, 28, 28)) is None
    with pytest.raises(ValueError, match="no judge is packaged; name one of digits-28, .* need none: sharpness, swd"):
        evaluate(test.images[:20], test.images[20:40], cache=False)
    assert {"digits-28", "inception", "inception:clean"} <= set(extractor_names())
    with pytest.raises(ValueError, match="extractor: expected weights with inception only"):
        find_extractor("digits-28", weights="x.npz")


@pytest.mark.parametrize("array", [np.linspace(0, 1, 8 * 784, dtype=np.float32).reshape(8, 1, 28, 28),
                                   np.ones((8, 1, 28, 28), np.uint8)])
def test_what_may_have_been_meant_otherwise_is_a_warning(array):
    with pytest.warns(UserWarning, match="if they were meant as|if 1 was meant"):
        assert len(sample_set(array)) == 8


def test_files_that_hold_no_samples(tmp_path):
    images = np.full((4, 1, 8, 8), 9, np.uint8)
    np.savez(tmp_path / "two.npz", a=images, b=images)
    np.savez(tmp_path / "none.npz", a=np.arange(3))
    np.savez(tmp_path / "labels.npz", images=images, labels=np.arange(3))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "junk.npz").write_bytes(b"PK\x03\x04 junk")
    (tmp_path / "text.txt").write_text("")
    with zipfile.ZipFile(tmp_path / "empty.npz", "w"):
        pass
    (tmp_path / "folder").mkdir()
    for name, message in {
            "two.npz": r"expected one array of samples in .*, got a, b; name one: .*two.npz:a",
            "two.npz:c": r"expected an array 'c' in .*, got a uint8 \(4, 1, 8, 8\), b", "none.npz": "got a int64",
            "labels.npz": r"expected whole-numbered labels of shape \(4,\)", "objects.npy": "arrays of numbers",
            "junk.npz": "arrays of numbers", "text.txt": "a file of another kind", "empty.npz": "got no array",
            "folder": "expected images"}.items():
        with pytest.raises(DataError, match=message):
            sample_set(str(tmp_path / name))
    assert len(sample_set(f"{tmp_path / 'two.npz'}:b")) == 4
