"""sample, interpolate: pictures and arrays from a run's generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinygan import random
from tinygan.backend import array_module, resolve_device
from tinygan.cli.options import UsageError, add_device, at_least, positive, seed
from tinygan.cli.runs import Run
from tinygan.cli.sources import real_points
from tinygan.metrics import path_length
from tinygan.tensor import Tensor
from tinygan.train import load_gan, save_png
from tinygan.train.files import atomic
from tinygan.train.images import grid
from tinygan.train.pictures import frame_of

FRAME_MS = 60  # how long a picture of the film is shown
CLOUD = 2000  # real points that say how large a picture of points must be
FINE = 20  # points drawn from one picture of the film to the next


def add_commands(commands) -> None:
    """Enter the commands of this file."""
    parser = commands.add_parser("sample", help="samples of a run", description="Samples of a run's generator: one "
                                 "picture (--grid, or --out x.png), an array (--out x.npy), or a folder of pictures.")
    _add_generator(parser)
    parser.add_argument("-n", type=at_least(1), default=64, help="how many (default: 64)")
    parser.add_argument("--grid", action="store_true", help="one picture of all samples")
    parser.add_argument("--truncation", type=positive, metavar="T", help="draw noise beyond T again (normal prior)")
    parser.add_argument("--out", metavar="PATH", help="default: RUN/grid.png with --grid, RUN/generated for images, "
                        "RUN/generated.npy for points")
    parser.set_defaults(command=sample)

    parser = commands.add_parser("interpolate", help="on the way between samples", description="Between random noise "
                                 "vectors on great circles (slerp): a picture, one way per row, and a film (GIF).")
    _add_generator(parser)
    parser.add_argument("--rows", type=at_least(1), default=4, help="ways in the picture (default: 4)")
    parser.add_argument("--frames", type=at_least(2), default=10, help="pictures per way (default: 10)")
    parser.add_argument("--out", metavar="PATH", help="with or without an ending (default: RUN/interpolation); .png "
                        "and .gif are written")
    parser.set_defaults(command=interpolate)


def _add_generator(parser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run folder")
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument("--raw", action="store_true", help="the weights themselves, not their average")
    weights.add_argument("--ema", action="store_true", help="averaged weights (default, where the run has them)")
    parser.add_argument("--best", action="store_true", help="the checkpoint with the best score, not the last one")
    parser.add_argument("--seed", type=seed, default=0)
    add_device(parser, "cpu")


def generator(args):
    """(the GAN of the run, what it is in words), seeded. Raises UsageError for --ema where there is no average."""
    run, which = Run(args.run), "best" if args.best else "last"
    averaged = bool(run.settings.get("settings", {}).get("ema"))
    if args.ema and not averaged:
        raise UsageError(f"{args.run}: expected a run with averaged weights for --ema, got one with ema 0")
    random.manual_seed(args.seed)
    gan = load_gan(args.run, which, raw=args.raw or not averaged, device=resolve_device(args.device))
    random.manual_seed(args.seed)  # new networks drew their initial weights
    weights = "raw" if args.raw or not averaged else f"EMA ({gan.ema})"
    return run, gan, f"with {weights} weights of checkpoint {which!r} of {run.path}"


def sample(args) -> None:
    """``tinygan sample``."""
    run, gan, words = generator(args)
    out = Path(args.out) if args.out else run.path / (
        "grid.png" if args.grid else "generated" if len(gan.shape) == 3 else "generated.npy")
    if args.grid and out.suffix != ".png":
        raise UsageError(f"--grid: expected --out with the ending .png, got {out}")
    if out.suffix not in (".png", ".npy", ""):
        raise UsageError(f"--out: expected a .png or .npy file or a folder, got {out}")
    if not out.suffix and len(gan.shape) != 3:
        raise UsageError(f"--out: expected a .png or .npy file for samples of shape {gan.shape}, got {out}")
    samples = gan.sample(args.n, args.truncation)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        save_png(out, frame(run, samples)(samples))
    elif out.suffix == ".npy":
        with atomic(out) as file:
            np.save(file, samples)
    else:
        out.mkdir(exist_ok=True)
        for index, image in enumerate(samples):
            save_png(out / f"{index:05d}.png", grid(image[None], padding=0))
    print(f"{args.n} samples {words}: {out}")


def frame(run: Run, samples):
    """``draw(samples) -> picture`` for samples of this run. Raises UsageError when they cannot be drawn."""
    real = real_points(run.settings.get("data"), CLOUD)
    draw = frame_of(samples if real is None else real)
    if draw is None:
        raise UsageError(f"{run.path}: expected points in one or two dimensions, or images with 1 or 3 channels, to "
                         f"draw, got samples of shape {samples.shape[1:]}; --out x.npy writes them as an array")
    return draw


def interpolate(args) -> None:
    """``tinygan interpolate``."""
    run, gan, words = generator(args)
    start = gan.inputs(args.rows + (args.rows == 1), "preview")
    if not isinstance(start, Tensor):
        raise UsageError(f"interpolate: expected a generator of noise alone, got {gan.name}'s, which takes more")
    # Row k goes from z_k to z_(k+1), the last one back to the first: so the film has no seam.
    target = Tensor(array_module(start.data).roll(start.data, -1, 0))
    between = straight if gan.prior == "uniform" else slerp  # a great circle would leave the cube
    images = len(gan.shape) == 3
    shares = np.linspace(0, 1, args.frames if images else args.frames * FINE)
    ways = np.stack([gan.sample(between(start, target, share))[:args.rows] for share in shares], axis=1)
    draw = frame(run, ways[:, 0])
    if images:                                                               # ways: (rows, frames, C, H, W)
        picture = draw(ways.reshape(-1, *gan.shape), columns=args.frames)
        film = [grid(image[None], padding=0) for row in ways for image in row[:-1]]
    else:  # the ways as lines, which the film draws bit by bit
        film = [draw(ways[:, :(k + 1) * FINE].reshape(-1, *gan.shape)) for k in range(args.frames)]
        picture = film[-1]
    out = Path(args.out) if args.out else run.path / "interpolation"
    out = out.with_suffix("") if out.suffix in (".png", ".gif") else out
    out.parent.mkdir(parents=True, exist_ok=True)
    names = out.with_name(out.name + ".png"), out.with_name(out.name + ".gif")
    save_png(names[0], picture)
    save_gif(names[1], film)
    print(f"{args.rows} ways of {args.frames} pictures {words}: {names[0]} and {names[1]}")


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """The point ``share`` of the way from each row of ``a`` to that of ``b`` on a great circle, (N, z)."""
    return Tensor(path_length.slerp(a.data, b.data, share))


def straight(a: Tensor, b: Tensor, share: float) -> Tensor:
    """The point ``share`` of the straight way from each row of ``a`` to that of ``b``, (N, z)."""
    return Tensor(path_length.lerp(a.data, b.data, share))


def save_gif(path, pictures) -> None:
    """Write pictures, uint8 (H, W) or (H, W, 3), as an endless film, whole or not at all."""
    from PIL import Image
    first, *rest = [Image.fromarray(np.ascontiguousarray(picture)) for picture in pictures]
    with atomic(path) as file:
        first.save(file, format="GIF", save_all=True, append_images=rest, duration=FRAME_MS, loop=0)


__all__ = ["add_commands", "interpolate", "sample", "save_gif", "slerp", "straight"]
