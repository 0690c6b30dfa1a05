"""Train the digit judge: ``python -m tinygan.metrics.train_classifier ROOT`` (ROOT holds MNIST's official IDX files).

Trained on the first 50,000 training images, shifted at random by up to two pixels; the last 10,000 are held out and
nothing is chosen by them; the test set is not touched. Seeded: the same seed gives the same bits, for any number of
threads. Exits with status 1 when held-out accuracy is below 0.985, and then writes nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np

from tinygan import functional as F
from tinygan import random
from tinygan.data import Batches, mnist, scale
from tinygan.metrics.classifier import PACKAGED, Judge, JudgeNetwork
from tinygan.optim import Adam
from tinygan.tensor import Tensor

REQUIRED = 0.985
SHIFT = 2


def shifted(images: np.ndarray) -> np.ndarray:
    """Every image (N, C, H, W) moved by its own random number of pixels, at most SHIFT, along each axis.

    What moves in at the border is -1, the background. The numbers come from the stream "augment".
    """
    n, _, h, w = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), constant_values=-1)
    moves = random.integers(0, 2 * SHIFT + 1, (2, n), stream="augment")
    rows, columns = np.arange(h) + moves[0][:, None], np.arange(w) + moves[1][:, None]
    each = np.arange(n)[:, None, None]
    # indices on both sides of a slice put the indexed axes in front: (N, H, W, C)
    return np.ascontiguousarray(np.moveaxis(padded[each, :, rows[:, :, None], columns[:, None, :]], -1, 1))


def train_judge(network: JudgeNetwork, images: np.ndarray, labels: np.ndarray, epochs: int, batch_size: int = 100,
                lr: float = 2e-3, report=None) -> JudgeNetwork:
    """Fit the network to uint8 images (N, C, H, W) and labels (N,) by cross-entropy with Adam; returns it.

    The learning rate falls from ``lr`` to 0 along a cosine. ``report(epoch, loss)`` is called after every epoch with
    the mean of its losses.
    """
    optimizer = Adam(network.train().parameters(), lr=lr)
    batches = Batches((images, labels), batch_size)
    steps, step = epochs * len(batches), 0
    for epoch in range(epochs):
        total = 0.0
        for batch, classes in batches:
            optimizer.lr = lr * 0.5 * (1 + math.cos(math.pi * step / steps))
            loss = F.cross_entropy(network(Tensor(shifted(scale(batch)))), classes)
            optimizer.minimize(loss)
            total += loss.item()
            step += 1
        if report is not None:
            report(epoch + 1, total / len(batches))
    return network


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tinygan.metrics.train_classifier", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", help="folder with MNIST's IDX files, plain or .gz")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(PACKAGED), help="file to write; default: the packaged one")
    options = parser.parse_args(arguments)
    data, heldout, test = (mnist(split, options.root) for split in ("train", "heldout", "test"))
    random.manual_seed(options.seed)
    start = time.perf_counter()

    def report(epoch, loss):
        print(f"epoch {epoch}/{options.epochs}  loss {loss:.4f}  {time.perf_counter() - start:.0f} s", flush=True)
    network = train_judge(JudgeNetwork(), data.images, data.labels, options.epochs, report=report)
    judge = Judge(network, "digits-28")
    found = {split.split: round(judge.accuracy(split.scaled(), split.labels), 4) for split in (data, heldout, test)}
    print("accuracy:", ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    if found["heldout"] < REQUIRED:
        print(f"expected held-out accuracy >= {REQUIRED}; nothing was written", file=sys.stderr)
        return 1
    judge.about = {"data": "mnist, first 50,000 training images", "epochs": options.epochs, "seed": options.seed,
                   "accuracy": found}
    judge.save(options.out)
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
