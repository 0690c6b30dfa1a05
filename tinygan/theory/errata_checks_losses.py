"""Errata, chapter 5: energies, hinge losses, BigGAN's recipe, feature matching, the Dirac-GAN."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import gans, losses, nn
from tinygan.metrics import class_leakage
from tinygan.tensor import Tensor
from tinygan.theory.checked import Checked, check
from tinygan.theory.errata_checks_algorithms import final_radius


@check("5.1")
def misplaced_bracket():
    x = Tensor(np.array([1.0, 2.0, 2.0]))

    def encode(x):
        return 2 * x

    def decode(u):
        return u / 2
    yield Checked("energy of x = (1, 2, 2) under the perfect autoencoder Enc(x) = 2 x, Dec(u) = u / 2",
                  float(decode(encode(x) - x).square().sum()), float((decode(encode(x)) - x).square().sum()), 0.0,
                  "nothing is lost")


@check("5.2")
def mean_or_sum_of_squares():
    x, y = np.random.default_rng(0).normal(size=(2, 14, 14))
    yield Checked("squared norm over mean squared error for 14 x 14 pixels, written with one symbol", 1.0,
                  np.linalg.norm(x - y) ** 2 / float(F.mse_loss(Tensor(x), Tensor(y))), 14 * 14, "number of pixels")


@check("5.3")
def sign_in_the_second_hinge():
    def printed(real, fake):
        return float((F.relu(1 - real).mean() + F.relu(1 - fake).mean()))
    constant = Tensor(np.full(4, 5.0))
    yield Checked("hinge loss of D that says 5 to everything", printed(constant, constant),
                  float(losses.hinge.d(constant, constant)), 0 + (1 + 5), "0 + (1 + 5)", 1e-12)
    p, q = np.random.default_rng(0).dirichlet(np.ones(8), 2)
    scores = np.linspace(-2, 2, 401)[:, None]
    real, fake = p * np.maximum(0, 1 - scores), q * np.maximum(0, 1 + scores)
    yield Checked("least hinge loss over all D for two distributions on 8 symbols",
                  (real + q * np.maximum(0, 1 - scores)).min(axis=0).sum(), (real + fake).min(axis=0).sum(),
                  2 * (1 - np.abs(p - q).sum() / 2), "2 (1 - TV)")


@check("5.4")
def statistics_of_the_whole_batch():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    x = (10 * labels + rng.normal(size=400)).astype(np.float32)[:, None]
    layer = nn.ConditionalBatchNorm1d(1, num_classes=2)
    out = layer(Tensor(x), Tensor(labels)).data[:, 0]
    by_class = np.concatenate([x[labels == k, 0] - x[labels == k, 0].mean() for k in (0, 1)])
    means = [x[labels == k].mean(dtype=float) for k in (0, 1)]
    yield Checked("distance of two classes with means 0 and 10 after class-conditional batch norm",
                  by_class[200:].mean() - by_class[:200].mean(), out[200:].mean() - out[:200].mean(),
                  (means[1] - means[0]) / x.std(dtype=float), "10 / std of the whole batch", 1e-3)


@check("5.5")
def one_embedding_per_label():
    table, layer = nn.Embedding(10, 6), nn.ConditionalBatchNorm1d(3, code_size=6)
    codes = table(Tensor(np.array([2, 7])))
    scales = layer.gamma(codes).data
    again = table.weight.data[[2, 7]].astype(float) @ layer.gamma.weight.data.astype(float).T
    yield Checked("scale of label 2 minus that of label 7, three channels, one code shared by the layers", np.zeros(3),
                  scales[0] - scales[1], again[0] - again[1], "two rows of the table", 1e-5)


@check("5.6")
def half_more_not_twice():
    def weights(channels):
        return nn.Conv2d(channels, channels, 3, bias=False).weight.size
    yield Checked("parameters of an inner convolution after widening, 'doubling'", weights(128) / weights(64),
                  weights(96) / weights(64), 1.5 ** 2, "1.5^2")


@check("5.7")
def truncation_cuts_both_tails():
    from scipy.stats import truncnorm
    gan = gans.make("gan", (2,), z_dim=1000)
    z = gan.truncated(gan.noise(200), 1.0, "noise").data.astype(float)
    one_sided = truncnorm(-np.inf, 1)
    # 200 000 draws with standard deviation .54: standard errors of .0012 and .0006, times 4
    yield Checked("mean and variance of z, threshold 1", (one_sided.mean(), one_sided.var()), (z.mean(), z.var()),
                  (0, truncnorm(-1, 1).var()), "SciPy's truncated normal", 5e-3)


@check("5.8")
def beta_is_missing():
    layer = nn.Linear(6, 4, bias=False).to("float64")
    beta, w = 1e-4, layer.weight.data.T
    yield Checked("orthogonal regularisation of a random 6 x 4 matrix, beta = 1e-4", ((w.T @ w - np.eye(4)) ** 2).sum(),
                  float(losses.orthogonal(beta)(layer, Tensor(w), Tensor(w))),
                  beta * ((np.linalg.svd(w, compute_uv=False) ** 2 - 1) ** 2).sum(), "singular values", 1e-12)


@check("5.11")
def feature_matching_sees_means_only():
    diverse, collapsed = np.tile([[-1.0], [1.0]], (8, 1)), np.zeros((16, 1))

    def spread(x):
        return np.abs(x - x.T).mean()
    match = float((Tensor(diverse).mean(0) - Tensor(collapsed).mean(0)).square().sum())
    yield Checked("feature matching of a diverse and a collapsed batch with one mean, 'values will differ'",
                  abs(spread(diverse) - spread(collapsed)), match, 0.0, "equal means")
    layer = nn.MinibatchDiscrimination(1, 1, 1)
    layer.T.assign(np.ones((1, 1, 1), np.float32), "a test projection")
    closeness = [layer(Tensor(x.astype(np.float32))).data[0, 1] for x in (diverse, collapsed)]
    yield Checked("closeness to the batch under mini-batch discrimination: diverse, collapsed",
                  (spread(diverse), spread(collapsed)), closeness, (8 + 8 * np.exp(-2), 16), "8 + 8 exp(-|1 + 1|), 16",
                  1e-5)


@check("5.12")
def leakage_is_no_collapse():
    asked = np.repeat(np.arange(10), 20)
    judged = np.eye(10)[asked]  # the same perfect image of each class, twenty times
    distinct = len(np.unique(judged, axis=0)) / len(judged)
    own = judged[np.arange(200), asked]
    yield Checked("class leakage of a generator with one perfect image per class, shown as collapse", 1 - distinct,
                  class_leakage(judged, asked).share, np.mean(own < 0.5), "share with p(own class) < 1/2", tolerance=0)


@check("5.14")
def a_logit_of_fake():
    from scipy.optimize import minimize_scalar
    p, q = 0.7, 0.3

    def best(v):
        return minimize_scalar(lambda a: -v(a), bounds=(-10, 10), method="bounded", options={"xatol": 1e-12}).x

    def f(t):
        return -np.log1p(np.exp(-t))
    yield Checked("best score at a point with p = .7, q = .3, as a logit of real",
                  best(lambda a: p * f(-a) + q * f(a)), best(lambda a: p * f(a) + q * f(-a)), np.log(p / q),
                  "log p / q", 1e-6)


@check("5.16")
def the_penalty_is_on_the_logit():
    def logit(x):
        return (20 * x).sum(1)
    x = Tensor(np.ones((4, 1)))
    yield Checked("squared gradient at x = 1 for the logit 20 x",
                  float(losses.squared_gradient(lambda x: F.sigmoid(logit(x)), x).mean()),
                  float(losses.squared_gradient(logit, x).mean()), 20.0 ** 2, "20^2")


@check("5.17")
def simultaneous_steps_stop():
    h = 0.1
    # the root is the leading term in h: 1 %
    yield Checked("where the non-saturating Dirac-GAN ends with simultaneous steps of .1, 'converges'", 0.0,
                  final_radius("non-saturating", 20_000, h, simultaneous=True), np.sqrt(2 * h), "sqrt(2 h)", 5e-3)
