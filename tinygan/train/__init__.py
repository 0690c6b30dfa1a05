"""Training: the Trainer and its parts, run folders, checkpoints and sample grids."""
from tinygan.gans.base import evaluating
from tinygan.train.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from tinygan.train.health import Health, measure
from tinygan.train.images import grid, save_grid, save_png
from tinygan.train.load import load_gan
from tinygan.train.play import Play
from tinygan.train.run import RunFolder, RunFolderError, read_config, read_log
from tinygan.train.state import restore, sample, snapshot
from tinygan.train.stop import Interrupted, TrainingError
from tinygan.train.trainer import Trainer

__all__ = ["CheckpointError", "Health", "Interrupted", "Play", "RunFolder", "RunFolderError", "Trainer",
           "TrainingError", "evaluating", "grid", "load_checkpoint", "load_gan", "measure", "read_config", "read_log",
           "restore", "sample", "save_checkpoint", "save_grid", "save_png", "snapshot"]
