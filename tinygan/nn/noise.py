"""Noise in hidden layers: randomness that does not come from the input."""

from __future__ import annotations

from tinygan import functional as F
from tinygan import random
from tinygan.nn.check import check_tensor
from tinygan.nn.module import Module
from tinygan.tensor import Tensor

MODES = ("additive", "multiplicative", "concatenated")


class Noise(Module):
    """Noise e ~ N(0, 1), one number per element: h + sigma e, h (1 + sigma e), or [h, sigma e] along dimension 1.

    Unlike dropout it is there in evaluation as well, for it is a generator's source of variety: in training e comes
    from the random stream "dropout", in evaluation from "preview", so that looking at samples disturbs no training.
    ``channels``: how many the concatenated noise has (default: as many as h). Raises ValueError for another mode.
    Source: instance noise (Sonderby et al. 2016, arXiv:1610.04490) is the additive form at D's input; StyleGAN
    (Karras et al. 2018, arXiv:1812.04948) learns sigma, per channel.
    """

    def __init__(self, sigma: float = 1.0, mode: str = "additive", channels: int | None = None):
        super().__init__()
        if mode not in MODES:
            raise ValueError(f"Noise: expected a mode out of {', '.join(MODES)}, got {mode!r}")
        self.sigma, self.mode, self.channels = float(sigma), mode, channels

    def forward(self, input):
        check_tensor(self, input)
        shape = input.shape
        if self.mode == "concatenated" and self.channels is not None:
            shape = (shape[0], self.channels, *shape[2:])
        draws = random.normal(shape, "dropout" if self.training else "preview", input.dtype, input.device)
        noise = Tensor(draws) * self.sigma
        if self.mode == "concatenated":
            return F.cat([input, noise], 1)
        return input + (noise if self.mode == "additive" else input * noise)

    def extra_repr(self):
        return f"sigma={self.sigma:g}, mode={self.mode!r}" + (f", channels={self.channels}" if self.channels else "")


__all__ = ["Noise"]
