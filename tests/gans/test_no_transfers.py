"""An iteration on a device (a strict stand-in for CuPy) copies its batches there, and nothing else to or from it."""
import numpy as np
import pytest

from tinygan import gans
from tinygan.backend import to_device
from tinygan.data import Batches, Prefetch
from tinygan.testing.samples import as_tensors, table
from tinygan.train import Play, Trainer, measure

IMAGES = np.random.default_rng(0).uniform(-1, 1, (24, 1, 8, 8)).astype(np.float32)
BATCH = IMAGES[:4].nbytes
SMALL = {"channels": 2, "hidden": (4,), "z_dim": 3}


def smallest(name):
    """The recipe for 8 x 8 images with the smallest networks that its settings allow."""
    settings = gans.find(name).resolved(IMAGES.shape[1:])
    return gans.make(name, IMAGES.shape[1:], device="cuda",
                     **{key: value for key, value in SMALL.items() if key in settings})


@pytest.mark.parametrize("name", sorted(gans.RECIPES))
def test_a_step_of_a_recipe_copies_its_batches_and_never_waits(cupy_standin, name):
    play = Play(smallest(name), Batches(IMAGES, 4, device="cuda"), 60)
    for _ in range(2):  # in the first step constants go to the device, once
        play.step(watch=True)
    counters, drawn = cupy_standin.counters, play.drawn
    counters.reset()
    play.step(watch=True)
    measure(play.gan, play.batch)
    assert counters.uploaded == [BATCH] * ((play.drawn - drawn) // 4) != []
    assert (counters.downloads, counters.synchronizations) == (0, 0)


def test_the_trainer_waits_when_it_writes_its_log_and_only_then(cupy_standin, tmp_path):
    with Prefetch(Batches(IMAGES, 4, device="cuda")) as batches:
        trainer = Trainer(smallest("dcgan"), batches, 12, tmp_path / "run", log_every=5, sample_every=12, quiet=True)
        step, seen = trainer.play.step, []

        def counted(watch):
            seen.append((cupy_standin.counters.synchronizations, cupy_standin.counters.downloads))
            step(watch)
        trainer.play.step = counted
        cupy_standin.counters.reset()
        trainer.run()
        waits, downloads = np.diff(seen, axis=0).T
        # steps 5 and 10 end with a record: the step of the first NaN (one flag per loss) and the figures are read
        logged = np.isin(np.arange(1, 12), (5, 10))
        assert (waits[~logged] == 0).all() and (waits[logged] > 0).all()
        assert (downloads == 0).all()


def test_batches_are_the_only_copies_of_a_run_and_come_from_the_prefetching_thread(cupy_standin, tmp_path):
    with Prefetch(Batches(IMAGES, 4, device="cuda")) as batches:
        play = Trainer(smallest("dcgan"), batches, 19, tmp_path / "run", quiet=True).play
        play.step()
        cupy_standin.counters.reset()
        for _ in range(18):
            play.step()
    found = cupy_standin.counters.uploaded
    # 6 batches an epoch; of those made ahead (two at most) some may have been copied before the count began
    assert set(found) == {BATCH} and 18 - 2 <= len(found) <= 18 + 2
    assert cupy_standin.counters.synchronizations == 0


def test_operations_copy_what_follows_from_shapes_once(cupy_standin):
    operations = [s for s in table() if s.op in ("interpolate", "avg_pool1d", "avg_pool2d", "avg_pool3d", "affine_grid",
                                                 "adaptive_avg_pool2d", "adaptive_max_pool2d", "einsum")]
    assert len(operations) > 40
    for sample in operations:
        inputs = as_tensors([to_device(a, "cuda") for a in sample.arrays(memory="C")])
        sample.f(*inputs)
        cupy_standin.counters.reset()
        sample.f(*inputs)
        assert cupy_standin.counters.uploaded == [], sample
