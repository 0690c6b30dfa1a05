"""Random numbers in CUDA, their source run on the host: published answers, NumPy's bits, distributions, streams."""
import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygan import random
from tinygan.kernels import cpu, cuda
from tinygan.kernels.cuda.launch import kernel, launch

pytestmark = pytest.mark.usefixtures("host_shim")
ONE_FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
NAMES = st.tuples(st.sampled_from([0, 1, 2 ** 63, 2 ** 64 - 1]), st.integers(0, 6), st.integers(0, 2 ** 40))
SHAPES = st.lists(st.integers(0, 9), max_size=3).map(tuple)
DTYPES = st.sampled_from([np.float32, np.float64])

# Random123's tests/kat_vectors (Salmon et al. 2011), the lines "philox4x64 10": counter, key, answer
KNOWN = [line.split() for line in """
0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 \
16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b
ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff \
87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0
243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89 452821e638d01377 be5466cf34e90c6c \
a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6
""".strip().splitlines()]


def words(name, count, element=0):
    """The first words of NumPy's Philox; that of an element that was rejected, when `element` is not 0."""
    seed, stream, draw = name
    philox = np.random.Philox(key=np.array([seed, stream], np.uint64),
                              counter=np.array([0, 0, element, draw], np.uint64))
    return philox.random_raw(count)


def test_the_published_answers(cupy_standin):
    numbers = np.array([[int(word, 16) for word in line] for line in KNOWN], np.uint64)
    out = cupy_standin.empty((3, 4), np.uint64)
    launch(kernel("random", "philox"), 3, out, cupy_standin.asarray(np.ascontiguousarray(numbers[:, :4])),
           cupy_standin.asarray(np.ascontiguousarray(numbers[:, 4:6])), 3)
    np.testing.assert_array_equal(out.get(), numbers[:, 6:])


@settings(max_examples=60, suppress_health_check=ONE_FIXTURE)
@given(name=NAMES, shape=SHAPES, dtype=DTYPES, threads=st.integers(1, 3),
       bounds=st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (0.3, 0.7), (-5, 3)]), p=st.floats(0, 1))
def test_uniform_numbers_and_choices_have_numpys_bits(cupy_standin, host_shim, name, shape, dtype, threads, bounds, p):
    for draw, numbers in (("draw_uniform", bounds), ("draw_bernoulli", (p,))):
        here, there = np.empty(shape, dtype), cupy_standin.empty(shape, dtype)
        with host_shim.several(threads):
            getattr(cuda, draw)(there, *name, *numbers)
        getattr(cpu, draw)(here, *name, *numbers)
        np.testing.assert_array_equal(there.get(), here)


@settings(max_examples=60, suppress_health_check=ONE_FIXTURE)
@given(name=NAMES, shape=SHAPES, low=st.integers(-2 ** 62, 2 ** 62),
       count=st.sampled_from([1, 2, 10, 1000, 2 ** 20, 2 ** 32, 2 ** 32 + 1, 2 ** 62]))
def test_integers_have_numpys_bits_where_none_is_rejected(cupy_standin, name, shape, low, count):
    # at most 729 draws, each rejected with a chance of at most 1000 / 2^32: hardly one of the 60 examples in 10^5
    here, there = np.empty(shape, np.int64), cupy_standin.empty(shape, np.int64)
    cuda.draw_integers(there, *name, low, low + count)
    cpu.draw_integers(here, *name, low, low + count)
    np.testing.assert_array_equal(there.get(), here)


@pytest.mark.parametrize("bits, count", [(32, 3 * 2 ** 30), (64, 3 * 2 ** 62)])
def test_a_rejected_integer_goes_on_alone(cupy_standin, bits, count):
    name, n, low = (7, 2, 5), 2000, -2 ** 63
    there = cupy_standin.empty(n, np.int64)
    cuda.draw_integers(there, *name, low, low + count)
    raw = words(name, n)
    drawn = raw.view(np.uint32)[:n].tolist() if bits == 32 else raw.tolist()  # the lower half of a word comes first
    rejected = 0
    for i, word in enumerate(drawn):
        others = iter(words(name, 40, i + 1)[::4].tolist())  # a quarter is rejected: forty in a row never are
        while word * count % 2 ** bits < 2 ** bits % count:
            word, rejected = next(others) % 2 ** bits, rejected + 1
        drawn[i] = low + (word * count >> bits)
    np.testing.assert_array_equal(there.get(), drawn)
    assert n / 5 < rejected < n / 2  # a third is expected: 1/4 + 1/16 + ...


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_numbers_are_box_and_mullers_of_the_words(cupy_standin, dtype):
    name, n = (3, 2, 1), 999
    there = cupy_standin.empty(n, dtype)
    cuda.draw_normal(there, *name)
    raw = words(name, 1000)
    u, v = ((raw.view(np.uint32)[:1000].reshape(-1, 2) + [0.5, 0]) / 2 ** 32).T if dtype == np.float32 else \
        (((raw >> np.uint64(11)).reshape(-1, 2) + [0.5, 0]) / 2 ** 53).T
    radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:n]
    # in float32 u is rounded, which near 1 shifts the radius by up to sqrt(eps)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(there.get(), expected, atol=8 * (np.sqrt(eps) if dtype == np.float32 else eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_numbers_are_normal(cupy_standin, dtype):
    from scipy.special import ndtr
    n = 10 ** 5
    there = cupy_standin.empty(n, dtype)
    cuda.draw_normal(there, 11, 2, 0)
    x = there.get().astype(np.float64)
    # four standard errors: of the moments 1, 2, 3, 4 they are sqrt(1, 2, 15, 96) / sqrt(n)
    for order, (moment, spread) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96)], 1):
        assert abs((x ** order).mean() - moment) < 4 * np.sqrt(spread / n)
    # Kolmogorov and Smirnov: the 1 % point of sqrt(n) D is 1.63
    gaps = np.arange(n + 1) / n
    level = ndtr(np.sort(x))
    assert np.sqrt(n) * max((gaps[1:] - level).max(), (level - gaps[:-1]).max()) < 1.63
    # the two of a pair, and neighbours of different pairs: also their squares are uncorrelated
    for a, b in ((x[::2], x[1::2]), (x[1:-1:2], x[2::2])):
        for f in (lambda value: value, np.square):
            assert abs(np.corrcoef(f(a), f(b))[0, 1]) < 4 / np.sqrt(n / 2)


def test_streams_counters_and_seeds_are_independent(cupy_standin):
    n, drawn = 20000, []
    for name in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (2 ** 63, 0, 0)]:
        there = cupy_standin.empty(n, np.float32)
        cuda.draw_normal(there, *name)
        drawn.append(there.get())
    for a, b in combinations(drawn, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(n) and not np.isin(a, b).mean() > 0.01


def test_a_run_goes_on_on_the_other_device(cupy_standin, launches):
    random.manual_seed(2 ** 64 - 1)
    first = [random.uniform((5,), stream="penalty"), random.normal((4,), device="cuda").get()]
    state = json.loads(json.dumps(random.get_state()))
    cupy_standin.counters.reset()
    launches.clear()
    there = [random.uniform((3, 5), -1, 1, stream="penalty", device="cuda"), random.integers(0, 10, 7, device="cuda"),
             random.bernoulli(0.3, (), "dropout", np.float64, "cuda"), random.normal((2, 3), device="cuda")]
    assert launches == ["uniform", "integers", "bernoulli", "normal"]
    assert cupy_standin.counters.synchronizations == 0 and not cupy_standin.counters.uploaded
    after = random.get_state()
    random.set_state(state)
    here = [random.uniform((3, 5), -1, 1, stream="penalty"), random.integers(0, 10, 7),
            random.bernoulli(0.3, (), "dropout", np.float64), random.normal((2, 3))]
    assert random.get_state() == after and after["counters"]["noise"] == 3
    for a, b in zip(here[:3], there):
        np.testing.assert_array_equal(b.get(), a)
        assert a.dtype == b.dtype
    random.manual_seed(2 ** 64 - 1)
    np.testing.assert_array_equal(random.uniform((5,), stream="penalty", device="cuda").get(), first[0])
    np.testing.assert_array_equal(random.normal((4,), device="cuda").get(), first[1])


def test_an_empty_range_is_refused():
    with pytest.raises(ValueError, match=r"random.integers: expected low < high, got 3 and 3"):
        random.integers(3, 3, (2,))
