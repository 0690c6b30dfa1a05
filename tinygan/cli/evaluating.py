"""evaluate: scores of a run, of a folder or of a file, each beside that of real samples."""

from __future__ import annotations

import difflib
import json
from argparse import Namespace
from pathlib import Path

import numpy as np

from tinygan import data, metrics, random
from tinygan.backend import resolve_device, to_numpy
from tinygan.cli import sampling
from tinygan.cli.options import UsageError, add_device, at_least, seed, table
from tinygan.cli.runs import EVALUATION, Run, evaluation_line
from tinygan.cli.sources import GREY, NAMES, STACKED
from tinygan.data import POINTS
from tinygan.data.mnist import find_file, stems
from tinygan.metrics import METRICS, FeatureCache, SampleSet, find_extractor, sample_set
from tinygan.metrics.evaluate import MOST
from tinygan.metrics.path_length import LatentPaths
from tinygan.metrics.sample_set import POINT_STREAM
from tinygan.metrics.score_table import LIBRARIES
from tinygan.tensor import Tensor
from tinygan.train import CheckpointError, RunFolderError, TrainingError, load_checkpoint
from tinygan.train.files import atomic

CHECKPOINTS = ("best", "last")
DRAWN = 256  # samples drawn at a time: the batches of GAN.sample, so that the numbers are those of `tinygan sample`
KNOWN = (*NAMES, "cifar10")
NATIVE = {**{name: 28 for name in (*GREY, *STACKED)}, "cifar10": 32}  # pixels; other sizes are named


def add_commands(commands) -> None:
    """Enter the commands of this file."""
    parser = commands.add_parser(
        "evaluate", help="scores of samples", description="Scores of a run's samples (best and last checkpoint), or of "
        "those in a folder of pictures, an .npz or .npy file, against real ones. Beside each score stands the same "
        "score of real samples in the samples' place. J marks scores in the features of a packaged judge, which are "
        "not comparable with published ones; those need --extractor inception.")
    parser.add_argument("samples", metavar="RUN|FOLDER|FILE", nargs="?", help="a run folder; a folder of pictures; an "
                        ".npy or .npz file (FILE.npz:NAME names the array in it)")
    parser.add_argument("--real", metavar="NAME|FOLDER|FILE", help=f"the reference: {', '.join(KNOWN)}, or as above "
                        "(default: the run's data)")
    parser.add_argument("--split", choices=("heldout", "test", "train"), help="of the reference, where it is a data "
                        "set (default: heldout, by which a run's best checkpoint may have been chosen)")
    parser.add_argument("--floor", metavar="NAME|FOLDER|FILE", help="other real samples, to take the samples' place "
                        "(default: the training images of a data set, else half of the reference)")
    parser.add_argument("--metrics", metavar="A,B", help="names that --list-metrics shows (default: the usual ones)")
    parser.add_argument("--compat", choices=LIBRARIES, help="take that library's definition and random stream for the "
                        "scores that it has")
    parser.add_argument("--extractor", metavar="NAME", help=f"{', '.join(metrics.extractor_names())} (default: the "
                        "judge of the data and size)")
    parser.add_argument("--weights", metavar="FILE", help="Inception's weights: .pth, .pb, .tgz or .npz (default: "
                        "those in the user's cache)")
    parser.add_argument("--download", action="store_true", help="fetch Inception's weights (96 MB) where missing")
    parser.add_argument("-n", type=at_least(2), help="how many samples (default: all of a folder or file; of a run as "
                        f"many as the reference has, at most {MOST:,})")
    parser.add_argument("--checkpoint", choices=(*CHECKPOINTS, "both"), default="both", help="of a run (default: "
                        "both)")
    parser.add_argument("--raw", action="store_true", help="a run's weights themselves, not their average")
    parser.add_argument("--json", metavar="FILE", help=f"write everything there too; a run's is in RUN/{EVALUATION}")
    parser.add_argument("--seed", type=seed, default=0, help="of the noise, of random subsets and directions")
    add_device(parser)
    parser.add_argument("--cache", metavar="FOLDER", help="where features are kept (default: the user's cache)")
    parser.add_argument("--no-cache", action="store_true", help="compute all features, and keep none")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.add_argument("--list-metrics", action="store_true", help="all metrics, with what they need; then stop")
    parser.set_defaults(command=evaluate)


def evaluate(args) -> None:
    """``tinygan evaluate``."""
    if args.list_metrics:
        print(list_metrics())
        return
    if args.samples is None:
        raise UsageError("evaluate: expected a run folder, a folder of pictures or a file, got none")
    if (Path(args.samples) / "config.json").is_file():
        document = of_run(args)
        write(Path(args.samples) / EVALUATION, document)
    else:
        document = of_files(args)
    if args.json:
        write(Path(args.json), document)
        print(f"scores: {args.json}")


def list_metrics() -> str:
    """All rows of the table of scores."""
    rows = [(row.name + ("*" if row.usual else ""), ", ".join(row.labels), ", ".join(row.needs),
             ", ".join(dict.fromkeys(row.better)), row.about) for row in METRICS.values()]
    return table(("metric", "printed", "needs", "better", ""), rows) + "\n* computed when --metrics names none"


def write(path: Path, document: dict) -> None:
    """A JSON file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as file:
        file.write((json.dumps(document, indent=2, allow_nan=False) + "\n").encode())


# Files

def of_files(args) -> dict:
    """Scores of a folder or file, printed; returns what JSON is to hold."""
    if args.real is None:
        what = "which is no run" if Path(args.samples).exists() else "where there is nothing"
        raise UsageError(f"evaluate: expected a run, or --real ({', '.join(KNOWN)}, a folder or a file) beside samples "
                         f"that are none, got {args.samples}, {what}")
    if args.checkpoint != "both" or args.raw:
        raise UsageError(f"evaluate: expected a run for --checkpoint and --raw, got {args.samples}")
    samples = sample_set(args.samples, args.n)
    reference, floor = real_sets(args, args.real, samples.shape, len(samples))
    found = scored(args, samples, reference, floor)
    print(found)
    return found.to_dict()


def scored(args, samples: SampleSet, reference, floor) -> metrics.Evaluation:
    """The scores that the options ask for."""
    names = None if args.metrics is None else [name.strip() for name in args.metrics.split(",")]
    device = resolve_device(args.device)
    extractor = args.extractor and find_extractor(args.extractor, device, args.weights, args.download)
    return metrics.evaluate(samples, reference, names, extractor, real=floor, compat=args.compat, seed=args.seed,
                            device=device, cache=False if args.no_cache else FeatureCache(args.cache),
                            progress=not args.quiet)


# Runs

def of_run(args) -> dict:
    """Scores of a run's checkpoints, printed; returns what JSON is to hold."""
    run = Run(args.samples)
    shape = tuple(run.settings.get("shape") or ())
    if not shape:
        raise RunFolderError(f"{run.path}: expected a run of a recipe, got one of networks made by hand; evaluate an "
                             "array of its samples")
    name = args.real or run.settings.get("data")
    if name is None:
        raise UsageError(f"{run.path}: expected --real, as this run does not say what its data are, got none")
    reference, floor = real_sets(args, name, shape, args.n or MOST)
    n = args.n or min(len(reference), MOST)
    checkpoints = {}
    for names, step in checkpoints_of(run, args.checkpoint):
        samples, words = drawn(args, names[-1], n)
        found = scored(args, samples, reference, floor)
        label = " and ".join(map(repr, names))
        print(f"{n:,} samples {words.replace(repr(names[-1]), label)}, step {step}, seed {args.seed}\n{found}\n")
        checkpoints.update({which: {"step": step, "weights": words, **found.to_dict()} for which in names})
    document = {"format": "tinygan evaluations of a run", "version": 1, "checkpoints": checkpoints}
    print(evaluation_line(document) + f"; {run.path / EVALUATION}")
    return document


def checkpoints_of(run: Run, wanted: str) -> list:
    """[(names, step)]: one entry for both when best and last are the same step. Raises CheckpointError for none."""
    names = CHECKPOINTS if wanted == "both" else (wanted,)
    if wanted == "both" and not (run.path / "best.npz").exists():
        names = ("last",)  # a run that was not scored
    steps = {}
    for name in names:
        checkpoint = load_checkpoint(run.path / f"{name}.npz")
        if not isinstance(checkpoint, dict) or "step" not in checkpoint:
            raise CheckpointError(f"{run.path / name}.npz: expected a checkpoint of a run, got one of something else")
        steps.setdefault(checkpoint["step"], []).append(name)
    return [(names, step) for step, names in steps.items()]


def drawn(args, checkpoint: str, n: int) -> tuple:
    """(n samples of a checkpoint, which weights made them): those that ``tinygan sample --out x.npy`` writes."""
    from tqdm import tqdm
    run, gan, words = sampling.generator(Namespace(run=args.samples, best=checkpoint == "best", raw=args.raw, ema=False,
                                                   seed=args.seed, device=args.device))
    inputs, parts = gan.inputs(n, "preview"), []
    with tqdm(total=n, desc=f"samples of {checkpoint}", unit=" samples", unit_scale=True, leave=False,
              disable=args.quiet) as bar:
        for start in range(0, n, DRAWN):
            part = tuple(Tensor(one.data[start:start + DRAWN])
                         for one in (inputs if isinstance(inputs, tuple) else (inputs,)))
            samples = gan.sample(part if isinstance(inputs, tuple) else part[0])
            if not np.isfinite(samples).all():
                raise TrainingError(f"{run.path}: expected finite samples of checkpoint {checkpoint!r}, got NaN or "
                                    "infinity")
            # cut off at [-1, 1], where a picture of them is
            parts.append(data.unscale(samples) if len(gan.shape) == 3 else samples)
            bar.update(len(samples))
    found = SampleSet(np.concatenate(parts), f"{run.name} {checkpoint}")
    found.paths = latent_paths(gan, inputs)
    return found, words


def latent_paths(gan, inputs) -> LatentPaths | None:
    """The generator of a run for path lengths; None when its ``inputs`` are more than one vector for each sample.

    Its noise moves; codes, and the numbers that draw discrete samples, which variants put behind it, stay as they are.
    """
    if isinstance(inputs, tuple) or inputs.ndim != 2:
        return None

    def pairs(n, number):
        random.manual_seed(number)
        return tuple(to_numpy(gan.inputs(n, "preview").data) for _ in range(2))
    # a great circle would leave the cube of uniform noise
    return LatentPaths(lambda z: gan.sample(gan.placed(z)).clip(-1, 1), pairs, inputs.shape[1] - gan.z_dim,
                       "lerp" if gan.prior == "uniform" else "slerp")


# Real samples

def real_sets(args, name: str, shape: tuple, n: int) -> tuple:
    """(the reference, other real samples for the floor or None) for samples of a shape; ``n`` points or stacks."""
    random.manual_seed(args.seed)
    own = args.real is None  # a run's own data are brought to size and split as they were for its training
    reference = real_set(args, name, args.split or "heldout", shape, n, own)
    if args.floor is not None:
        return reference, real_set(args, args.floor, args.split or "heldout", shape, n)
    if name in POINTS:
        return reference, real_set(args, name, None, shape, n)
    if own or has_splits(name):
        return reference, real_set(args, name, "heldout" if args.split == "train" else "train", shape, n, own)
    return reference, None


def real_set(args, name: str, split: str | None, shape: tuple, n: int, own: bool = False) -> SampleSet:
    """The real samples of a name or a path, in the shape of the samples where it is a data set."""
    if name in POINTS or not (own or has_splits(name)):
        if args.split:
            raise UsageError(f"--split: expected a data set with splits, got {name}, all of which is used")
        if not Path(name.partition(".npz:")[0] + ".npz" * (".npz:" in name)).exists() and name not in POINTS:
            near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KNOWN)}"
            raise UsageError(f"--real: expected a known name, a folder or a file, got {name!r}; {hint}")
        return sample_set(POINTS.get(name, name), n if name in POINTS else None, name="--real")
    if len(shape) != 3 or shape[1] != shape[2]:
        raise UsageError(f"--real {name}: expected square images (C, size, size) to compare with, got samples of shape "
                         f"{shape}")
    images = data.load(STACKED.get(name, name), split, shape[-1], 1 if name in STACKED else shape[0])
    if name in STACKED:
        images = data.stacked(images, n, POINT_STREAM)
    size = "" if shape[-1] == NATIVE.get(name) else f" {shape[-1]}x{shape[-1]}"
    return sample_set(images, what=f"{images.name} {split}{size}")


def has_splits(name: str) -> bool:
    """Whether a name is one of a data set with splits: a known one, or a folder with IDX files."""
    return name in NATIVE or any(find_file(Path(name), stem) for part in ("train", "test") for stem in stems(part))


__all__ = ["add_commands", "checkpoints_of", "drawn", "evaluate", "list_metrics", "real_set", "real_sets"]
