"""JAX's side: the whole iteration under one jit, channels-last arrays, Adam written out. For the record only."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from cases import REPORT_ONLY
from jax import lax

LABEL = f"jax jit {REPORT_ONLY}"
LAYOUT = ("NHWC", "HWIO", "NHWC")


def count(run) -> dict:
    return {"flops": None}


def normal(generator, *shape, std=0.02):
    return jnp.asarray(generator.standard_normal(shape, dtype=np.float32) * std)


def adam(parameters, moments, gradients, step, lr, betas, eps=1e-8):
    """One step on a list of arrays; moments is a list of pairs."""
    b1, b2 = betas
    new, kept = [], []
    for p, (m, v), g in zip(parameters, moments, gradients):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        new.append(p - lr / (1 - b1 ** step) * m / (jnp.sqrt(v / (1 - b2 ** step)) + eps))
        kept.append((m, v))
    return new, kept


def zeros(parameters):
    return [(jnp.zeros_like(p), jnp.zeros_like(p)) for p in parameters]


def two_player_loop(G, D, g, d, x, z_dim, betas=(0.5, 0.999)):
    """An iteration as a competitor: G(parameters, z), D(parameters, x) -> logits, and lists of arrays g and d."""
    softplus = jax.nn.softplus

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3))
    def update(g, d, g_moments, d_moments, x, z, step):
        fake, back = jax.vjp(lambda g: G(g, z), g)
        gradients = jax.grad(lambda d: softplus(-D(d, x)).mean() + softplus(D(d, fake)).mean())(d)
        d, d_moments = adam(d, d_moments, gradients, step, 2e-4, betas)
        (gradients,) = back(jax.grad(lambda fake: softplus(-D(d, fake)).mean())(fake))
        g, g_moments = adam(g, g_moments, gradients, step, 2e-4, betas)
        return g, d, g_moments, d_moments

    state, generator, steps = [g, d, zeros(g), zeros(d)], np.random.default_rng(1), iter(range(1, 10 ** 9))

    def iteration():
        z = generator.standard_normal((len(x), z_dim), dtype=np.float32)
        state[:] = jax.block_until_ready(update(*state, x, z, np.float32(next(steps))))
    return iteration


def mlp(activation):
    def apply(parameters, x):
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
            x = activation(x @ w + b)
        return x @ parameters[-2] + parameters[-1]
    return apply


def leaky(x):
    return jnp.where(x > 0, x, 0.2 * x)


def mlp_gan(settings):
    def make():
        generator, h = np.random.default_rng(0), settings["hidden"]
        g, d = [[v for a, b in zip(sizes[:-1], sizes[1:]) for v in (normal(generator, a, b, std=a ** -0.5),
                                                                    jnp.zeros(b))]
                for sizes in ((settings["z_dim"], h, h, 2), (2, h, h, 1))]
        score = mlp(leaky)
        return two_player_loop(mlp(jax.nn.relu), lambda d, x: score(d, x)[:, 0], g, d,
                               normal(generator, settings["batch"], 2, std=1), settings["z_dim"])
    return {"iteration": {LABEL: make}}


def batch_norm(x, scale, shift):
    """Normalised over batch and positions; running statistics, which nobody reads here, are not kept."""
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * (scale * lax.rsqrt(var + 1e-5)) + shift


def conv(x, w, stride, padding):
    return lax.conv_general_dilated(x, w, (stride, stride), [(padding, padding)] * 2, dimension_numbers=LAYOUT)


def conv_transpose(x, w, stride, padding):
    p = w.shape[0] - 1 - padding
    return lax.conv_general_dilated(x, w, (1, 1), [(p, p)] * 2, (stride, stride), dimension_numbers=LAYOUT)


def levels(size):
    count = 0
    while size % 2 == 0 and size // 2 >= 4:
        size, count = size // 2, count + 1
    return count


def dcgan_networks(settings, d_norm=True):
    """(G, D, parameters of G, parameters of D) with the shapes of tinygan's networks."""
    rng, steps = np.random.default_rng(0), levels(settings["size"])
    first, c, images = settings["size"] >> steps, settings["channels"], settings["images"]
    g, width = [normal(rng, first, first, settings["z_dim"], c << (steps - 1))], c << (steps - 1)
    for k in range(steps):
        g += [jnp.ones(width), jnp.zeros(width), normal(rng, 4, 4, width, width // 2 if k < steps - 1 else images)]
        width //= 2
    g, d, width = [*g, jnp.zeros(images)], [normal(rng, 4, 4, images, c), jnp.zeros(c)], c
    for _ in range(steps - 1):
        d += [normal(rng, 4, 4, width, 2 * width), *([jnp.ones(2 * width)] if d_norm else []), jnp.zeros(2 * width)]
        width *= 2
    d += [normal(rng, first, first, width, 1), jnp.zeros(1)]

    def G(p, z):
        x = conv_transpose(z[:, None, None], p[0], 1, 0)
        for scale, shift, w in zip(p[1:-1:3], p[2:-1:3], p[3:-1:3]):
            x = conv_transpose(jax.nn.relu(batch_norm(x, scale, shift)), w, 2, 1)
        return jnp.tanh(x + p[-1])

    def D(p, x):
        x, rest = leaky(conv(x, p[0], 2, 1) + p[1]), p[2:]
        for _ in range(steps - 1):
            x, n = conv(x, rest[0], 2, 1), 3 if d_norm else 2
            x, rest = leaky(batch_norm(x, *rest[1:3]) if d_norm else x + rest[1]), rest[n:]
        return (conv(x, rest[0], 1, 0) + rest[1]).reshape(len(x))
    return G, D, g, d


def images(settings):
    return normal(np.random.default_rng(2), settings["batch"], settings["size"], settings["size"], settings["images"],
                  std=1)


def dcgan(settings):
    def make():
        return two_player_loop(*dcgan_networks(settings), images(settings), settings["z_dim"])
    return {"iteration": {LABEL: make}}


def wgan_gp(settings):
    return {"critic iteration": {LABEL: lambda: critic_iteration(settings)}}


def critic_iteration(settings):
    G, D, g, d = dcgan_networks(settings, d_norm=False)
    x, rng, steps = images(settings), np.random.default_rng(1), iter(range(1, 10 ** 9))

    def loss(d, x, fake, share):
        gradient = jax.grad(lambda v: D(d, v).sum())(share * x + (1 - share) * fake)
        norm = jnp.sqrt((gradient * gradient).sum((1, 2, 3)) + 1e-12)
        return D(d, fake).mean() - D(d, x).mean() + 10 * ((norm - 1) ** 2).mean()

    @functools.partial(jax.jit, donate_argnums=(1, 2))
    def update(g, d, moments, x, z, share, step):
        gradients = jax.grad(loss)(d, x, lax.stop_gradient(G(g, z)), share)
        return adam(d, moments, gradients, step, 1e-4, (0.0, 0.9))

    state = [d, zeros(d)]

    def iteration():
        z = rng.standard_normal((len(x), settings["z_dim"]), dtype=np.float32)
        share = rng.random((len(x), 1, 1, 1), dtype=np.float32)
        state[:] = jax.block_until_ready(update(g, *state, x, z, share, np.float32(next(steps))))
    return iteration
