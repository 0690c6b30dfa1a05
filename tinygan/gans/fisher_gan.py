"""Fisher GAN: a critic with a bounded second moment."""

from tinygan.gans.base import GAN
from tinygan.gans.registry import recipe


class FisherGAN(GAN):
    """Fisher GAN (Mroueh & Sercu 2017, arXiv:1705.09675, Algorithm 1).

    The critic maximises E f(x) - E f(G) subject to Omega = E f(x)^2 / 2 + E f(G)^2 / 2 = 1, by the augmented Lagrangian
    L = E f(x) - E f(G) + lambda (1 - Omega) - rho / 2 (Omega - 1)^2, and lambda <- lambda - rho (1 - Omega) after each
    of its updates, so that lambda rises while Omega > 1; L_G = -E f(G). At the optimum L is the Fisher distance,
    sqrt(sum (p - q)^2 / ((p + q) / 2)). The paper's rho is 1e-6, with which lambda takes tens of thousands of steps.
    """

    defaults = dict(loss="wasserstein", rho=1e-6, d_norm=None)
    fixed = ("loss",)

    def setup(self):
        self.state["lambda"] = self.placed(0.0)

    def d_loss(self, x):
        fake = self.fake(x)
        real, made = self.D(x), self.D(fake)
        slack = 1.0 - 0.5 * (real.square().mean() + made.square().mean())
        self.report(omega=1.0 - slack, multiplier=self.state["lambda"])
        lagrangian = real.mean() - made.mean() + self.state["lambda"] * slack - 0.5 * self.rho * slack.square()
        return self.penalty(self.D, x, fake) - lagrangian

    def after_update(self, player):
        if player.name == "D":
            self.state["lambda"] = self.state["lambda"] - self.rho * (1.0 - self.figures["omega"])


recipe("fisher-gan", FisherGAN, paper="Mroueh & Sercu 2017", arxiv="1705.09675")
