"""Perceptual path length: how far the features of an image move when its noise moves a little.

The published PPL is measured with LPIPS on VGG16. Here the features are whatever function is given; with a packaged
judge's it is called PPL_J, and compares runs of this library with each other only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinygan.backend import array_module
from tinygan.data import unscale
from tinygan.metrics.statistics import as_features, as_numpy

# What varies between libraries; None is this one's. uint8: whether images are quantised before they are looked at.
SETTINGS = {
    None: dict(interpolation="slerp", sampling="full", eps=1e-4, uint8=False),
    "torch-fidelity": dict(interpolation="lerp", sampling="end", eps=1e-4, uint8=True),
    "stylegan2-ada": dict(interpolation="slerp_unit", sampling="full", eps=1e-4, uint8=False),
}
COMPAT = tuple(SETTINGS)[1:]
SAMPLING, DISTANCES = ("full", "end"), ("unit", "plain")


class PathLength(NamedTuple):
    """Mean and standard deviation (divided by their number) of the lengths that were kept."""

    mean: float
    std: float


class LatentPaths(NamedTuple):
    """What a set of samples must know for its path length, see :func:`perceptual_path_length`.

    generate: the function z -> images. pairs: a function (n, seed) -> (z0, z1).
    """

    generate: Callable
    pairs: Callable
    held: int = 0
    interpolation: str = "slerp"


def perceptual_path_length(generate, features, latents, n: int = 1000, *, held: int = 0,
                           interpolation: str | None = None, sampling: str | None = None, eps: float | None = None,
                           distance: str = "unit", seed: int = 0, compat: str | None = None,
                           batch_size: int = 250) -> PathLength:
    """E [d(f(G(z_t)), f(G(z_(t + eps)))) / eps^2], z_t on the way from z0 to z1, over pairs; the extreme 2 % left out.

    generate: G, a function of noise (N, Z), a NumPy array, to floating images (N, ...). They are not quantised: at a
    step so small grey levels are what would be measured (torch-fidelity's documentation: 1146.9 with uint8, 31.0
    without). features: f, a function of images to (N, D). latents: Z, for ``n`` pairs of standard normal noise (all z0,
    then all z1) by ``numpy.random.default_rng(seed)``; or the pair (z0, z1), both (N, Z). held: so many last columns
    (labels, codes) stay as they are in z0. interpolation: "slerp" (on a great circle, with lengths), "slerp_unit" (of
    noise set to length 1, as StyleGAN has it), "lerp". sampling: "full" is t uniform on [0, 1), "end" is t = 0.
    distance: "unit" is the squared Euclidean distance of features divided by their length, so that their scale, which
    differs from judge to judge, plays no part, as in LPIPS; "plain" is that of the features themselves.
    Kept are lengths from the 1st percentile (the next lower length) to the 99th (the next higher), the rule of Karras
    et al.'s program, which torch-fidelity has too.
    compat sets what is None, and whose: "torch-fidelity" is lerp, end, 1e-4, images as uint8, and for Z draws of
    RandomState(2020); "stylegan2-ada" is slerp_unit, full, 1e-4; the default is slerp, full, 1e-4.
    A generator of one image only, or of images without a feature, has 0: read it beside a Frechet distance. Where G
    jumps (discrete samples) it grows like 1 / eps. Raises ValueError for settings that are none of these, pairs that do
    not fit, and images or features that are not finite or not one for each z.
    Source: Karras, Laine, Aila 2019, arXiv:1812.04948, section 4.1.
    """
    how = _settings(compat, distance, interpolation=interpolation, sampling=sampling, eps=eps)
    rng = np.random.default_rng(seed)
    z0, z1 = _pairs(latents, n, rng if compat != "torch-fidelity" else np.random.RandomState(2020))
    if not 0 <= held < z0.shape[1]:
        raise ValueError(f"perceptual_path_length: expected 0 <= held < {z0.shape[1]} columns, got {held}")
    t = rng.random((len(z0), 1)) if how["sampling"] == "full" else np.zeros((len(z0), 1))
    found = []
    for start in range(0, len(z0), batch_size):
        part = slice(start, start + batch_size)
        ends = _between(z0[part], z1[part], t[part], held, how)
        seen = _seen(generate, features, ends.astype(z0.dtype), how["uint8"])
        if distance == "unit":  # 1e-10 as in LPIPS: features of a judge may all be zero
            seen = seen / (np.sqrt(np.square(seen).sum(axis=1, keepdims=True)) + 1e-10)
        first, second = np.split(seen, 2)
        found.append(np.square(second - first).sum(axis=1) / how["eps"] ** 2)
    lengths = np.concatenate(found)
    low, high = np.percentile(lengths, 1, method="lower"), np.percentile(lengths, 99, method="higher")
    kept = lengths[(low <= lengths) & (lengths <= high)]
    return PathLength(float(kept.mean()), float(kept.std()))


def slerp(a, b, share):
    """The point ``share`` of the way from each row of ``a`` to that of ``b`` on a great circle, arrays (N, z).

    (sin((1 - t) w) a + sin(t w) b) / sin w, w the angle between them (Shoemake 1985; White 2016, arXiv:1609.04468):
    noise keeps the length that normal noise has, which on a straight line it does not. Rows that (nearly) point the
    same or opposite ways, which have no such circle, go straight. ``share``: a number, or (N, 1).
    """
    xp = array_module(a)
    lengths = [xp.sqrt((v ** 2).sum(axis=1, keepdims=True)) for v in (a, b)]
    cosine = (a * b).sum(axis=1, keepdims=True) / xp.maximum(lengths[0] * lengths[1], 1e-12)
    angle = xp.arccos(xp.clip(cosine, -1, 1))
    sine = xp.sin(angle)
    straight_ahead = sine < 1e-4
    sine = xp.where(straight_ahead, 1, sine)
    first = xp.where(straight_ahead, 1 - share, xp.sin((1 - share) * angle) / sine)
    second = xp.where(straight_ahead, share, xp.sin(share * angle) / sine)
    return (first * a + second * b).astype(a.dtype)


def lerp(a, b, share):
    """The point ``share`` of the straight way from each row of ``a`` to that of ``b``, arrays (N, z)."""
    return ((1 - share) * a + share * b).astype(a.dtype)


def _slerp_unit(a, b, share):
    a, b = (v / np.maximum(np.sqrt(np.square(v).sum(axis=1, keepdims=True)), 1e-12) for v in (a, b))
    return slerp(a, b, share)


WAYS = {"slerp": slerp, "slerp_unit": _slerp_unit, "lerp": lerp}


def _settings(compat, distance, **given) -> dict:
    """The settings of ``compat`` with those given in their place. Raises ValueError."""
    if compat not in SETTINGS:
        raise ValueError(f"perceptual_path_length: expected compat None or one of {', '.join(map(repr, COMPAT))}, got "
                         f"{compat!r}")
    given = {key: value for key, value in given.items() if value is not None}
    how = {**SETTINGS[compat], **given, "distance": distance}
    for key, known in (("interpolation", WAYS), ("sampling", SAMPLING), ("distance", DISTANCES)):
        if how[key] not in known:
            raise ValueError(f"perceptual_path_length: expected {key} to be one of {', '.join(map(repr, known))}, got "
                             f"{how[key]!r}")
    if not 0 < how["eps"] <= 1:
        raise ValueError(f"perceptual_path_length: expected 0 < eps <= 1, got {how['eps']}")
    return how


def _pairs(latents, n: int, rng) -> tuple:
    """(z0, z1), both (N, Z) and floating. Raises ValueError."""
    if isinstance(latents, int):
        if n < 1 or latents < 1:
            raise ValueError(f"perceptual_path_length: expected at least one pair of noise of at least one number, got "
                             f"{n} of {latents}")
        z0, z1 = rng.standard_normal((n, latents)), rng.standard_normal((n, latents))
        return z0.astype(np.float32), z1.astype(np.float32)
    z0, z1 = (as_features(f"perceptual_path_length: z{i}", z) for i, z in enumerate(latents))
    if z0.shape != z1.shape or "f" != z0.dtype.kind or z0.dtype != z1.dtype:
        raise ValueError(f"perceptual_path_length: expected z0 and z1 of one shape and floating dtype, got {z0.dtype} "
                         f"{z0.shape} and {z1.dtype} {z1.shape}")
    return z0, z1


def _between(z0, z1, t, held: int, how: dict) -> np.ndarray:
    """(2 N, Z): z at t, then z at t + eps; in float64, where a step of 1e-4 has digits enough."""
    moved = z0.shape[1] - held
    a, b = (z[:, :moved].astype(np.float64) for z in (z0, z1))
    ends = [WAYS[how["interpolation"]](a, b, at) for at in (t, t + how["eps"])]
    return np.concatenate([np.concatenate([end, z0[:, moved:]], axis=1) for end in ends])


def _seen(generate, features, z, uint8: bool) -> np.ndarray:
    """The features of G(z) in float64. Raises ValueError for images or features that cannot be measured."""
    images = as_numpy(generate(z))
    if images.dtype.kind != "f" or images.shape[:1] != z.shape[:1] or not np.isfinite(images).all():
        state = "NaN or infinity" if images.dtype.kind == "f" and not np.isfinite(images).all() else ""
        raise ValueError(f"perceptual_path_length: expected {len(z)} floating, finite images of the generator (not "
                         f"quantised ones), got {images.dtype} {images.shape} {state}".rstrip())
    seen = as_features("perceptual_path_length", features(unscale(images) if uint8 else images))
    if len(seen) != len(z):
        raise ValueError(f"perceptual_path_length: expected features of {len(z)} images, got {seen.shape}")
    return seen.astype(np.float64)


__all__ = ["LatentPaths", "PathLength", "perceptual_path_length"]
