"""MAGAN: an energy-based GAN whose margin follows the energy of the data."""

import math

from tinygan.gans.base import EnergyGAN, Stage
from tinygan.gans.registry import recipe


class MAGAN(EnergyGAN):
    """Margin adaptation for GANs (Wang, Cully, Chang, Demiris 2017, arXiv:1704.03817, Algorithm 1).

    First D alone learns to reconstruct the data, and m is its mean energy on them. Then L_D = E e(x) + E max(0, m -
    e(G)), L_G = E e(G), and after each epoch m <- E e(x) if E e(x) < m, E e(x) < E e(G), and E e(G) did not fall since
    the epoch before: m never grows. An epoch is ``epoch`` steps, the first stage ``pretrain`` steps.
    """

    defaults = dict(lr=1e-3, epoch=100, pretrain=500)

    def setup(self):
        self.pretraining = False
        self.state.update(m=self.placed(0.0), real=self.placed(0.0), fake=self.placed(0.0),
                          fake_before=self.placed(math.inf), steps=0)

    def stages(self, steps):
        first = min(self.pretrain, steps - 1)
        return [Stage(first, "autoencoder", lambda: self.enter(True)),
                Stage(steps - first, "game", lambda: self.enter(False))]

    def enter(self, pretraining):
        self.pretraining = pretraining
        self.begin_epoch()

    def players(self):
        return [self.player("D", self.reconstruction, self.D)] if self.pretraining else super().players()

    def reconstruction(self, x):
        real = self.energy(x).mean()
        self.report(e_real=real)
        return real

    def d_loss(self, x):
        fake = self.energy(self.fake(x))
        return self.reconstruction(x) + (self.state["m"] - fake).relu().mean()

    def g_loss(self, x):
        fake = self.energy(self.G(self.noise(x))).mean()
        self.report(e_fake=fake, m=self.state["m"])
        return fake

    def begin_epoch(self):
        self.state.update(real=self.placed(0.0), fake=self.placed(0.0), steps=0)

    def after_update(self, player):
        if player.name == "D":
            self.state["real"] = self.state["real"] + self.figures["e_real"]
        if player.name == "G":
            self.state["fake"] = self.state["fake"] + self.figures["e_fake"]
        if player.name == "G" or self.pretraining:
            self.state["steps"] += 1
            if self.pretraining:
                self.state["m"] = self.state["real"] / self.state["steps"]
            if self.state["steps"] == self.epoch:
                self.end_epoch()

    def end_epoch(self):
        """The margin rule; the host waits for the device here, once an epoch."""
        real, fake = self.state["real"] / self.epoch, self.state["fake"] / self.epoch
        if not self.pretraining:
            e_real, e_fake = real.item(), fake.item()
            if e_real < min(self.state["m"].item(), e_fake) and e_fake >= self.state["fake_before"].item():
                self.state["m"] = real
            self.state["fake_before"] = fake
        self.begin_epoch()


recipe("magan", MAGAN, paper="Wang, Cully, Chang, Demiris 2017", arxiv="1704.03817")
