"""The table of all scores: what each needs, how it is called, what is better, and the function that computes it.

A score is one row of ``TABLE``. ``compute(real, fake, seed)`` gets two :class:`SampleSet` and returns one value for
each of its labels: a number, or a pair (mean, spread). The floor of a score is the same function with real samples in
the place of ``fake``. Where a definition varies between libraries, ``compute`` also takes the name of one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinygan.data import GaussianMixture
from tinygan.metrics.classifier import SIZES, judge
from tinygan.metrics.conditional import (am_score, class_leakage, classification_accuracy_score, conditional_accuracy,
                                         intra_frechet)
from tinygan.metrics.frechet import COMPAT as FID_COMPAT
from tinygan.metrics.frechet import fid, frechet_distance
from tinygan.metrics.image_quality import sharpness
from tinygan.metrics.inception_score import COMPAT as IS_COMPAT
from tinygan.metrics.inception_score import inception_score
from tinygan.metrics.kid import COMPAT as KID_COMPAT
from tinygan.metrics.kid import kid
from tinygan.metrics.mind import mind
from tinygan.metrics.modes import mode_count, stacked_modes
from tinygan.metrics.ms_ssim import intra_ms_ssim
from tinygan.metrics.neighbours import density_coverage, precision_recall
from tinygan.metrics.path_length import COMPAT as PPL_COMPAT
from tinygan.metrics.path_length import SETTINGS as PPL_SETTINGS
from tinygan.metrics.path_length import perceptual_path_length
from tinygan.metrics.prd import prd
from tinygan.metrics.scores import SHARE, THRESHOLD, classes_present, confident_share
from tinygan.metrics.sliced import DIRECTIONS, PATCHES, REPEATS, sliced_wasserstein, swd
from tinygan.metrics.vendi import vendi_score

LOWER, HIGHER, AS_REAL = "lower", "higher", "as the real ones"
PAIRS, CLASS_PAIRS = 1000, 100  # of images whose similarity is taken, in all and per class
SWD_IMAGES = 8192  # of each kind, as PGGAN has it
SPLITS, CLUSTERS, SUBSETS, SUBSET = 10, 20, 100, 1000

# What a row may need -> (what samples must be for it, what to say when they are not). "features" and "probabilities"
# are made by an extractor, the first also of points.
NEEDS = {
    "features": (lambda real, fake: True, ""),
    "probabilities": (lambda real, fake: fake.are_images, "it is for images (N, C, H, W), not for points"),
    "images": (lambda real, fake: fake.are_images, "it is for images (N, C, H, W), not for points"),
    "points": (lambda real, fake: not fake.are_images, "it is for points (N, D), not for images"),
    "mixture": (lambda real, fake: isinstance(real.mixture, GaussianMixture),
                "it is for points of a known mixture of Gaussians (ring8, grid25)"),
    "stacked": (lambda real, fake: fake.are_images and fake.shape[0] == 3 and fake.shape[2] in SIZES
                and (real.data or "").startswith("stacked "), "it is for stacked digits, against stacked data"),
    "labels": (lambda real, fake: fake.labels is not None,
               "it needs the classes of the samples: subfolders, or an array 'labels' in an .npz file"),
    "generator": (lambda real, fake: fake.paths is not None,
                  "it needs the generator of the samples, from one vector of noise to an image: evaluate a run; a "
                  "folder, a file or an array has none"),
    "real labels": (lambda real, fake: real.labels is not None and (
        real.classes == fake.classes or not (real.classes and fake.classes)),
        "it needs the classes of the reference too, with the same names"),
}


@dataclass(frozen=True)
class Metric:
    """One row: ``labels`` are what is printed, one for each value, with the extractor's suffix where there is one.

    needs: words of ``NEEDS``. better: for each value. settings: what else a value depends on, or a function of (real,
    fake, compat) that says it. least: samples needed in either set. alone: of one set, ``real`` plays no part. usual:
    computed when no metrics are named; judged: then only of a judge of the very data (its suffix is "_J"). compat: the
    libraries whose definition ``compute`` knows.
    """

    name: str
    labels: tuple
    better: tuple
    needs: tuple
    compute: Callable
    about: str
    settings: str | Callable = ""
    least: int = 2
    alone: bool = False
    usual: bool = False
    judged: bool = False
    compat: tuple = ()

    @property
    def extracted(self) -> bool:
        """Whether an extractor has to look at the samples first."""
        return "features" in self.needs or "probabilities" in self.needs

    def foreign(self, real, fake) -> str | None:
        """Why the metric is not for samples of this kind; None when it is."""
        return next((NEEDS[word][1] for word in self.needs if not NEEDS[word][0](real, fake)), None)

    def too_few(self, real, fake) -> str | None:
        """Why these samples are too few; None when they are not."""
        short = min([fake] if self.alone else [fake, real], key=len)
        if len(short) < self.least:
            return f"it needs at least {self.least} samples, got {len(short)} in {short.what}"
        return None

    def library(self, compat: str | None) -> str | None:
        """``compat`` where this row has it, else None: its own definition."""
        return compat if compat in self.compat else None

    def values(self, real, fake, seed: int, compat: str | None = None) -> tuple:
        """What ``compute`` returns, by the definition of ``compat`` where the row has it."""
        compat = self.library(compat)
        return self.compute(real, fake, seed, compat) if compat else self.compute(real, fake, seed)

    def described(self, real, fake, compat: str | None = None) -> str:
        """The settings as text."""
        compat = self.library(compat)
        text = self.settings(real, fake, compat) if callable(self.settings) else self.settings
        return ", ".join(filter(None, (text, compat and f"compat {compat}")))


# How the functions of this room are called for a row; those that need one line more have a name.

def _fid(real, fake, seed, compat=None):
    if compat:
        return (fid(real.features, fake.features, compat),)
    if min(len(real), len(fake)) <= real.features.shape[1]:
        return (fid(real.features, fake.features),)
    # as fid does it, with the reference's statistics out of their file
    return (frechet_distance(real.statistics.mean, real.statistics.covariance(),
                             fake.statistics.mean, fake.statistics.covariance()),)


def _fid_settings(real, fake, compat) -> str:
    singular = min(len(real), len(fake)) <= real.features.shape[1]
    return ", ".join(filter(None, ("ddof 0" if compat == "stylegan2-ada" else "ddof 1",
                                   singular and "no more samples than dimensions: large bias")))


def _subset(real, fake) -> int:
    return min(SUBSET, len(real), len(fake))


def _kid(real, fake, seed, compat=None):
    return (kid(real.features, fake.features, SUBSETS, _subset(real, fake), None if compat else seed, compat),)


def _ppl(real, fake, seed, compat=None):
    paths = fake.paths
    return (perceptual_path_length(paths.generate, lambda images: fake.extractor.scores(images)[1],
                                   paths.pairs(len(fake), seed), held=paths.held, seed=seed, compat=compat,
                                   interpolation=None if compat else paths.interpolation),)


def _ppl_settings(real, fake, compat) -> str:
    how = PPL_SETTINGS[compat]
    return ", ".join((f"{len(fake):,} pairs", how["interpolation"] if compat else fake.paths.interpolation,
                      how["sampling"], f"eps {how['eps']:g}", "unit features", "1 % to 99 %"))


def _equal(real, fake, most: int | None = None) -> tuple:
    """Both sets with the number of samples of the smaller one, at even distances, and at most ``most``."""
    n = min(len(real), len(fake), most or len(real))
    return tuple(one.take(np.arange(n) * len(one) // n) for one in (real, fake))


def _prd(real, fake, seed):
    real, fake = _equal(real, fake)  # the larger set would decide the clusters
    found = prd(real.features, fake.features, CLUSTERS, seed=seed)
    return found.f8, found.f_eighth


def _swd(real, fake, seed):
    real, fake = _equal(real, fake, SWD_IMAGES)
    return (swd(real.values, fake.values, seed=seed).mean,)


def _modes(real, fake, seed):
    found = mode_count(fake.values, real.mixture)
    return found.captured, found.high_quality


def _stacked(real, fake, seed):
    found = stacked_modes(fake.values, judge("digits", fake.shape[-1]))
    return found.captured, found.kl


TABLE = (
    Metric("fid", ("FID",), (LOWER,), ("features",), _fid, "Frechet distance of Gaussians fitted to the features",
           _fid_settings, usual=True, compat=tuple(FID_COMPAT)),
    Metric("kid", ("KID",), (LOWER,), ("features",), _kid, "unbiased MMD^2 with a cubic kernel, mean over subsets",
           lambda real, fake, compat: f"{SUBSETS} subsets of {_subset(real, fake):,}", usual=True,
           compat=KID_COMPAT),
    Metric("pr", ("precision", "recall"), (HIGHER, HIGHER), ("features",),
           lambda real, fake, seed: precision_recall(real.features, fake.features),
           "share of samples among the real ones, and of real ones among the samples", "k 3, <=", 4, usual=True),
    Metric("dc", ("density", "coverage"), (AS_REAL, HIGHER), ("features",),
           lambda real, fake, seed: density_coverage(real.features, fake.features),
           "as pr, robust against outliers", "k 5, <", 6, usual=True),
    Metric("is", ("IS",), (HIGHER,), ("probabilities",),
           lambda real, fake, seed, compat=None: (inception_score(fake.probabilities, SPLITS, compat=compat,
                                                                  seed=None if compat else seed),),
           "inception score: sure of every sample, and all classes alike",
           lambda real, fake, compat: f"{SPLITS} splits" + (", shuffled" if compat in (None, "torch-fidelity") else ""),
           SPLITS, alone=True, usual=True, compat=IS_COMPAT),
    Metric("confident", ("confident", "classes"), (HIGHER, HIGHER), ("probabilities",),
           lambda real, fake, seed: (confident_share(fake.probabilities), classes_present(fake.probabilities)),
           "share of samples the classifier is sure of, and number of classes seen",
           f"confidence > {THRESHOLD:g}, classes with >= {SHARE:.0%}", 1, alone=True, usual=True, judged=True),
    Metric("am", ("AM",), (LOWER,), ("probabilities",),
           lambda real, fake, seed: (am_score(real.probabilities, fake.probabilities),),
           "AM score: classes as in the data, and sure of every sample", "nats", 1),
    Metric("ppl", ("PPL",), (LOWER,), ("features", "images", "generator"), _ppl,
           "perceptual path length: how fast features change with the noise (of runs alone)", _ppl_settings, 1,
           alone=True, compat=PPL_COMPAT),
    Metric("prd", ("PRD F8", "PRD F1/8"), (HIGHER, HIGHER), ("features",), _prd,
           "recall and precision of the PRD curve", lambda real, fake, compat: f"{CLUSTERS} clusters, 10 runs, "
           f"{min(len(real), len(fake)):,} of each", CLUSTERS),
    Metric("mind", ("MIND",), (LOWER,), ("features",),
           lambda real, fake, seed: (mind(real.features, fake.features, seed=seed),),
           "sliced Wasserstein distance of the features, squared, x 3 D", "1,000 directions", 1),
    Metric("vendi", ("Vendi",), (HIGHER,), ("features",), lambda real, fake, seed: (vendi_score(fake.features),),
           "effective number of different samples", "cosine", 1, alone=True),
    Metric("sharpness", ("sharpness",), (AS_REAL,), ("images",),
           lambda real, fake, seed: (sharpness(real.values, fake.values),),
           "mean length of the gradients over that of the reference", least=1, usual=True),
    Metric("swd", ("SWD",), (LOWER,), ("images",), _swd,
           "sliced Wasserstein distance of image pyramids, x 1,000 (minutes from 4,000 images on)",
           lambda real, fake, compat: f"{PATCHES} patches 7x7 per image and level, {REPEATS * DIRECTIONS} directions, "
           f"{min(len(real), len(fake), SWD_IMAGES):,} of each"),
    Metric("ms-ssim", ("MS-SSIM",), (AS_REAL,), ("images",),
           lambda real, fake, seed: (intra_ms_ssim(fake.values, pairs=PAIRS, seed=seed).mean,),
           "similarity of random pairs, whatever their class: high is collapse", f"{PAIRS:,} pairs", alone=True),
    Metric("intra-ms-ssim", ("intra MS-SSIM",), (AS_REAL,), ("images", "labels"),
           lambda real, fake, seed: (intra_ms_ssim(fake.values, fake.labels, CLASS_PAIRS, seed=seed).mean,),
           "similarity of random pairs of one class: high is collapse", f"{CLASS_PAIRS} pairs per class", alone=True),
    Metric("accuracy", ("accuracy",), (HIGHER,), ("probabilities", "labels"),
           lambda real, fake, seed: (conditional_accuracy(fake.probabilities, fake.labels),),
           "share of samples that are of the class asked for", "", 1, alone=True),
    Metric("leakage", ("class leakage",), (LOWER,), ("probabilities", "labels"),
           lambda real, fake, seed: (class_leakage(fake.probabilities, fake.labels).share,),
           "share of samples with properties of another class", "own < 0.5, other > 0.25", 1, alone=True),
    Metric("intra-fid", ("intra FID",), (LOWER,), ("features", "labels", "real labels"),
           lambda real, fake, seed: (intra_frechet(real.features, real.labels, fake.features, fake.labels).mean,),
           "Frechet distance per class, mean over classes", "ddof 1"),
    Metric("cas", ("GAN-train", "GAN-test"), (HIGHER, HIGHER), ("images", "labels", "real labels"),
           lambda real, fake, seed: classification_accuracy_score(real.values, real.labels, fake.values, fake.labels,
                                                                  seed=seed),
           "accuracy on real images of a classifier trained on samples, and reversed (minutes)", "8 epochs"),
    Metric("modes", ("modes", "high quality"), (HIGHER, HIGHER), ("mixture",), _modes,
           "modes captured, and share of points within 3 sigma of one", least=1, alone=True, usual=True),
    Metric("sw", ("sliced W1",), (LOWER,), ("points",),
           lambda real, fake, seed: (sliced_wasserstein(real.values, fake.values, seed=seed),),
           "sliced Wasserstein distance of points", "200 directions", 1, usual=True),
    Metric("stacked", ("modes", "KL"), (HIGHER, LOWER), ("stacked",), _stacked,
           "classes captured of 1,000 stacked digits, and KL to all alike", "judge digits per channel", 1, alone=True,
           usual=True),
)
METRICS = {metric.name: metric for metric in TABLE}
LIBRARIES = tuple(sorted({name for metric in TABLE for name in metric.compat}))


def find_metric(name: str) -> Metric:
    """The row of a name. Raises ValueError with the nearest name."""
    if name not in METRICS:
        near = difflib.get_close_matches(name, METRICS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(METRICS)}"
        raise ValueError(f"metrics: unknown metric {name!r}; {hint}")
    return METRICS[name]


__all__ = ["LIBRARIES", "METRICS", "Metric", "TABLE", "find_metric"]
