"""BEGAN: an autoencoder as discriminator, kept in equilibrium by a controller."""

from tinygan.gans.base import EnergyGAN
from tinygan.gans.registry import recipe


class BEGAN(EnergyGAN):
    """Boundary equilibrium GAN (Berthelot, Schumm, Metz 2017, arXiv:1703.10717, section 3.4).

    With the reconstruction error L(v) = |v - D(v)|, mean over pixels:
    L_D = L(x) - k L(G(z_D)), L_G = L(G(z_G)), k <- clip(k + lambda_k (gamma L(x) - L(G(z_G))), 0, 1), k = 0 at first.
    gamma = L(G) / L(x) at the equilibrium; M = L(x) + |gamma L(x) - L(G)| measures convergence. The players move in
    turn here; the networks are fully connected unless others are named.
    """

    defaults = dict(lr=1e-4, gamma=0.5, lambda_k=0.001, prior="uniform")

    def setup(self):
        self.state["k"] = self.placed(0.0)

    def energy(self, v):
        """L(v), one per sample: (N,)."""
        return (v - self.D(v)).abs().mean(tuple(range(1, v.ndim)))

    def d_loss(self, x):
        real, fake = self.energy(x).mean(), self.energy(self.fake(x)).mean()
        self.report(e_real=real, k=self.state["k"])
        return real - self.state["k"] * fake

    def g_loss(self, x):
        fake = self.energy(self.G(self.noise(x))).mean()
        self.report(e_fake=fake)
        return fake

    def after_update(self, player):
        if player.name == "G":
            real, fake = self.figures["e_real"], self.figures["e_fake"]
            balance = self.gamma * real - fake
            self.state["k"] = (self.state["k"] + self.lambda_k * balance).clamp(0.0, 1.0)
            self.report(M=real + balance.abs())


recipe("began", BEGAN, paper="Berthelot, Schumm, Metz 2017", arxiv="1703.10717")
