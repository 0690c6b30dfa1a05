"""From images to what the network reads: quantise to uint8, repeat grey to RGB, resize to 299 x 299, scale.

Every published implementation does this in another way, and the differences move the FID by more than many papers'
improvements (Parmar et al. 2022, arXiv:2104.11222). So each way has a name, and the name is part of the extractor's.
"""

from __future__ import annotations

import numpy as np

from tinygan.backend import array_module, is_array, to_device, to_numpy
from tinygan.data import unscale
from tinygan.kernels.layout import channels_first, channels_last
from tinygan.tensor import Tensor

SIZE = 299
FARTHEST = 16.0  # a generator without tanh may leave [-1, 1] a little; beyond this it must be images in [0, 255]

# How images in [-1, 1] become uint8. On what tinygan.data.scale makes of uint8 images all three give these back; on
# other values they may differ by one grey level, where a product is rounded.
QUANTISE = {
    # half a grey level added, clipped, truncated (Karras et al. 2020, StyleGAN2-ADA's code)
    "stylegan2-ada": lambda x, xp: xp.clip(x * 127.5 + 128, 0, 255).astype(xp.uint8),
    # the same in another order (Kang et al. 2022, StudioGAN's code)
    "studiogan": lambda x, xp: xp.clip((x + 1) / 2 * 255 + 0.5, 0, 255).astype(xp.uint8),
    # to the nearest, ties to even: tinygan.data.unscale
    "unscale": lambda x, xp: unscale(x),
}


def to_rgb_uint8(images, quantise: str = "stylegan2-ada"):
    """Images (N, 1 or 3, H, W) of floats in [-1, 1] or uint8, an array or Tensor -> uint8 (N, 3, H, W), on its device.

    Floats beyond [-1, 1] are clipped, as published code does. Raises ValueError for other shapes and dtypes, values
    that are not finite, and floats that cannot mean [-1, 1].
    """
    images = images.data if isinstance(images, Tensor) else images
    good = is_array(images) and images.ndim == 4 and images.shape[1] in (1, 3) and 0 not in images.shape
    if not good or images.dtype.kind != "f" and images.dtype != np.uint8:
        got = f"{images.dtype} {images.shape}" if is_array(images) else type(images).__name__
        raise ValueError(f"InceptionV3: expected images (N, 1 or 3, H, W), floats in [-1, 1] or uint8, got {got}")
    xp = array_module(images)
    if images.dtype.kind == "f":
        worst = float(xp.abs(images).max())  # NaN wins in max, and no comparison with it is true
        if not worst <= FARTHEST:
            raise ValueError(f"InceptionV3: expected floats in [-1, 1], got values up to {worst:.4g} in size; give "
                             "images in [0, 255] as uint8")
        images = QUANTISE[quantise](images, xp)
    return images if images.shape[1] == 3 else xp.repeat(images, 3, axis=1)


def tf1_positions(size: int, out: int):
    """Where TensorFlow 1's bilinear resize reads: (low, high, weight) of each of ``out`` positions, in float32.

    source = i s with s = size / out: neither pixel centres nor corners are aligned; nothing is smoothed in shrinking.
    """
    source = np.arange(out, dtype=np.float32) * (np.float32(size) / np.float32(out))
    low = np.floor(source).astype(np.int64)
    return low, np.minimum(low + 1, size - 1), source - low.astype(np.float32)


def half_pixel_positions(size: int, out: int):
    """Where PyTorch's bilinear ``interpolate`` reads: source = max((i + 1/2) s - 1/2, 0), as :func:`tf1_positions`.

    s is rounded to float32, then the source once more: PyTorch's kernel multiplies and subtracts in one instruction.
    """
    scale = np.float64(np.float32(size) / np.float32(out))
    source = np.maximum(((np.arange(out) + 0.5) * scale - 0.5).astype(np.float32), np.float32(0))
    low = np.minimum(np.floor(source).astype(np.int64), size - 1)
    return low, np.minimum(low + 1, size - 1), source - low.astype(np.float32)


def bilinear(images, out: int, positions=tf1_positions):
    """Images (N, C, H, W) of any dtype -> float32 (N, C, out, out), channels-last in memory.

    Along x, then along y, a + (b - a) weight, every operation in float32: the very operations, hence the bits, of
    TensorFlow 1's CPU kernel, which computes each pixel by itself. Any array module.
    """
    xp, image = array_module(images), channels_last(images).astype(np.float32)
    for axis, name in ((2, "x"), (1, "y")):
        low, high, weight = [xp.asarray(p) for p in positions(image.shape[axis], out)]
        weight = weight[:, None] if name == "x" else weight[:, None, None]
        first, step = xp.take(image, low, axis=axis), xp.take(image, high, axis=axis)
        step -= first
        step *= weight
        step += first
        image = step
    return channels_first(image)


def pillow(images, out: int, filter: str):
    """Images (N, C, H, W) -> float32 (N, C, out, out) by Pillow's resize of every channel in float32, clipped.

    filter: "BICUBIC" or "BILINEAR", widened when shrinking so that nothing aliases. On the host, image by image.
    """
    from PIL import Image
    images = to_numpy(images)
    if images.shape[2:] == (out, out):
        return images.astype(np.float32)
    resized = np.empty((*images.shape[:2], out, out), np.float32)
    for n, c in np.ndindex(*images.shape[:2]):
        channel = Image.fromarray(images[n, c].astype(np.float32))  # mode F
        resized[n, c] = np.asarray(channel.resize((out, out), Image.Resampling[filter]))
    return resized.clip(0, 255, out=resized)


def _tensorflow_scale(x):
    x -= 128
    x *= 0.0078125  # 1 / 128: exact
    return x


def _pytorch_fid_scale(x):
    x /= 255
    x *= 2
    x -= 1
    return x


# name -> (uint8 images, size) -> float32 images as the network reads them, with the scale that belongs to the resize
RESIZES = {
    # TensorFlow 1's kernel inside the graph: TTUR, torch-fidelity, StyleGAN's metrics
    "tf1": lambda images, size: _tensorflow_scale(bilinear(images, size, tf1_positions)),
    # pytorch-fid: PyTorch's bilinear, and another scale
    "pytorch-fid": lambda images, size: _pytorch_fid_scale(bilinear(images, size, half_pixel_positions)),
    # clean-fid (Parmar et al. 2022, arXiv:2104.11222)
    "clean": lambda images, size: _tensorflow_scale(pillow(images, size, "BICUBIC")),
    # StudioGAN's name for Pillow's bilinear filter (Kang et al. 2022, arXiv:2206.09479)
    "friendly": lambda images, size: _tensorflow_scale(pillow(images, size, "BILINEAR")),
}


def prepare(images, resize: str = "tf1", quantise: str = "stylegan2-ada", size: int = SIZE, device="cpu"):
    """Images as the extractor takes them -> float32 (N, 3, size, size) on ``device``, as the network reads them."""
    return to_device(RESIZES[resize](to_device(to_rgb_uint8(images, quantise), device), size), device)


__all__ = ["QUANTISE", "RESIZES", "SIZE", "bilinear", "half_pixel_positions", "pillow", "prepare", "tf1_positions",
           "to_rgb_uint8"]
