"""Feature matching: the generator matches the mean of D's features."""

from tinygan.gans.base import GAN
from tinygan.gans.registry import recipe


class FeatureMatching(GAN):
    """Feature matching (Salimans et al. 2016, arXiv:1606.03498, section 3.1): L_G = |E h(x) - E h(G)|^2.

    h is D's last hidden layer, (N, K); D's loss is unchanged. Only means are compared: a batch of one sample repeated
    is as good as a varied one with that mean, and mini-batch features, which mean nothing on average, do not belong
    into h.
    """

    def g_loss(self, x):
        fake = self.D.features(self.G(self.noise(x)))
        real = self.constant(lambda: self.D.features(x))
        return (real.mean(0) - fake.mean(0)).square().sum()


recipe("feature-matching", FeatureMatching, paper="Salimans et al. 2016, section 3.1", arxiv="1606.03498")
