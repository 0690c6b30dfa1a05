"""A player's loss as a pure function of its parameters, so that it can be differentiated numerically, whole."""

from __future__ import annotations

import contextlib
import copy
import itertools

from tinygan import random
from tinygan.autograd import no_grad
from tinygan.tensor import Tensor


class Objective:
    """``f(*parameters) = player.loss(x)``: ``gradcheck(f, f.inputs)`` checks everything that the player minimises.

    Parameters are measured in units of ``unit``: gradcheck moves all of them at once, and a whole objective bends a
    lot. Before every call the random streams, the buffers, the penalties' counters and the GAN's state are those of the
    moment in which this object was made, and afterwards the networks have their own parameters again. What the loss
    takes for a constant (``gan.constant``) keeps the value that it had in the first call. Spectral norm's
    vectors are brought to their fixed point first: the method takes them for constants, which they are only there. For
    float64 networks (``gan.to("float64")``).
    """

    def __init__(self, gan, player, x, unit: float = 0.2):
        self.gan, self.player, self.x, self.unit = gan, player, x, unit
        self.__name__ = f"{gan.name}: {player.name}'s loss"
        self.streams, self.state, self.penalties = random.get_state(), dict(gan.state), gan.penalties()
        self.constants = []
        modules = {id(m): m for network in gan.modules().values() for m in network.modules()}.values()
        for module in modules:
            for reparametrization in module._reparametrizations.values():
                for _ in range(300):
                    reparametrization.update(module)
        self.buffers = [(module, dict(module._buffers)) for module in modules]
        own = [p for p in player.parameters() if p.requires_grad]
        self.places = [[(m, name) for m in modules for name, q in m._parameters.items() if q is p] for p in own]
        self.parameters = own
        self.inputs = [Tensor(p.data / unit) for p in own]

    def __call__(self, *values) -> Tensor:
        with self._with([value * self.unit for value in values]):
            return self.player.loss(self.x)

    @contextlib.contextmanager
    def _with(self, tensors):
        after = random.get_state()
        random.set_state(self.streams)
        self._remember(copy.deepcopy(self.penalties))
        used = itertools.count()
        self.gan.constant = lambda make: self._constant(next(used), make)
        self._place(tensors)
        try:
            yield
        finally:
            self._place(self.parameters)
            for module, buffers in self.buffers:
                module._buffers.update(buffers)
            del self.gan.constant
            self._remember(self.penalties)
            random.set_state(after)

    def _remember(self, penalties):
        self.gan.state = dict(self.state)
        for key, penalty in penalties.items():
            setattr(self.gan, key, penalty)

    def _constant(self, k: int, make) -> Tensor:
        if k == len(self.constants):
            with no_grad():
                self.constants.append(make())
        return self.constants[k]

    def _place(self, tensors):
        for places, tensor in zip(self.places, tensors):
            for module, name in places:
                module._parameters[name] = tensor


__all__ = ["Objective"]
