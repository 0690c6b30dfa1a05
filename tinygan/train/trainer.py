"""Trainer: a GAN, data and a run folder; everything around the game that is no mathematics."""

from __future__ import annotations

import math
import time
import traceback

import numpy as np

from tinygan import random
from tinygan.backend import array_module, memory_left, release_memory, to_numpy
from tinygan.gans.base import untraced
from tinygan.tensor import Tensor
from tinygan.train.health import Health, measure
from tinygan.train.pictures import picture_of
from tinygan.train.play import Play
from tinygan.train.run import RunFolder
from tinygan.train.state import restore, snapshot
from tinygan.train.stop import Interrupted, StopSignals, TrainingError

MAY_DIFFER = ("device", "steps", "log_every", "sample_every", "save_every", "score_every")


class Trainer:
    """Trains ``gan`` on ``batches`` for ``steps`` steps (of G) in the run folder ``out``; ``run()`` does it.

    out: the folder; None makes ``runs/<name>-<n>``. resume: continue the run there, bit for bit (same device).
    config: whatever else config.json should know ("name", "data", ...); settings, shape and seed are there already.
    log_every, sample_every, save_every: in steps, by default 50, a tenth of the training, as sample_every.
    score: ``score(gan)`` -> a number, the larger the better, asked every ``score_every`` steps (default: sample_every)
    with averaged networks where the GAN has them; the best one's checkpoint is kept as ``best.npz``. samples: how many
    go into a picture. quiet: print nothing. Raises what RunFolder raises, and ValueError for another run's checkpoint.
    """

    def __init__(self, gan, batches, steps: int, out=None, *, resume: bool = False, config: dict | None = None,
                 log_every: int = 50, sample_every: int | None = None, save_every: int | None = None, score=None,
                 score_every: int | None = None, samples: int | None = None, quiet: bool = False):
        self.gan, self.batches, self.steps, self.score, self.quiet = gan, batches, steps, score, quiet
        self.log_every, self.sample_every = log_every, sample_every or max(1, steps // 10)
        self.save_every, self.score_every = save_every or self.sample_every, score_every or self.sample_every
        if min(steps, log_every, self.sample_every, self.save_every, self.score_every) < 1:
            raise ValueError("Trainer: expected numbers of steps of at least 1, got "
                             f"{steps}, {log_every}, {sample_every}, {save_every}, {score_every}")
        self.config = {"name": gan.name, "recipe": gan.name, "shape": gan.shape and list(gan.shape),
                       "settings": gan.config, "steps": steps, "seed": random.get_state()["seed"],
                       "batch_size": batches.batch_size, "device": str(gan.where["device"]),
                       "log_every": log_every, "sample_every": self.sample_every, "save_every": self.save_every,
                       "score_every": self.score_every, **(config or {})}
        self.play, self.health, self.best = Play(gan, batches, steps), Health(), None
        self.folder = RunFolder(out, self.config, resume, MAY_DIFFER)
        self.real = self._real_samples(samples)
        self.picture = picture_of(_first(self.real).data)
        self.inputs = gan.inputs(self.real, "preview")
        restore(self.folder.state, play=self.play, batches=batches, trainer=self)
        self.folder.state = None
        self.started = time.monotonic()

    def run(self) -> Trainer:
        """Train to the end. Raises TrainingError at a NaN or infinity and when memory runs out, Interrupted (an exit)
        after Ctrl-C.
        """
        from tqdm import tqdm
        self._say(self._settings_line())
        if self.picture and not self.play.done:
            self.folder.save_real(to_numpy(_first(self.real).data), draw=self.picture)
        with StopSignals() as signals, tqdm(disable=self.quiet, unit=" images", unit_scale=True, desc=self.gan.name,
                                            initial=self.play.drawn) as bar:
            while self.play.done < self.steps:
                try:
                    self._advance(bar)
                except MemoryError as error:
                    raise self._out_of_memory(error) from error
                if signals.number:
                    self._stop(128 + signals.number)
        self._say(f"samples, curves and checkpoints are in {self.folder.path}")
        return self

    def sampler(self, raw: bool = False):
        """The GAN to sample from: with averaged networks where there are averages, unless ``raw``."""
        return self.play.sampler(raw)

    # One step, and what follows it

    def _advance(self, bar) -> None:
        before, step = self.play.drawn, self.play.done + 1
        last = step == self.steps
        logs = last or step % self.log_every == 0
        with np.errstate(all="ignore"):  # numbers that are none are noticed by `_check`, with the step's number
            self.play.step(watch=logs)
        if bar.total is None and not bar.disable:
            bar.total = before + (self.play.drawn - before) * (self.steps - step + 1)
        bar.update(self.play.drawn - before)
        if logs:
            self._log(bar)
        better = self.score is not None and (last or step % self.score_every == 0) and self._scored()
        shows, saves = last or step % self.sample_every == 0, last or better or step % self.save_every == 0
        if shows or saves:
            self._check()
        if shows:
            self._show()
        if saves:
            self._save(better)

    def _log(self, bar) -> None:
        """One record: losses, gradients, what the GAN reports, health. Here the host waits for the device."""
        self._check_losses()
        play = self.play
        figures = {**play.losses, **play.norms, **{name: value.data for name, value in self.gan.figures.items()},
                   **measure(self.gan, play.batch)}
        record = {name: float(value) for name, value in figures.items()}
        record["health"] = self.health.look(play.done, record)
        self.folder.log(play.done, images=play.drawn, **record, seconds=round(time.monotonic() - self.started, 3))
        bar.set_postfix({name: f"{value:.3f}" for name, value in record.items() if name.endswith("_loss")},
                        refresh=False)
        sick = "" if record["health"].startswith("ok") else f" [{record['health']}]"
        bar.set_description_str(self.gan.name + sick, refresh=False)

    def _scored(self) -> bool:
        """Log the score; whether it is the best so far. The callback's draws and buffers leave no trace."""
        gan = self.play.sampler()
        with untraced(*gan.modules().values()):
            value = float(self.score(gan))
        self.folder.log(self.play.done, score=value)
        better = math.isfinite(value) and (self.best is None or value > self.best[1])
        if better:
            self.best = (self.play.done, value)
        return better

    def _show(self) -> None:
        if self.picture:
            self.folder.save_samples(self.play.done, self.play.sampler().sample(self.inputs), draw=self.picture)
        if self.play.done >= self.log_every or self.play.done == self.steps:
            self.folder.save_curves()

    def _save(self, best: bool = False) -> None:
        self.folder.save(self.play.done, self.snapshot(), best)

    def _stop(self, status: int) -> None:
        self._check()
        self._save()
        self._say(f"stopped after step {self.play.done} of {self.steps} and saved; to go on, resume {self.folder.path}")
        raise Interrupted(status)

    # NaN and infinity

    def _check_losses(self) -> None:
        bad = {name: int(step) for name, step in self.play.bad.items() if int(step)}
        if bad:
            name = min(bad, key=bad.get)
            raise self._failure(bad[name], name)

    def _check(self) -> None:
        """Raise unless everything is finite: what is not must not be shown, nor replace the last good checkpoint."""
        self._check_losses()
        for parameter in self.play.parameters():
            if not bool(array_module(parameter.data).isfinite(parameter.data).all()):
                raise self._failure(self.play.done, f"the parameter {parameter.name}")

    def _failure(self, step: int, what: str) -> TrainingError:
        """The error that says where the first number went wrong, and from where one can go on."""
        batch = self.play.batch if isinstance(self.play.batch, tuple) else (self.play.batch,)
        broken = [p.name for p in self.play.parameters() if not np.isfinite(to_numpy(p.data)).all()]
        data = " The last real batch is not finite either." if any(
            x.dtype.kind == "f" and not np.isfinite(to_numpy(x.data)).all() for x in batch) else ""
        now = f" By step {self.play.done} so are {len(broken)} parameters, {broken[0]} the first." if broken else ""
        return TrainingError(f"step {step}: {what} is NaN or infinite.{now}{data} {self._last_good()}; a smaller "
                             "learning rate, or tinygan.detect_anomaly() around a step, may help")

    def _last_good(self) -> str:
        last = self.folder.path / "last.npz"
        return f"The last good checkpoint is {last} (step {self.folder.load('last')[0]})" if last.exists() else \
            "There is no checkpoint yet"

    def _out_of_memory(self, error: MemoryError) -> TrainingError:
        """The error of a full device. Its memory is free afterwards: the step that failed leaves nothing behind."""
        where = self.gan.where["device"]
        left = memory_left(where)
        room = "" if left is None else f" (free: {left[0] / 2 ** 20:,.0f} of {left[1] / 2 ** 20:,.0f} MiB)"
        traceback.clear_frames(error.__traceback__)  # they hold the arrays of the step
        self.play.batch = None
        release_memory(where)
        good, saved = self._last_good(), (self.folder.path / "last.npz").exists()
        return TrainingError(f"after step {self.play.done}: out of memory on {where}: {str(error).rstrip('.')}{room}. "
                             f"{good}: {'resume it when there is more room; ' * saved}a new run with a batch size "
                             f"below {self.batches.batch_size} needs less")

    # State

    def snapshot(self) -> dict:
        """Everything that a resumed run needs."""
        return snapshot(play=self.play, batches=self.batches, trainer=self)

    def state_dict(self) -> dict:
        """Health, the best score, and the fixed noise of the sample pictures."""
        inputs = self.inputs if isinstance(self.inputs, tuple) else (self.inputs,)
        return {"health": self.health.state_dict(), "best": self.best, "inputs": [part.data for part in inputs]}

    def load_state_dict(self, state: dict) -> None:
        self.health.load_state_dict(state["health"])
        self.best = state["best"]
        inputs = tuple(self.gan.placed(array) for array in state["inputs"])
        self.inputs = inputs if isinstance(self.inputs, tuple) else inputs[0]

    # What is shown

    def _real_samples(self, n: int | None):
        """Real samples for the picture, from batches that the training will see all the same."""
        saved = self.batches.state_dict(), random.get_state()
        parts = [self.batches.next_batch()]
        n = n or (64 if (parts[0][0] if isinstance(parts[0], tuple) else parts[0]).ndim > 2 else 2000)
        while sum(map(len, (p[0] if isinstance(p, tuple) else p for p in parts))) < n:
            parts.append(self.batches.next_batch())
        self.batches.load_state_dict(saved[0])
        random.set_state(saved[1])
        if isinstance(parts[0], tuple):
            return tuple(Tensor(array_module(own[0]).concatenate(own)[:n]) for own in zip(*parts))
        return Tensor(array_module(parts[0]).concatenate(parts)[:n])

    def _settings_line(self) -> str:
        shown = ", ".join(f"{key} {value}" for key, value in self.gan.config.items())
        again = f", from step {self.play.done}" if self.play.done else ""
        averages = f"samples use averaged weights (EMA {self.gan.ema})" if self.play.averages else \
            "samples use raw weights"
        data = self.config.get("data", type(self.batches).__name__)
        return (f"{self.gan.name} on {data}: {self.steps} steps{again}, batch {self.batches.batch_size}, "
                f"seed {self.config['seed']}, {self.config['device']}; {shown}; {averages}; "
                f"run folder {self.folder.path}")

    def _say(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)


def _first(x) -> Tensor:
    return x[0] if isinstance(x, tuple) else x


__all__ = ["Trainer"]
