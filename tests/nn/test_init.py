"""Initialisation: distributions, bounds, the stream, the record of the write."""

import math

import numpy as np
import pytest

import tinygan
from tinygan import nn, random
from tinygan.nn import init


def parameter(*shape, dtype=np.float32):
    return nn.Parameter(np.zeros(shape, dtype))


@pytest.mark.parametrize("fill", [
    init.normal_, init.uniform_, init.zeros_, init.ones_, init.xavier_uniform_, init.xavier_normal_,
    init.kaiming_uniform_, init.kaiming_normal_, init.orthogonal_, lambda p: init.constant_(p, 2.0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_array_dtype_and_record(fill, dtype):
    p = parameter(4, 6, 2, dtype=dtype)
    array = p.data
    assert fill(p) is p and p.data is array and p.dtype == dtype
    assert p.version.count == 1 and p.version.writer.startswith("init.")


def test_only_the_init_stream_is_drawn_from():
    tinygan.manual_seed(0)
    nn.Sequential(nn.Linear(3, 3), nn.Conv2d(2, 2, 3), nn.Embedding(3, 2), nn.spectral_norm(nn.Linear(2, 2)))
    counters = random.get_state()["counters"]
    assert counters.pop("init") == 9 and set(counters.values()) == {0}


def test_the_same_seed_gives_the_same_network():
    states = []
    for seed in (5, 5, 6):
        tinygan.manual_seed(seed)
        states.append(nn.Conv2d(3, 4, 3).state_dict())
    assert all((states[0][k] == states[1][k]).all() and (states[0][k] != states[2][k]).any() for k in states[0])


def test_normal_and_uniform_have_their_moments():
    tinygan.manual_seed(0)
    # 100,000 draws: standard errors are 0.003 of the std and 0.002 of it
    p = init.normal_(parameter(100, 1000), 0.5, 0.02)
    assert abs(p.data.mean() - 0.5) < 3e-4 and abs(p.data.std() / 0.02 - 1) < 0.01
    p = init.uniform_(parameter(100, 1000), -1.0, 3.0)
    assert -1 <= p.data.min() < -0.999 and 2.999 < p.data.max() <= 3 and abs(p.data.mean() - 1) < 0.02


@pytest.mark.parametrize("layer, fan_in", [
    (lambda: nn.Linear(50, 80), 50), (lambda: nn.Conv2d(8, 16, 3, groups=2), 4 * 9),
    (lambda: nn.ConvTranspose2d(8, 16, 3, groups=2), 8 * 9)])
def test_default_layers_are_uniform_within_the_root_of_fan_in(layer, fan_in):
    tinygan.manual_seed(0)
    weights = np.concatenate([layer().weight.data.ravel() for _ in range(10)])
    bias = np.concatenate([layer().bias.data for _ in range(100)])
    bound = 1 / math.sqrt(fan_in)
    for values in (weights, bias):
        assert 0.97 * bound < abs(values).max() <= bound * (1 + 1e-6)
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.04)  # 1600 draws at least: 2 % standard error


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5), (4, 2, 3, 3)])
def test_orthogonal(shape):
    p = init.orthogonal_(parameter(*shape, dtype=np.float64), gain=2.0)
    m = p.data.reshape(shape[0], -1) / 2
    product = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


def test_orthogonal_is_not_biased_by_the_signs_of_the_decomposition():
    # plain QR gives a first column of fixed sign; uniformly distributed matrices have mean 0 (std 1 / sqrt(3 * 400))
    tinygan.manual_seed(0)
    draws = [init.orthogonal_(parameter(3, 3, dtype=np.float64)).data.copy() for _ in range(400)]
    assert abs(np.mean(draws, 0)).max() < 5 / math.sqrt(1200)


@pytest.mark.parametrize("call, error, match", [
    (lambda: init.normal_(np.zeros(3)), TypeError, "init.normal_: expected a Parameter, got ndarray"),
    (lambda: init.xavier_uniform_(parameter(3)), ValueError, r"at least 2 dimensions for its fans, got shape \(3,\)"),
    (lambda: init.kaiming_normal_(parameter(3, 3), mode="fan"), ValueError, "'fan_in' or 'fan_out', got 'fan'"),
    (lambda: init.calculate_gain("gelu"), ValueError, "calculate_gain: expected one of .*, got 'gelu'"),
    (lambda: init.orthogonal_(parameter(3)), ValueError, "init.orthogonal_: expected at least 2 dimensions")])
def test_misuse_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
