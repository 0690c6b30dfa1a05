"""The score of a run's data: by the packaged judge of their set and size, and none where there is no judge."""
import numpy as np
import pytest

from tinygan.cli.sources import described, open_source
from tinygan.data import embedded_mnist, scale, stacked


class Sampler:
    """Stands in for a GAN: its samples are given."""

    def __init__(self, images):
        self.images = scale(images)

    def sample(self, n):
        return self.images[np.arange(n) % len(self.images)]


def opened(name, size, channels=None):
    return open_source({**described(name, size, channels), "batch_size": 8}, "cpu")


@pytest.mark.parametrize("size", [28, 16, 14])
def test_digits_of_every_size_with_a_judge_have_a_score(size):
    source = opened("embedded", size)
    assert source.shape == (1, size, size) and f"judge digits-{size}" in source.measure
    real = embedded_mnist("test").resized(size).images
    noise = np.random.default_rng(0).integers(0, 256, real.shape, dtype=np.uint8)
    # the real ones are the reference itself
    assert source.score(Sampler(real)) == pytest.approx(0, abs=1e-5) and source.score(Sampler(noise)) < -20


def test_stacks_of_half_the_size_are_counted():
    source = opened("stacked", 14)
    assert source.shape == (3, 14, 14)
    stack = stacked(embedded_mnist("test"), 200, size=14)
    assert source.score(Sampler(stack.images)) == pytest.approx(len(np.unique(stack.labels)), abs=12)


@pytest.mark.parametrize("name, size, channels", [("embedded", 20, None), ("embedded", 28, 3), ("stacked", 32, None)])
def test_other_sizes_and_colours_have_none(name, size, channels):
    source = opened(name, size, channels)
    assert source.score is None and source.measure is None
