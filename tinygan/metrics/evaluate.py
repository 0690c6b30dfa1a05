"""evaluate: scores of samples by their full names, each beside the score of real samples in their place."""

from __future__ import annotations

import math
import platform
import sys
from dataclasses import asdict, dataclass

import numpy as np

from tinygan.data import Points
from tinygan.metrics.classifier import undisturbed_streams
from tinygan.metrics.extractors import Coordinates, extractor_names, find_extractor, usual_extractor
from tinygan.metrics.feature_cache import FeatureCache
from tinygan.metrics.sample_set import SampleSet, sample_set
from tinygan.metrics.score_table import LIBRARIES, TABLE, find_metric
from tinygan.metrics.scores import HALVES

FORMAT, VERSION = "tinygan evaluation", 1
MOST = 10000  # samples asked of a function when nobody says how many
QUANTISATION = "uint8, rint(127.5 (x + 1))"


@dataclass(frozen=True)
class Score:
    """One number: ``name`` says everything it depends on; ``floor`` is that of real samples in the samples' place.

    metric, label: "kid" and "KID_J"; a metric may have several labels. spread: the standard deviation that belongs to
    a mean, else None. floor_name: which real samples the floor is of. better: "lower", "higher" or "as the real ones".
    """

    metric: str
    label: str
    name: str
    value: float
    spread: float | None
    floor: float | None
    floor_spread: float | None
    floor_name: str | None
    better: str


@dataclass(frozen=True)
class Evaluation:
    """What :func:`evaluate` found; ``str()`` is a table, ``found["FID_J"]`` the value of a label.

    settings: what was compared (numbers, shapes, SHA-256), with which extractor and seed, by which versions. skipped:
    {metric: why it was left out}, of those nobody had named.
    """

    scores: tuple
    settings: dict
    skipped: dict

    def __getitem__(self, label: str) -> float:
        return self.score(label).value

    def score(self, label: str) -> Score:
        """The score with a label, such as "FID_J". Raises KeyError."""
        for score in self.scores:
            if score.label == label:
                return score
        raise KeyError(f"expected one of {', '.join(score.label for score in self.scores)}, got {label!r}")

    def to_dict(self) -> dict:
        """Everything, as JSON can hold it; :meth:`from_dict` is its inverse."""
        return {"format": FORMAT, "version": VERSION, **self.settings,
                "scores": [{key: _plain(value) for key, value in asdict(score).items()} for score in self.scores],
                "skipped": self.skipped}

    @classmethod
    def from_dict(cls, values: dict) -> Evaluation:
        """The evaluation behind :meth:`to_dict`. Raises ValueError for anything else."""
        if not isinstance(values, dict) or (values.get("format"), values.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"Evaluation.from_dict: expected {FORMAT!r}, version {VERSION}, got {str(values)[:60]}")
        rest = {key: value for key, value in values.items() if key not in ("format", "version", "scores", "skipped")}
        scores = tuple(Score(**{key: float(value) if value in ("nan", "inf", "-inf") else value
                                for key, value in score.items()}) for score in values["scores"])
        return cls(scores, rest, values["skipped"])

    def __str__(self) -> str:
        rows = [("score", "value", "real", "better")]
        rows += [(s.name, _shown(s.value, s.spread), _shown(s.floor, s.floor_spread), s.better) for s in self.scores]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines += dict.fromkeys(f"real: {s.floor_name}" for s in self.scores if s.floor_name)
        return "\n".join(lines + [f"left out: {name}: {why}" for name, why in self.skipped.items()])


def evaluate(samples, reference, metrics=None, extractor=None, *, real=None, n: int | None = None,
             compat: str | None = None, cache=None, seed: int = 0, device="cpu", progress: bool = False) -> Evaluation:
    """Scores of samples against a reference, each beside its floor: ``print(evaluate("samples/", "real.npz"))``.

    samples, reference: whatever :func:`sample_set` reads (arrays uint8 or in [-1, 1], points, paths, data sets,
    functions). n: how many samples to use (default: all; of a function as many as the reference has, at most 10,000).
    metrics: names out of ``METRICS`` (default: the usual ones that apply). extractor: an object or a name (default: the
    packaged judge of the reference's data set and size; points are their own features).
    real: other real samples, none of them in the reference. As many of them as there are samples take the samples'
    place for the floor, so that score and floor have the same bias. Without them, every other sample of the reference
    does, against the rest: a little too high, as the sets are smaller.
    compat: the library (torch-fidelity, ...) whose definition and random stream the scores take that have it.
    cache: a :class:`FeatureCache` (default: that in the user's cache folder) or False. seed: for random subsets and
    directions. progress: show bars. Random streams are left as they are. Raises ValueError (DataError for files) for
    samples that cannot be compared, unknown names, and metrics that were named and do not apply.
    """
    fake, known, other = _sets(samples, reference, real, n)
    chosen, skipped = _chosen(metrics, known, fake, extractor)
    _check_compat(compat, chosen)
    found = None
    if any(metric.extracted for metric in chosen):
        found = _extractor(extractor, known, fake, chosen, device)
        if metrics is None:
            chosen = [metric for metric in chosen if found.suffix == "_J" or not metric.judged]
        cache = FeatureCache(keep=False) if cache is False else FeatureCache() if cache is None else cache
        # scores of one set alone do not need the reference, unless their floor is taken from it
        needed = other is None or any(metric.extracted and not metric.alone for metric in chosen)
        _look(found, cache, {"samples": fake, "reference": known if needed else None, "real": other}, progress)
        if known.are_images and len(known) > found.dim and any(metric.name == "fid" for metric in chosen):
            known.statistics = cache.statistics(known, found)  # the same for every evaluation, so worth a file
    scores = []
    with undisturbed_streams():
        for metric in _bar(chosen, "scores", " scores", progress):
            scores += _scores(metric, found, known, fake, _floor(metric, known, fake, other), seed, compat)
    settings = {"samples": fake.about(), "reference": known.about(), "real": other and other.about(),
                "extractor": found and {"name": found.name, "fingerprint": found.fingerprint, "dim": found.dim},
                "seed": seed, "compat": compat, "quantisation": QUANTISATION if fake.are_images else None,
                "versions": _versions()}
    return Evaluation(tuple(scores), settings, skipped)


def _sets(samples, reference, real, n: int | None) -> tuple:
    """(samples, reference, other real samples or None); a function is asked for as many as there are of the others."""
    known = None if _is_function(reference) else sample_set(reference, name="reference")
    if n is None and _is_function(samples):
        n = MOST if known is None else min(len(known), MOST)
    fake = sample_set(samples, n, name="samples")
    with undisturbed_streams():
        known = sample_set(reference, len(fake), name="reference") if known is None else known
        real = reference if real is None and isinstance(reference, Points) else real
        other = None if real is None else sample_set(real, len(fake) if _is_function(real) else None, name="real")
    for one in (known, other):
        if one is not None and one.shape != fake.shape:
            raise ValueError(f"evaluate: expected samples and real ones of one shape, got {fake.shape} in {fake.what} "
                             f"and {one.shape} in {one.what}")
    if other is not None and len(other) > len(fake):
        other = sample_set(other, len(fake))
    return fake, known, other


def _chosen(names, known: SampleSet, fake: SampleSet, extractor) -> tuple:
    """(rows of the table, {name: why not}): those named, which have to apply, or the usual ones that do."""
    if names is None:
        # No extractor is looked for where a judge would be the wrong one: points, and stacked digits.
        special = not fake.are_images or extractor is None and not find_metric("stacked").foreign(known, fake)
        # What is not for such samples is not worth a line; what they are too few for is.
        reasons = {row: row.too_few(known, fake) for row in TABLE
                   if row.usual and not row.foreign(known, fake) and not (special and row.extracted)}
        return ([row for row, why in reasons.items() if why is None],
                {row.name: why for row, why in reasons.items() if why})
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise ValueError("metrics: expected at least one name, got none")
    rows = [find_metric(name) for name in dict.fromkeys(names)]
    for metric in rows:
        why = metric.foreign(known, fake) or metric.too_few(known, fake)
        if why:
            raise ValueError(f"{metric.name}: {why}")
    return rows, {}


def _extractor(given, known: SampleSet, fake: SampleSet, chosen, device):
    """The extractor object for what was given. Raises ValueError when nothing was and no judge is known to fit."""
    if not fake.are_images:
        return Coordinates(fake.shape[0])
    if given is None:
        given = usual_extractor(known.data, fake.shape)
        if given is None:
            needing = ", ".join(metric.name for metric in chosen if metric.extracted)
            free = ", ".join(row.name for row in TABLE if not row.extracted and not row.foreign(known, fake))
            raise ValueError(f"extractor: expected one for images of shape {fake.shape} ({known.what}), for which no "
                             f"judge is packaged; name one of {', '.join(extractor_names())} instead, or in place of "
                             f"{needing} metrics that need none: {free}")
    found = find_extractor(given, device) if isinstance(given, str) else given
    if not found.suffix and any(metric.name == "ppl" for metric in chosen):
        raise ValueError(f"ppl: expected a judge, in whose features it is PPL_J, got {found.name}; published ones are "
                         "measured with LPIPS on VGG16, which tinygan does not have")
    return found


def _check_compat(compat: str | None, chosen) -> None:
    if compat is not None and compat not in LIBRARIES:
        raise ValueError(f"compat: expected one of {', '.join(LIBRARIES)}, got {compat!r}")
    if compat and not any(compat in metric.compat for metric in chosen):
        having = ", ".join(row.name for row in TABLE if compat in row.compat)
        raise ValueError(f"compat: expected a metric with a definition by {compat} ({having}), got "
                         f"{', '.join(metric.name for metric in chosen)}")


def _look(extractor, cache: FeatureCache, sets: dict, progress: bool) -> None:
    """Let the extractor look at all sets; points, which are their own features, need no file."""
    for name, one in sets.items():
        if one is None:
            continue
        one.extractor = extractor
        if not one.are_images:
            one.probabilities, one.features = extractor.scores(one.values)
            continue
        with _bar(None, f"features of {name}", " images", progress, len(one)) as bar:
            cache.look(one, extractor, bar.update)


def _floor(metric, known: SampleSet, fake: SampleSet, other: SampleSet | None) -> tuple:
    """(real samples in the place of ``fake``, what they are compared with)."""
    if other is not None:
        return other, known
    if metric.alone:
        return sample_set(known, min(len(known), len(fake))), known
    left, right = (known.take(half) for half in HALVES)
    return sample_set(left, min(len(left), len(fake))), right


def _scores(metric, extractor, known, fake, floor: tuple, seed: int, compat: str | None) -> list:
    """The scores of one row of the table."""
    values = metric.values(known, fake, seed, compat)
    left, right = floor
    floors, floor_name = [None] * len(values), None
    if not (metric.foreign(right, left) or metric.too_few(right, left)):
        floors = metric.values(right, left, seed, compat)
        floor_name = f"{len(left):,} of {left.what}" + ("" if metric.alone else f" / {len(right):,} of {right.what}")
    suffix = extractor.suffix if metric.extracted else ""
    how = "; ".join(filter(None, (extractor.name if metric.extracted else "", _pixels(metric, fake, compat),
                                  metric.described(known, fake, compat))))
    counts = f"{len(fake):,} {fake.what}" + ("" if metric.alone else f" / {len(known):,} {known.what}")
    how = f"[{how}] " if how else " "
    return [Score(metric.name, label + suffix, f"{label}{suffix}{how}{counts}", *_number(value), *_number(base),
                  floor_name, better)
            for label, better, value, base in zip(metric.labels, metric.better, values, floors)]


def _pixels(metric, fake: SampleSet, compat: str | None) -> str:
    if not fake.are_images:
        return ""
    # steps of a path are far smaller than a grey level
    return "float" if "generator" in metric.needs and metric.library(compat) != "torch-fidelity" else "uint8"


def _number(value) -> tuple:
    """(value, spread or None) of what a row computed."""
    if value is None or np.ndim(value) == 0:
        return None if value is None else float(value), None
    return float(value[0]), float(value[1])


def _shown(value, spread) -> str:
    return "-" if value is None else f"{value:.4g}" + ("" if spread is None else f" +- {spread:.2g}")


def _plain(value):
    """A number as JSON can hold it: there is no NaN in JSON."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _is_function(source) -> bool:
    return callable(source) and not hasattr(source, "shape")


def _bar(items, what: str, unit: str, progress: bool, total: int | None = None):
    from tqdm import tqdm
    return tqdm(items, desc=what, unit=unit, total=total, disable=not progress, leave=False)


def _versions() -> dict:
    return {"tinygan": sys.modules["tinygan"].__version__, "numpy": np.__version__,
            "python": platform.python_version()}


__all__ = ["Evaluation", "Score", "evaluate"]
