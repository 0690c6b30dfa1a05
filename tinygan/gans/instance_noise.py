"""Instance noise: D sees real and generated samples through the same noise, which fades."""

from tinygan import nn
from tinygan.gans.base import GAN
from tinygan.gans.registry import recipe


class InstanceNoise(GAN):
    """Instance noise (Sonderby et al. 2016, arXiv:1610.04490, section 4; Arjovsky & Bottou 2017, arXiv:1701.04862).

    D sees x + e and G(z) + e, e ~ N(0, sigma_t^2), so that the two distributions overlap; sigma_t falls linearly from
    ``sigma`` to 0 at the share ``until`` of the training.
    """

    defaults = dict(sigma=0.5, until=1.0)

    @classmethod
    def make_networks(cls, shape, settings):
        G, D = super().make_networks(shape, settings)
        return G, nn.Sequential(nn.Noise(settings["sigma"]), D)

    def anneal(self):
        self.D[0].sigma = self.sigma * max(0.0, 1.0 - self.progress / self.until)

    def d_loss(self, x):
        self.anneal()
        return super().d_loss(x)

    def g_loss(self, x):
        self.anneal()
        return super().g_loss(x)


recipe("instance-noise-gan", InstanceNoise, paper="Sonderby et al. 2016", arxiv="1610.04490")
