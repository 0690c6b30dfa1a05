"""tinygan's side: for every case a function of its settings that returns part -> label -> maker of a competitor."""

from __future__ import annotations

import contextlib
import math
import time

import numpy as np
from work import COUNTERS, feature_sets, gaussians, leaves_of, links, style_shapes

import tinygan
from tinygan import functional as F
from tinygan import kernels, losses, models, nn, optim, random
from tinygan.kernels import cpu
from tinygan.models.sngan_resnet import sngan_resnet as sngan_networks

DEVICE = "cpu"  # where networks, data and noise are; on_gpu_tinygan.py changes it


def settle():
    """Everything that is loaded or started by the first convolution of any program."""
    cpu.correlate(np.zeros((1, 1, 8, 8), np.float32), np.zeros((1, 1, 3, 3), np.float32), (1, 1), (1, 1), (1, 1), 1)


def count(run) -> dict:
    """FLOPs of one call, counted at the kernels that it calls, and their matrix products (b, m, n, k)."""
    products = []

    def counted(kernel, shape_of):
        def call(*arguments):
            out = kernel(*arguments)
            products.append(shape_of(out, *arguments))
            return out
        return call

    offered = kernels.kernels_for(random.normal((1,), device=DEVICE))
    with contextlib.ExitStack() as stack:
        for name, shape_of in COUNTERS.items():
            kernel = getattr(offered, name)
            stack.callback(setattr, offered, name, kernel)
            setattr(offered, name, counted(kernel, shape_of))
        run()
    return {"flops": sum(2 * b * m * n * k for b, m, n, k in products), "products": products,
            "parameters": getattr(run, "parameters", None)}


def noise(*shape):
    return tinygan.Tensor(random.normal(shape, device=DEVICE))


def counting(run, *networks):
    """``run`` with the number of its parameters beside it, to compare the sides' networks."""
    run.parameters = [sum(p.size for p in network.parameters()) for network in networks]
    return run


def overhead(settings, backward: bool):
    """Chains x -> f(x, b_1) -> f(., b_2) ... on 2x2 arrays, and the same in bare NumPy; per operation, or gradient."""
    return {name: {"tinygan": lambda name=name: chain(name, settings["length"], backward),
                   "numpy": lambda name=name: bare(name, settings["length"], backward)}
            for name in settings["operations"]}


OPERATIONS = {"add": (F.add, np.add), "sub": (F.sub, np.subtract), "mul": (F.mul, np.multiply),
              "div": (F.div, np.true_divide), "matmul": (F.matmul, np.matmul),
              "exp": ((F.exp, F.neg), (np.exp, np.negative)),
              "sum": (lambda x: F.sum(x, 0, True), lambda x: x.sum(0, keepdims=True))}
START = np.array([[0.5, 0.25], [0.25, 0.5]], np.float32)


def chain(name, length, backward):
    f = OPERATIONS[name][0]
    x = tinygan.tensor(START, requires_grad=True)
    others = [tinygan.tensor(START + 0.5, requires_grad=True) for _ in range(length)]

    def forward():
        return links(name, f, x, others)

    if not backward:
        return forward
    ones = [tinygan.tensor(np.ones(y.shape, np.float32)) for y in forward()]
    leaves, gradients = leaves_of(name, x, others)

    def run():
        out = forward()
        start = time.perf_counter()
        tinygan.grad(out, leaves, ones)
        return (time.perf_counter() - start) / gradients
    return timed(run)


def timed(run):
    """Mark a competitor that returns the seconds to be counted: what it does besides is not part of them."""
    run.timed = True
    return run


def bare(name, length, backward):
    f = OPERATIONS[name][1]
    others = [START + 0.5] * length

    def run():
        links(name, f, START, others)

    def per_operation():
        start = time.perf_counter()
        run()
        return (time.perf_counter() - start) / length
    return timed(per_operation) if backward else run


def overhead_forward(settings):
    return overhead(settings, backward=False)


def overhead_backward(settings):
    return overhead(settings, backward=True)


def convolution(settings):
    return {f"{name}: {what}": {"tinygan": lambda layer=layer, what=what: one_layer(what, *layer)}
            for name, layer in settings["layers"].items() for what in ("forward", "input gradient", "weight gradient")}


def one_layer(what, batch, channels, size, outputs, kernel, stride, padding):
    """One of the three kernels of a layer, on arrays as the layers before and after it hand them over."""
    settle()
    out = (size + 2 * padding - kernel) // stride + 1
    x, g, w = [random.normal(shape, device=DEVICE) for shape in (
        (batch, size, size, channels), (batch, out, out, outputs), (outputs, channels, kernel, kernel))]
    x, g = [image.transpose(0, 3, 1, 2) for image in (x, g)]
    rest = (stride, stride), (padding, padding), (1, 1), 1
    offered = kernels.kernels_for(x)
    return {"forward": lambda: offered.correlate(x, w, *rest),
            "input gradient": lambda: offered.correlate_transpose(g, w, (size, size), *rest),
            "weight gradient": lambda: offered.correlate_weight(x, g, (kernel, kernel), *rest)}[what]


def players(G, D, lr, betas):
    return optim.Adam(G.parameters(), lr=lr, betas=betas), optim.Adam(D.parameters(), lr=lr, betas=betas)


def two_player_loop(G, D, x, z_dim, loss, betas=(0.5, 0.999)):
    """One iteration of the loop in the README: D on real and generated samples, then G through D."""
    g_opt, d_opt = players(G, D, 2e-4, betas)
    batch = len(x)

    def iteration():
        fake = G(noise(batch, z_dim))
        d_opt.minimize(loss.d(D(x), D(fake.detach())))
        g_opt.minimize(loss.g(D(fake)))
    return counting(iteration, G, D)


def images(settings):
    return noise(settings["batch"], settings["images"], settings["size"], settings["size"])


def mlp_gan(settings):
    def make():
        hidden = (settings["hidden"],) * 2
        G = models.MLPGenerator(settings["z_dim"], (2,), hidden).to(DEVICE)
        D = models.MLPDiscriminator((2,), hidden).to(DEVICE)
        return two_player_loop(G, D, noise(settings["batch"], 2), settings["z_dim"], losses.non_saturating)
    return {"iteration": {"tinygan": make}}


def dcgan_pair(settings, **norms):
    G = models.DCGANGenerator(settings["z_dim"], settings["channels"], settings["images"], settings["size"])
    D = models.DCGANDiscriminator(settings["channels"], settings["images"], settings["size"], **norms)
    return G.to(DEVICE), D.to(DEVICE)


def dcgan(settings):
    def make():
        G, D = dcgan_pair(settings)
        return two_player_loop(G, D, images(settings), settings["z_dim"], losses.non_saturating)
    return {"iteration": {"tinygan": make}}


memory = scaling = dcgan


def wgan_gp(settings):
    def make():
        G, D = dcgan_pair(settings, norm=None)
        x, batch, penalty = images(settings), settings["batch"], losses.gp(10)
        d_opt = optim.Adam(D.parameters(), lr=1e-4, betas=(0.0, 0.9))

        def iteration():
            with tinygan.no_grad():
                fake = G(noise(batch, settings["z_dim"]))
            d_opt.minimize(D(fake).mean() - D(x).mean() + penalty(D, x, fake))
        return counting(iteration, G, D)
    return {"critic iteration": {"tinygan": make}}


def sngan_resnet(settings):
    def make():
        G, D = sngan_networks((3, 32, 32), settings["z_dim"], settings["g_channels"], settings["d_channels"])
        return two_player_loop(G, D, noise(settings["batch"], 3, 32, 32), settings["z_dim"], losses.hinge, (0.0, 0.9))
    return {"iteration": {"tinygan": make}}


def stylegan2_block(settings):
    def make():
        p = {name: tinygan.tensor(random.normal(shape) * np.float32(0.1), requires_grad=True)
             for name, shape in style_shapes(settings).items()}
        taps = tinygan.tensor(np.array([1, 3, 3, 1], np.float32) / 8)
        w = noise(settings["batch"], settings["style"])
        image_noise = noise(1, 1, 2 * settings["size"], 2 * settings["size"])
        cotangent = noise(settings["batch"], settings["outputs"], 2 * settings["size"], 2 * settings["size"])

        def activate(x, strength, bias):
            return F.leaky_relu(x + image_noise * strength + bias.reshape(1, -1, 1, 1), 0.2) * math.sqrt(2)

        def iteration():
            x = F.modulated_conv2d(p["x"], p["weight0"], F.linear(w, p["affine0"]) + 1.0, stride=2, transposed=True)
            x = F.upfirdn2d(x, taps, padding=(1, 1, 1, 1), gain=4.0)
            x = activate(x, p["strength0"], p["bias0"])
            x = F.modulated_conv2d(x, p["weight1"], F.linear(w, p["affine1"]) + 1.0, padding=1)
            x = activate(x, p["strength1"], p["bias1"])
            return tinygan.grad(x, list(p.values()), cotangent)
        return iteration
    return {"block": {"tinygan": make}}


def inception(settings):
    from tinygan.metrics.inception import InceptionNetwork

    def make():
        network, x = InceptionNetwork(), noise(settings["batch"], 3, settings["size"], settings["size"])
        for p in network.parameters():
            if p.ndim == 4:
                nn.init.kaiming_normal_(p, nonlinearity="relu")

        def forward():
            with tinygan.no_grad():
                return network(x)
        counted = counting(forward, network)
        network.fold()  # what was counted before, as on the other side
        return counted
    return {"forward": {"tinygan": make}}


def frechet(settings):
    from tinygan.metrics import frechet_distance

    def make():
        settle()
        statistics = gaussians(settings["dimensions"])
        return lambda: frechet_distance(*statistics)
    return {"distance": {"tinygan": make}}


def prdc(settings):
    from tinygan.metrics import prdc as scores

    def make():
        settle()
        real, fake = feature_sets(settings["samples"], settings["dimensions"])
        return lambda: scores(real, fake, settings["k"])
    return {"scores": {"tinygan": make}}
