"""What GANs with an autoencoder in the discriminator's place share."""

from __future__ import annotations

from tinygan.gans.base.gan import GAN


class EnergyGAN(GAN):
    """D is an autoencoder, and its reconstruction error e(v) an energy: low for what D takes for real.

    The networks are fully connected unless others are named; D has ``encode`` and ``decoder``.
    """

    defaults = dict(loss=None, networks="autoencoder")
    fixed = ("loss", "penalty")

    def energy(self, v):
        """e(v) = |v - D(v)|^2, the mean over pixels, one per sample: (N,)."""
        return (v - self.D(v)).square().mean(tuple(range(1, v.ndim)))

    def scores(self, x):
        fake = self.generate(self.inputs(x))
        return -self.energy(x), -self.energy(fake), x, fake


__all__ = ["EnergyGAN"]
