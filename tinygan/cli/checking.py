"""gradcheck, graph: what the players of a recipe minimise, differentiated numerically, and drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinygan import gans, plot, random
from tinygan.cli.options import UsageError, add_settings, at_least, seed, shape, table
from tinygan.cli.sources import NAMES, known_shape
from tinygan.models import network_settings
from tinygan.tensor import Tensor
from tinygan.testing import GradcheckError, gradcheck

SMALL = {"hidden": (5, 4), "channels": 2}  # sizes of networks whose every parameter can be moved
BATCH = 4


def add_commands(commands) -> None:
    """Enter the commands of this file."""
    parser = commands.add_parser("gradcheck", help="differentiate a recipe numerically", description="The gradient of "
                                 "what each player minimises, penalty and all, with respect to its parameters, "
                                 "against finite differences, on small float64 networks.")
    _add_recipe(parser)
    parser.add_argument("--order", type=at_least(1), default=1, help="of the derivatives (default: 1)")
    parser.set_defaults(command=check)

    parser = commands.add_parser("graph", help="draw a loss", description="The graph of operations behind what a "
                                 "player minimises, on small networks.")
    _add_recipe(parser)
    parser.add_argument("--player", help="whose loss (default: the first player's)")
    parser.add_argument("--out", metavar="FILE", default="graph.png", help=".png, .svg, .pdf or .dot (default: "
                        "graph.png)")
    parser.set_defaults(command=graph)


def _add_recipe(parser) -> None:
    parser.add_argument("recipe", metavar="RECIPE")
    add_settings(parser)
    parser.add_argument("--shape", type=shape, help="of one sample: 2, or 1,8,8 (default: by the recipe's data)")
    parser.add_argument("--seed", type=seed, default=0)


def small_game(args):
    """(the recipe with small networks in float64, a batch of normal samples)."""
    random.manual_seed(args.seed)
    row, given = gans.find(args.recipe), dict(args.settings)
    of_data = known_shape(row.data) if row.data in NAMES else (1, 28, 28)
    size = args.shape or (of_data if len(of_data) == 1 else (of_data[0], 8, 8))
    family = row.resolved(size, **given)["networks"]
    sizes = {key: value for key, value in SMALL.items() if key in network_settings(family)}
    gan = row.build(size, **{"z_dim": 3, **sizes, **given}).to(np.float64)
    for network in gan.modules().values():  # weights of a size at which nothing is flat
        for p in network.parameters():
            p.assign(p.data + 0.3 * random.normal(p.shape, "init", np.float64), "gradcheck")
    for key, value in gan.state.items():  # BEGAN's k is 0 at first: half of the objective would be missing
        if isinstance(value, Tensor) and value.dtype.kind == "f":
            gan.state[key] = value + 0.4
    return gan, Tensor(random.normal((BATCH, *size), "data", np.float64))


def check(args) -> int:
    """``tinygan gradcheck``: exit status 1 when a derivative is wrong."""
    gan, x = small_game(args)
    rows, failures = [], []
    for player in gan.players():
        objective = gans.Objective(gan, player, x)
        count = sum(v.data.size for v in objective.inputs)
        try:
            errors = gradcheck(objective, objective.inputs, args.order).errors
            rows += [(player.name, order, count, f"{error:.1e}", "ok") for order, error in enumerate(errors, 1)]
        except GradcheckError as error:
            rows.append((player.name, f"1-{args.order}", count, "-", "WRONG"))
            failures.append(str(error))
    print(f"{gan.name} on {BATCH} samples of shape {tuple(x.shape[1:])}, float64, penalty {gan.penalty!r}")
    print(table(("player", "order", "parameters", "max relative error", ""), rows))
    if failures:
        raise GradcheckError("; ".join(failures))
    return 0


def graph(args) -> None:
    """``tinygan graph``."""
    gan, x = small_game(args)
    players = {player.name: player for player in gan.players()}
    name = args.player or next(iter(players))
    if name not in players:
        raise UsageError(f"--player: expected one of {', '.join(players)}, got {name!r}")
    loss = players[name].loss(x)
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    text = plot.graph(loss, args.out)
    print(f"{gan.name}, what {name} minimises: {text.count('shape=box')} operations; {args.out}")


__all__ = ["add_commands", "check", "graph", "small_game"]
