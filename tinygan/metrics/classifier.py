"""Judges: small classifiers whose confidence and whose features say whether samples look like a class of a data set.

Scores in a judge's features carry a J (FID_J): they compare runs of this library with each other and have nothing to do
with published figures in the features of Inception. ``python -m tinygan.metrics.train_classifier ROOT --set digits
--size 28`` trains a packaged judge again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np

from tinygan import functional as F
from tinygan import nn, random
from tinygan.autograd import no_grad
from tinygan.backend import array_module, is_array, to_device, to_numpy
from tinygan.data import scale
from tinygan.tensor import Tensor

FOLDER = Path(__file__).with_name("judges")
SETS, SIZES = ("digits", "fashion"), (28, 16, 14)  # what there are packaged judges of
ABOUT = "about"  # the member of the file that holds the settings and measured figures, as JSON


class JudgeNetwork(nn.Module):
    """Images (N, channels, size, size) in [-1, 1] -> logits (N, classes), by way of 64 non-negative features.

    Two convolutions (``width``, 2 ``width`` channels), each with batch norm, ReLU and a halving by max pooling; a
    linear layer to the features (N, 64); dropout; a linear layer to the logits. (LeCun et al. 1998's arrangement.)
    """

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10, width: int = 16, kernel: int = 5):
        super().__init__()
        self.settings = dict(size=size, channels=channels, classes=classes, width=width, kernel=kernel)
        end = ((size - kernel + 1) // 2 - kernel + 1) // 2
        if end < 1:
            raise ValueError(f"JudgeNetwork: expected images that two {kernel}x{kernel} convolutions and two halvings "
                             f"leave something of, got {size}x{size}")
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, kernel), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, kernel), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(2 * width * end * end, 64), nn.BatchNorm1d(64), nn.ReLU())
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(64, classes)

    def forward(self, images):
        return self.head(self.dropout(self.body(images)))


class Judge:
    """A trained :class:`JudgeNetwork` in evaluation mode, with what is known about it (``about``, a dict for JSON).

    Images are arrays (NumPy or CuPy) or Tensors (N, channels, size, size), of a floating dtype in [-1, 1] or uint8 (see
    ``tinygan.data.scale``); results are NumPy arrays. Nothing is recorded and no random number is drawn. Every method
    that takes images raises ValueError for another shape or dtype, for NaN and infinity, and for values outside
    [-1, 1]. ``subject``: what it judges, such as "digits-28"; ``suffix``: what scores in its features carry.
    """

    suffix = "_J"

    def __init__(self, network: JudgeNetwork, subject: str, about: dict | None = None):
        self.network, self.subject, self.about = network.eval(), subject, dict(about or {})

    @property
    def name(self) -> str:
        """What a report calls it: "judge digits-28"."""
        return f"judge {self.subject}"

    @property
    def dim(self) -> int:
        """The number of features of an image."""
        return self.network.head.in_features

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of the settings and of the names, dtypes, shapes and values of all weights."""
        digest = hashlib.sha256(json.dumps(self.network.settings, sort_keys=True).encode())
        for key, value in sorted(self.network.state_dict().items()):
            value = np.ascontiguousarray(to_numpy(value))
            digest.update(f"{key} {value.dtype.str} {value.shape}".encode() + value.tobytes())
        return digest.hexdigest()

    def scores(self, images, batch_size: int = 500) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (N, classes) and features (N, 64), both float32, from one pass over the images."""
        images = self._checked(images)
        probabilities, features = [], []
        like = next(self.network.parameters())
        with no_grad():
            for start in range(0, len(images), batch_size):
                batch = images[start:start + batch_size]
                batch = scale(batch, like.dtype) if batch.dtype == np.uint8 else batch.astype(like.dtype, copy=False)
                batch = to_device(batch, like.device)
                found = self.network.body(Tensor(batch))
                features.append(to_numpy(found.data))
                probabilities.append(to_numpy(F.softmax(self.network.head(found), 1).data))
        return np.concatenate(probabilities), np.concatenate(features)

    def probabilities(self, images, batch_size: int = 500) -> np.ndarray:
        """The probability of each class, (N, classes), float32."""
        return self.scores(images, batch_size)[0]

    def features(self, images, batch_size: int = 500) -> np.ndarray:
        """The activations before the last layer, (N, 64), float32: what FID_J is measured in."""
        return self.scores(images, batch_size)[1]

    def accuracy(self, images, labels) -> float:
        """The share of images whose most probable class is their label (N,)."""
        return float((self.probabilities(images).argmax(axis=1) == np.asarray(labels)).mean())

    def to(self, device) -> Judge:
        """Move the network to a device, and return self."""
        self.network.to(device)
        return self

    def _checked(self, images):
        images = images.data if isinstance(images, Tensor) else images
        s = self.network.settings
        expected = (s["channels"], s["size"], s["size"])
        fits = is_array(images) and (images.dtype.kind == "f" or images.dtype == np.uint8)
        if not fits or images.shape[1:] != expected or not len(images):
            got = f"{images.dtype} {images.shape}" if is_array(images) else type(images).__name__
            raise ValueError(f"{self.name}: expected images (N, {', '.join(map(str, expected))}) of a floating dtype "
                             f"in [-1, 1] or of uint8, got {got}")
        if images.dtype == np.uint8:
            return images
        worst = float(array_module(images).abs(images).max())  # NaN wins in max, and no comparison with it is true
        if not worst <= 1 + 1e-4:
            raise ValueError(f"{self.name}: expected images in [-1, 1], got values up to {worst:.4g} in size")
        return images

    def save(self, path) -> None:
        """Write weights, settings and ``about`` to one .npz file; the same judge gives the same bytes."""
        about = {"name": self.subject, "settings": self.network.settings, **self.about}
        np.savez_compressed(path, **self.network.state_dict(), **{ABOUT: np.array(json.dumps(about))})

    @classmethod
    def load(cls, path) -> Judge:
        """Read a file of :meth:`save`; nothing in it is executed. Raises ValueError for any other file."""
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                state = {key: archive[key] for key in archive.files}
            about = json.loads(state.pop(ABOUT).item())
            with undisturbed_streams():
                network = JudgeNetwork(**about.pop("settings"))
            network.load_state_dict(state)
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, EOFError, zlib.error,
                zipfile.BadZipFile) as error:
            raise ValueError(f"Judge.load: expected a file that Judge.save wrote, got {path}: "
                             f"{type(error).__name__}: {error}") from error
        return cls(network, about.pop("name"), about)

    def __repr__(self) -> str:
        known = {**self.network.settings, **self.about}
        return f"Judge({self.subject}, {', '.join(f'{key}={value}' for key, value in known.items())})"


@contextlib.contextmanager
def undisturbed_streams():
    """Put the random streams back afterwards: a new network draws initial weights that nobody needs here."""
    state = random.get_state()
    try:
        yield
    finally:
        random.set_state(state)


def packaged(name: str, size: int) -> Path:
    """Where the packaged judge of a set and size is. Raises ValueError for others than SETS and SIZES."""
    if name not in SETS or size not in SIZES:
        raise ValueError(f"judge: expected a set out of {', '.join(SETS)} and a size out of "
                         f"{', '.join(map(str, SIZES))}, got {name!r} and {size!r}")
    return FOLDER / f"{name}-{size}.npz"


def judge(name: str, size: int = 28) -> Judge:
    """The packaged judge of "digits" (MNIST) or "fashion" (Fashion-MNIST) of 28, 16 or 14 pixels, (N, 1, size, size).

    The smaller images are those of :func:`tinygan.data.resize`. Trained by ``tinygan.metrics.train_classifier`` (seed
    0, 8 epochs) on the first 50,000 training images. Raises ValueError for other sets and sizes, and when the file is
    damaged. Accuracy on the last 10,000 training images, held out, and on the 10,000 test images:

        digits   28: 0.9938, 0.9946   16: 0.9894, 0.9911   14: 0.9905, 0.9919
        fashion  28: 0.9115, 0.9038   16: 0.8930, 0.8868   14: 0.8976, 0.8915
    """
    return Judge.load(packaged(name, size))


def digit_classifier() -> Judge:
    """The packaged judge of 28 x 28 digits, ``judge("digits", 28)``.

    Its accuracy on the 2,000 test images that are packaged is 0.9955. Of these it gives 98.6 % a confidence above 0.9;
    of 2,000 images of uniform noise, and of samples of an untrained generator, none. Noise of every kind has much the
    same features, so FID_J hardly tells one kind from another: it is 119 to 120 for all of them (2,000 against 2,000).
    """
    return judge("digits", 28)


__all__ = ["Judge", "JudgeNetwork", "digit_classifier", "judge"]
