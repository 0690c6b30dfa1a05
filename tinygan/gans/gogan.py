"""GoGAN: a chain of generators, ranked by one critic."""

import copy

from tinygan.gans.base import GAN, Stage, evaluating
from tinygan.autograd import no_grad
from tinygan.gans.registry import recipe


class GoGAN(GAN):
    """Gang of GANs (Juefei-Xu, Boddeti, Savvides 2017, arXiv:1704.04865): f(G_1) < ... < f(G_i) < f(x).

    In stage i the critic has the margin loss E max(0, e - f(x) + f(G_i)) and, from the second stage on, beta
    E max(0, e' - f(G_i) + f(G_{i-1})), which ranks the generator above the one before it, whose weights stay; G_i
    starts from G_{i-1} and maximises f. The paper measures both margins from x (e and 2 e), which orders the three in
    the same way; with the default e' = 0 the second term is silent where they are in order, else it would raise f at
    G_i, against the first. The paper clips weights; here a gradient penalty bounds f, whose differences reach as far
    as the data: choose e (``margin``) no less than that, or the critic stops before it has told them apart.
    """

    roles = ("G", "D", "previous")
    defaults = dict(loss="wasserstein", penalty="gp(10)", d_norm=None, n_critic=5, generators=3, margin=1.0, rank=0.5,
                    rank_margin=0.0, lr=1e-4, betas=(0.0, 0.9))
    fixed = ("loss",)

    @classmethod
    def make_networks(cls, shape, settings):
        G, D = super().make_networks(shape, settings)
        return G, D, copy.deepcopy(G)

    def setup(self):
        self.generator = 1  # i

    def stages(self, steps):
        ends = [steps * (i + 1) // self.generators for i in range(self.generators)]
        return [Stage(end - start, f"G_{i + 1}", lambda i=i: self.enter(i + 1))
                for i, (start, end) in enumerate(zip([0, *ends], ends))]

    def enter(self, i):
        self.generator = i
        self.previous.load_state_dict(self.G.state_dict())

    def d_loss(self, x):
        fake = self.fake(x)
        real, made = self.D(x), self.D(fake)
        loss = (self.margin - real + made).relu().mean() + self.penalty(self.D, x, fake)
        if self.generator == 1:
            return loss
        with evaluating(self.previous), no_grad():
            before = self.previous(self.noise(x))
        return loss + self.rank * (self.rank_margin - made + self.D(before)).relu().mean()


recipe("gogan", GoGAN, paper="Juefei-Xu, Boddeti, Savvides 2017", arxiv="1704.04865")
