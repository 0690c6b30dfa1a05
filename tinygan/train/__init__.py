"""Run folders, checkpoints and sample grids."""
from tinygan.train.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from tinygan.train.images import grid, save_grid, save_png
from tinygan.train.run import RunFolder, RunFolderError
from tinygan.train.state import evaluating, restore, sample, snapshot

__all__ = ["CheckpointError", "RunFolder", "RunFolderError", "evaluating", "grid", "load_checkpoint", "restore",
           "sample", "save_checkpoint", "save_grid", "save_png", "snapshot"]
