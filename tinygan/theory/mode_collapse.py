"""Mode collapse: a plain GAN on a ring of 8 and a grid of 25 Gaussians produces some of them only.

Nothing but the non-saturating loss, G 2-128-128-2, D 2-128-128-1 and Adam(1e-3, beta1 = 0.5): the baseline of every
system that claims to cover more modes. A mode is captured when it holds a fifth of its share of 2,500 samples, within
3 sigma of its centre. Which modes are lost, and how many, depends on the seed. The picture: data and samples.
"""

from __future__ import annotations

from tinygan import data, gans
from tinygan.metrics import mode_count
from tinygan.theory.registry import entry
from tinygan.train import Play


def play(points, steps: int, batch: int = 64):
    """The plain GAN after ``steps`` steps on these points."""
    gan = gans.make("gan", (2,), networks="mlp", z_dim=2, lr=1e-3, betas=(0.5, 0.999))
    running = Play(gan, data.PointBatches(points, batch), steps)
    for _ in range(steps):
        running.step()
    return gan


@entry("T19", "mode-collapse", title="Mode collapse of a plain GAN", paper="Metz et al. 2016, section 3.3",
       arxiv="1611.02163")
def mode_collapse(found, seed=0, steps=10_000):
    samples, counts = {}, {}
    for points in (data.ring8, data.grid25):
        samples[points.name] = play(points, steps).sample(2500)
        counts[points.name] = count = mode_count(samples[points.name], points)
        found.note(f"{points.name}: modes captured of {count.modes}", count.captured)
        found.note(f"{points.name}: share of samples within 3 sigma of a centre", count.high_quality)
    ring, grid = counts["ring8"].captured, counts["grid25"].captured
    # a collapse is at most 6 modes of ring8 or at most 18 of grid25: one of the two is enough
    found.at_most("min(ring8 - 6, grid25 - 18), modes captured", min(ring - 6, grid - 18), 0,
                  kind="CAL")
    found.picture(lambda: draw(samples, counts), "mode-collapse.png")


def draw(samples, counts):
    """Samples over the centres of the data, and samples per mode."""
    from tinygan.theory.pictures import figure, finish
    made, axes = figure(4, title="A plain GAN and the modes of its data", size=(4.2, 3.9))
    for k, points in enumerate((data.ring8, data.grid25)):
        count, drawn = counts[points.name], samples[points.name]
        plane, bars = axes[2 * k:2 * k + 2]
        plane.scatter(*drawn.T, s=2, color="C0", alpha=0.4, label="2,500 samples")
        plane.scatter(*points.centers.T, s=60, facecolors="none", edgecolors="C3", label="modes of the data")
        plane.set(aspect="equal", xlim=(-5, 5), ylim=(-5, 5))
        finish(plane, f"{points.name}: {count.captured} of {count.modes} modes captured", "x", "y")
        bars.bar(range(count.modes), count.counts, color="C0", label="samples within 3 sigma")
        bars.axhline(0.2 * 2500 / count.modes, color="C3", linestyle="--", label="captured above")
        bars.axhline(2500 / count.modes, color="k", linestyle=":", label="the data")
        finish(bars, f"{points.name}: samples per mode", "mode", "samples")
    return made
