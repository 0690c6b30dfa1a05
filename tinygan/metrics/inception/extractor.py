"""InceptionV3: images in, features and class probabilities out, as published FID, IS and KID figures use them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from tinygan.autograd import no_grad
from tinygan.backend import to_numpy
from tinygan.metrics.classifier import undisturbed_streams
from tinygan.metrics.inception.network import LOGITS, TAPS, UNBIASED, InceptionNetwork
from tinygan.metrics.inception.resize import QUANTISE, RESIZES, SIZE, prepare
from tinygan.metrics.inception.weights import KNOWN, NPZ, PB, TGZ, checked, find_weights
from tinygan.tensor import Tensor

# Images at a time when nobody says: the largest activation has 5.5 MB for each, and what leaves the caches of a CPU is
# slower; a GPU must be kept busy.
BATCH = {"cpu": 8, "cuda": 64}


class InceptionV3:
    """The extractor of published scores: Inception-v3 with the weights of 2015-12-05 behind a resize to 299 x 299.

        extractor = InceptionV3(download=True)
        fid(extractor.features(real), extractor.features(fake))

    weights: the path of a .pth, .pb, .tgz or .npz file, a dict of arrays, or None for the user's cache folder;
    download: fetch them when that has none. resize: "tf1" (the original), "pytorch-fid", "clean" or "friendly"; scores
    with different ones cannot be compared. quantise: how floats become uint8. tap: the features, 64, 192, 768 or 2048.
    dtype: float64 is for checking.

    Images are arrays (NumPy or CuPy) or Tensors (N, 1 or 3, H, W) of any size, floats in [-1, 1] or uint8; grey is
    repeated. Results are NumPy arrays. ``name``, ``dim``, ``suffix`` and ``fingerprint`` (SHA-256 of weights and
    settings) are for reports. Raises ValueError for other images and unknown options, DataError for weights.
    Source: Szegedy et al. 2015, arXiv:1512.00567; Heusel et al. 2017, arXiv:1706.08500; Salimans et al. 2016,
    arXiv:1606.03498.
    """

    suffix = ""

    def __init__(self, weights=None, *, resize: str = "tf1", quantise: str = "stylegan2-ada", tap: int = TAPS[-1],
                 device="cpu", dtype=np.float32, download: bool = False):
        for what, given, known in (("resize", resize, RESIZES), ("quantise", quantise, QUANTISE), ("tap", tap, TAPS)):
            if given not in known:
                raise ValueError(f"InceptionV3: expected {what} out of {', '.join(map(str, known))}, got {given!r}")
        self.resize, self.quantise, self.tap, self.dim = resize, quantise, tap, tap
        state = _checked(weights) if isinstance(weights, dict) else find_weights(weights, download)
        label = "2015-12-05" if _is_official(weights) else "given weights" if isinstance(weights, dict) \
            else Path(weights).name
        self.name = f"Inception-v3 ({label}), {SIZE}x{SIZE}, resize {resize}" + f", tap {tap}" * (tap != TAPS[-1])
        self.fingerprint = _fingerprint(state, {"resize": resize, "quantise": quantise, "tap": tap, "size": SIZE,
                                                "dtype": str(np.dtype(dtype))})
        with undisturbed_streams():
            self.network = InceptionNetwork()
        self.network.load_state_dict(state, strict=False)  # all but the counters of batches, which nobody reads
        self.network.to(dtype).fold().to(device)

    def scores(self, images, batch_size: int | None = None, progress=None) -> tuple[np.ndarray, np.ndarray]:
        """Class probabilities (N, 1008) and features (N, dim) from one pass over the images, float32.

        The probabilities are the softmax of the logits *without* the bias, which the Inception score was published
        with. ``progress(n)`` is called after every n images.
        """
        logits, features = self._run(images, (UNBIASED, self.tap), batch_size, progress)
        shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        return (shifted / shifted.sum(axis=1, keepdims=True)).astype(logits.dtype), features

    def features(self, images, batch_size: int | None = None, tap=None, progress=None) -> np.ndarray:
        """The features at one tap: 64, 192, 768 or 2048, (N, tap), or "logits" or "logits without bias", (N, 1008).

        None is the extractor's own tap. Layers behind it are not computed.
        """
        return self._run(images, (self.tap if tap is None else tap,), batch_size, progress)[0]

    def probabilities(self, images, batch_size: int | None = None, progress=None) -> np.ndarray:
        """The class probabilities of :meth:`scores`."""
        return self.scores(images, batch_size, progress)[0]

    def to(self, device) -> InceptionV3:
        """Move the network to a device, and return self."""
        self.network.to(device)
        return self

    def _run(self, images, taps, batch_size, progress) -> list:
        """One array per tap."""
        images = images.data if isinstance(images, Tensor) else images
        weight = self.network.fc.weight
        batch_size = BATCH[weight.device.type] if batch_size is None else batch_size
        found = {tap: [] for tap in taps}
        with no_grad():
            for start in range(0, max(len(images), 1), batch_size):  # once for no images, which raises there
                batch = prepare(images[start:start + batch_size], self.resize, self.quantise, SIZE, weight.device)
                for tap, value in self.network(Tensor(batch.astype(weight.dtype, copy=False)), taps).items():
                    found[tap].append(to_numpy(value.data))
                if progress is not None:
                    progress(len(batch))
        return [np.concatenate(found[tap]) for tap in taps]

    def __repr__(self) -> str:
        return f"InceptionV3({self.name}, {self.fingerprint[:8]})"


def _checked(state: dict) -> dict:
    try:
        return checked(state)
    except ValueError as error:
        raise ValueError(f"InceptionV3: expected weights of Inception-v3, got {error}") from None


def _is_official(weights) -> bool:
    """Whether the weights are what their file's name says; that of the .pth files is checked by SHA-256."""
    return weights is None or not isinstance(weights, dict) and Path(weights).name in (*KNOWN, TGZ, PB, NPZ)


def _fingerprint(state: dict, settings: dict) -> str:
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for key, value in state.items():
        digest.update(f"{key} {value.dtype.str} {value.shape}".encode())
        digest.update(value)
    return digest.hexdigest()


__all__ = ["InceptionV3", "LOGITS", "UNBIASED"]
