"""Short films of a moving digit: straight flight with bounces, and a fork, where the last frame is left or right."""

from __future__ import annotations

import numpy as np

from tinygan import random
from tinygan.data.dataset import ImageDataset

SIZE, FRAMES, DIGIT = 16, 6, 8
LEFT, RIGHT = 1, 7   # columns of the digit in the two last frames of a fork; before, it is in the middle
FIRST_ROW = 2


def movies(digits: ImageDataset, n: int, stream: str = "data") -> np.ndarray:
    """``n`` films (n, 6, 16, 16), float32 in [0, 1]: a digit at constant velocity, turned back at the walls.

    digits: a grey data set, brought to 8 x 8 pixels. The digit's place is uniform, each component of its velocity one
    of -2, -1, 1, 2 pixels per frame. Three draws from ``stream``. Raises ValueError when the set is not grey.
    """
    which = random.integers(0, len(digits), (n,), stream)
    place = random.integers(0, SIZE - DIGIT + 1, (n, 2), stream)
    speed = np.array([-2, -1, 1, 2])[random.integers(0, 4, (n, 2), stream)]
    # bouncing between 0 and w is a triangle wave of the straight path
    straight = place[:, None] + speed[:, None] * np.arange(FRAMES)[:, None]
    places = SIZE - DIGIT - abs(straight % (2 * (SIZE - DIGIT)) - (SIZE - DIGIT))
    return _drawn(_small(digits.take(which)), places)


def forks(digits: ImageDataset, n: int, stream: str = "data"):
    """(films (n, 6, 16, 16), both futures (n, 2, 16, 16)): the digit falls for five frames, then leaps aside.

    The last frame is the left or the right future, each with probability 1/2, and nothing before tells which; the best
    prediction in mean square is the mean of both. Arguments, values and errors as of :func:`movies`; two draws.
    """
    small = _small(digits.take(random.integers(0, len(digits), (n,), stream)))
    side = random.integers(0, 2, (n,), stream)
    rows = np.broadcast_to(FIRST_ROW + np.arange(FRAMES), (n, FRAMES))
    columns = np.full((n, FRAMES), (SIZE - DIGIT) // 2)
    futures = []
    for column in (LEFT, RIGHT):
        columns[:, -1] = column
        futures.append(_drawn(small, np.stack([rows, columns], axis=2)))
    films = np.where(side[:, None, None, None] == 0, *futures)
    return films, np.stack([film[:, -1] for film in futures], axis=1)


def _small(digits: ImageDataset) -> np.ndarray:
    """All images as (N, 8, 8), float32 in [0, 1]."""
    if digits.images.shape[1] != 1:
        raise ValueError(f"movies: expected grey images (N, 1, H, W), got {digits.images.shape}")
    return digits.resized(DIGIT).images[:, 0].astype(np.float32) / 255


def _drawn(small, places) -> np.ndarray:
    """Films with the digit of each film at ``places`` (n, frames, 2): row and column of its upper left corner."""
    n, frames = places.shape[:2]
    films = np.zeros((n, frames, SIZE, SIZE), dtype=np.float32)
    rows = (places[..., 0, None] + np.arange(DIGIT))[..., :, None]
    columns = (places[..., 1, None] + np.arange(DIGIT))[..., None, :]
    film, frame = np.ogrid[:n, :frames]
    films[film[..., None, None], frame[..., None, None], rows, columns] = small[:, None]
    return films


__all__ = ["forks", "movies"]
