"""GAN: what every variant inherits. A variant says what its players minimise, and nothing else.

The Trainer alone draws batches, calls optimisers, follows averages and writes files. It reads a GAN's declarations:
``players`` (who minimises which loss over which parameters), ``stages`` (what changes during training), ``state`` (what
a variant remembers besides parameters), ``after_update`` (what follows an update). ``step`` and ``progress`` (how far
the present stage is, from 0 to 1) are set before every step, for schedules.
"""

from __future__ import annotations

import copy
import functools

import numpy as np

from tinygan import backend, models, random
from tinygan.autograd import no_grad
from tinygan.gans.base.modes import evaluating
from tinygan.gans.base.player import OPTIMIZERS, Player, Stage
from tinygan.gans.base.settings import SettingError, plain, resolve
from tinygan.losses import Penalty
from tinygan.tensor import Tensor

PRIORS = {
    "normal": lambda shape, **where: random.normal(shape, **where),
    "uniform": lambda shape, **where: random.uniform(shape, -1.0, 1.0, **where),
}


class GAN:
    """A game between networks: by default G against D, with a pair of losses and a penalty (arXiv:1406.2661).

    ``GAN(G, D, lr=1e-3)`` takes networks in the order of ``roles``; ``GAN.build(shape, networks="mlp")`` makes them.
    Settings are those of ``defaults`` (a subclass's are added to those of its bases) and become attributes. A batch
    ``x`` is a Tensor (N, ...), or a tuple of them where the data are. Raises SettingError for unknown settings.
    """

    roles = ("G", "D")
    sampled = ("G",)  # the networks that make samples: their moving averages are kept when ``ema`` is set
    fixed = ()  # settings that say what the step is, and that nobody can change
    defaults = dict(
        loss="non_saturating", penalty="none", n_critic=1, simultaneous=False, accumulate=1,
        optimizer="adam", lr=2e-4, d_lr=None, betas=(0.5, 0.999), ema=0.0,
        z_dim=64, prior="normal", networks=None)

    def __init_subclass__(cls):
        super().__init_subclass__()
        bases = [c.__dict__.get("defaults", {}) for c in reversed(cls.__mro__)]
        cls.defaults = functools.reduce(lambda merged, own: {**merged, **own}, bases, {})
        hidden = [key for key in cls.defaults if hasattr(cls, key)]
        if hidden:
            raise TypeError(f"{cls.__name__}: expected settings with names of their own, got {hidden[0]!r}, which "
                            "would hide the attribute of that name")

    def __init__(self, *networks, **settings):
        if len(networks) != len(self.roles):
            raise TypeError(f"{type(self).__name__}: expected the networks {', '.join(self.roles)}, got "
                            f"{len(networks)} networks")
        own = getattr(networks[0], "z_dim", None)
        if own is not None and settings.setdefault("z_dim", own) != own:
            raise SettingError(f"{type(self).__name__}: z_dim: expected {own}, as the generator has, got "
                               f"{settings['z_dim']}")
        self._start(type(self).__name__, None, networks, resolve(type(self), type(self).__name__, {}, settings))

    @classmethod
    def build(cls, shape, *, name: str | None = None, row: dict | None = None, device="cpu", **settings):
        """A GAN with new networks for data of ``shape``: (K,) points, (C, H, W) images.

        ``row``: a recipe's settings, between the class's defaults and those given. Weights come from stream "init".
        """
        self = cls.__new__(cls)
        name, shape = name or cls.__name__, tuple(shape)
        resolved = resolve(cls, name, row or {}, settings, shape)
        self._start(name, shape, cls.make_networks(shape, resolved), resolved)
        return self.to(device)

    @classmethod
    def make_networks(cls, shape, settings: dict) -> tuple:
        """The networks, in the order of ``roles``; a variant with other roles than G and D overrides this."""
        family = settings["networks"]
        own = {key: settings[key] for key in models.network_settings(family)}
        return models.build(family, shape, settings["z_dim"], **own)

    def _start(self, name: str, shape, networks, settings: dict) -> None:
        self.name, self.shape, self.settings = name, shape, settings
        for role, network in zip(self.roles, networks):
            setattr(self, role, network)
        for key, value in settings.items():  # penalties count calls: no two games share one
            setattr(self, key, copy.deepcopy(value) if isinstance(value, Penalty) else value)
        self.state = {}  # what a variant remembers besides parameters: arrays, Tensors, numbers, lists, texts
        self.figures = {}  # what `report` was told in the latest step
        self.step, self.progress = 0, 0.0
        self.setup()

    def setup(self) -> None:
        """Called once when networks and settings are there: a variant puts its initial ``state`` here."""

    # What a variant says

    def players(self) -> list:
        """Who plays, in the order of play."""
        return [self.player("D", self.d_loss, self.D, updates=self.n_critic, lr=self.d_lr),
                self.player("G", self.g_loss, self.G, fresh=False)]

    def d_loss(self, x):
        """What D minimises on the real batch ``x``: a scalar."""
        x, fake = leaf(x), leaf(self.fake(x))  # leaves, so that a penalty may differentiate the scores again
        scores = self.D(x), self.D(fake)
        return self.loss.d(*scores) + self.penalty(self.D, x, fake, scores)

    def g_loss(self, x):
        """What G minimises: a scalar. ``x`` is the last real batch, for its size and for losses that compare."""
        return self.loss.g(self.D(self.G(self.noise(x))), self.D(x) if self.loss.g_needs_real else None)

    def after_update(self, player: Player) -> None:
        """Called after every update of a player: projections such as clipping, controllers."""

    def stages(self, steps: int) -> list:
        """The parts of a training of ``steps`` steps."""
        return [Stage(steps)]

    def inputs(self, x, stream: str = "noise"):
        """What :meth:`generate` makes samples of: noise, unless the variant's samples need more (labels, images)."""
        return self.noise(x, stream)

    def generate(self, inputs) -> Tensor:
        """Samples, one for each row of ``inputs``."""
        return self.G(inputs)

    def scores(self, x) -> tuple:
        """(scores of real, scores of generated samples, the real, the generated samples), for the health line.

        The scores of D, larger for what it takes for real, one per sample.
        """
        fake = self.generate(self.inputs(x))
        return self.D(x), self.D(fake), x, fake

    # What a variant uses

    def player(self, name: str, loss, *networks, updates: int = 1, fresh: bool = True, lr: float | None = None):
        """A Player with the optimiser of the settings; ``lr`` replaces the learning rate."""
        if self.optimizer not in OPTIMIZERS:
            raise SettingError(f"optimizer: expected one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}")
        rate = self.lr if lr is None else lr
        return Player(name, networks, loss, lambda parameters: OPTIMIZERS[self.optimizer](parameters, rate, self),
                      updates, fresh)

    def report(self, **figures) -> None:
        """Note scalar Tensors of this step for the log; they are read when it is written."""
        self.figures.update({name: value.detach() for name, value in figures.items()})

    def noise(self, x, stream: str = "noise") -> Tensor:
        """Noise (N, z_dim) from the prior, N the size of batch ``x`` or the number ``x``."""
        if self.prior not in PRIORS:
            raise SettingError(f"prior: expected one of {', '.join(PRIORS)}, got {self.prior!r}")
        return Tensor(PRIORS[self.prior]((count(x), self.z_dim), stream=stream, **self.where))

    @property
    def noise_size(self) -> int:
        """How many columns of :meth:`noise` are z, the first ones; what follows are codes, or draws of another kind."""
        return self.z_dim

    def fake(self, x) -> Tensor:
        """G(z) without a graph, as many as ``x``: D's step does not pay for G's."""
        with no_grad():
            return self.G(self.noise(x))

    def constant(self, make) -> Tensor:
        """``make()`` without a graph: what a loss takes for a constant although it depends on parameters.

        Samples of discrete variables and their weights are such; a numeric derivative keeps them (:class:`Objective`).
        """
        with no_grad():
            return make()

    def sample(self, n, truncation: float | None = None, stream: str = "preview", batch_size: int = 256) -> np.ndarray:
        """``n`` samples as a NumPy array, in evaluation mode; ``n`` may also be what :meth:`inputs` returned.

        ``truncation``: noise with |z| above it is drawn again (Brock et al. 2018, arXiv:1809.11096, section 3.1).
        Numbers come from ``stream``, so that training is not disturbed.
        """
        inputs = self.inputs(n, stream) if isinstance(n, int) else n
        if truncation is not None:
            inputs = self.truncated(inputs, truncation, stream)
        parts = inputs if isinstance(inputs, tuple) else (inputs,)
        out = []
        with evaluating(*self.modules().values()), no_grad():
            for start in range(0, count(inputs), batch_size):
                part = tuple(Tensor(p.data[start:start + batch_size]) for p in parts)
                out.append(backend.to_numpy(self.generate(part if isinstance(inputs, tuple) else part[0]).data))
        return np.concatenate(out)

    def truncated(self, inputs, limit: float, stream: str):
        """``inputs`` whose noise lies in [-limit, limit]: what lies outside is drawn again until it does not."""
        if not limit > 0 or self.prior != "normal":
            raise SettingError(f"truncation: expected a limit > 0 and the normal prior, got {limit} and {self.prior!r}")
        z, xp = inputs.data[:, :self.noise_size], backend.array_module(inputs.data)
        while (outside := abs(z) > limit).any():
            z = xp.where(outside, random.normal(z.shape, stream, **self.where), z)
        return Tensor(xp.concatenate([z, inputs.data[:, self.noise_size:]], axis=1))

    # What it is made of

    def modules(self) -> dict:
        """{role: module}."""
        return {role: getattr(self, role) for role in self.roles}

    def penalties(self) -> dict:
        """{setting: penalty}: D's, and others that a variant has."""
        return {key: getattr(self, key) for key, value in self.settings.items() if isinstance(value, Penalty)}

    def with_networks(self, **networks) -> GAN:
        """The same game with some networks replaced (by their moving averages, for sampling); nothing is copied."""
        other = copy.copy(self)
        for role, network in networks.items():
            setattr(other, role, network)
        return other

    @property
    def where(self) -> dict:
        """dtype and device of the networks, as arguments of ``tinygan.random``."""
        parts = getattr(self, self.roles[0]).modules()
        first = next(p for part in parts for p in part._parameters.values() if p is not None)
        return {"dtype": first.dtype, "device": first.device}

    @property
    def config(self) -> dict:
        """The settings as JSON can hold them."""
        return plain(self.settings)

    def to(self, target) -> GAN:
        """Move networks and state to a device, or convert them to a dtype; returns self."""
        for network in self.modules().values():
            network.to(target)
        self.state = {key: self.placed(value) if isinstance(value, Tensor) else value
                      for key, value in self.state.items()}
        return self

    def placed(self, value) -> Tensor:
        """An array or Tensor as a Tensor where the networks are, floating values in their dtype."""
        array = value.data if isinstance(value, Tensor) else np.asarray(value)
        where = self.where
        return Tensor(backend.to_device(array.astype(where["dtype"]) if array.dtype.kind == "f" else array,
                                        where["device"]))

    def state_dict(self) -> dict:
        """Networks, ``state`` and the penalties' counters."""
        return {"networks": {role: network.state_dict() for role, network in self.modules().items()},
                "state": {key: value.data.copy() if isinstance(value, Tensor) else value
                          for key, value in self.state.items()},
                "penalties": {key: penalty.state_dict() for key, penalty in self.penalties().items()}}

    def load_state_dict(self, state: dict) -> None:
        """Take over a state of :meth:`state_dict`. Raises RuntimeError or ValueError when it is of another game."""
        if set(state["networks"]) != set(self.roles) or set(state["state"]) != set(self.state):
            raise ValueError(f"{type(self).__name__}: expected a state of networks {', '.join(self.roles)} with "
                             f"{sorted(self.state)}, got {', '.join(state['networks'])} with {sorted(state['state'])}")
        if set(state.get("penalties", ())) != set(self.penalties()):
            raise ValueError(f"{type(self).__name__}: expected a state of penalties {sorted(self.penalties())}, got "
                             f"{sorted(state.get('penalties', ()))}")
        for role, network in self.modules().items():
            network.load_state_dict(state["networks"][role])
        self.state = {key: self.placed(value) if isinstance(self.state[key], Tensor) else value
                      for key, value in state["state"].items()}
        for key, penalty in self.penalties().items():
            penalty.load_state_dict(state["penalties"][key])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in self.config.items())})"


def count(x) -> int:
    """The number of samples of a batch: a Tensor, a tuple of them, or the number itself."""
    return x if isinstance(x, int) else len(x[0] if isinstance(x, tuple) else x)


def leaf(x: Tensor) -> Tensor:
    """The same samples as a leaf that requires gradients."""
    return x.detach().requires_grad_()


__all__ = ["GAN", "PRIORS", "count", "leaf"]
