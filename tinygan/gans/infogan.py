"""InfoGAN: codes that the generator must not hide."""

from tinygan import functional as F
from tinygan import random
from tinygan.autograd import no_grad
from tinygan.backend import array_module
from tinygan.gans.base import GAN, count
from tinygan.gans.registry import recipe
from tinygan.models import CodeHead
from tinygan.tensor import Tensor


class InfoGAN(GAN):
    """InfoGAN (Chen et al. 2016, arXiv:1606.03657, eq. 6): min over G, Q, max over D of V(D, G) - lambda L_I(G, Q).

    L_I = E log Q(c | G(z, c)) + H(c) bounds the mutual information of the code c and the sample. c is one category and
    some numbers uniform on [-1, 1], Q a head on D's body: softmax for the category, a factored Gaussian for the
    numbers. As in the authors' program, D and Q take one step together, so D's body learns from L_I as well. H(c) is
    constant and left out of the losses.
    """

    roles = ("G", "D", "Q")
    defaults = dict(categories=10, continuous=2, info=1.0, info_continuous=0.1, z_dim=62)

    @classmethod
    def make_networks(cls, shape, settings):
        code = settings["categories"] + settings["continuous"]
        G, D = super().make_networks(shape, {**settings, "z_dim": settings["z_dim"] + code})
        return G, D, CodeHead(D.feature_size, settings["categories"], settings["continuous"])

    def players(self):
        return [self.player("D", self.d_loss, self.D, self.Q, updates=self.n_critic, lr=self.d_lr),
                self.player("G", self.g_loss, self.G, fresh=False)]

    @property
    def noise_size(self):
        return self.G.z_dim - self.categories - self.continuous

    def noise(self, x, stream="noise"):
        """(z, c): noise, the category as a one-hot vector, the numbers."""
        n, where = count(x), self.where
        z = random.normal((n, self.noise_size), stream, **where)
        category = random.integers(0, self.categories, (n,), stream, where["device"])
        numbers = random.uniform((n, self.continuous), -1, 1, stream, **where)
        xp = array_module(z)
        return Tensor(xp.concatenate([z, xp.eye(self.categories, dtype=z.dtype)[category], numbers], axis=1))

    def missing(self, z, features):
        """lambda E -log Q(c | x): what Q does not know about the code in ``z``, without constants."""
        code = z[:, -self.categories - self.continuous:]
        category, numbers = code[:, :self.categories], code[:, self.categories:]
        logits, mean, log_sigma = self.Q(features)
        surprise = -(category * F.log_softmax(logits, 1)).sum(1).mean()
        error = (numbers - mean) * (-log_sigma).exp()
        self.report(category_surprise=surprise)
        return self.info * surprise + self.info_continuous * (0.5 * error * error + log_sigma).sum(1).mean()

    def d_loss(self, x):
        z = self.noise(x)
        with no_grad():
            fake = self.G(z)
        features = self.D.features(fake)
        return (self.loss.d(self.D(x), self.D.head(features)) + self.missing(z, features)
                + self.penalty(self.D, x, fake))

    def g_loss(self, x):
        z = self.noise(x)
        features = self.D.features(self.G(z))
        return self.loss.g(self.D.head(features)) + self.missing(z, features)


recipe("infogan", InfoGAN, paper="Chen et al. 2016", arxiv="1606.03657", d_lr=2e-4, lr=1e-3)
