"""The variational auto-encoder: a lower bound of log p(x), and samples that are means.

    log p(x) >= ELBO = E_e(z|x) log g(x | z) - KL(e(z | x) || N(0, I)),   KL = sum (mu^2 + s^2 - 1 - log s^2) / 2
    log p(x) >= IWAE-K = E log (1 / K) sum_k g(x | z_k) p(z_k) / e(z_k | x),   tighter with every K

Encoder and decoder are trained together on the ELBO, through z = mu + s eps. There is no discriminator: where x is not
determined by z the best decoder answers with a mean, so its pictures are blurred; a GAN of the same size, which is
judged on samples, is as sharp as the data. Digits of 14 x 14 pixels, z in 8 dimensions; g is a Bernoulli likelihood of
grey values (a score, not a normalised density, as is usual for grey digits; both bounds hold for it all the same).

The picture shows digits, their reconstructions, means decoded from noise, and samples of the GAN.
"""

import numpy as np

from tinygan import gans, models, random
from tinygan.autograd import no_grad
from tinygan.data import Batches, load
from tinygan.losses.variational import bernoulli_log_likelihood, gaussian_log_density, kl_standard_normal
from tinygan.metrics import sharpness
from tinygan.tensor import Tensor
from tinygan.theory.fitting import minimise
from tinygan.theory.pictures import figure
from tinygan.theory.registry import entry
from tinygan.train import Play, grid

Z = 8
HIDDEN = (256, 256)


def elbo(vae, x) -> Tensor:
    """The bound (N,) of images x (N, 1, H, W) in [0, 1], with one draw of z each."""
    logits, mean, log_variance = vae(x, Tensor(random.normal((len(x), vae.z_dim))))
    return bernoulli_log_likelihood(logits, x) - kl_standard_normal(mean, log_variance)


def importance_weighted(vae, x, k: int = 500) -> np.ndarray:
    """IWAE-k (N,) of images (N, 1, H, W) (Burda et al. 2015, arXiv:1509.00519, eq. 8)."""
    found = []
    with no_grad():
        mean, log_variance = vae.encode(Tensor(x))
        for i in range(len(x)):
            m, v = mean[i:i + 1], log_variance[i:i + 1]
            z = m + (v * 0.5).exp() * Tensor(random.normal((k, vae.z_dim)))
            log_weights = (bernoulli_log_likelihood(vae.decode(z), Tensor(x[i:i + 1])) + gaussian_log_density(z)
                           - gaussian_log_density(z, m, v)).numpy().astype(np.float64)
            found.append(np.logaddexp.reduce(log_weights) - np.log(k))
    return np.array(found)


def train_vae(images, steps: int):
    """A VAE after ``steps`` batches of 64 images (N, 1, H, W) in [0, 1]."""
    vae, batches = models.VAE(images.shape[1:], Z, HIDDEN), Batches(images, 64)
    minimise(lambda: -elbo(vae, Tensor(batches.next_batch())).mean(), vae.parameters(), steps, lr=1e-3)
    return vae


def train_gan(images, steps: int):
    """The non-saturating GAN with networks of the same widths (batch norm in G), on images in [-1, 1]."""
    gan = gans.make("gan", shape=images.shape[1:], networks="mlp", hidden=HIDDEN, z_dim=64, g_norm="batch")
    running = Play(gan, Batches(images, 64), steps)
    for _ in range(steps):
        running.step()
    return gan


def draw(rows):
    """Rows of 12 images, with their titles."""
    made, axes = figure(1, len(rows), "A variational auto-encoder beside a GAN", size=(8, 0.95))
    for panel, (title, images) in zip(axes, rows.items()):
        panel.imshow(grid(images[:12], columns=12), cmap="gray", vmin=0, vmax=255)
        panel.set_title(title, fontsize=10)
        panel.axis("off")
    return made


@entry("T02", "vae", title="The variational auto-encoder: its bound, and its blur",
       paper="Kingma & Welling 2013", arxiv="1312.6114")
def vae(found, seed=0, data="embedded", steps=3000, gan_steps=2000, judged=200):
    train, heldout = (load(data, split, size=14).scaled() for split in ("train", "heldout"))
    model = train_vae((train + 1) / 2, steps)
    x = (heldout[:: len(heldout) // judged][:judged] + 1) / 2
    with no_grad():
        bound = np.mean([elbo(model, Tensor(x)).numpy().mean() for _ in range(20)])
        decoded = model.decode(model.encode(Tensor(x))[0]).sigmoid().numpy() * 2 - 1
        means = model.decode(Tensor(random.normal((2000, Z)))).sigmoid().numpy() * 2 - 1
    weighted = importance_weighted(model, x).mean()
    found.at_most(f"mean ELBO of {judged} held-out digits, nats", bound, weighted, route="IWAE-500")
    found.note("mean IWAE-500 of the same", weighted)
    samples = train_gan(train, gan_steps).sample(2000)
    found.at_most("VAE's means: sharpness (data: 1)", sharpness(heldout, means), 0.8, kind="CAL")
    found.within("GAN's samples: sharpness (data: 1)", sharpness(heldout, samples), 0.85, 1.15, kind="CAL")
    found.picture(lambda: draw({"held-out digits": x * 2 - 1, "their reconstructions": decoded,
                                "VAE: means of g(x | z), z from N(0, I)": means, "GAN: samples": samples}), "vae.png")
