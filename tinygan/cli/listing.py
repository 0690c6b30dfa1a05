"""list, info: what can be trained, and on what."""

from __future__ import annotations

import inspect
import os
import platform
import sys

from tinygan import backend, gans
from tinygan.cli.options import UsageError, add_settings, origins, table, text
from tinygan.cli.runs import EVALUATION, number, runs_in
from tinygan.cli.sources import described, known_shape, sample_shape
from tinygan.cli.training import networks
from tinygan.gans.base import plain
from tinygan.kernels.threads import get_num_threads

HEADER = ("recipe", "paper", "arXiv", "loss", "penalty", "networks", "data")


def add_commands(commands) -> None:
    """Enter the commands of this file."""
    parser = commands.add_parser("list", help="all recipes", description="All recipes, with the best and the last "
                                 "score of their runs on their default data, and what `tinygan evaluate` found "
                                 "latest.")
    parser.add_argument("--markdown", action="store_true", help="as the table in README.md, without scores")
    parser.add_argument("--runs", default="runs", metavar="FOLDER", help="where to look for runs (default: runs)")
    parser.set_defaults(command=list_recipes)

    parser = commands.add_parser("info", help="this machine, or one recipe", description="Devices, versions, threads "
                                 "and memory; or what one recipe is, with its settings.")
    parser.add_argument("recipe", nargs="?", metavar="RECIPE")
    parser.add_argument("--data", help="the data whose shape chooses networks (default: the recipe's)")
    add_settings(parser)
    parser.set_defaults(command=info)


def rows() -> list:
    """The registry, one row of texts per recipe, in the order of the papers."""
    def row(recipe):
        settings = plain(recipe.resolved(known_shape(recipe.data)))
        return (recipe.name, recipe.paper, recipe.arxiv, text(settings["loss"]) if settings["loss"] else "its own",
                settings["penalty"], settings["networks"], recipe.data)
    return [row(recipe) for recipe in sorted(gans.RECIPES.values(), key=lambda r: (r.arxiv, r.name))]


def markdown() -> str:
    """The registry as the table of README.md."""
    def linked(row):
        name, paper, arxiv, *rest = row
        return (f"`{name}`", paper, f"[{arxiv}](https://arxiv.org/abs/{arxiv})", *rest)
    lines = [HEADER, ("---",) * len(HEADER), *map(linked, rows())]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def list_recipes(args) -> None:
    """``tinygan list``."""
    if args.markdown:
        print(markdown())
        return
    found, evaluated = {}, {}
    for run in runs_in(args.runs):
        name = run.settings.get("recipe")
        if run.settings.get("data") != getattr(gans.RECIPES.get(name), "data", None):
            continue
        scores, file = run.scores(), run.path / EVALUATION
        if scores:
            found.setdefault(name, []).append((run.path.stat().st_mtime, scores))
        if file.is_file():
            evaluated.setdefault(name, []).append((file.stat().st_mtime, run.evaluated()))

    def score(name):
        if name not in found:
            return ("-", "-")
        best = max(scores[0] for _, scores in found[name])
        return number(best), number(max(found[name])[1][2])
    extra = ("evaluated",) if evaluated else ()
    lines = [(*row, *score(row[0]), *(max(evaluated.get(row[0], [(0, "-")]))[1] for _ in extra)) for row in rows()]
    print(table((*HEADER, "best score", "last score", *extra), lines))


def info(args) -> None:
    """``tinygan info``."""
    if args.recipe is None:
        if args.data or args.settings:
            raise UsageError("info: expected a recipe beside --data and --set, got none")
        print(table(("", ""), machine()).lstrip())
        return
    row = gans.find(args.recipe)
    name = row.data if args.data is None else args.data
    shape, given = sample_shape(described(name, None, None)), dict(args.settings)
    print(f"{row.name}: {row.paper}, https://arxiv.org/abs/{row.arxiv}\n")
    print(inspect.getdoc(row.gan))
    print(f"\nOn {name}, samples of shape {shape}:\n")
    print(table(("setting", "value", "from"), origins(row, given, shape)))
    print(f"\n{networks(gans.make(row.name, shape, **given))}")


def machine() -> list:
    """[(what, how much)] of this machine, its devices and its software."""
    found = [("tinygan", own_version()), ("Python", platform.python_version()), ("system", platform.platform())]
    found += [(name, _version(name)) for name in ("numpy", "scipy", "matplotlib", "Pillow", "cupy")]
    found += [("processors", str(os.cpu_count())), ("threads used", str(get_num_threads())),
              ("memory", _memory()), *_devices()]
    return found


def own_version() -> str:
    """The version of this package, installed or not."""
    return sys.modules["tinygan"].__version__


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, distributions, version
    try:
        return version(name)
    except PackageNotFoundError:
        # CuPy's wheels are called after the version of CUDA they are for: cupy-cuda12x
        names = [f"{d.version} ({d.name})" for d in distributions() if (d.name or "").startswith(f"{name}-")]
        return names[0] if names else "not installed"


def _memory() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    page = os.sysconf("SC_PAGE_SIZE")
    total = f"{os.sysconf('SC_PHYS_PAGES') * page / 2 ** 30:.1f} GiB"
    free = os.sysconf("SC_AVPHYS_PAGES") * page / 2 ** 30 if sys.platform == "linux" else None
    return total if free is None else f"{total}, {free:.1f} GiB of it unused"


def _devices() -> list:
    """The GPUs that can be used, with the CUDA they are used through, or why there is none."""
    if not backend.cuda_available():
        return [("GPU", f"none: {_why_none()}")]
    cuda = backend.device("cuda").xp.cuda
    runtime = cuda.runtime
    found = [("CUDA", f"runtime {_cuda_version(runtime.runtimeGetVersion())}, driver for up to "
                      f"{_cuda_version(runtime.driverGetVersion())}"),
             ("float32 products", f"set_precision({backend.get_precision()!r})")]
    for index in range(runtime.getDeviceCount()):
        properties = runtime.getDeviceProperties(index)
        with cuda.Device(index):
            free, total = runtime.memGetInfo()
        found.append((f"cuda:{index}", f"{properties['name'].decode()}, compute capability {properties['major']}."
                                       f"{properties['minor']}, {total / 2 ** 30:.1f} GiB, {free / 2 ** 30:.1f} GiB of "
                                       "it unused"))
    return found


def _why_none() -> str:
    try:
        backend.device("cuda").xp.cuda.runtime.getDeviceCount()
    except RuntimeError as error:  # no CuPy, or no driver for it: each says so
        return str(error)
    return "CuPy finds none"


def _cuda_version(number: int) -> str:
    """12.9 for 12090, CUDA's way to write it."""
    return f"{number // 1000}.{number % 1000 // 10}"


__all__ = ["add_commands", "info", "list_recipes", "machine", "markdown", "own_version", "rows"]
