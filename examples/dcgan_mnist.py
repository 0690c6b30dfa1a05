"""DCGAN on MNIST digits (Radford, Metz, Chintala 2015, arXiv:1511.06434): from noise to a judged grid of samples.

    python examples/dcgan_mnist.py --device auto --data embedded --epochs 9

The two players minimise the non-saturating losses (Goodfellow et al. 2014, arXiv:1406.2661, section 3):
    D   -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z))))          G   -log sigmoid(D(G(z)))
"""
import argparse
import sys

from tqdm import tqdm

import tinygan
from tinygan import data, losses, metrics, models, optim, random, train

Z = 8               # dimensions of the noise
EPOCHS = 9
EXPECTED = 0.60     # share of samples that the digit classifier should be sure of


def arguments():
    parser = argparse.ArgumentParser(description="Train a DCGAN on 28x28 images.")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--data", default="embedded", help="embedded, mnist, fashion-mnist or a folder of images")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=64, help="width of D; G is twice as wide")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="run folder (default: runs/dcgan-mnist-<n>)")
    parser.add_argument("--resume", metavar="RUN", help="continue the run in this folder")
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error(f"argument --epochs: expected a number of at least 1, got {args.epochs}")
    return args


def main():
    args = arguments()
    tinygan.manual_seed(args.seed)
    device = tinygan.resolve_device(args.device)
    dataset = data.load(args.data, "train")
    batches = data.Batches(dataset.scaled(), args.batch_size, device=device)

    G = models.DCGANGenerator(Z, 2 * args.channels).to(device)
    D = models.DCGANDiscriminator(args.channels).to(device)
    g_opt = optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_opt = optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loss = losses.non_saturating
    parts = dict(G=G, D=D, g_opt=g_opt, d_opt=d_opt, batches=batches)
    fixed = random.normal((64, Z), "preview", device=device)

    config = {"name": "dcgan-mnist", **{k: v for k, v in vars(args).items() if k not in ("out", "resume")}}
    run = train.RunFolder(args.resume or args.out, config, resume=bool(args.resume))
    train.restore(run.state, **parts)
    step = run.step
    print(f"DCGAN on {len(dataset):,} images ({dataset.name}, {dataset.split}) on {device}; run folder {run.path}")
    run.save_real(dataset.scaled()[:64])

    for epoch in range(batches.epoch, args.epochs):
        with tqdm(total=len(batches) * args.batch_size, unit=" images", desc=f"epoch {epoch + 1}/{args.epochs}",
                  unit_scale=True) as bar:
            for x in batches:
                fake = G(tinygan.Tensor(random.normal((len(x), Z), device=device)))
                d_loss = loss.d(D(tinygan.Tensor(x)), D(fake.detach()))
                d_opt.minimize(d_loss)
                g_loss = loss.g(D(fake))            # D has just changed: score the fakes again
                g_opt.minimize(g_loss)
                step += 1
                bar.update(len(x))
                if step % 10 == 0:                  # reading a loss waits for the device
                    run.log(step, d_loss=d_loss.item(), g_loss=g_loss.item())
                    bar.set_postfix(d_loss=f"{d_loss.item():.3f}", g_loss=f"{g_loss.item():.3f}")
        run.save_samples(step, train.sample(G, fixed))
        run.save_curves()
        run.save(step, train.snapshot(**parts))

    print(f"samples, curves and checkpoints are in {run.path}")
    if args.data not in ("embedded", "mnist"):
        return 0                                    # the judge knows digits only
    score = judge(G, models.DCGANGenerator(Z, 2 * args.channels).to(device), device)
    reached = score.confident_share >= EXPECTED and score.classes_present == 10
    print(f"expected: {EXPECTED:.2f} confident and all 10 classes: {'reached' if reached else 'not reached'}")
    return 0 if reached or args.epochs < EPOCHS else 1


def judge(G, untrained, device):
    """Print the digit classifier's view of samples and of what to compare them with; return that of the samples."""
    held_out = data.embedded_mnist("test").scaled()
    real = data.embedded_mnist("train").scaled()[:2000]
    z = random.normal((2000, Z), "preview", device=device)
    reports = {name: metrics.judge_report(images, held_out, metrics.digit_classifier(), real) for name, images in {
        "samples": train.sample(G, z), "untrained generator": train.sample(untrained, z),
        "uniform noise": random.uniform((2000, 1, 28, 28), -1, 1, "preview"), "held-out real digits": held_out}.items()}
    print(f"{'2,000 images each':22} confident > 0.9   classes >= 2 %    FID_J against held-out")
    for name, r in reports.items():
        fid = r.floor if name == "held-out real digits" else r.fid_j
        print(f"{name:22} {r.confident_share:15.3f} {r.classes_present:16} {fid:12.2f}"
              + ("   (training digits: the floor)" if name == "held-out real digits" else ""))
    return reports["samples"]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, RuntimeError, MemoryError) as error:  # bad data, settings, folders, checkpoints, full devices
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; continue after the last finished epoch with --resume and the run folder")
