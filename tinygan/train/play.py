"""Play: the game of a GAN, step by step. The one place that draws batches, updates players and follows averages."""

from __future__ import annotations

from tinygan import backend
from tinygan.optim import EMA
from tinygan.tensor import Tensor


class Play:
    """Training without files: ``play.step()`` is one step, in which every player has its updates.

    gan: a GAN. batches: anything with ``next_batch()`` (an array or a tuple of arrays) and ``state_dict()``. steps: how
    many there will be, which a GAN with stages divides. Nothing in a step waits for the device: ``losses``, ``norms``
    (of gradients, where ``watch`` asked for them) and ``bad`` are scalars there, and whoever reads them waits.
    """

    def __init__(self, gan, batches, steps: int):
        if gan.accumulate < 1:
            raise ValueError(f"{gan.name}: accumulate: expected at least one batch per gradient, got {gan.accumulate}")
        self.gan, self.batches = gan, batches
        self.stages = gan.stages(steps)
        self.done = self.drawn = 0  # steps, and real samples
        self.losses, self.norms = {}, {}
        self.bad = {}  # loss -> the first step (from 1) in which it was NaN or infinite; 0: never
        self._enter(0)
        self.averages = {role: EMA(getattr(gan, role), gan.ema) for role in gan.sampled} if gan.ema else {}

    def _enter(self, stage: int) -> None:
        """Begin a stage: the players may be others now, so their optimisers are new."""
        self.stage = stage
        self.stages[stage].enter()
        self.seats = [(player, player.optimizer(player.parameters())) for player in self.gan.players()]

    def step(self, watch: bool = False) -> None:
        """One step; ``watch``: measure the gradients too."""
        start = sum(stage.steps for stage in self.stages[:self.stage])
        while self.done == start + self.stages[self.stage].steps and self.stage + 1 < len(self.stages):
            self._enter(self.stage + 1)  # a stage may have no steps at all
            start = self.done
        self.gan.step, self.gan.progress = self.done, (self.done - start) / self.stages[self.stage].steps
        self.batch = None
        if self.gan.simultaneous:
            self._simultaneously(watch)
        else:
            self._in_turn(watch)
        for average in self.averages.values():
            average.update()
        self.done += 1

    def _in_turn(self, watch) -> None:
        for player, optimizer in self.seats:
            for _ in range(player.updates):
                optimizer.apply(self._gradients(player, optimizer, watch))
                self.gan.after_update(player)

    def _simultaneously(self, watch) -> None:
        """All gradients are taken, and checked, before anyone moves."""
        taken = [(player, optimizer, self._gradients(player, optimizer, watch)) for player, optimizer in self.seats]
        for _, optimizer, gradients in taken:
            optimizer.check(gradients)
        for player, optimizer, gradients in taken:
            optimizer.apply(gradients)
            self.gan.after_update(player)

    def _gradients(self, player, optimizer, watch) -> list:
        """Gradients of the player's loss, the mean over ``accumulate`` batches."""
        total, value, parts = None, None, self.gan.accumulate
        for _ in range(parts):
            if player.fresh or self.batch is None:
                self.batch = self.draw()
            loss = player.loss(self.batch)
            found = optimizer.gradients(loss)
            total = found if total is None else [_sum(a, b) for a, b in zip(total, found)]
            value = loss.data if value is None else value + loss.data
        if parts > 1:
            total, value = [None if g is None else g.data / parts for g in total], value / parts
        self._note(f"{player.name.lower()}_loss", value)
        if watch:
            self.norms[f"{player.name.lower()}_gradient"] = _norm(total)
        return total

    def draw(self):
        """The next real batch: a Tensor, or a tuple of them."""
        batch = self.batches.next_batch()
        if isinstance(batch, tuple):
            self.drawn += len(batch[0])
            return tuple(Tensor(array) for array in batch)
        self.drawn += len(batch)
        return Tensor(batch)

    def _note(self, name: str, value) -> None:
        """Keep a loss, and the first step in which it was not finite, on the device."""
        xp = backend.array_module(value)
        self.losses[name] = value
        bad = self.bad.get(name, 0)
        self.bad[name] = xp.where(xp.isfinite(value) | (xp.asarray(bad) > 0), bad, self.done + 1)

    def sampler(self, raw: bool = False):
        """The GAN with averaged networks where there are averages (``raw``: with the live ones), for sampling."""
        return self.gan if raw else self.gan.with_networks(**{role: e.module for role, e in self.averages.items()})

    def parameters(self):
        """Every parameter that somebody learns."""
        return [p for _, optimizer in self.seats for p in optimizer.params]

    def state_dict(self) -> dict:
        """Everything but the random streams and the position in the data."""
        return {"step": self.done, "drawn": self.drawn, "stage": self.stage,
                "before": [stage.steps for stage in self.stages[:self.stage]], "gan": self.gan.state_dict(),
                "optimizers": {player.name: optimizer.state_dict() for player, optimizer in self.seats},
                "averages": {role: average.state_dict() for role, average in self.averages.items()}}

    def load_state_dict(self, state: dict) -> None:
        """Continue from a state of :meth:`state_dict`. Raises ValueError when it is that of another game."""
        stages = [stage.steps for stage in self.stages[:state["stage"]]]
        if state["stage"] >= len(self.stages) or stages != state["before"]:
            raise ValueError(f"resume: expected a run whose stages before this one had {stages} steps, got "
                             f"{state['before']}")
        for stage in range(self.stage + 1, state["stage"] + 1):
            self._enter(stage)
        self.gan.load_state_dict(state["gan"])
        names = [player.name for player, _ in self.seats]
        if set(names) != set(state["optimizers"]) or set(self.averages) != set(state["averages"]):
            raise ValueError(f"resume: expected players {names} and averages of {sorted(self.averages)}, got "
                             f"{sorted(state['optimizers'])} and {sorted(state['averages'])}")
        for player, optimizer in self.seats:
            optimizer.load_state_dict(state["optimizers"][player.name])
        for role, average in self.averages.items():
            average.load_state_dict(state["averages"][role])
        self.done, self.drawn = int(state["step"]), int(state["drawn"])


def _sum(a, b):
    """The sum of two gradients, None where neither is there."""
    return b if a is None else a if b is None else Tensor(a.data + b.data)


def _norm(gradients):
    """The Euclidean length of all gradients together: a scalar array, in float64 so that squares cannot overflow."""
    arrays = [g.data if isinstance(g, Tensor) else g for g in gradients if g is not None]
    return sum((g.astype("float64") ** 2).sum() for g in arrays) ** 0.5


__all__ = ["Play"]
