"""Numbers that say how good samples are: judges, statistics of features, scores of images, points and classes."""

from tinygan.metrics.classifier import Judge, JudgeNetwork, digit_classifier, judge
from tinygan.metrics.conditional import (ClassificationAccuracy, ClassLeakage, IntraFrechet, am_score, class_leakage,
                                         classification_accuracy_score, conditional_accuracy, confusion_matrix,
                                         intra_frechet)
from tinygan.metrics.evaluate import Evaluation, Score, evaluate
from tinygan.metrics.extractors import extractor_names, find_extractor
from tinygan.metrics.feature_cache import FeatureCache
from tinygan.metrics.frechet import fid, frechet_distance
from tinygan.metrics.image_quality import psnr, retrieval, separation_snr, sharpness
from tinygan.metrics.inception import InceptionV3
from tinygan.metrics.inception_score import InceptionScore, inception_score
from tinygan.metrics.kid import KID, kid, kid_blocks
from tinygan.metrics.mind import mind
from tinygan.metrics.modes import ModeCount, StackedModes, mode_count, stacked_modes
from tinygan.metrics.ms_ssim import IntraMSSSIM, intra_ms_ssim, ms_ssim
from tinygan.metrics.neighbours import PRDC, DensityCoverage, PrecisionRecall, density_coverage, prdc, precision_recall
from tinygan.metrics.path_length import LatentPaths, PathLength, perceptual_path_length
from tinygan.metrics.prd import PRD, prd, prd_curve
from tinygan.metrics.sample_set import SampleSet, sample_set
from tinygan.metrics.score_table import METRICS, Metric
from tinygan.metrics.scores import JudgeReport, class_counts, classes_present, confident_share, fid_j, judge_report
from tinygan.metrics.sliced import SWD, sliced_wasserstein, swd
from tinygan.metrics.statistics import Statistics, statistics
from tinygan.metrics.templates import TemplateJudge, nearest
from tinygan.metrics.vendi import vendi_score, vendi_score_of_similarity

__all__ = ["ClassLeakage", "ClassificationAccuracy", "DensityCoverage", "Evaluation", "FeatureCache", "InceptionScore",
           "InceptionV3", "IntraFrechet", "IntraMSSSIM", "Judge", "JudgeNetwork", "JudgeReport", "KID", "LatentPaths",
           "METRICS", "Metric", "ModeCount", "PRD", "PRDC", "PathLength", "PrecisionRecall", "SWD", "SampleSet",
           "Score", "StackedModes", "Statistics", "TemplateJudge", "am_score", "class_counts", "class_leakage",
           "classes_present", "classification_accuracy_score", "conditional_accuracy", "confident_share",
           "confusion_matrix", "density_coverage", "digit_classifier", "evaluate", "extractor_names", "fid", "fid_j",
           "find_extractor", "frechet_distance", "inception_score", "intra_frechet", "intra_ms_ssim", "judge",
           "judge_report", "kid", "kid_blocks", "mind", "mode_count", "ms_ssim", "nearest", "perceptual_path_length",
           "prd", "prd_curve", "prdc", "precision_recall", "psnr", "retrieval", "sample_set", "separation_snr",
           "sharpness", "sliced_wasserstein", "stacked_modes", "statistics", "swd", "vendi_score",
           "vendi_score_of_similarity"]
