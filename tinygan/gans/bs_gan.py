"""Boundary-seeking GAN for discrete data: a generator that is trained without a derivative of its samples."""

import math

from tinygan import functional as F
from tinygan import models, random
from tinygan.backend import array_module
from tinygan.gans.base import GAN, count
from tinygan.gans.registry import recipe
from tinygan.tensor import Tensor


class BSGAN(GAN):
    """Boundary-seeking GAN (Hjelm et al. 2017, arXiv:1702.08431, Algorithm 1), for discrete data.

    G(z) are logits of g(x | z): of independent pixels in {-1, 1} or, with ``categorical``, of one symbol, a one-hot
    vector (K,). Of M samples x^m ~ g(x | z) those count more that D takes for real: w^m = softmax over m of a(x^m),
    L_G = -E_z sum_m w^m log g(x^m | z), with w and x constant (a score-function estimator). Real pixels are set to the
    nearer of -1 and 1. The last numbers of the noise, one for each element, say which sample of g(x | z) is shown.
    """

    defaults = dict(networks="mlp", samples=20, categorical=False, lr=1e-3)
    fixed = ("networks",)

    @classmethod
    def make_networks(cls, shape, settings):
        hidden = settings["hidden"]
        return (models.MLPGenerator(settings["z_dim"], (math.prod(shape),), hidden, settings["g_norm"]),
                models.MLPDiscriminator(shape, hidden, settings["d_norm"]))

    def noise(self, x, stream="noise"):
        """(z, u): noise, and a uniform number for each element of a sample."""
        z = super().noise(x, stream).data
        u = random.uniform((count(x), self.elements), stream=stream, **self.where)
        return Tensor(array_module(z).concatenate([z, u], axis=1))

    @property
    def elements(self):
        """The number of elements of a sample."""
        return self.G.shape[0]

    def logits(self, z):
        return self.G(z[:, :self.z_dim])

    def draw(self, logits, u):
        """Samples (..., K) of g(x | z) from uniform numbers: by thresholds, or the largest of logits with noise."""
        xp = array_module(logits)
        if self.categorical:
            tiny = xp.finfo(u.dtype).tiny
            return xp.eye(self.elements, dtype=u.dtype)[(logits - xp.log(-xp.log(u + tiny) + tiny)).argmax(-1)]
        return 2 * (xp.log1p(-u) - xp.log(u + xp.finfo(u.dtype).tiny) > -logits).astype(u.dtype) - 1

    def log_probability(self, x, logits):
        """log g(x | z), (..., N)."""
        if self.categorical:
            return (x * F.log_softmax(logits, -1)).sum(-1)
        return F.logsigmoid(x * logits).sum(-1)

    def generate(self, inputs):
        logits = self.logits(inputs)
        return Tensor(self.draw(logits.data, inputs.data[:, self.z_dim:])).reshape(len(logits), *self.sample_shape)

    @property
    def sample_shape(self):
        return self.shape or (self.elements,)

    def fake(self, x):
        return self.generate(self.noise(x)).detach()

    def real(self, x):
        """Data as the generator could have made them."""
        return x if self.categorical else Tensor(2 * (x.data > 0).astype(x.dtype) - 1)

    def d_loss(self, x):
        return super().d_loss(self.real(x))

    def g_loss(self, x):
        logits, m = self.logits(self.noise(x)), self.samples
        n = len(logits)
        u = random.uniform((m, n, self.elements), **self.where)
        samples = self.constant(lambda: Tensor(self.draw(logits.data, u)))
        scores = self.constant(lambda: self.D(samples.reshape(m * n, *self.sample_shape)))
        weights = F.softmax(scores.reshape(m, n), 0)
        return -(weights * self.log_probability(samples, logits)).sum(0).mean()

    def scores(self, x):
        return super().scores(self.real(x))


recipe("bs-gan", BSGAN, paper="Hjelm et al. 2017 (discrete data)", arxiv="1702.08431")
