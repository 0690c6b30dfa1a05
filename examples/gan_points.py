"""A GAN on eight small Gaussians in a ring: it trains in 20 seconds, and its modes are counted.

    python examples/gan_points.py --recipe r1-gan --data ring8

The recipe says what the two players minimise (Mescheder, Geiger, Nowozin 2018, arXiv:1801.04406):
    D   -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))) + gamma/2 |grad D(x)|^2        G   -log sigmoid(D(G(z)))
Try other recipes (--recipe gan is this one without its penalty), other settings (--set lr=1e-3 'penalty=gp(1)'), and
--data grid25, which has 25 modes and needs more steps.
"""
import argparse
import sys

import tinygan
from tinygan import data, gans, metrics, train

STEPS = 2400
MODES, HIGH_QUALITY = 8, 0.60   # what the default settings should reach


def arguments():
    parser = argparse.ArgumentParser(description="Train a GAN on points in the plane.")
    parser.add_argument("--recipe", default="r1-gan", help=f"one of {', '.join(gans.RECIPES)}")
    parser.add_argument("--data", default="ring8", choices=["ring8", "grid25"])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings, such as penalty='r1(1)'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--out", help="run folder (default: runs/gan-points-<n>)")
    args = parser.parse_args()
    if args.steps < 1:
        parser.error(f"argument --steps: expected a number of at least 1, got {args.steps}")
    return args


def main():
    args = arguments()
    tinygan.manual_seed(args.seed)
    device = tinygan.resolve_device(args.device)
    points = data.POINTS[args.data]
    settings = dict(z_dim=2, lr=2e-3, ema=0.99)
    if args.recipe == "r1-gan":
        settings["penalty"] = "r1(0.1)"     # the paper's gamma = 10 is for images
    settings.update((key, gans.from_text(value)) for key, value in (text.split("=", 1) for text in args.set))

    gan = gans.make(args.recipe, (2,), device, **settings)
    batches = data.PointBatches(points, batch_size=64, device=device)
    trainer = train.Trainer(gan, batches, args.steps, args.out, config={"name": "gan-points", "data": args.data})
    trainer.run()

    found = metrics.mode_count(trainer.sampler().sample(2500), points)
    print(f"samples: {found}")
    print(f"data:    {metrics.mode_count(points(2500, stream='preview'), points)}")
    if (args.recipe, args.data) != ("r1-gan", "ring8") or args.set or args.steps < STEPS:
        return 0
    reached = found.captured >= MODES and found.high_quality >= HIGH_QUALITY
    print(f"expected: {MODES}/{MODES} modes and {HIGH_QUALITY:.2f}; {'reached' if reached else 'not reached'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
