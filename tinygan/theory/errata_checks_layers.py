"""Errata, chapters 4 and 7: spectral normalisation, and what the layers of DCGAN and StyleGAN2 do."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan import gans, models, nn
from tinygan.autograd import grad
from tinygan.nn.conditional_norm import adain
from tinygan.tensor import Tensor
from tinygan.theory.checked import Checked, check


def norm_of_layer(layer, shape) -> float:
    """The largest singular value of a linear layer: what it makes of all unit inputs of ``shape``."""
    size = int(np.prod(shape))
    images = layer(Tensor(np.eye(size, dtype=np.float32).reshape(size, *shape))).data
    return float(np.linalg.svd(images.reshape(size, -1), compute_uv=False)[0])


def normalised(layer, passes: int = 50):
    """The layer under spectral norm, after enough training passes for u and v to have converged."""
    nn.spectral_norm(layer, n_power_iterations=passes)
    x = np.ones((1, layer.weight.shape[1]) + (4,) * (layer.weight.ndim - 2), np.float32)
    layer(Tensor(x))
    return layer.eval()


def count(network, *kinds) -> int:
    """How many layers of these kinds there are in ``network``."""
    return sum(isinstance(module, kinds) for module in network.modules())


def normalised_weights(network) -> int:
    """How many layers have their weight computed by spectral norm."""
    return sum(name.endswith("weight_u") for name, _ in network.named_buffers())


@check("4.1")
def the_discriminator_is_normalised():
    gan = gans.make("sngan", (1, 28, 28), networks="dcgan", channels=4)
    g_layers, d_layers = (count(net, nn.Linear, nn.Conv2d, nn.ConvTranspose2d) for net in (gan.G, gan.D))
    yield Checked("layers under spectral norm in (G, D) of SN-GAN", (g_layers, 0),
                  (normalised_weights(gan.G), normalised_weights(gan.D)), (0, d_layers), "all layers of D alone",
                  tolerance=0)


@check("4.3")
def the_reshaped_kernel_is_not_the_operator():
    line = nn.Conv1d(1, 1, 3, padding=1, bias=False)
    line.weight.assign(np.ones((1, 1, 3), np.float32), "a test kernel")
    root = 1 + 2 * np.cos(np.pi / 17)  # the largest eigenvalue of the 16 x 16 matrix with 1 on three diagonals
    yield Checked("norm of the normalised convolution with kernel (1, 1, 1), 16 pixels", 1.0,
                  norm_of_layer(normalised(line), (1, 16)), root / np.sqrt(3), "eigenvalue of the tridiagonal matrix",
                  1e-5)
    plane = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    plane.weight.assign(np.ones((1, 1, 3, 3), np.float32), "a test kernel")
    yield Checked("the same for 3x3 ones, 16 x 16 pixels", 1.0, norm_of_layer(normalised(plane), (1, 16, 16)),
                  root ** 2 / 3, "product of two lines", 1e-5)


@check("4.3")
def one_iteration_underestimates():
    layer = nn.Linear(32, 32, bias=False)
    w = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    layer.weight.assign(w, "a test matrix")
    nn.spectral_norm(layer)
    u = dict(layer.named_buffers())["weight_u"].data
    layer(Tensor(np.ones((1, 32), np.float32)))
    v = w.T @ u / np.linalg.norm(w.T @ u)
    layer.eval()
    yield Checked("norm of a normalised 32 x 32 layer after one power iteration", 1.0, norm_of_layer(layer, (32,)),
                  np.linalg.norm(w, 2) / np.linalg.norm(w @ v), "sigma / |W v|", 1e-4)


@check("4.4")
def normalised_in_the_forward_pass():
    layer = normalised(nn.Linear(4, 3, bias=False))
    buffers = dict(layer.named_buffers())
    u, v, w = (t.data.astype(float) for t in (buffers["weight_u"], buffers["weight_v"], layer.weight_orig))
    x, g = np.random.default_rng(1).normal(size=(2, 5, 4))
    g = g[:, :3]
    (found,) = grad((layer(Tensor(x.astype(np.float32))) * Tensor(g.astype(np.float32))).sum(), layer.weight_orig)

    def loss(m):
        return (x @ (m / (u @ m @ v)).T * g).sum()
    h, again = 1e-6, np.zeros_like(w)
    for k in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[k] = h
        again[k] = (loss(w + step) - loss(w - step)) / (2 * h)
    # float32 layer against float64 differences: gradients of order 10
    yield Checked("gradient of the raw weight, first row", (g.T @ x)[0], found.data[0], again[0],
                  "differences with u, v held fixed", 1e-4)


@check("4.4")
def the_raw_weight_is_kept():
    layer = nn.Linear(3, 3, bias=False)
    layer.weight.assign(3 * np.eye(3, dtype=np.float32), "a test matrix")
    raw = normalised(layer).weight_orig.data
    yield Checked("spectral norm of the stored weight 3 I after a forward pass", 1.0, np.linalg.norm(raw, 2), 3.0,
                  "what was stored", 1e-6)


@check("4.6")
def evaluation_changes_nothing():
    def moved(training):
        layer = nn.spectral_norm(nn.Linear(8, 8)).train(training)
        before = dict(layer.named_buffers())["weight_u"].data
        layer(Tensor(np.ones((1, 8), np.float32)))
        return float(np.abs(dict(layer.named_buffers())["weight_u"].data - before).max())
    yield Checked("change of u by a forward pass for evaluation, 'updated in each'", moved(True), moved(False), 0.0,
                  "evaluation is a pure function", tolerance=0)


@check("7.2")
def where_batch_norm_is():
    G, D = models.DCGANGenerator(channels=4), models.DCGANDiscriminator(channels=4)
    ups, downs = count(G, nn.ConvTranspose2d), count(D, nn.Conv2d)
    yield Checked("batch norms in DCGAN's (G, D) for 28 x 28 pixels", (ups, downs),
                  (count(G, nn.BatchNorm2d), count(D, nn.BatchNorm2d)), (ups - 1, downs - 2),
                  "not after G's output, not after D's first and last layer", tolerance=0)


@check("7.3")
def the_output_is_a_logit():
    D = models.DCGANDiscriminator(channels=4)
    yield Checked("leaky ReLUs in DCGAN's discriminator", count(D, nn.Conv2d), count(D, nn.LeakyReLU),
                  count(D, nn.Conv2d) - 1, "every layer but the last", tolerance=0)


@check("7.4")
def stride_one_does_not_upsample():
    from scipy.signal import convolve2d
    ones = np.ones((1, 1, 4, 4))
    kernel = Tensor(np.ones((1, 1, 3, 3)))
    out = F.conv_transpose2d(Tensor(ones), kernel).data[0, 0]
    doubled = F.conv_transpose2d(Tensor(ones), Tensor(np.ones((1, 1, 4, 4))), stride=2, padding=1)
    yield Checked("side of the slide's 4 x 4 input after 3x3, stride 1, 'like upsampling'", doubled.shape[-1],
                  out.shape[-1], (4 - 1) * 1 + 3, "(n - 1) s + k", tolerance=0)
    yield Checked("corner to middle of its first row, against rows repeated as upsampling would",
                  np.repeat(ones[0, 0, 0], 2)[:3], out[0, :3], convolve2d(ones[0, 0], np.ones((3, 3)))[0, :3],
                  "SciPy's full convolution", tolerance=0)


@check("7.6")
def statistics_of_weights_not_of_data():
    x = np.random.default_rng(0).normal(size=(1, 4, 8, 8)).astype(np.float32)
    ones = Tensor(np.ones((1, 4), np.float32))
    modulated = nn.ModulatedConv2d(4, 4, 3, 4)

    def growth(layer):
        return float(layer(Tensor(3 * x)).data.std() / layer(Tensor(x)).data.std())
    yield Checked("growth of the output when the input triples: AdaIN, demodulation",
                  growth(lambda t: adain(t, ones, ones * 0)), growth(lambda t: modulated(t, ones)), 3.0,
                  "a linear map of its input", 1e-4)
