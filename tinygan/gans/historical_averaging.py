"""Historical averaging: both players pay for being far from where they have been."""

from tinygan.gans.base import GAN
from tinygan.gans.registry import recipe
from tinygan.losses.historical import distance_from
from tinygan.tensor import Tensor


class HistoricalAverage(GAN):
    """Historical averaging (Salimans et al. 2016, arXiv:1606.03498, section 3.3): + c |theta - (1/t) sum_i theta_i|^2.

    theta are the parameters of the player whose loss it is, the mean is over all its updates so far and constant.
    """

    defaults = dict(history=0.1)

    def setup(self):
        for role in self.roles:
            self.state[f"{role}.count"] = 1
            for name, p in getattr(self, role).named_parameters():
                self.state[f"{role}.{name}"] = Tensor(p.data.copy())

    def term(self, role):
        parameters = dict(getattr(self, role).named_parameters())
        means = [self.state[f"{role}.{name}"].data for name in parameters]
        return self.history * distance_from(means, parameters.values())

    def d_loss(self, x):
        return super().d_loss(x) + self.term("D")

    def g_loss(self, x):
        return super().g_loss(x) + self.term("G")

    def after_update(self, player):
        role = player.name
        self.state[f"{role}.count"] += 1
        for name, p in getattr(self, role).named_parameters():
            mean = self.state[f"{role}.{name}"]
            self.state[f"{role}.{name}"] = mean + (p.detach() - mean) / self.state[f"{role}.count"]


recipe("historical-gan", HistoricalAverage, paper="Salimans et al. 2016, section 3.3", arxiv="1606.03498")
