"""Numbers that say how good samples are: the Frechet distance, a judge of digits, and its report on samples."""

from tinygan.metrics.classifier import Judge, JudgeNetwork, digit_classifier
from tinygan.metrics.frechet import frechet_distance, statistics
from tinygan.metrics.modes import ModeCount, StackedModes, mode_count, stacked_modes
from tinygan.metrics.scores import JudgeReport, class_counts, classes_present, confident_share, fid_j, judge_report

__all__ = ["Judge", "JudgeNetwork", "JudgeReport", "ModeCount", "StackedModes", "class_counts", "classes_present",
           "confident_share", "digit_classifier", "fid_j", "frechet_distance", "judge_report", "mode_count",
           "stacked_modes", "statistics"]
