"""One picture: what all objectives make of ring8 and grid25 after equal numbers of updates.

``python benchmarks/systems/picture.py [--seed 5] [--jobs 2]`` trains what has no result yet and draws objectives.png.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import results
from trainings import GRID, points

from tinygan.data import POINTS

SETTINGS = dict(lr=1e-3, betas=(0.5, 0.9), **GRID)
PLAIN = ("gan", "minimax-gan", "lsgan", "hinge-gan", "geometric-gan", "f-gan-kl", "f-gan-reverse-kl", "f-gan-pearson",
         "f-gan-hellinger", "f-gan-js", "f-gan-tv", "b-gan", "b-gan-relative", "bs-gan-continuous", "smoothed-gan",
         "ra-gan", "feature-matching", "instance-noise-gan", "sngan")
OWN = {"wgan": dict(lr=1e-4, clip=0.05), "wgan-gp": dict(penalty="gp(0.1)"), "dragan": dict(penalty="dragan(0.1)"),
       "r1-gan": dict(penalty="r1(0.1)"), "rpgan-r1-r2": dict(penalty="r1(0.1) + r2(0.1)"),
       "gmmn": dict(bandwidths=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0)), "fisher-gan": dict(rho=0.01)}
OBJECTIVES = {**dict.fromkeys(PLAIN, SETTINGS), **{name: {**SETTINGS, **own} for name, own in OWN.items()}}


def trained(job) -> dict:
    name, data, seed = job
    return points(name, data, seed, **OBJECTIVES[name])


def draw(found: dict, path) -> None:
    """A row of pairs of panels for every objective, samples over the true centres."""
    from tinygan.theory.pictures import figure as empty
    columns = 5
    rows = -(-len(OBJECTIVES) // columns)
    figure, panels = empty(2 * columns, rows, f"After {results.steps(GRID['number']):,} updates of G", size=(1.8, 2.1))
    for axes in panels:
        axes.axis("off")
    for k, name in enumerate(OBJECTIVES):
        for side, data in enumerate(("ring8", "grid25")):
            axes = panels[2 * k + side]
            axes.axis("on")
            centers, samples = POINTS[data].centers, found[name, data]["samples"]
            axes.plot(*centers.T, "+", color="0.6", markersize=5)
            axes.plot(*zip(*samples), ".", color="C0", markersize=1.5)
            limit = 1.4 * abs(centers).max()
            axes.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[], aspect="equal")
            axes.set_title(f"{name}\n{found[name, data]['captured']} of {len(centers)}", fontsize=7)
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", default=str(results.HERE / "objectives.png"))
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the number of steps, for trials")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as trial:
        if args.scale != 1.0:
            results.place.update(scale=args.scale, folder=Path(trial))
        compare(args)


def compare(args) -> None:
    """Train what is missing, and draw."""
    jobs = [(name, data, args.seed) for name in OBJECTIVES for data in ("ring8", "grid25")]
    with ProcessPoolExecutor(args.jobs) as pool:
        found = {job[:2]: figures for job, figures in zip(jobs, pool.map(trained, jobs))}
    draw(found, args.out)


if __name__ == "__main__":
    main()
