"""Run folders as the commands read them: settings, log, figures. Nothing is changed."""

from __future__ import annotations

import json
import math
from pathlib import Path

from tinygan.train import RunFolderError, read_config, read_log

EVALUATION = "evaluation.json"  # in a run folder: the latest scores by `tinygan evaluate`
MAY_CHANGE = ("device", "steps")  # what a resumption may have set anew, and the next one goes on with


class Run:
    """A run folder. Raises RunFolderError when there is none, or its config.json or log.jsonl is damaged."""

    def __init__(self, folder):
        self.path = Path(folder)
        config = read_config(folder)
        self.versions, self.resumed = config["versions"], config["resumed"]
        self.settings = dict(config["settings"])
        for change in self.resumed[-1:]:  # each resumption notes all its differences from the beginning
            self.settings.update({key: value for key, value in change["settings"].items() if key in MAY_CHANGE})
        self.records = read_log(folder)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def last_step(self) -> int | None:
        """The last step in the log."""
        return self.records[-1]["step"] if self.records else None

    def values(self, key: str) -> list:
        """[(step, value)] of a quantity, where it was logged as a finite number."""
        return [(r["step"], r[key]) for r in self.records if isinstance(r.get(key), (int, float))
                and math.isfinite(r[key])]

    def last(self, key: str):
        """The last value of a quantity, None when there is none."""
        found = [r[key] for r in self.records if key in r]
        return found[-1] if found else None

    def scores(self):
        """(best score, its step, last score), None when nothing was scored."""
        found = self.values("score")
        if not found:
            return None
        step, best = max(found, key=lambda pair: (pair[1], -pair[0]))
        return best, step, found[-1][1]

    def evaluated(self) -> str | None:
        """The first score of the latest ``tinygan evaluate`` in a line, None when there is none.

        "FID_J: best 10.7 (step 200), last 12.3 (step 400), real 0.24". Raises RunFolderError for a damaged file.
        """
        path = self.path / EVALUATION
        if not path.is_file():
            return None
        try:
            return evaluation_line(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration) as error:
            raise RunFolderError(f"{path}: expected scores that `tinygan evaluate` wrote, got something else "
                                 f"({type(error).__name__}: {error})") from error

    def speed(self) -> float | None:
        """Real images (or points) per second since the run was begun or resumed last."""
        timed = [r for r in self.records if "seconds" in r and "images" in r]
        first = next((i for i in range(len(timed) - 1, 0, -1) if timed[i]["seconds"] < timed[i - 1]["seconds"]), 0)
        if len(timed) - first < 2:
            return None
        start, end = timed[first], timed[-1]
        seconds = end["seconds"] - start["seconds"]
        return (end["images"] - start["images"]) / seconds if seconds > 0 else None

    def last_line(self) -> str:
        """The last figures of a run in a line, empty when nothing was logged."""
        figures = [f"{key} {number(self.last(key))}" for key in ("d_loss", "g_loss", "diversity")
                   if self.last(key) is not None]
        scores = self.scores()
        if scores:
            figures.append(f"score {number(scores[2])} (best {number(scores[0])} at step {scores[1]}; "
                           f"{self.settings.get('score')})")
        health = self.last("health")
        return "; ".join([f"step {self.last_step}: " + ", ".join(figures)] + ([f"health: {health}"] if health else [])
                         ) if figures else ""


def runs_in(folder) -> list:
    """All runs directly in a folder, sorted by name; folders that are no runs are passed over."""
    folder, found = Path(folder), []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if (entry / "config.json").is_file():
            try:
                found.append(Run(entry))
            except RunFolderError:
                continue  # somebody else's config.json
    return found


def evaluation_line(document: dict) -> str:
    """The first score of what ``tinygan evaluate`` wrote about a run; see :meth:`Run.evaluated`."""
    scores = {name: {"step": found["step"], **found["scores"][0]} for name, found in document["checkpoints"].items()}
    figures = [f"{name} {number(score['value'])} (step {score['step']})" for name, score in scores.items()]
    one = next(iter(scores.values()))
    return f"{one['label']}: {', '.join(figures)}, real {number(one['floor'])}"


def number(value) -> str:
    """A figure as tables show it."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


__all__ = ["EVALUATION", "Run", "evaluation_line", "number", "runs_in"]
