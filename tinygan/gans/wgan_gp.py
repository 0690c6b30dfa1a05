"""Wasserstein GAN with gradient penalty."""

from tinygan.gans.base import GAN
from tinygan.gans.registry import recipe
from tinygan.losses import gp


class WGANGP(GAN):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028, Algorithm 1).

    L = E D(x~) - E D(x) + lambda E (|grad D(x^)| - 1)^2 for the critic, x~ = G(z), x^ = e x + (1 - e) x~ with one e
    uniform on [0, 1] per sample, lambda = 10; -E D(G(z)) for G. No batch norm in the critic (section 4).
    """

    defaults = dict(loss="wasserstein", lr=1e-4, betas=(0.0, 0.9), n_critic=5, penalty=gp(10), d_norm=None)
    fixed = ("loss",)

    def d_loss(self, x):                                                 # lines 4-8
        fake = self.fake(x)
        return self.D(fake).mean() - self.D(x).mean() + self.penalty(self.D, x, fake)

    def g_loss(self, x):                                                 # lines 11-12
        return -self.D(self.G(self.noise(x))).mean()


recipe("wgan-gp", WGANGP, paper="Gulrajani et al. 2017", arxiv="1704.00028")
