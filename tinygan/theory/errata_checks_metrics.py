"""Errata, chapters 8 to 10: scores, likelihood, and slips in the papers themselves."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import losses
from tinygan.autograd import grad
from tinygan.losses.divergences import jensen_shannon, kl
from tinygan.losses.f_divergence import DIVERGENCES
from tinygan.metrics import frechet_distance, inception_score
from tinygan.tensor import Tensor
from tinygan.theory.checked import Checked, check
from tinygan.theory.mutual_information import entropy
from tinygan.theory.vanishing_gradient import differences, gradient_at_fixed_d, softmax


@check("8.1")
def the_mean_is_inside():
    rows = np.array([[0.99, 0.01], [0.5, 0.5]])
    marginal = rows.mean(axis=0)
    yield Checked("inception score of the predictions (.99, .01) and (.5, .5); the slide for each image",
                  np.exp([kl(row, marginal) for row in rows]), [inception_score(rows, splits=1).mean] * 2,
                  [np.exp(entropy(marginal) - np.mean([entropy(row) for row in rows]))] * 2, "exp(H(y) - H(y | x))")


@check("8.2")
def a_squared_distance():
    to_one, to_two = (frechet_distance([0.0], [[1.0]], [mean], [[1.0]]) for mean in (1.0, 2.0))
    yield Checked("FID from mean 0 to mean 2; at most 1 + 1 if it were a distance", to_one + to_one, to_two, 2.0 ** 2,
                  "squared W2")


@check("8.3")
def memorised_images_score_best():
    classes = 10
    memorised = np.eye(classes)
    honest = np.full((classes, classes), 0.05 / 9)
    np.fill_diagonal(honest, 0.95)
    yield Checked("inception score of ten memorised images, one a class; slide: of varied images, 95 % sure of each",
                  inception_score(honest, splits=1).mean, inception_score(memorised, splits=1).mean, classes,
                  "number of classes")


@check("9.2")
def a_lower_bound_is_maximised():
    from scipy.integrate import quad
    from scipy.stats import norm
    x, mean, std = 1.0, 0.2, 0.7  # p(z) = N(0, 1), p(x | z) = N(z, 1), q(z | x) = N(.2, .7^2)
    expected = -0.5 * np.log(2 * np.pi) - ((x - mean) ** 2 + std ** 2) / 2
    elbo = expected - (mean ** 2 + std ** 2 - 1 - np.log(std ** 2)) / 2

    def integrand(z):
        return norm.pdf(z, mean, std) * (norm.logpdf(z) + norm.logpdf(x, z) - norm.logpdf(z, mean, std))
    yield Checked("what a VAE maximises for one x, where P(x) = N(0, 2)", norm.logpdf(x, 0, np.sqrt(2)), elbo,
                  quad(integrand, -10, 10)[0], "quadrature")


@check("9.3")
def sharper_is_further_away():
    futures = np.array([-1.0, 1.0])  # equally likely, and both fit the small image
    blurred = np.mean((futures - 0.0) ** 2)
    sharp = np.mean([(guess - truth) ** 2 for guess in futures for truth in futures])
    yield Checked("PSNR of samples that commit to one answer, relative to the mean of both, in dB", 0.0,
                  10 * np.log10(blurred / sharp), -10 * np.log10(2), "-10 log10 2")


@check("9.6")
def a_gan_that_is_maximum_likelihood():
    row = {row.name: row for row in DIVERGENCES}["kl"]
    logits, data = np.array([0.3, -0.5, 0.1, 0.8]), softmax(np.array([-0.4, 0.6, 0.0, 0.2]))
    best = row.slope(data / softmax(logits))  # T* = f'(p / q), held fixed
    leaf = Tensor(logits).requires_grad_()
    (found,) = grad(-(F.softmax(leaf, 0) * Tensor(row.conjugate(best))).sum(), leaf)
    yield Checked("gradient of the f-GAN's generator for f = u log u; of the minimax GAN's",
                  gradient_at_fixed_d(losses.minimax, data, logits), found.data,
                  differences(lambda t: -float(data @ np.log(softmax(t))), logits), "differences of -log likelihood")


@check("10.1")
def twice_the_divergence():
    from scipy.integrate import quad
    from scipy.stats import norm
    f = {row.name: row for row in DIVERGENCES}["js"].f
    value = quad(lambda x: norm.pdf(x, 1) * f(norm.pdf(x) / norm.pdf(x, 1)), -10, 11)[0]
    x = np.linspace(-12, 13, 5001)
    js = jensen_shannon(norm.pdf(x), norm.pdf(x, 1), x[1] - x[0])
    # the sum on the grid is exact to rounding: the densities vanish at its ends
    yield Checked("D_f of the table's JS row between N(0, 1) and N(1, 1); its displayed formula", js, value, 2 * js,
                  "2 JSD", 1e-8)


def adagan_level(h, beta: float) -> float:
    """AdaGAN's lambda* for density ratios h (old mixture over data) and the weight beta of the next component."""
    h = np.sort(h)
    n = len(h)
    for k in range(1, n + 1):
        level = n * beta / k * (1 + (1 - beta) / beta * h[:k].sum() / n)
        if (1 - beta) * h[k - 1] <= level and (k == n or level <= (1 - beta) * h[k]):
            return level
    raise ValueError(f"adagan_level: expected ratios with a consistent level, got {h}")


@check("10.4")
def ratios_that_are_not_true():
    from scipy.optimize import brentq
    beta, learned = 0.5, np.full(8, 2.0)  # a discriminator that is wrong by the same factor everywhere

    def weight(level, h):
        return np.maximum(level - (1 - beta) * h, 0).sum() / (len(h) * beta) - 1
    yield Checked("lambda* with a learned D, 'at most 1'", 1.0, adagan_level(learned, beta),
                  brentq(weight, 0, 10, args=(learned,)), "the level at which the weights sum to 1")
    true = np.array([8 / 7] * 7 + [0.0])  # 7 of 8 modes are covered
    level = adagan_level(true, beta)
    yield Checked("weights of a covered and of the missing mode with true ratios, beta = 1/2; uniform ones",
                  (1 / 8, 1 / 8), np.maximum(level - (1 - beta) * true, 0)[[0, 7]] / (8 * beta), (3 / 28, 1 / 4),
                  "closed form")
