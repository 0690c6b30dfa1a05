"""Geometric GAN: the hinge loss as a support vector machine on D's features."""

from tinygan.gans.base import GAN
from tinygan.gans.registry import recipe


class GeometricGAN(GAN):
    """Geometric GAN (Lim & Ye 2017, arXiv:1705.02894, section 3).

    The last layer (w, b) is a soft-margin support vector machine on D's features: L_D = |w|^2 / (2 C n) + E max(0, 1 -
    a(x)) + E max(0, 1 + a(G)), n = 2 N the samples of both kinds; only those inside the margin, the support vectors,
    move w and the features. G moves its samples along w: L_G = -E a(G).
    """

    defaults = dict(loss="hinge", C=1.0)
    fixed = ("loss",)

    def hyperplane(self):
        """w, the weight of D's last layer."""
        return [module.weight for module in self.D.modules() if hasattr(module, "weight")][-1]

    def d_loss(self, x):
        return super().d_loss(x) + self.hyperplane().square().sum() / (4.0 * self.C * len(x))


recipe("geometric-gan", GeometricGAN, paper="Lim & Ye 2017", arxiv="1705.02894")
