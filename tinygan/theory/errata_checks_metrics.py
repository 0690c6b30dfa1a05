"""Errata, chapters 8 to 10: scores, likelihood, and slips in the papers themselves."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.autograd import grad
from tinygan.metrics import frechet_distance, inception_score
from tinygan.tensor import Tensor
from tinygan.theory.checked import Checked, check
from tinygan.theory.errata_checks_divergences import entropy, js_entropies, kl, slopes, softmax


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
    yield Checked("inception score of ten memorised images, one a class; of varied images that are 95 % sure",
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
    theta, data = np.array([0.3, -0.5, 0.1, 0.8]), softmax(np.array([-0.4, 0.6, 0.0, 0.2]))
    best = Tensor(1 + np.log(data / softmax(theta)))  # T* = f'(p / q) for f(u) = u log u
    leaf = Tensor(theta).requires_grad_()
    (found,) = grad(-(F.softmax(leaf, 0) * F.exp(best - 1)).sum(), leaf)  # -E_q f*(T), f*(t) = e^(t - 1)
    yield Checked("gradient of the f-GAN's generator for f = u log u; of the minimax GAN's",
                  slopes(lambda t: 2 * js_entropies(data, softmax(t)), theta), found.data,
                  slopes(lambda t: -float(data @ np.log(softmax(t))), theta), "differences of -log likelihood", 1e-8)


@check("10.1")
def twice_the_divergence():
    from scipy.integrate import quad
    from scipy.stats import norm

    def f(u):
        return u * np.log(u) - (u + 1) * np.log((1 + u) / 2)

    def integrand(x):
        return norm.pdf(x, 1) * f(norm.pdf(x) / norm.pdf(x, 1))

    def js(x):
        p, q = norm.pdf(x), norm.pdf(x, 1)
        return (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2
    value = quad(js, -10, 11)[0]
    yield Checked("D_f of the table's JS row between N(0, 1) and N(1, 1); its displayed formula", value,
                  quad(integrand, -10, 11)[0], 2 * value, "2 JSD", 1e-7)


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
