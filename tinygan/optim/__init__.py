"""Optimisers with PyTorch's arithmetic, schedules, clipping, simultaneous steps, and moving averages of weights."""

from tinygan.optim.adagrad import Adagrad
from tinygan.optim.adam import Adam, AdamW
from tinygan.optim.ema import EMA
from tinygan.optim.gradients import (accumulate, clip_grad_norm, clip_grad_norm_, clip_grad_value, clip_grad_value_,
                                     get_total_norm)
from tinygan.optim.optimizer import Optimizer, minimize
from tinygan.optim.rmsprop import RMSprop
from tinygan.optim.schedules import (CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, LRScheduler, MultiStepLR,
                                     StepLR)
from tinygan.optim.sgd import SGD

__all__ = ["Adagrad", "Adam", "AdamW", "CosineAnnealingLR", "EMA", "ExponentialLR", "LRScheduler", "LambdaLR",
           "LinearLR", "MultiStepLR", "Optimizer", "RMSprop", "SGD", "StepLR", "accumulate", "clip_grad_norm",
           "clip_grad_norm_", "clip_grad_value", "clip_grad_value_", "get_total_norm", "minimize"]
