"""Dropout."""

from __future__ import annotations

from tinygan import functional as F
from tinygan.nn.check import check_tensor
from tinygan.nn.module import Module


class Dropout(Module):
    """In training elements are 0 with probability ``p`` and else divided by 1 - p (Srivastava et al. 2014).

    The masks come from the "dropout" stream; the evaluation mode is the identity. ``inplace`` changes nothing.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: expected p in [0, 1], got {p}")
        self.p = p

    def forward(self, input):
        check_tensor(self, input)
        return F.dropout(input, self.p, self.training)

    def extra_repr(self):
        return f"p={self.p}"
