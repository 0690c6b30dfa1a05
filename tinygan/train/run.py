"""The run folder: everything that a training run leaves behind, and what it takes to continue it.

    config.json     settings, versions, and what changed at each resumption
    log.jsonl       one JSON object per line, each with its "step"
    real.png        real images;  samples/*.png   samples after so many steps;  curves.png   the losses
    last.npz        the newest checkpoint;  best.npz   the best one
"""
import json
import math
import platform
import re
import warnings
from pathlib import Path

import numpy as np

from tinygan import plot
from tinygan.train.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from tinygan.train.files import atomic, is_leftover, reason
from tinygan.train.images import save_grid

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class RunFolderError(RuntimeError):
    """A run folder that cannot be used; the message names it, what was expected and what came."""


class RunFolder:
    """One training run's folder: settings, log, pictures and checkpoints.

    `path`: the folder; None makes `runs/<name>-<n>` with `config["name"]` and the next free n. `config`: the settings,
    a dict that JSON can hold, with the seed and the device in it. `resume`: continue the run in `path`: `state` and
    `step` are those of the checkpoint `last.npz` (None and 0 when the run ended before the first one), and the log is
    cut there. Settings named in `may_differ` may have changed since; others raise.

    Raises RunFolderError for a folder that holds another run or foreign files, for settings that differ, for a run to
    resume that is not there, and for a folder that cannot be written; CheckpointError for a damaged checkpoint.
    """

    def __init__(self, path, config, resume=False, may_differ=("device", "epochs")):
        settings = _plain(config)
        self.step, self.state = 0, None
        try:
            if path is None and not resume:
                path = _next_folder(settings.get("name", "run"))
            elif path is None:
                raise RunFolderError("resume: expected the folder of the run to resume, got none")
            self.path = Path(path)
            if resume:
                self._resume(settings, may_differ)
            else:
                self._create(settings)
            (self.path / "samples").mkdir(exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot use the run folder: {reason(error)}") from error

    def _create(self, settings):
        self.path.mkdir(parents=True, exist_ok=True)
        names = sorted(entry.name for entry in self.path.iterdir() if not is_leftover(entry.name))
        if "config.json" in names:
            differing = _differing(read_config(self.path)["settings"], settings)
            raise RunFolderError(f"{self.path}: expected a new or empty folder, got a run with "
                                 + (f"other settings ({differing})" if differing else "the same settings")
                                 + "; resume it or choose another folder")
        if names:
            raise RunFolderError(f"{self.path}: expected a new or empty folder, got one with {len(names)} other "
                                 f"entries ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})")
        self._write_config({"settings": settings, "versions": _versions(), "resumed": []})

    def _resume(self, settings, may_differ):
        config = read_config(self.path)
        before = config["settings"]
        changed = {key for key in before.keys() | settings.keys() if before.get(key) != settings.get(key)}
        differing = _differing(before, settings, may_differ)
        if differing:
            raise RunFolderError(f"{self.path}: expected the settings of the run to resume, got others ({differing})")
        if (self.path / "last.npz").exists():
            self.step, self.state = self.load("last")
        for entry in self.path.rglob(".*.tmp"):
            entry.unlink()
        versions = _versions()
        if versions != config["versions"]:
            warnings.warn(f"resume: the run was made with {config['versions']}, this is {versions}: the last bits may "
                          "differ from those of an uninterrupted run", stacklevel=4)
        config["resumed"].append({"step": self.step, "versions": versions,
                                  "settings": {key: settings.get(key) for key in sorted(changed)}})
        self._cut_log()
        self._write_config(config)

    def _write_config(self, config):
        with atomic(self.path / "config.json") as file:
            file.write((json.dumps(config, indent=2) + "\n").encode())

    def _cut_log(self):
        """Drop what was logged after the checkpoint: the resumed run logs it again."""
        path = self.path / "log.jsonl"
        if path.exists():
            kept = [line for record, line in _lines(self.path)
                    if self.state is not None and record["step"] <= self.step]
            with atomic(path) as file:
                file.write("".join(line + "\n" for line in kept).encode())

    def log(self, step, **values):
        """Append one record to the log: `step` and numbers or strings.

        Log a step before saving its checkpoint: a resumed run starts with the step after.
        """
        record = {"step": int(step)}
        for key, value in values.items():
            value = value.item() if hasattr(value, "item") else value
            if isinstance(value, float) and not math.isfinite(value):       # JSON has no NaN
                value = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            record[key] = value
        path = self.path / "log.jsonl"
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise RunFolderError(f"{path}: cannot write the log: {reason(error)}") from error

    def records(self):
        """Return the log as a list of dicts, NaN and infinity as floats."""
        return read_log(self.path)

    def save(self, step, state, best=False):
        """Write the checkpoint `last.npz`, and `best.npz` too when `best`; `state` as in `save_checkpoint`."""
        self.state = None                                # a resumed run's arrays are not needed any more
        # The best one first: killed between the two, the run is resumed from the earlier last one, and finds the same
        # best one again. The other way round it would believe that best.npz had been written.
        for name in ("best.npz", "last.npz")[not best:]:
            save_checkpoint(self.path / name, {"step": int(step), "state": state})

    def load(self, name="last"):
        """Return (step, state) of the checkpoint `name`: "last" or "best"."""
        path = self.path / f"{name}.npz"
        checkpoint = load_checkpoint(path)
        if not isinstance(checkpoint, dict) or checkpoint.keys() != {"step", "state"}:
            raise CheckpointError(f"{path}: expected a step and a state, got a checkpoint of something else")
        return checkpoint["step"], checkpoint["state"]

    def save_real(self, images, columns=None, draw=save_grid):
        """Write `real.png`: a grid of images (N, C, H, W) in [-1, 1], or what `draw(path, images, columns)` draws."""
        self._picture("real.png", lambda path: draw(path, images, columns))

    def save_samples(self, step, images, columns=None, draw=save_grid):
        """Write `samples/<step>.png`, as :meth:`save_real` does, of generated images."""
        self._picture(f"samples/{step:06d}.png", lambda path: draw(path, images, columns))

    def save_curves(self, keys=None):
        """Write `curves.png` from the log: the losses, or the quantities in `keys`."""
        def draw(path):
            with atomic(path) as file:
                plot.curves(self.records(), file, keys)
        self._picture("curves.png", draw)

    def _picture(self, name, draw):
        try:
            draw(self.path / name)
        except OSError as error:
            raise RunFolderError(f"{self.path / name}: cannot write the picture: {reason(error)}") from error


def read_config(folder):
    """Return what config.json in a run folder holds: {"settings": ..., "versions": ..., "resumed": [...]}.

    Raises RunFolderError when there is none, or something else.
    """
    path = Path(folder) / "config.json"
    if not path.exists():
        raise RunFolderError(f"{folder}: expected a run to resume, got no config.json there")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        config["settings"].keys(), config["versions"], config["resumed"].append
        return config
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{path}: expected the settings of a run, got something else "
                             f"({type(error).__name__}: {error})") from error


def read_log(folder):
    """Return the log of a run folder as a list of dicts, NaN and infinity as floats; empty when there is none yet.

    Raises RunFolderError for a damaged log.
    """
    return [{key: NOT_FINITE.get(value, value) if isinstance(value, str) else value for key, value in record.items()}
            for record, _ in _lines(folder)]


def _lines(folder):
    """Yield (record, line) of a log, but a last line that a killed process left unfinished."""
    path = Path(folder) / "log.jsonl"
    if not path.exists():
        return
    *lines, rest = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["step"] + 0
        except (ValueError, KeyError, TypeError) as error:
            raise RunFolderError(f'{path}: expected a JSON object with a "step" in line {number}, got '
                                 f"{line[:60]!r}") from error
        yield record, line


def _plain(config):
    """Return the settings as JSON will give them back: tuples become lists."""
    try:
        return json.loads(json.dumps(config, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f"RunFolder: expected settings that JSON can hold, got {config!r} ({error})") from error


def _differing(before, now, may_differ=()):
    """Return the settings that differ, as text; empty when none does. Of a dict, only the entries that differ."""
    missing = object()

    def differences(before, now, place):
        for key in sorted(before.keys() | now.keys()):
            there, here = before.get(key, missing), now.get(key, missing)
            if isinstance(there, dict) and isinstance(here, dict):
                yield from differences(there, here, f"{place}{key}.")
            elif there != here and place + key not in may_differ:
                there, here = ("'absent'" if value is missing else repr(value) for value in (there, here))
                yield f"{place}{key}: {there} there, {here} here"
    return ", ".join(differences(before, now, ""))


def _next_folder(name):
    """Make and return `runs/<name>-<n>`, where n is one more than the largest there is."""
    runs = Path("runs")
    runs.mkdir(exist_ok=True)
    while True:
        numbers = [int(match[1]) for match in (re.fullmatch(re.escape(name) + r"-(\d+)", entry.name)
                                               for entry in runs.iterdir()) if match]
        folder = runs / f"{name}-{max(numbers, default=0) + 1}"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue                                     # another process was quicker


def _versions():
    from importlib.metadata import PackageNotFoundError, version
    try:
        own = version("tinygan")
    except PackageNotFoundError:
        own = "not installed"
    return {"python": platform.python_version(), "numpy": np.__version__, "tinygan": own}
