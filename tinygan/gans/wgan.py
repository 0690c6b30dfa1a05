"""Wasserstein GAN with weight clipping."""

from tinygan.gans.base import GAN, clip_weights
from tinygan.gans.registry import recipe


class WGAN(GAN):
    """Wasserstein GAN (Arjovsky, Chintala, Bottou 2017, arXiv:1701.07875, Algorithm 1).

    The critic f maximises E f(x) - E f(G(z)) over weights in a box [-c, c], G maximises E f(G(z)); both with RMSprop,
    for momentum makes the critic's training unstable (section 4). The authors' program trains the critic 100 times for
    each of the first 25 steps; Algorithm 1, and this file, does not.
    """

    defaults = dict(loss="wasserstein", optimizer="rmsprop", lr=5e-5, n_critic=5, clip=0.01)

    def after_update(self, player):
        if player.name == "D":
            clip_weights(self.D, self.clip)                              # line 7: w <- clip(w, -c, c)


recipe("wgan", WGAN, paper="Arjovsky, Chintala, Bottou 2017", arxiv="1701.07875")
