"""Dropout of elements and of channels."""

from __future__ import annotations

from tinygan import functional as F
from tinygan.nn.check import check_images, check_tensor
from tinygan.nn.module import Module


class Dropout(Module):
    """In training elements are 0 with probability ``p`` and else divided by 1 - p (Srivastava et al. 2014).

    The masks come from the "dropout" stream; the evaluation mode is the identity. ``inplace`` changes nothing.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: expected p in [0, 1], got {p}")
        self.p = p

    def forward(self, input):
        check_tensor(self, input)
        return F.dropout(input, self.p, self.training)

    def extra_repr(self):
        return f"p={self.p}"


class _ChannelDropout(Dropout):
    n = 0

    def forward(self, input):
        check_images(self, input, self.n)
        if not self.training or self.p == 0:
            return input
        channels = F.ones_like(input[(slice(None), slice(None)) + (slice(0, 1),) * self.n].detach())
        return input * F.dropout(channels, self.p)


class Dropout1d(_ChannelDropout):
    """In training whole channels of (N, C, L) are 0 with probability ``p``, the others divided by 1 - p.

    Source: Tompson et al. 2015, arXiv:1411.4280, section 3.2. The masks come from the "dropout" stream.
    """

    n = 1


class Dropout2d(_ChannelDropout):
    """In training whole channels of (N, C, H, W) are 0 with probability ``p``, the others divided by 1 - p.

    Neighbouring pixels say nearly the same, so dropping single ones drops little (Tompson et al. 2015,
    arXiv:1411.4280, section 3.2). The masks come from the "dropout" stream.
    """

    n = 2


class Dropout3d(_ChannelDropout):
    """In training whole channels of (N, C, D, H, W) are 0 with probability ``p``, the others divided by 1 - p.

    Source: Tompson et al. 2015, arXiv:1411.4280, section 3.2. The masks come from the "dropout" stream.
    """

    n = 3


__all__ = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d"]
