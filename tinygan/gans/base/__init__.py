"""What the variants share: GAN, players and stages, settings, and contexts that leave no trace in training."""

from tinygan.gans.base.constraints import clip_weights
from tinygan.gans.base.energy import EnergyGAN
from tinygan.gans.base.gan import GAN, PRIORS, count, leaf
from tinygan.gans.base.modes import evaluating, untraced
from tinygan.gans.base.objective import Objective
from tinygan.gans.base.player import OPTIMIZERS, Player, Stage
from tinygan.gans.base.settings import SettingError, from_text, known_settings, plain, resolve

__all__ = ["EnergyGAN", "GAN", "OPTIMIZERS", "Objective", "PRIORS", "Player", "SettingError", "Stage", "clip_weights",
           "count", "evaluating", "from_text", "known_settings", "leaf", "plain", "resolve", "untraced"]
