"""Numbers that say how good samples are: the Frechet distance, the digit judge, and its report."""

from tinygan.metrics.frechet import frechet_distance, statistics

__all__ = ["frechet_distance", "statistics"]
