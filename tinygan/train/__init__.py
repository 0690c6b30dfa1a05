"""Run folders, checkpoints and sample grids."""
from tinygan.train.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from tinygan.train.images import grid, save_grid, save_png
from tinygan.train.run import RunFolder, RunFolderError

__all__ = ["CheckpointError", "RunFolder", "RunFolderError", "grid", "load_checkpoint", "save_checkpoint", "save_grid",
           "save_png"]
