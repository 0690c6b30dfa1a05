"""train, resume: a recipe, data and a run folder."""

from __future__ import annotations

import math

from tinygan import gans, random
from tinygan.backend import resolve_device
from tinygan.cli.options import UsageError, add_device, add_settings, at_least, origins, seed, table
from tinygan.cli.runs import Run
from tinygan.cli.sources import NAMES, batch_size, described, open_source, sample_shape
from tinygan.train import CheckpointError, RunFolderError, Trainer

EVERY = ("log_every", "sample_every", "save_every", "score_every")
NEEDED = {"recipe", "settings", "data", "size", "image_channels", "batch_size", "seed", "steps", "device", "score",
          *EVERY}


def add_commands(commands) -> None:
    """Enter the commands of this file."""
    parser = commands.add_parser("train", help="train a recipe", description="Train a recipe in a new run folder.")
    parser.add_argument("recipe", metavar="RECIPE", help="a name that `tinygan list` shows")
    parser.add_argument("--data", help=f"{', '.join(NAMES)}, or a folder of images or IDX files (default: the "
                        "recipe's)")
    add_settings(parser)
    parser.add_argument("--out", metavar="FOLDER", help="the run folder (default: runs/RECIPE-<n>)")
    parser.add_argument("--steps", type=at_least(1), default=2000, help="updates of the generator (default: 2000)")
    parser.add_argument("--batch-size", type=at_least(1), help="default: 64 images, 256 points")
    parser.add_argument("--seed", type=seed, default=0)
    add_device(parser)
    parser.add_argument("--size", type=at_least(1), help="side of the images (default: 28; 32 for a folder)")
    parser.add_argument("--image-channels", type=int, choices=(1, 3), help="default: 1; 3 for a folder of images")
    for name in EVERY:
        parser.add_argument(f"--{name.replace('_', '-')}", type=at_least(1), metavar="STEPS",
                            default=50 if name == "log_every" else None)
    parser.add_argument("--no-score", action="store_true", help="judge no samples, and keep no best checkpoint")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--dry-run", action="store_true", help="show all settings and networks, and write nothing")
    parser.set_defaults(command=train)

    parser = commands.add_parser("resume", help="continue a run", description="Continue a run from its last "
                                 "checkpoint: on the same device bit for bit, as if it had not been stopped.")
    parser.add_argument("run", metavar="RUN", help="the run folder")
    parser.add_argument("--steps", type=at_least(1), help="train up to this step (default: as the run was begun)")
    add_device(parser, None)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(command=resume)


def train(args) -> None:
    """``tinygan train``."""
    row, given = gans.find(args.recipe), dict(args.settings)
    name = row.data if args.data is None else args.data
    config = {"recipe": args.recipe, "settings": given, **described(name, args.size, args.image_channels),
              "batch_size": args.batch_size or batch_size(name), "seed": args.seed, "steps": args.steps,
              **{key: getattr(args, key) for key in EVERY}, "score": not args.no_score}
    device = resolve_device(args.device)
    row.resolved(sample_shape(config), **given)  # a wrong setting is told before data are fetched
    if args.dry_run:
        show(row, config, device, args.out)
    else:
        run(config, args.out, device, quiet=args.quiet)


def resume(args) -> None:
    """``tinygan resume``."""
    found = Run(args.run)
    config = found.settings
    if not NEEDED <= set(config):
        raise RunFolderError(f"{args.run}: expected a run of `tinygan train`, got one of a program, which resumes it "
                             "itself")
    steps = args.steps or config["steps"]
    last = found.last_step
    if args.steps and last is not None and last > steps:
        raise UsageError(f"{args.run}: expected at least the {last} steps that are done, got --steps {steps}")
    device = resolve_device(args.device or config["device"])
    run({**config, "steps": steps}, args.run, device, resume=True, quiet=args.quiet)


def run(config: dict, out, device, *, resume: bool = False, quiet: bool = False) -> None:
    """Train what ``config`` (of a run folder, or of the same form) says, to its end, and print the last figures."""
    random.manual_seed(config["seed"])
    source = open_source(config, device, bool(config["score"]))
    gan = gans.make(config["recipe"], source.shape, device, **config["settings"])
    own = {**{key: config[key] for key in ("data", "size", "image_channels")}, "data_digest": source.digest,
           "score": source.measure}
    try:
        trainer = Trainer(gan, source.batches, config["steps"], out, resume=resume, config=own, score=source.score,
                          quiet=quiet, **{key: config[key] for key in EVERY})
    except (RunFolderError, CheckpointError):
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        if not resume:
            raise
        # A checkpoint of other networks, of other data, of a program: whatever is missing or does not fit.
        raise CheckpointError(f"{out}: expected a checkpoint of this run on the same data, got another one "
                              f"({type(error).__name__}: {error})") from error
    trainer.run()
    line = Run(trainer.folder.path).last_line()
    if not quiet and line:
        print(line)


def show(row, config: dict, device, out) -> None:
    """What ``tinygan train`` would do: every setting with its origin, the networks, the players."""
    shape = sample_shape(config)
    gan = gans.make(row.name, shape, "cpu", **config["settings"])
    print(f"{row.name}: {row.paper}, arXiv:{row.arxiv}\n")
    print(table(("setting", "value", "from"), origins(row, config["settings"], shape)))
    print(f"\ndata {config['data']}, samples of shape {shape}, batch size {config['batch_size']}, seed "
          f"{config['seed']}, {config['steps']} steps, device {device}, run folder {out or f'runs/{row.name}-<n>'}\n")
    print(networks(gan))


def networks(gan) -> str:
    """A table of the networks of a GAN and one of its players."""
    sizes = [(role, type(network).__name__, f"{parameters(network.parameters()):,}")
             for role, network in gan.modules().items()]
    players = [(p.name, p.updates, type(p.optimizer(p.parameters())).__name__, f"{parameters(p.parameters()):,}")
               for p in gan.players()]
    return "\n".join([table(("network", "class", "parameters"), sizes), "",
                      table(("player", "updates per step", "optimiser", "parameters"), players)])


def parameters(tensors) -> int:
    """How many numbers there are to learn."""
    return sum(math.prod(p.shape) for p in tensors)


__all__ = ["add_commands", "networks", "resume", "run", "show", "train"]
