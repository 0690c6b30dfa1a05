"""PyTorch's side, eager: both memory formats, and both ways of writing a two-player loop.

As users write it, the generator's step also computes gradients of D's weights and throws them away; "D frozen" switches
them off meanwhile. The optimiser is torch.optim.Adam with its defaults; its fused variant, which computes the same,
is measured as well and shown. Networks are built here from torch.nn alone, with the shapes of tinygan's.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

import torch
from cases import REPORT_ONLY
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from work import leaves_of, links, style_shapes

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
DEVICE = "cpu"  # of the cases that on_gpu_torch.py takes over, which changes it
FORMATS = {"default": torch.contiguous_format, "channels-last": torch.channels_last}


def settle():
    """Everything that is loaded or started by the first convolution of any program."""
    F.conv2d(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 3, 3), padding=1)


class Counter(TorchDispatchMode):
    """Adds up the FLOPs of every operation by PyTorch's own formulas (its FlopCounterMode fails on second order)."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


def count(run) -> dict:
    """FLOPs of the matrix products and convolutions of one call, and the numbers of parameters."""
    with Counter() as counter:
        run()
    return {"flops": counter.total, "parameters": getattr(run, "parameters", None)}


def counting(run, *networks):
    run.parameters = [sum(p.numel() for p in network.parameters()) for network in networks]
    return run


# Small operations

OPERATIONS = {"exp": (torch.exp, torch.neg), "sum": lambda x: x.sum(0, keepdim=True), "add": torch.add,
              "sub": torch.sub, "mul": torch.mul, "div": torch.div, "matmul": torch.matmul}


def overhead(settings, backward):
    return {name: {f"torch {REPORT_ONLY}": lambda name=name: chain(name, settings["length"], backward)}
            for name in settings["operations"]}


def chain(name, length, backward):
    start = torch.tensor([[0.5, 0.25], [0.25, 0.5]])
    x = start.clone().requires_grad_()
    others = [(start + 0.5).requires_grad_() for _ in range(length)]

    def forward():
        return links(name, OPERATIONS[name], x, others)

    if not backward:
        return forward
    ones = [torch.ones_like(y) for y in forward()]
    leaves, gradients = leaves_of(name, x, others)

    def run():
        out = forward()
        begin = time.perf_counter()
        torch.autograd.grad(out, leaves, ones)
        return (time.perf_counter() - begin) / gradients
    run.timed = True
    return run


def overhead_forward(settings):
    return overhead(settings, backward=False)


def overhead_backward(settings):
    return overhead(settings, backward=True)


# Layers

def convolution(settings):
    return {f"{name}: {what}": {f"torch {fmt}": lambda layer=layer, what=what, fmt=fmt: one_layer(fmt, what, *layer)
                                for fmt in FORMATS}
            for name, layer in settings["layers"].items() for what in ("forward", "input gradient", "weight gradient")}


def one_layer(fmt, what, batch, channels, size, outputs, kernel, stride, padding):
    out = (size + 2 * padding - kernel) // stride + 1
    x, g, w = [torch.randn(shape, device=DEVICE).to(memory_format=FORMATS[fmt]) for shape in (
        (batch, channels, size, size), (batch, outputs, out, out), (outputs, channels, kernel, kernel))]
    if what == "forward":
        return lambda: F.conv2d(x, w, None, stride, padding)
    mask = [what == "input gradient", what == "weight gradient", False]
    return lambda: torch.ops.aten.convolution_backward(g, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False,
                                                       [0, 0], 1, mask)


# Networks

def norm2d(channels, batch_norm):
    return [nn.BatchNorm2d(channels)] if batch_norm else []


def mlp_networks(settings):
    h, z = settings["hidden"], settings["z_dim"]
    G = nn.Sequential(nn.Linear(z, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 2))
    D = nn.Sequential(nn.Linear(2, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, 1),
                      nn.Flatten(0))
    return G, D


def levels(size):
    count = 0
    while size % 2 == 0 and size // 2 >= 4:
        size, count = size // 2, count + 1
    return count


def dcgan_networks(settings, d_norm=True):
    size, images, channels = settings["size"], settings["images"], settings["channels"]
    steps = levels(size)
    width = channels << (steps - 1)
    g = [nn.Unflatten(1, (settings["z_dim"], 1, 1)), nn.ConvTranspose2d(settings["z_dim"], width, size >> steps,
                                                                        bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    for _ in range(steps - 1):
        g += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(width // 2), nn.ReLU()]
        width //= 2
    g += [nn.ConvTranspose2d(width, images, 4, 2, 1), nn.Tanh()]
    d = [nn.Conv2d(images, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for _ in range(steps - 1):
        d += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=not d_norm), *norm2d(2 * width, d_norm), nn.LeakyReLU(0.2)]
        width *= 2
    d += [nn.Conv2d(width, 1, size >> steps), nn.Flatten(0)]
    for layer in (*g, *d):
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0, 0.02)
    return nn.Sequential(*g), nn.Sequential(*d)


class Residual(nn.Module):
    def __init__(self, main, shortcut):
        super().__init__()
        self.main, self.shortcut = nn.Sequential(*main), nn.Sequential(*shortcut)

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


def sngan_networks(settings):
    c, d = settings["g_channels"], settings["d_channels"]

    def up():
        return Residual([nn.BatchNorm2d(c), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(c, c, 3, padding=1),
                         nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1)],
                        [nn.Upsample(scale_factor=2), nn.Conv2d(c, c, 1)])

    def block(inputs, down, first=False):
        pool = [nn.AvgPool2d(2)] if down else []
        shortcut = [nn.Conv2d(inputs, d, 1)] if down or inputs != d else []
        main = [*([] if first else [nn.ReLU()]), nn.Conv2d(inputs, d, 3, padding=1), nn.ReLU(),
                nn.Conv2d(d, d, 3, padding=1), *pool]
        return Residual(main, pool + shortcut if first else shortcut + pool)

    G = nn.Sequential(nn.Linear(settings["z_dim"], 16 * c), nn.Unflatten(1, (c, 4, 4)), up(), up(), up(),
                      nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, 3, 3, padding=1), nn.Tanh())
    D = nn.Sequential(block(3, True, True), block(d, True), block(d, False), block(d, False), nn.ReLU(), Sums(),
                      nn.Linear(d, 1), nn.Flatten(0))
    for layer in list(D.modules()):
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.utils.spectral_norm(layer)
    return G, D


class Sums(nn.Module):
    """Sums over positions: (N, C, H, W) -> (N, C)."""

    def forward(self, x):
        return x.sum((2, 3))


# Iterations

def non_saturating_d(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def non_saturating_g(fake):
    return F.softplus(-fake).mean()


def hinge_d(real, fake):
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def two_player_loop(networks, x, z_dim, losses, fmt="default", frozen=False, betas=(0.5, 0.999), fused=None):
    G, D = [network.to(DEVICE, memory_format=FORMATS[fmt]) for network in networks]
    x = x.to(memory_format=FORMATS[fmt]) if x.ndim == 4 else x
    g_opt, d_opt = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=betas, fused=fused) for net in (G, D)]
    d_loss, g_loss = losses

    def iteration():
        fake = G(torch.randn(len(x), z_dim, device=DEVICE))
        d_opt.zero_grad()
        d_loss(D(x), D(fake.detach())).backward()
        d_opt.step()
        g_opt.zero_grad()
        if frozen:
            D.requires_grad_(False)
        g_loss(D(fake)).backward()
        if frozen:
            D.requires_grad_(True)
        g_opt.step()
    return counting(iteration, G, D)


def loops(networks, x_shape, z_dim, losses, formats, betas=(0.5, 0.999)):
    """Every way of writing the loop, by label."""
    def maker(**options):
        return lambda: two_player_loop(networks(), torch.randn(x_shape, device=DEVICE), z_dim, losses, betas=betas,
                                       **options)
    found = {}
    for fmt in formats:
        found[f"torch {fmt}"] = maker(fmt=fmt)
        found[f"torch {fmt}, D frozen"] = maker(fmt=fmt, frozen=True)
    found[f"torch {formats[-1]}, D frozen, fused Adam {REPORT_ONLY}"] = maker(fmt=formats[-1], frozen=True, fused=True)
    return found


NON_SATURATING, HINGE = (non_saturating_d, non_saturating_g), (hinge_d, lambda fake: -fake.mean())


def mlp_gan(settings):
    return {"iteration": loops(lambda: mlp_networks(settings), (settings["batch"], 2), settings["z_dim"],
                               NON_SATURATING, ["default"])}


def dcgan(settings):
    shape = settings["batch"], settings["images"], settings["size"], settings["size"]
    return {"iteration": loops(lambda: dcgan_networks(settings), shape, settings["z_dim"], NON_SATURATING,
                               list(FORMATS))}


memory = dcgan


def scaling(settings):
    """The one way of writing the loop that wins at the case's own size, in the formats asked for."""
    ways = dcgan(settings)["iteration"]
    return {"iteration": {label: ways[label] for label in (f"torch {fmt}, D frozen" for fmt in settings["formats"])}}


def sngan_resnet(settings):
    return {"iteration": loops(lambda: sngan_networks(settings), (settings["batch"], 3, 32, 32), settings["z_dim"],
                               HINGE, list(FORMATS), (0.0, 0.9))}


def wgan_gp(settings):
    return {"critic iteration": {f"torch {fmt}": lambda fmt=fmt: critic_iteration(settings, fmt) for fmt in FORMATS}}


def critic_iteration(settings, fmt):
    G, D = [network.to(DEVICE, memory_format=FORMATS[fmt]) for network in dcgan_networks(settings, d_norm=False)]
    batch, size = settings["batch"], settings["size"]
    x = torch.randn(batch, settings["images"], size, size, device=DEVICE).to(memory_format=FORMATS[fmt])
    d_opt = torch.optim.Adam(D.parameters(), lr=1e-4, betas=(0.0, 0.9))

    def iteration():
        with torch.no_grad():
            fake = G(torch.randn(batch, settings["z_dim"], device=DEVICE))
        share = torch.rand(batch, 1, 1, 1, device=DEVICE)
        between = (share * x + (1 - share) * fake).requires_grad_()
        (g,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
        norm = ((g * g).sum((1, 2, 3)) + 1e-12).sqrt()
        d_opt.zero_grad()
        (D(fake).mean() - D(x).mean() + 10 * ((norm - 1) ** 2).mean()).backward()
        d_opt.step()
    return counting(iteration, G, D)


def inception(settings):
    return {"forward": {f"torch {fmt}{', folded' * folded}": lambda fmt=fmt, folded=folded:
                        inception_forward(settings, fmt, folded) for fmt in FORMATS for folded in (False, True)}}


def inception_forward(settings, fmt, folded):
    """The network that the tests compare tinygan's with; ``folded``: batch norm made part of the convolutions."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "reference"))
    from torch_inception import Block, Inception
    network = Inception().eval().requires_grad_(False)
    run = counting(lambda: network(x)[2048], network)
    for block in network.modules():
        if isinstance(block, Block):
            nn.init.kaiming_normal_(block.conv.weight, nonlinearity="relu")
            if folded:
                block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()
    network = network.to(memory_format=FORMATS[fmt])
    x = torch.randn(settings["batch"], 3, settings["size"], settings["size"]).to(memory_format=FORMATS[fmt])
    return run


def stylegan2_block(settings):
    return {"block": {f"torch {fmt}, {how} filter": lambda fmt=fmt, how=how: style_block(settings, fmt, how)
                      for fmt in FORMATS for how in ("separable", "two-dimensional")}}


def modulated(x, weight, style, transposed):
    """The same arithmetic as tinygan's: scale the input, one shared convolution, scale the output."""
    x = x * style[:, :, None, None]
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2) if transposed else F.conv2d(x, weight, padding=1)
    power = (weight * weight).sum((2, 3))
    return x * torch.rsqrt((style * style) @ power.T + 1e-8)[:, :, None, None]


def resample(x, taps, how):
    """[1, 3, 3, 1] on both axes, times 4 as after zeros were inserted."""
    c = x.shape[1]
    x = F.pad(x, (1, 1, 1, 1))
    if how == "separable":
        x = F.conv2d(x, (4 * taps).reshape(1, 1, 1, -1).expand(c, 1, 1, -1), groups=c)
        return F.conv2d(x, taps.reshape(1, 1, -1, 1).expand(c, 1, -1, 1), groups=c)
    return F.conv2d(x, (4 * torch.outer(taps, taps)).expand(c, 1, -1, -1), groups=c)


def style_block(settings, fmt, how):
    p = {name: torch.randn(shape) * 0.1 for name, shape in style_shapes(settings).items()}
    for name in ("x", "weight0", "weight1"):
        p[name] = p[name].to(memory_format=FORMATS[fmt])
    for value in p.values():
        value.requires_grad_()
    taps, w = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8, torch.randn(settings["batch"], settings["style"])
    size = 2 * settings["size"]
    noise = torch.randn(1, 1, size, size)
    cotangent = torch.randn(settings["batch"], settings["outputs"], size, size).to(memory_format=FORMATS[fmt])

    def activate(x, strength, bias):
        return F.leaky_relu(x + noise * strength + bias[:, None, None], 0.2) * math.sqrt(2)

    def iteration():
        x = modulated(p["x"], p["weight0"], w @ p["affine0"].T + 1, transposed=True)
        x = activate(resample(x, taps, how), p["strength0"], p["bias0"])
        x = modulated(x, p["weight1"], w @ p["affine1"].T + 1, transposed=False)
        x = activate(x, p["strength1"], p["bias1"])
        return torch.autograd.grad(x, list(p.values()), cotangent)
    return iteration
