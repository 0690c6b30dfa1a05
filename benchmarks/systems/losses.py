"""Divergences and losses: what each paper claims, in small. Entries L01 to L16 and the relativistic pair.

Where a paper's setting is too large, steps and networks shrank: points are trained for 3,000 or 8,000 updates (10,000
or more where this benchmark comes from), digits are 14 x 14, from fully connected networks of two layers of 256.
"""

from __future__ import annotations

import numpy as np
from results import shared, steps
from system import system
from trainings import (ADAM, BATCH, GRID, LONG, MLP, POINT, digits, digits_data, digits_report, distance, game,
                       plain_digits, plain_points, play, points, points_report, untrained_digits)

from tinygan import losses, models, random
from tinygan.autograd import grad, no_grad
from tinygan.data import POINTS, Batches, PointBatches, gauss1, lines
from tinygan.gans.base import clip_weights
from tinygan.optim import SGD, Adam, RMSprop
from tinygan.tensor import Parameter, Tensor
from tinygan.theory.fitting import fit_scores, mean_gap


@system("L01", "Minimax loss: slower than the non-saturating one from a bad start", seeds=3, first=10, minutes=1)
def minimax(found, seed):
    # Momentum, as in the paper: Adam divides by the size of the gradients, which here is what makes the difference
    settings = {**MLP, "number": 2000, "head_start": 2000, "optimizer": "momentum", "lr": 0.1, "d_lr": 0.03}
    saturating, other = [digits(name, seed, **settings)["fid_j"] for name in ("minimax-gan", "gan")]
    found.at_least("FID_J, minimax / non-saturating, D ahead by 2,000 updates", saturating / other, 1.5, "CAL")
    found.note("FID_J, non-saturating", other)
    found.note("FID_J of an untrained G", untrained_digits(seed)["fid_j"])


@system("L02", "Non-saturating GAN on digits", seeds=3, minutes=1.8)
def non_saturating(found, seed):
    trained, untrained = plain_digits(seed, number=15_000), untrained_digits(seed)
    found.at_least("share with confidence > 0.9", trained["confident"], 0.75, "CAL")
    found.at_least("classes with 3 %", trained["classes"], 10, "CAL")
    found.at_most("FID_J / that of an untrained G", trained["fid_j"] / untrained["fid_j"], 0.5, "CAL")


TRUE = {"kl": 0.5, "reverse_kl": 0.5, "pearson": np.e - 1, "hellinger": 2 - 2 * np.exp(-1 / 8), "tv": 0.382925,
        "js": 2 * 0.11142, "gan": 2 * 0.11142 - np.log(4)}


def bound(row, number: int) -> float:
    """The variational bound of N(0, 1) and N(1, 1) that a small network reaches."""
    real, fake = gauss1(0, 1), gauss1(1, 1)
    T = models.MLPDiscriminator((1,), (32, 32))
    loss = row.pair()
    fit_scores(T, real, fake, loss, steps=number, lr=3e-3, batch=512)
    with no_grad():
        return -loss.d(T(Tensor(real(200_000, "preview"))), T(Tensor(fake(200_000, "preview")))).item()


def fitted_sigma(name: str, number: int) -> float:
    """sigma of the Gaussian that f-GAN fits to N(-2, 1/4) / 2 + N(2, 1/4) / 2, from N(1.5, 1)."""
    place, T = Parameter(np.array([1.5, 0.0], np.float32)), models.MLPDiscriminator((1,), (32, 32))
    loss, players = losses.ADVERSARIAL[name], [Adam(T.parameters(), 3e-3, (0.5, 0.9)), Adam([place], 5e-3, (0.5, 0.9))]
    modes = np.array([[-2.0], [2.0]], np.float32)

    def fake():
        return place[0] + place[1].exp() * Tensor(random.normal((256, 1)))
    for _ in range(number):
        for _ in range(5):
            real = modes[random.integers(0, 2, (256,), "data")] + 0.5 * random.normal((256, 1), "data")
            players[0].minimize(loss.d(T(Tensor(real)), T(fake().detach())))
        players[1].minimize(loss.g(T(fake())))
    return float(np.exp(place.numpy()[1]))


@system("L04", "f-GAN: the bounds of seven divergences, and what KL and reverse KL fit", minutes=1)
def f_gan(found, seed, bound_steps=1500, fit_steps=1500):
    for row in losses.DIVERGENCES:
        true = TRUE[row.name]
        found.equal(f"bound, {row.name}", bound(row, steps(bound_steps)), true, 0.05 * abs(true), kind="CAL")
    found.at_least("sigma fitted by KL (covers both modes)", fitted_sigma("f_kl", steps(fit_steps)), 1.8, "CAL")
    found.at_most("sigma fitted by reverse KL (takes one)", fitted_sigma("f_reverse_kl", steps(fit_steps)), 0.8, "CAL")


@system("L05", "b-GAN: the ratio of two Gaussians, and ring8 with the relative ratio", minutes=0.9)
def b_gan(found, seed, number=3000):
    x = np.linspace(-2, 2, 81, dtype=np.float32)[:, None]
    D = models.MLPDiscriminator((1,), (64, 64))
    fit_scores(D, gauss1(0, 1), gauss1(1, 1), losses.ADVERSARIAL["b_pearson"], steps=steps(number), lr=2e-3, batch=512)
    with no_grad():
        ratio, true = np.log1p(np.exp(D(Tensor(x)).numpy())), np.exp(0.5 - x[:, 0])
    found.at_most("median relative error of the ratio on [-2, 2]", np.median(abs(ratio / true - 1)), 0.1, "CAL")
    settings = {**POINT, "number": 5000, "betas": (0.5, 0.9)}  # r^2 has large gradients: a short memory of them
    ring = points("b-gan-relative", "ring8", seed, **settings)
    found.at_least("ring8: modes of 8, alpha = 0.1", ring["captured"], 7, "CAL")
    found.note("ring8: modes of the plain GAN", plain_points("ring8", seed, **settings)["captured"])


class Symbols:
    """Batches of one-hot vectors of 16 symbols with probabilities softmax(N(0, 1)), the same for every seed."""

    batch_size = 64

    def __init__(self):
        logits = np.random.default_rng(16).standard_normal(16)
        self.p = np.exp(logits) / np.exp(logits).sum()

    def next_batch(self):
        u = random.uniform((self.batch_size, 1), stream="data", dtype=np.float64)
        return np.eye(16, dtype=np.float32)[(u > np.cumsum(self.p)[None, :-1]).sum(1)]


@system("L06", "Boundary-seeking GAN on discrete data", seeds=3, first=10, minutes=5)
def boundary_seeking(found, seed, number=4000):
    data = Symbols()
    gan = game("bs-gan", (16,), seed, categorical=True, samples=20, hidden=(32,), z_dim=4, lr=1e-3)
    play(gan, data, steps(number))
    q = gan.sample(20_000).mean(axis=0) + 1e-6
    found.at_most("16 symbols: KL(p || g)", float(data.p @ np.log(data.p / q)), 0.05)
    plain = game("bs-gan", (16,), seed, categorical=True, hidden=(32,), z_dim=4)
    on_samples = plain.loss.g(plain.D(plain.generate(plain.noise(64))))
    reached = grad(on_samples, list(plain.G.parameters()), allow_unused=True)
    found.equal("plain GAN on hard samples: parameters of G reached", sum(g is not None for g in reached), 0, 0)
    trained = digits("bs-gan", seed, black_and_white=True, number=16_000, hidden=(256, 256))
    found.at_least("black and white digits: share with confidence > 0.9", trained["confident"], 0.5, "CAL")


def learnt_shift(seed: int, wasserstein: bool, number: int) -> float:
    """|theta| after the game of one number: real points on the line at 0, generated ones on the line at theta = 1.

    theta follows the gradient as it is: Adam and RMSprop divide by its size, and it is its size that is to vanish.
    """
    random.manual_seed(seed)
    theta, D, real = Parameter(np.ones(1, np.float32)), models.MLPDiscriminator((2,), (64, 64)), lines(0.0)
    loss = losses.wasserstein if wasserstein else losses.minimax
    d_opt = RMSprop(D.parameters(), 1e-3) if wasserstein else Adam(D.parameters(), 1e-3, (0.5, 0.999))
    g_opt = SGD([theta], 0.02)
    across = Tensor(np.array([1, 0], np.float32))

    def fake():
        return Tensor(lines(0.0)(128, "noise")) + theta * across

    def improve_critic():
        d_opt.minimize(loss.d(D(Tensor(real(128))), D(fake().detach())))
        if wasserstein:
            clip_weights(D, 0.05)
    for _ in range(number // 2):  # both critics are nearly optimal when theta begins to move
        improve_critic()
    for _ in range(number):
        for _ in range(5):
            improve_critic()
        g_opt.minimize(loss.g(D(fake())))
    return float(theta.numpy()[0])


def critic_estimates(number: int) -> float:
    """Spearman's correlation of the critic's estimate and the true W1 over 20 shifts of a line."""
    estimates = []
    shifts = np.linspace(0.05, 1, 20)
    for shift in shifts:
        D, far, near = models.MLPDiscriminator((2,), (64, 64)), lines(float(shift)), lines(0.0)
        optimizer = RMSprop(D.parameters(), 1e-3)
        for _ in range(number):
            optimizer.minimize(losses.wasserstein.d(D(Tensor(near(128))), D(Tensor(far(128)))))
            clip_weights(D, 0.05)
        estimates.append(mean_gap(D, near, far))
    ranks = np.argsort(np.argsort(estimates))
    return float(np.corrcoef(ranks, np.arange(20))[0, 1])


@system("L07", "WGAN: moves a line that the minimax loss does not; its critic ranks distances", first=10, minutes=0.5)
def wgan(found, seed, number=1000):
    found.at_most("WGAN: |theta| from 1", abs(learnt_shift(seed, True, steps(number))), 0.1)
    moved = 1 - learnt_shift(seed, False, steps(number))
    found.at_most("minimax, D nearly optimal: theta moves by", abs(moved), 0.02)
    found.at_least("Spearman(critic, W1) over 20 shifts", critic_estimates(steps(300)), 0.9, "CAL")


@system("L08", "WGAN-GP on grid25, beside weight clipping", minutes=2.5)
def wgan_gp(found, seed):
    critic = dict(n_critic=3, **GRID)
    trained = points("wgan-gp", "grid25", seed, lr=1e-3, betas=(0.5, 0.9), penalty="gp(0.1)", **critic)
    found.at_least("modes of 25", trained["captured"], 24, "CAL")
    found.at_least("share of high quality", trained["high_quality"], 0.6, "CAL")
    found.at_most("modes of 25, weight clipping", points("wgan", "grid25", seed, **critic)["captured"], 20, "CAL")


@system("L09", "Hinge loss on ring8", first=10, minutes=1.2)
def hinge(found, seed):
    plain = plain_points("ring8", seed, **LONG)["captured"]
    for name in ("hinge-gan", "geometric-gan"):
        captured = points(name, "ring8", seed, **LONG)["captured"]
        found.at_least(f"{name}: modes of 8 more than the plain GAN", captured - plain, 1, "CAL")
        found.note(f"{name}: modes of 8", captured)


AUTOENCODER = dict(networks="autoencoder", hidden=(64,), z_dim=16, lr=1e-3)


@shared
def energies(recipe: str, seed: int, number: int = 5000, **settings) -> dict:
    """Train a GAN with an autoencoder on digits; energies of images, samples and noise, figures along the way."""
    gan = game(recipe, (1, 14, 14), seed, **{**AUTOENCODER, **settings})
    path, images = {}, digits_data()

    def watch(step):
        for name, value in gan.figures.items():
            path.setdefault(name, []).append(value.item())
    play(gan, Batches(images[0], 64), steps(number), watch)
    samples = gan.sample(2000)
    noise = random.uniform(samples.shape, -1, 1, "preview")
    with no_grad():
        energy = {name: float(gan.energy(Tensor(v)).mean()) for name, v in
                  (("real", images[1]), ("fake", samples), ("noise", noise))}
        code = gan.D.encode(Tensor(samples[:500])).numpy()
    code = code / np.linalg.norm(code, axis=1, keepdims=True)
    pixels = samples.reshape(len(samples), -1)
    return {**digits_report(samples), **{f"energy_{k}": v for k, v in energy.items()},
            "cosine": float(((code @ code.T).sum() - 500) / (500 * 499)), "margin_path": path.get("m", [])[::50],
            "diversity": float(np.linalg.norm(pixels[::2] - pixels[1::2], axis=1).mean()),
            "last_real": last_fifth(path["e_real"]), "last_fake": last_fifth(path["e_fake"]),
            "measure": path.get("M", [])[::50]}


def last_fifth(values) -> float:
    return float(np.mean(values[-max(1, len(values) // 5):]))


def margin() -> float:
    """Half the energy of an autoencoder that always answers the mean image."""
    return 0.5 * float(digits_data()[0].var(axis=0).mean())


@system("L10", "EBGAN and its pulling-away term on digits", seeds=3, minutes=1.7)
def ebgan(found, seed, number=8000):
    # D at half G's rate: with equal rates the energy of samples ends a little above the margin
    m = margin()
    same = {key: AUTOENCODER[key] for key in ("hidden", "z_dim", "lr")}  # the plain GAN has G of the same size
    plain = digits("gan", seed, number=number, networks="mlp", **same)
    bare, pulled = [energies(name, seed, number, margin=m, d_lr=5e-4) for name in ("ebgan", "ebgan-pt")]
    found.at_most("e(real) / e(fake), mean of the last fifth", bare["last_real"] / bare["last_fake"], 1)
    found.at_most("e(fake) / m, mean of the last fifth", bare["last_fake"] / m, 1)
    found.at_least("e(noise) / m", bare["energy_noise"] / m, 1)
    found.at_most("FID_J / the plain GAN's", bare["fid_j"] / plain["fid_j"], 1.1, "CAL")
    found.at_most("mean cosine of codes, with / without pulling away", pulled["cosine"] / bare["cosine"], 0.8, "CAL")


@system("L11", "BEGAN: the balance of energies, its measure, and diversity by gamma", seeds=3, minutes=2.5)
def began(found, seed):
    # lambda_k is 20 times the paper's, as the training is that much shorter: else k is still on its way at the end
    runs = {gamma: energies("began", seed, gamma=gamma, lambda_k=0.02) for gamma in (0.3, 0.5, 0.7)}
    half = runs[0.5]
    found.equal("e(G) / e(x) over the last fifth, gamma = 0.5", half["last_fake"] / half["last_real"], 0.5, 0.05,
                "the controller")
    start, end = np.mean(half["measure"][:2]), last_fifth(half["measure"])
    found.at_most("M at the end / at the start", end / start, 0.5, "CAL")
    found.at_most("diversity at gamma 0.3 / at 0.7", runs[0.3]["diversity"] / runs[0.7]["diversity"], 1, "CAL")


@system("L12", "MAGAN: a margin that adapts, beside EBGAN with one three times too large", seeds=3, minutes=1.7)
def magan(found, seed):
    adaptive, wide = energies("magan", seed), energies("ebgan", seed, margin=3 * margin())
    found.at_most("largest growth of the margin", max(np.diff(adaptive["margin_path"]), default=0.0), 0)
    found.at_most("FID_J / EBGAN's with 3 m", adaptive["fid_j"] / wide["fid_j"], 1, "CAL")


@system("L13", "Moment matching on ring8, with a fixed and with a learnt kernel", first=10, minutes=3)
def mmd(found, seed):
    # all that the moments are compared with is one batch: 512 instead of the plain GAN's 64
    settings = {**POINT, "batch": 512, "number": 4000, "betas": (0.5, 0.999)}
    fixed = points("gmmn", "ring8", seed, bandwidths=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0), **settings)
    found.at_least("GMMN: modes of 8", fixed["captured"], 8, "CAL")
    found.at_least("GMMN: share of high quality", fixed["high_quality"], 0.5, "CAL")
    found.at_most("plain GAN: modes of 8", plain_points("ring8", seed, **LONG)["captured"], 6, "CAL")
    learnt = points("mmd-gan", "ring8", seed, number=1000, hidden=(64,), lr=5e-4, clip=0.1)
    found.note("MMD GAN: modes of 8", learnt["captured"])


@shared
def fisher_points(seed: int, number: int = 8000, rho: float = 0.1) -> dict:
    """Fisher GAN on grid25, with Omega along the second half."""
    settings = dict(ADAM, betas=(0.5, 0.9), hidden=(128, 128, 128), n_critic=2)
    gan, omega = game("fisher-gan", (2,), seed, rho=rho, **settings), []
    play(gan, PointBatches(POINTS["grid25"], BATCH), steps(number),
         lambda step: omega.append(gan.figures["omega"].item()), decay=True)
    half = omega[len(omega) // 2:]
    return {**points_report(gan.sample, POINTS["grid25"]), "omega": float(np.mean(half)),
            "inside": float(np.mean([0.9 <= value <= 1.1 for value in half]))}


@system("L14", "Fisher GAN: the constraint holds, grid25", minutes=0.9)
def fisher(found, seed):
    trained = fisher_points(seed)
    found.within("Omega, mean of the last half", trained["omega"], 0.9, 1.1, "CAL")
    found.note("share of updates with Omega in [0.9, 1.1]", trained["inside"])
    found.at_least("modes of 25", trained["captured"], 22, "CAL")


# of GoGAN in three stages, and of the single GAN beside it
CHAIN = dict(number=1200, batch=64, lr=5e-4, betas=(0.5, 0.9), penalty="gp(1)")


@shared
def gogan_points(seed: int, number: int, batch: int, margin: float = 4.0, **settings) -> dict:
    """GoGAN in three stages: sliced W1 and mean scores (data, then generators from the last) at the end of each."""
    source, gan = POINTS["ring8"], game("gogan", (2,), seed, z_dim=16, hidden=(128, 128), margin=margin, **settings)
    total, w1, scores = steps(number), [], []
    ends = [total * (i + 1) // 3 for i in range(3)]

    def watch(step):
        if step in ends:
            w1.append(distance(gan.sample(2500), source))
            with no_grad():
                z = gan.noise(2500, "preview")
                points = (Tensor(source(2500, "preview")), gan.G(z), gan.previous(z))
                scores.append([float(gan.D(v).mean()) for v in points])
    play(gan, PointBatches(source, batch), total, watch)
    return {"w1": w1, "scores": scores}


@system("L15", "GoGAN: a chain of generators, each nearer than the one before", minutes=0.6)
def gogan(found, seed):
    chain, alone = gogan_points(seed, **CHAIN), points("wgan-gp", "ring8", seed, **CHAIN)
    for i, (real, made, before) in enumerate(chain["scores"], 1):
        ordered = real > made and (i == 1 or made > before)
        found.at_least(f"stage {i}: mean scores ordered (1: yes)", float(ordered), 1)
    for i in (1, 2):
        found.at_most(f"sliced W1, stage {i + 1} / stage {i}", chain["w1"][i] / chain["w1"][i - 1], 0.8, "CAL")
    found.at_most("sliced W1, stage 3 / one GAN of as many updates", chain["w1"][2] / alone["w1"], 1, "CAL")


@system("L16", "Feature matching on grid25, beside the plain GAN", first=10, minutes=1.3)
def feature_matching(found, seed):
    for name in ("feature-matching", "gan"):
        trained = points(name, "grid25", seed, lr=1e-3, betas=(0.5, 0.9), **GRID)
        found.note(f"{name}: modes of 25", trained["captured"])
        found.note(f"{name}: share of high quality", trained["high_quality"])


@system("relativistic", "Relativistic pairs with R1 + R2 on ring8", first=10, minutes=1.7)
def relativistic(found, seed):
    settings = dict(penalty="r1(0.1) + r2(0.1)", **LONG)
    paired = points("rpgan-r1-r2", "ring8", seed, **settings)
    found.at_least("paired, R1 + R2: modes of 8", paired["captured"], 8, "CAL")
    found.note("average, R1 + R2: modes of 8", points("ra-gan", "ring8", seed, **settings)["captured"])
    found.note("plain GAN: modes of 8", plain_points("ring8", seed, **LONG)["captured"])
