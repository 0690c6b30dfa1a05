"""WGAN-GP on MNIST digits with convolutional networks (Gulrajani et al. 2017, arXiv:1704.00028, Algorithm 1).

    python examples/wgan_gp_mnist.py --device auto --data embedded --steps 1600

The critic f, without batch norm, minimises  E f(G(z)) - E f(x) + 10 E (|grad f(e x + (1 - e) G(z))| - 1)^2  five times
for every step of the generator, which minimises  -E f(G(z)).  Minus the critic's loss without the penalty estimates the
distance between digits and samples, so unlike the losses of other GANs it falls as the samples get better.
The step itself is tinygan/gans/wgan_gp.py.
"""
import argparse
import sys

import tinygan
from tinygan import data, gans, metrics, random, train

STEPS = 1600
EXPECTED = 0.50     # share of samples that the digit classifier should be sure of, with all 10 classes present


def arguments():
    parser = argparse.ArgumentParser(description="Train a WGAN-GP on 28x28 images.")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--data", default="embedded", help="embedded, mnist, fashion-mnist or a folder of images")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the generator")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--channels", type=int, default=16, help="width of the networks")
    parser.add_argument("--lr", type=float, default=1e-3, help="the paper's 1e-4 needs many more steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="run folder (default: runs/wgan-gp-mnist-<n>)")
    parser.add_argument("--resume", metavar="RUN", help="continue the run in this folder")
    args = parser.parse_args()
    if args.steps < 1:
        parser.error(f"argument --steps: expected a number of at least 1, got {args.steps}")
    return args


def main():
    args = arguments()
    tinygan.manual_seed(args.seed)
    device = tinygan.resolve_device(args.device)
    dataset = data.load(args.data, "train")
    batches = data.Batches(dataset.scaled(), args.batch_size, device=device)

    gan = gans.make("wgan-gp", (1, 28, 28), device, channels=args.channels, lr=args.lr, ema=0.99)
    untrained = gan.sample(2000)
    trainer = train.Trainer(gan, batches, args.steps, args.resume or args.out, resume=bool(args.resume), log_every=10,
                            config={"name": "wgan-gp-mnist", "data": args.data})
    trainer.run()

    if args.data not in ("embedded", "mnist"):
        return 0                                    # the judge knows digits only
    score = judge(trainer.sampler().sample(2000), untrained)
    reached = score.confident_share >= EXPECTED and score.classes_present == 10
    print(f"expected: {EXPECTED:.2f} confident and all 10 classes: {'reached' if reached else 'not reached'}")
    return 0 if reached or args.steps < STEPS else 1


def judge(samples, untrained):
    """Print the digit classifier's view of samples and of what to compare them with; return that of the samples."""
    held_out, real = data.embedded_mnist("test").scaled(), data.embedded_mnist("train").scaled()[:2000]
    judged = {"samples": samples, "untrained generator": untrained,
              "uniform noise": random.uniform((2000, 1, 28, 28), -1, 1, "preview"), "real training digits": real}
    print(f"{'2,000 images each':22} confident > 0.9   classes >= 2 %    FID_J against held-out")
    for name, images in judged.items():
        judged[name] = r = metrics.judge_report(images, held_out, metrics.digit_classifier(), real)
        print(f"{name:22} {r.confident_share:15.3f} {r.classes_present:16} {r.fid_j:12.2f}")
    return judged["samples"]


if __name__ == "__main__":
    sys.exit(main())
