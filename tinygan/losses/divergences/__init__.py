"""How far apart two distributions are: of probabilities, of samples, and by moving mass.

Every function takes arrays or Tensors. Of arrays it computes in float64 and returns a float (or an array, where there
are leading dimensions); of Tensors it keeps their dtype and is differentiable, to any order.
"""

from tinygan.losses.divergences.mmd import gaussian_mixture, squared_mmd
from tinygan.losses.divergences.probabilities import (jensen_shannon, kl, pearson, reverse_kl, squared_hellinger,
                                                      total_variation)
from tinygan.losses.divergences.programs import Transport, kantorovich_potential, optimal_transport
from tinygan.losses.divergences.sorting import (cumulative_excess, earth_mover_1d, random_directions,
                                                sliced_wasserstein, wasserstein_1d)

__all__ = ["Transport", "cumulative_excess", "earth_mover_1d", "gaussian_mixture", "jensen_shannon",
           "kantorovich_potential", "kl", "optimal_transport", "pearson", "random_directions", "reverse_kl",
           "sliced_wasserstein", "squared_hellinger", "squared_mmd", "total_variation", "wasserstein_1d"]
