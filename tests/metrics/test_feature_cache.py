"""FeatureCache: the same numbers without asking the extractor, keys by content, damaged and foreign files."""
import os
import warnings

import numpy as np
import pytest

from tinygan.metrics import FeatureCache, sample_set
from tinygan.metrics.feature_cache import CHUNK, entry_key


class Counting:
    """An extractor of three numbers per image that counts the images it is shown."""

    name, suffix, dim = "counting", "_C", 3

    def __init__(self, fingerprint="0"):
        self.fingerprint, self.seen, self.calls = fingerprint, 0, 0

    def scores(self, images):
        self.seen, self.calls = self.seen + len(images), self.calls + 1
        flat = images.reshape(len(images), -1).astype(np.float32)
        features = np.stack([flat.mean(1), flat.std(1), flat[:, 0]], axis=1)
        return np.full((len(images), 2), 0.5, np.float32), features


def images(seed=0, n=2 * CHUNK + 7):
    return np.random.default_rng(seed).integers(0, 256, (n, 1, 6, 6), np.uint8)


def looked(cache, array, extractor):
    samples = sample_set(array)
    cache.look(samples, extractor)
    return samples


def test_a_second_look_asks_nobody_and_gives_the_same_bits(tmp_path):
    extractor, steps = Counting(), []
    first = sample_set(images())
    FeatureCache(tmp_path).look(first, extractor, steps.append)
    assert (extractor.seen, extractor.calls) == (len(first), 3) and steps == [CHUNK, CHUNK, 7]
    steps.clear()
    again = sample_set(images().copy())
    cache = FeatureCache(tmp_path)
    cache.look(again, extractor, steps.append)
    assert extractor.calls == 3 and (cache.hits, cache.misses) == (1, 0) and steps == [len(first)]
    assert (again.features == first.features).all() and again.features.dtype == first.features.dtype
    assert (again.probabilities == first.probabilities).all()
    cache.look(again, extractor)  # this very set: not even the file is asked
    assert cache.hits == 1


def test_the_key_is_the_content_the_extractor_and_nothing_else(tmp_path, monkeypatch):
    one, key = Counting("a"), entry_key(sample_set(images()), Counting("a"))
    changed = images()
    changed[5, 0, 3, 3] ^= 1  # one bit of one pixel
    assert entry_key(sample_set(changed), one) != key
    assert entry_key(sample_set(images().reshape(-1, 1, 4, 9)), one) != key  # the same bytes in another shape
    assert entry_key(sample_set(images()), Counting("b")) != key
    assert entry_key(sample_set(np.asfortranarray(images())), one) == key
    # the folder decides where the files are, not which numbers come out
    features = looked(FeatureCache(tmp_path / "a"), images(), one).features
    assert (looked(FeatureCache(tmp_path / "b"), images(), one).features == features).all()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert (looked(FeatureCache(), images(), one).features == features).all()
    assert (tmp_path / "c").is_dir() and one.seen == 3 * len(images())


def damage(path, how):
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[:len(content) // 2])
    elif how == "flipped":
        middle = bytearray(content)
        middle[content.index(b"NUMPY") + 200] ^= 1
        path.write_bytes(bytes(middle))
    elif how == "empty":
        path.write_bytes(b"")
    else:
        np.savez(path, features=np.zeros((2, 3)), probabilities=np.zeros((2, 2)), about=np.array('{"key": "other"}'))


@pytest.mark.parametrize("how", ["truncated", "flipped", "empty", "foreign"])
def test_a_damaged_file_is_told_and_computed_again(tmp_path, how):
    extractor = Counting()
    features = looked(FeatureCache(tmp_path), images(), extractor).features
    (path,) = tmp_path.glob("*.npz")
    damage(path, how)
    with pytest.warns(UserWarning, match="is damaged .*; it is computed again"):
        again = looked(FeatureCache(tmp_path), images(), extractor)
    assert (again.features == features).all() and extractor.seen == 2 * len(features)
    looked(FeatureCache(tmp_path), images(), extractor)  # what replaced it is whole: no warning, no call
    assert extractor.seen == 2 * len(features)


def test_statistics_come_from_a_file_too(tmp_path):
    extractor = Counting()
    samples = looked(FeatureCache(tmp_path), images(), extractor)
    found = FeatureCache(tmp_path).statistics(samples, extractor)
    np.testing.assert_allclose(found.mean, samples.features.mean(0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(found.covariance(), np.cov(samples.features.astype(np.float64).T), rtol=1e-10)
    again = FeatureCache(tmp_path).statistics(samples, extractor)
    assert (again.mean == found.mean).all() and (again.scatter == found.scatter).all() and again.n == found.n
    (path,) = tmp_path.glob("*-statistics.npz")
    damage(path, "truncated")
    with pytest.warns(UserWarning, match="is damaged"):
        assert (FeatureCache(tmp_path).statistics(samples, extractor).mean == found.mean).all()


def test_nothing_is_kept_when_nothing_shall_be(tmp_path):
    extractor, cache = Counting(), FeatureCache(tmp_path / "none", keep=False)
    for expected in (1, 2):
        looked(cache, images(n=5), extractor)
        assert extractor.calls == expected
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_a_warning(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="feature cache: cannot write to"):
        samples = looked(FeatureCache(tmp_path / "file" / "x"), images(n=5), Counting())
    assert samples.features.shape == (5, 3) and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_extractor_that_fails_leaves_no_file(tmp_path):
    class Failing(Counting):
        def scores(self, images):
            raise ValueError("failing: expected other images")
    with pytest.raises(ValueError, match="expected other images"):
        looked(FeatureCache(tmp_path), images(n=5), Failing())
    assert list(tmp_path.iterdir()) == []


def test_the_least_recently_used_entries_make_room(tmp_path):
    extractor, cache = Counting(), FeatureCache(tmp_path)
    for seed in range(3):
        looked(cache, images(seed), extractor)
    files = {seed: tmp_path / f"{entry_key(sample_set(images(seed)), extractor)}.npz" for seed in range(4)}
    for age, seed in enumerate((1, 2, 0)):
        os.utime(files[seed], (1000 + age, 1000 + age))
    size = files[0].stat().st_size
    looked(FeatureCache(tmp_path), images(1), extractor)  # used again, so no longer the oldest
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        looked(FeatureCache(tmp_path, limit=int(2.5 * size)), images(3), extractor)
    assert [seed for seed, file in files.items() if file.exists()] == [1, 3]
