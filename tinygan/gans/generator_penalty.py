"""GANs whose generator is regularised, too."""

from tinygan.gans.base import GAN
from tinygan.gans.registry import recipe


class GeneratorPenalty(GAN):
    """L_G + a penalty of G: of its Jacobian (Karras et al. 2019, arXiv:1912.04958, eq. 4), or of its weights
    (Brock, Donahue, Simonyan 2018, arXiv:1809.11096, section 3.1).

    ``g_penalty`` is called with (G, z, G(z)).
    """

    defaults = dict(g_penalty="path_length(2)")

    def g_loss(self, x):
        z = self.noise(x)
        fake = self.G(z)
        loss = self.loss.g(self.D(fake), self.D(x) if self.loss.g_needs_real else None)
        return loss + self.g_penalty(self.G, z, fake)


# Every eighth step, as StyleGAN2 does; its mapping network and its corrected optimiser are not here.
recipe("path-length-gan", GeneratorPenalty, paper="Karras et al. 2019 (path length alone)", arxiv="1912.04958",
       g_penalty="every(8, path_length(2))", penalty="every(16, r1(10))", d_norm=None)

recipe("orthogonal-gan", GeneratorPenalty, paper="Brock, Donahue, Simonyan 2018 (orthogonality alone)",
       arxiv="1809.11096", g_penalty="orthogonal(1e-4, 'off_diagonal')", loss="hinge", d_norm="spectral")
