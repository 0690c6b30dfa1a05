"""An exponential moving average of a network's weights, in a network of its own."""

from __future__ import annotations

import copy

from tinygan.backend import array_module
from tinygan.kernels import kernels_for
from tinygan.tensor import Tensor


class EMA:
    """``module``: a deep copy whose parameters follow average <- decay average + (1 - decay) live at every update.

    The first ``start`` updates copy the live parameters instead. Buffers (running statistics, spectral norm's vectors)
    are copied, not averaged. The copy is in evaluation mode, needs no gradients, and the live module is only read:
    weights are never swapped. (Yazici et al. 2018, arXiv:1806.04498; ProGAN, Karras et al. 2017, arXiv:1710.10196.)
    Raises ValueError unless 0 <= decay <= 1, and RuntimeError when the live module's parameters have changed.
    """

    def __init__(self, module, decay: float = 0.999, start: int = 0):
        if not 0 <= decay <= 1:
            raise ValueError(f"EMA: expected a decay in [0, 1], got {decay}")
        self.live, self.decay, self.start, self.updates = module, decay, start, 0
        self.module = copy.deepcopy(module).eval().requires_grad_(False)

    def update(self) -> None:
        """Follow the live module by one step; call it after every step of its optimiser."""
        pairs = list(zip(self.live.named_parameters(), self.module.named_parameters()))
        if [name for name, _ in self.live.named_parameters()] != [name for name, _ in self.module.named_parameters()]:
            raise RuntimeError("EMA.update: expected the parameters the live module had when it was copied, got "
                               "others; make a new EMA after changing the network")
        pairs = [(average, live) for (_, live), (_, average) in pairs]
        _average([(average.data, live.data) for average, live in pairs],
                 1.0 if self.updates < self.start else 1.0 - self.decay)
        for average, _ in pairs:
            average.written("EMA.update")
        copies = []
        for live, average in zip(self.live.modules(), self.module.modules()):
            for name, tensor in live._buffers.items():
                if tensor is not None:
                    copies.append((array_module(tensor.data).empty(tensor.shape, tensor.dtype), tensor.data))
                average._buffers[name] = None if tensor is None else Tensor(copies[-1][0])
        _average(copies, 1.0)
        self.updates += 1

    def state_dict(self) -> dict:
        """{"updates": how many there were, "module": the averaged network's state}."""
        return {"updates": self.updates, "module": self.module.state_dict()}

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over a state of :meth:`state_dict`; the live module is not touched."""
        self.module.load_state_dict(state_dict["module"])
        self.updates = int(state_dict["updates"])

    def __repr__(self) -> str:
        return f"EMA({type(self.module).__name__}, decay={self.decay}, start={self.start}, updates={self.updates})"


def _average(pairs, weight):
    """average <- average + weight (value - average) for all pairs (average, value) of arrays: on a GPU one launch."""
    if pairs:
        averages, values = zip(*pairs)
        kernels_for(averages[0]).average_step(averages, values, weight)
