"""Inception-v3: the sizes of its stages, where it differs from torchvision's, and the extractor around it.

Weights are random: nothing here needs the trained ones. What they compute is compared with PyTorch in tests/reference.
"""
import numpy as np
import pytest

import tinygan
from tinygan import random
from tinygan.metrics import InceptionV3
from tinygan.metrics.inception import InceptionNetwork
from tinygan.metrics.inception.network import TABLE, TAPS, Tap, convolutions, run
from tinygan.metrics.inception.weights import shapes


@pytest.fixture(scope="module")
def weights():
    """Of He's size, so that activations neither grow nor vanish; batch norms that do something."""
    rng = np.random.default_rng(0)

    def draw(key, shape):
        if len(shape) > 1:
            return rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:])))
        return (rng.uniform(0.5, 1.5, shape) if key.endswith(("bn.weight", "var")) else
                rng.normal(0, 0.1, shape)).astype(np.float32)
    return {key: draw(key, shape) for key, shape in shapes().items()}


@pytest.fixture(scope="module")
def extractor(weights):
    return InceptionV3(weights)


@pytest.fixture
def small(weights):
    """An extractor of features that cost little."""
    return InceptionV3(weights, tap=64)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (3, 3, 20, 31), dtype=np.uint8)


def test_the_network_is_as_large_as_published():
    assert len(list(convolutions())) == 94
    counts = {key: int(np.prod(shape)) for key, shape in shapes().items()}
    # torchvision counts 21,785,568 for the convolutions and norms without the auxiliary head; one classifier of 1008
    assert sum(n for key, n in counts.items() if "running" not in key) == 21785568 + 1008 * 2049
    cost = 0  # multiplications of one image of 299 x 299, from the sizes of the outputs
    places = {"Conv2d_1a": 149, "Conv2d_2": 147, "Conv2d_3b": 73, "Conv2d_4a": 71, "Mixed_5": 35, "Mixed_6": 17,
              "Mixed_7": 8, "Mixed_7a.branch3x3_1": 17, "Mixed_7a.branch7x7x3_1": 17, "Mixed_7a.branch7x7x3_2": 17,
              "Mixed_7a.branch7x7x3_3": 17, "Mixed_6a.branch3x3dbl_1": 35, "Mixed_6a.branch3x3dbl_2": 35}
    for name, _, _ in convolutions():
        size = places[max((place for place in places if name.startswith(place)), key=len)]
        cost += size * size * counts[f"{name}.conv.weight"]
    assert 5.6e9 < cost < 5.8e9


def test_stages_have_the_published_sizes(extractor):
    x = tinygan.tensor(np.zeros((1, 3, 299, 299), np.float32))
    with tinygan.no_grad():
        found = [y.shape[1:] for step, y in extractor.network.stages(x) if not isinstance(step, Tap)]
    stem = [(32, 149), (32, 147), (64, 147), (64, 73), (80, 73), (192, 71), (192, 35)]
    blocks = [(256, 35), (288, 35), (288, 35), (768, 17), *[(768, 17)] * 4, (1280, 8), (2048, 8), (2048, 8)]
    assert found == [(c, s, s) for c, s in stem + blocks]


def test_averages_divide_by_the_real_pixels():
    with tinygan.no_grad():
        for name in ("Mixed_5b", "Mixed_6b", "Mixed_7b"):
            fork = next(step for step in TABLE if getattr(step, "name", "") == name)
            pool = fork.branches[-1][0]
            y = run(pool, tinygan.tensor(np.ones((1, 2, 6, 5))), {}).numpy()
            # counting the padding would give 4/9 in the corners
            np.testing.assert_allclose(y, np.ones((1, 2, 6, 5)), rtol=1e-15)


def test_the_pool_of_the_last_block_is_a_maximum_and_that_before_an_average():
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 2, 2] = 9
    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = 1
    with tinygan.no_grad():
        for name, value in (("Mixed_7b", 1), ("Mixed_7c", 9)):
            fork = next(step for step in TABLE if getattr(step, "name", "") == name)
            y = run(fork.branches[-1][0], tinygan.tensor(x), {}).numpy()
            np.testing.assert_allclose(y[0, 0], value * expected, rtol=1e-15)


def test_folded_batch_norm_gives_the_same_features(weights):
    random.manual_seed(0)
    x = tinygan.tensor(random.normal((1, 3, 75, 91), dtype=np.float64))
    network = InceptionNetwork()
    network.load_state_dict(weights, strict=False)
    network.double()
    with tinygan.no_grad():
        plain = network(x, (*TAPS, "logits"))
        folded = network.fold().fold()(x, (*TAPS, "logits"))
    assert not [key for key in network.state_dict() if ".bn." in key]
    for tap, value in plain.items():  # float64, 94 layers
        scale = np.abs(value.numpy()).max()
        np.testing.assert_allclose(folded[tap].numpy(), value.numpy(), rtol=0, atol=1e-12 * scale, err_msg=str(tap))


def test_layers_behind_the_last_tap_are_not_computed(weights):
    network = InceptionNetwork()
    network.load_state_dict({**weights, "Mixed_5b.branch1x1.conv.weight":
                             np.full((64, 192, 1, 1), np.nan, np.float32)}, strict=False)
    x = tinygan.tensor(np.ones((1, 3, 75, 75), np.float32))
    with tinygan.no_grad():
        early, late = network(x, (64, 192)), network(x)
    assert np.isfinite(early[64].numpy()).all() and early[192].shape == (1, 192)
    assert np.isnan(late[2048].numpy()).all()


@pytest.mark.parametrize("taps", [(), (65,), ("pool_3",)])
def test_unknown_taps_are_refused(extractor, taps):
    with pytest.raises(ValueError, match="InceptionNetwork: expected taps out of"):
        extractor.network(tinygan.tensor(np.zeros((1, 3, 75, 75), np.float32)), taps)


def test_images_that_leave_nothing_are_refused(extractor):
    with pytest.raises(ValueError, match="InceptionNetwork: expected images .* of at least 75 x 75, got"):
        extractor.network(tinygan.tensor(np.zeros((1, 3, 80, 74), np.float32)))


def test_scores_are_features_and_the_softmax_without_bias(extractor, weights, images):
    before, done = random.get_state(), []
    probabilities, features = extractor.scores(images, batch_size=2, progress=done.append)
    assert random.get_state() == before and done == [2, 1]
    assert probabilities.shape == (3, 1008) and features.shape == (3, 2048) == (3, extractor.dim)
    assert probabilities.dtype == features.dtype == np.float32
    logits = features.astype(np.float64) @ weights["fc.weight"].T.astype(np.float64)
    expected = np.exp(logits - logits.max(1, keepdims=True))
    # float32 logits of up to 10: exp makes relative errors of some 1e-6 out of theirs
    np.testing.assert_allclose(probabilities, expected / expected.sum(1, keepdims=True), rtol=1e-4, atol=1e-9)
    assert np.abs(weights["fc.bias"]).max() > 0.1  # which would show


def test_the_size_of_batches_does_not_matter(extractor, images):
    one, all_ = extractor.features(images[:2], batch_size=1, tap=192), extractor.features(images[:2], tap=192)
    # products of other sizes may round differently
    np.testing.assert_allclose(one, all_, rtol=0, atol=1e-5 * np.abs(all_).max())


def test_taps_of_the_extractor_and_devices(small, extractor, images, cupy_standin):
    features = small.features(images[:1])
    assert small.dim == 64 and features.shape == (1, 64) and small.name.endswith("tap 64")
    np.testing.assert_array_equal(features, extractor.features(images[:1], tap=64))
    assert small.fingerprint != extractor.fingerprint
    there = small.to("cuda").features(cupy_standin.asarray(images[:1]))
    # the convolutions of the two devices add in another order
    assert isinstance(there, np.ndarray)
    np.testing.assert_allclose(there, features, rtol=0, atol=1e-5 * features.max())


def test_name_and_fingerprint_say_what_features_depend_on(extractor, weights):
    assert extractor.suffix == "" and "299x299" in extractor.name and "tf1" in extractor.name
    assert InceptionV3(weights).fingerprint == extractor.fingerprint and len(extractor.fingerprint) == 64
    clean = InceptionV3(weights, resize="clean")
    other = InceptionV3({**weights, "fc.bias": weights["fc.bias"] + np.float32(1e-7)})
    assert len({clean.fingerprint, other.fingerprint, extractor.fingerprint}) == 3 and "clean" in clean.name


def test_float64_all_the_way(weights, extractor, images):
    features = InceptionV3(weights, dtype=np.float64, tap=64).features(images[:1])
    assert features.dtype == np.float64
    expected = extractor.features(images[:1], tap=64)
    # float32 through three convolutions, sums of up to 288 products, and a mean over 5329 positions
    np.testing.assert_allclose(expected, features, rtol=0, atol=1e-5 * features.max())
    assert np.abs(expected - features).max() > 0


@pytest.mark.parametrize("option, value", [("resize", "bicubic"), ("quantise", "floor"), ("tap", 2047)])
def test_unknown_options_are_refused_before_weights_are_looked_for(option, value):
    with pytest.raises(ValueError, match=f"InceptionV3: expected {option} out of .*, got '?{value}"):
        InceptionV3(**{option: value})
