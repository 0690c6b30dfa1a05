"""A finished or running run, read back: its GAN with the weights of a checkpoint, ready for sampling."""

from __future__ import annotations

from pathlib import Path

from tinygan import gans
from tinygan.train.checkpoint import CheckpointError, load_checkpoint
from tinygan.train.run import RunFolderError, read_config


def load_gan(folder, which: str = "last", raw: bool = False, device="cpu", gan=None):
    """The GAN of the run in ``folder``, from its checkpoint "last" or "best": ``load_gan(run).sample(64)``.

    Averaged weights where the run has them, unless ``raw``. gan: one to load into, for runs of networks that no recipe
    builds. Raises RunFolderError, CheckpointError and SettingError for what is not there.
    """
    settings = read_config(folder)["settings"]
    if gan is None:
        if not settings.get("shape"):
            raise RunFolderError(f"{folder}: expected a run of a recipe, got one of networks made by hand; pass gan=")
        gan = gans.make(settings["recipe"], settings["shape"], device, **settings["settings"])
    path = Path(folder) / f"{which}.npz"
    checkpoint = load_checkpoint(path)
    try:
        play = checkpoint["state"]["play"]
        gan.load_state_dict(play["gan"])
        if not raw:
            for role in gan.sampled if gan.ema else play["averages"]:
                getattr(gan, role).load_state_dict(play["averages"][role]["module"])
    # Another program's checkpoint lacks an entry, or has something else there: for the caller all are one.
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: expected a checkpoint of this run, got one of something else "
                              f"({type(error).__name__}: {error})") from error
    return gan


__all__ = ["load_gan"]
