"""Perceptual path length: linear generators in closed form, great circles, conventions written out, clear errors."""
import numpy as np
import pytest
from scipy.stats import chi2

from tinygan.metrics import PathLength, evaluate, judge, perceptual_path_length, sample_set
from tinygan.metrics.path_length import LatentPaths

Z = 16


def flat(images):
    return np.asarray(images, np.float64).reshape(len(images), -1)


def linear(a):
    """z -> images (N, 1, 4, 4) = A z, in float64: nothing is lost in a step of 1e-4."""
    return lambda z: (z.astype(np.float64) @ a.T).reshape(-1, 1, 4, 4)


def normal_pairs(n, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal((n, Z)).astype(dtype) for _ in range(2))


def trimmed(values):
    """The values from the next lower one to the 1st percentile to the next higher one to the 99th, with their ties."""
    ordered, last = np.sort(values), len(values) - 1
    low, high = ordered[int(np.floor(0.01 * last))], ordered[int(np.ceil(0.99 * last))]
    return ordered[(ordered >= low) & (ordered <= high)]


@pytest.mark.parametrize("eps", [1e-4, 1e-2, 0.5])
@pytest.mark.parametrize("sampling", ["full", "end"])
def test_a_linear_generator_has_the_length_of_its_image_at_any_step(eps, sampling):
    a, (z0, z1) = np.random.default_rng(1).standard_normal((Z, Z)), normal_pairs(300)
    found = perceptual_path_length(linear(a), flat, (z0, z1), interpolation="lerp", sampling=sampling, eps=eps,
                                   distance="plain", batch_size=70)
    kept = trimmed(np.square((z1 - z0) @ a.T).sum(axis=1))
    # z has 16 digits, of which the step of 1e-4 leaves 12
    assert found == pytest.approx((kept.mean(), kept.std()), rel=1e-8)


def test_the_expectation_for_the_identity_is_that_of_a_trimmed_chi_square():
    # |z1 - z0|^2 / 2 is chi^2 with Z degrees; x times its density is Z times the density for Z + 2
    low, high = chi2.ppf([0.01, 0.99], Z)
    expected = 2 * Z * (chi2.cdf(high, Z + 2) - chi2.cdf(low, Z + 2)) / 0.98
    n = 20000
    found = perceptual_path_length(linear(np.eye(Z)), flat, Z, n, interpolation="lerp", distance="plain", eps=0.1)
    assert abs(found.mean - expected) < 4 * found.std / n ** 0.5  # four standard errors; float32 noise is far below


def test_on_the_unit_sphere_it_is_the_squared_angle():
    z0, z1 = normal_pairs(200, 2)
    unit0, unit1 = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (z0, z1))
    kept = trimmed(np.arccos((unit0 * unit1).sum(axis=1)) ** 2)
    for way, sampling in (("slerp_unit", "full"), ("slerp_unit", "end")):
        found = perceptual_path_length(linear(np.eye(Z)), flat, (z0, z1), interpolation=way, sampling=sampling,
                                       distance="plain")
        assert found.mean == pytest.approx(kept.mean(), rel=1e-6)  # chords against arcs: eps^2 / 12
    # features divided by their length do the same to slerp of noise of one length
    on = perceptual_path_length(linear(3 * np.eye(Z)), flat, (unit0, unit1), interpolation="slerp")
    assert on.mean == pytest.approx(kept.mean(), rel=1e-6)


def test_it_grows_as_the_square_of_the_gain_and_unit_features_do_not_see_it():
    a = np.random.default_rng(3).standard_normal((Z, Z))
    plain = [perceptual_path_length(linear(gain * a), flat, Z, 100, distance="plain").mean for gain in (1, 2, 4)]
    assert plain == pytest.approx([plain[0], 4 * plain[0], 16 * plain[0]], rel=1e-9)
    unit = [perceptual_path_length(linear(gain * a), flat, Z, 100).mean for gain in (1, 4)]
    assert unit[1] == pytest.approx(unit[0], rel=1e-6)
    # a generator that turns faster with the same noise is less smooth, whatever the scale
    waves = [perceptual_path_length(lambda z: np.sin(gain * z), flat, Z, 100).mean for gain in (0.5, 1, 2, 4)]
    assert waves == sorted(waves) and waves[-1] > 10 * waves[0]
    assert perceptual_path_length(lambda z: np.ones_like(z), flat, Z, 10) == PathLength(0.0, 0.0)


def test_held_columns_stay_those_of_the_first_end():
    (z0, z1), seen = normal_pairs(30), []

    def generate(z):
        seen.append(z)
        return z
    found = perceptual_path_length(generate, flat, (z0, z1), held=4, interpolation="lerp", distance="plain")
    assert all((half[:, -4:] == z0[:, -4:]).all() for half in np.split(seen[0], 2))
    assert found.mean == pytest.approx(trimmed(np.square((z1 - z0)[:, :-4]).sum(axis=1)).mean(), rel=1e-8)


def test_torch_fidelity_moves_one_end_and_quantises_which_decides():
    random = np.random.RandomState(2020)
    z0, z1 = (random.standard_normal((200, Z)).astype(np.float32) for _ in range(2))

    def generate(z):
        return np.tanh(z.astype(np.float64)).reshape(-1, 1, 4, 4)

    def levels(z):
        return np.rint((generate(z) + 1) * 127.5).reshape(len(z), -1)
    ends = levels(z0), levels((z0 + 1e-4 * (z1.astype(np.float64) - z0)).astype(np.float32))
    lengths = trimmed(np.square(ends[1] - ends[0]).sum(axis=1) / 1e-8)
    found = perceptual_path_length(generate, flat, Z, 200, distance="plain", compat="torch-fidelity")
    assert found == pytest.approx((lengths.mean(), lengths.std()), rel=1e-9) and lengths.mean() > 0
    # the images themselves change by 127.5 times less than levels, squared: quantised, it is far more than that
    smooth = perceptual_path_length(generate, flat, (z0, z1), distance="plain", interpolation="lerp", sampling="end")
    assert found.mean > 10 * 127.5 ** 2 * smooth.mean


def test_the_pairs_are_those_of_the_seed_alone():
    ask = [perceptual_path_length(lambda z: np.sin(z), flat, Z, 40, seed=seed).mean for seed in (0, 0, 1)]
    assert ask[0] == ask[1] != ask[2]


def test_a_row_of_evaluate_for_samples_that_know_their_generator():
    a = np.random.default_rng(5).standard_normal((196, Z)).astype(np.float32) / 4

    def generate(z):
        return np.tanh(z.astype(np.float32) @ a.T).reshape(-1, 1, 14, 14)
    samples = sample_set(generate(normal_pairs(60)[0]))
    samples.paths = LatentPaths(generate, lambda n, seed: normal_pairs(n, seed, np.float32))
    found = evaluate(samples, samples.values, "ppl", "digits-14", cache=False, seed=7)
    expected = perceptual_path_length(generate, judge("digits", 14).features, normal_pairs(60, 7, np.float32), seed=7)
    score = found.score("PPL_J")
    assert (score.value, score.spread, score.floor) == (*expected, None) and score.better == "lower"
    assert score.name == ("PPL_J[judge digits-14; float; 60 pairs, slerp, full, eps 0.0001, unit features, 1 % to 99 "
                          "%] 60 samples")
    # float32 features: a step ten times as long is measured the same up to rounding and the curvature of the path
    longer = perceptual_path_length(generate, judge("digits", 14).features, normal_pairs(60, 7, np.float32), seed=7,
                                    eps=1e-3)
    assert longer.mean == pytest.approx(expected.mean, rel=0.05)
    other = evaluate(samples, samples, "ppl", "digits-14", cache=False, compat="stylegan2-ada")
    assert "60 pairs, slerp_unit, full, eps 0.0001, unit features, 1 % to 99 %, compat stylegan2-ada]" in str(other)
    with pytest.raises(ValueError, match="ppl: it needs the generator of the samples"):
        evaluate(samples.values, samples, "ppl", "digits-14", cache=False)
    nameless = judge("digits", 14)
    nameless.suffix = ""
    with pytest.raises(ValueError, match="ppl: expected a judge, in whose features it is PPL_J, got judge digits-14"):
        evaluate(samples, samples, "ppl", nameless, cache=False)


@pytest.mark.parametrize("words, message", [
    (dict(eps=0), "expected 0 < eps <= 1, got 0"),
    (dict(eps=np.nan), "expected 0 < eps <= 1, got nan"),
    (dict(sampling="middle"), "sampling to be one of 'full', 'end', got 'middle'"),
    (dict(interpolation="spline"), "interpolation to be one of 'slerp', 'slerp_unit', 'lerp', got 'spline'"),
    (dict(distance="cosine"), "distance to be one of 'unit', 'plain', got 'cosine'"),
    (dict(compat="lpips"), "compat None or one of 'torch-fidelity', 'stylegan2-ada', got 'lpips'"),
    (dict(held=Z), "expected 0 <= held < 16 columns, got 16"),
    (dict(n=0), "at least one pair of noise"),
    (dict(latents=(np.zeros((3, 2)), np.zeros((4, 2)))), r"z0 and z1 of one shape .* got float64 \(3, 2\)"),
    (dict(latents=(np.zeros((3, 2), int), np.zeros((3, 2), int))), "of one shape and floating dtype"),
    (dict(latents=(np.full((3, 2), np.inf), np.zeros((3, 2)))), "z0: expected finite"),
    (dict(generate=lambda z: np.zeros((len(z), 4), np.uint8)), r"not quantised ones\), got uint8"),
    (dict(generate=lambda z: z[:3]), r"expected 10 floating, finite images .* got float32 \(3, 16\)"),
    (dict(generate=lambda z: z * np.nan), "NaN or infinity"),
    (dict(features=lambda images: images[:, 0]), r"expected features of shape \(N, D\)"),
    (dict(features=lambda images: images[:4]), r"expected features of 10 images, got \(4, 16\)"),
])
def test_what_cannot_be_meant_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        perceptual_path_length(**{"generate": lambda z: z, "features": flat, "latents": Z, "n": 5, **words})
