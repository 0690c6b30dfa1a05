"""EBGAN: an autoencoder as discriminator, with a margin."""

from tinygan.gans.base import EnergyGAN
from tinygan.gans.registry import recipe


def pulling_away(s):
    """f_PT(S) = 1 / (n (n - 1)) sum_{i != j} (s_i^T s_j / (|s_i| |s_j|))^2 of codes (n, d): a scalar (section 2.4)."""
    unit = s / (s.square().sum(1, keepdim=True) + 1e-12).sqrt()
    n = s.shape[0]
    return ((unit @ unit.transpose(0, 1)).square().sum() - n) / (n * (n - 1))


class EBGAN(EnergyGAN):
    """Energy-based GAN (Zhao, Mathieu, LeCun 2016, arXiv:1609.03126, eqs. 1 and 2).

    L_D = E e(x) + E max(0, m - e(G)), L_G = E e(G) + lambda_PT f_PT(Enc(G)). The energy e is the reconstruction error
    of D, the mean over pixels of the squares as in the authors' program; with the paper's |.| the margin m would be
    larger by the root of the number of pixels and of another shape. It should lie below the energy of an autoencoder
    that always answers the mean. Networks are fully connected unless others are named.
    """

    defaults = dict(margin=0.1, pulling_away=0.0, lr=1e-3)

    def d_loss(self, x):
        real, fake = self.energy(x), self.energy(self.fake(x))
        self.report(e_real=real.mean(), e_fake=fake.mean())
        return real.mean() + (self.margin - fake).relu().mean()

    def g_loss(self, x):
        fake = self.G(self.noise(x))
        loss = self.energy(fake).mean()
        return loss + self.pulling_away * pulling_away(self.D.encode(fake)) if self.pulling_away else loss


recipe("ebgan", EBGAN, paper="Zhao, Mathieu, LeCun 2016", arxiv="1609.03126")

recipe("ebgan-pt", EBGAN, paper="Zhao, Mathieu, LeCun 2016, section 2.4 (pulling away)", arxiv="1609.03126",
       pulling_away=0.1)
