"""Moment matching: a generator against the maximum mean discrepancy, with a fixed or a learnt kernel."""

from tinygan import models
from tinygan.gans.base import GAN, clip_weights
from tinygan.gans.registry import recipe
from tinygan.losses.divergences import gaussian_mixture, squared_mmd


class GMMN(GAN):
    """Generative moment matching network (Li, Swersky, Zemel 2015, arXiv:1502.02761): no discriminator.

    L_G = MMD^2(x, G(z)) with a mixture of Gaussian kernels of ``bandwidths``, here the unbiased U-statistic; that of
    samples themselves, without the paper's autoencoder. Batches must be large: a batch is all that G is compared with.
    """

    roles = ("G",)
    defaults = dict(loss=None, bandwidths=(1.0, 2.0, 4.0, 8.0, 16.0), lr=1e-3)
    fixed = ("loss", "penalty")

    @classmethod
    def make_networks(cls, shape, settings):
        family = settings["networks"]
        own = {key: settings[key] for key in models.network_settings(family)}
        return models.build(family, shape, settings["z_dim"], **own)[:len(cls.roles)]

    def players(self):
        return [self.player("G", self.g_loss, self.G)]

    def features(self, v):
        """What the kernel compares, (N, K)."""
        return v.reshape(v.shape[0], -1)

    def distance(self, x, fake):
        return squared_mmd(self.features(x), self.features(fake), gaussian_mixture(self.bandwidths))

    def g_loss(self, x):
        return self.distance(x, self.G(self.noise(x)))

    def scores(self, x):
        """The witness E k(x, v) - E k(G, v): larger where there are more data than samples."""
        fake, kernel = self.generate(self.inputs(x)), gaussian_mixture(self.bandwidths)
        real, made = self.features(x), self.features(fake)
        return (*[kernel(v, real).mean(1) - kernel(v, made).mean(1) for v in (real, made)], x, fake)


class MMDGAN(GMMN):
    """MMD GAN (Li et al. 2017, arXiv:1705.08584, Algorithm 1): min over G, max over f of MMD^2(f(x), f(G)).

    The kernel's features f are the code of an autoencoder D, which keeps f injective: L_D = -MMD^2 + 8 E |x -
    Dec f(x)|^2 + 16 max(0, E f(G) - E f(x)), a mean over pixels and over the code, and the encoder's weights are
    clipped to [-c, c]; L_G = MMD^2. The authors' program also reconstructs G's samples and takes the root of MMD^2.
    """

    roles = ("G", "D")
    defaults = dict(networks="autoencoder", optimizer="rmsprop", lr=5e-5, n_critic=5, clip=0.01, autoencoding=8.0,
                    feasible=16.0)

    def players(self):
        return [self.player("D", self.d_loss, self.D, updates=self.n_critic, lr=self.d_lr),
                self.player("G", self.g_loss, self.G, fresh=False)]

    def features(self, v):
        return self.D.encode(v)

    def d_loss(self, x):
        fake = self.fake(x)
        real, made = self.features(x), self.features(fake)
        mmd = squared_mmd(real, made, gaussian_mixture(self.bandwidths))
        error = (x - self.D.decoder(real)).square().mean()
        self.report(mmd=mmd, reconstruction=error)
        return -mmd + self.autoencoding * error + self.feasible * (made.mean(0) - real.mean(0)).relu().mean()

    def after_update(self, player):
        if player.name == "D":
            clip_weights(self.D.encoder, self.clip)


recipe("gmmn", GMMN, paper="Li, Swersky, Zemel 2015", arxiv="1502.02761", networks="mlp")

recipe("mmd-gan", MMDGAN, paper="Li et al. 2017", arxiv="1705.08584")
