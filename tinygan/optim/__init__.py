"""Optimisers with PyTorch's arithmetic, simultaneous steps, and moving averages of weights."""

from tinygan.optim.adam import Adam
from tinygan.optim.ema import EMA
from tinygan.optim.optimizer import Optimizer, minimize
from tinygan.optim.rmsprop import RMSprop
from tinygan.optim.sgd import SGD

__all__ = ["Adam", "EMA", "Optimizer", "RMSprop", "SGD", "minimize"]
