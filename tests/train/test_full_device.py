"""Memory that runs out is one clear message, and the run goes on from its last checkpoint when there is room."""
import weakref

import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import PointBatches, ring8
from tinygan.train import Trainer, TrainingError, load_checkpoint


@pytest.fixture(autouse=True)
def _seed():
    before = random.get_state()
    yield
    random.set_state(before)


def trainer(folder, device, resume=False):
    random.manual_seed(3)
    gan = gans.make("gan", (2,), hidden=(6,), z_dim=2, device=device)
    return Trainer(gan, PointBatches(ring8, 8, device=device), 6, folder, resume=resume, log_every=2, save_every=2,
                   sample_every=6, quiet=True)


def failing(run, step, error):
    """Let ``run`` raise ``error`` in the middle of this step, when D has moved and G has not."""
    player, optimizer = run.play.seats[-1]
    gradients = optimizer.gradients

    def full(loss):
        if run.play.done == step - 1:
            raise error
        return gradients(loss)
    optimizer.gradients = full


@pytest.mark.standin
def test_a_full_gpu_says_what_was_asked_what_is_free_and_where_to_go_on(tmp_path, cupy_standin, monkeypatch):
    released = []
    monkeypatch.setattr(cupy_standin._pool, "free_all_blocks", lambda: released.append(True), raising=False)
    full = trainer(tmp_path / "a", "cuda")
    failing(full, 5, cupy_standin.cuda.memory.OutOfMemoryError(5 * 2 ** 30, 2 ** 30))
    with pytest.raises(TrainingError) as caught:
        full.run()
    assert str(caught.value) == (
        "after step 4: out of memory on cuda:0: Out of memory allocating 5,368,709,120 bytes (allocated so far: "
        "1,073,741,824 bytes) (free: 3,072 of 4,096 MiB). The last good checkpoint is "
        f"{tmp_path / 'a' / 'last.npz'} (step 4): resume it when there is more room; a new run with a batch size below "
        "8 needs less")
    assert released
    trainer(tmp_path / "a", "cuda", resume=True).run()
    trainer(tmp_path / "whole", "cuda").run()
    ends = [load_checkpoint(tmp_path / name / "last.npz")["state"]["play"]["gan"]["networks"]
            for name in ("a", "whole")]
    for role in ends[0]:
        assert all(np.array_equal(value, ends[1][role][name]) for name, value in ends[0][role].items())


def test_nothing_is_saved_yet_and_the_host_is_full(tmp_path):
    full = trainer(tmp_path / "a", "cpu")
    failing(full, 1, np._core._exceptions._ArrayMemoryError((2 ** 20, 2 ** 20), np.dtype(np.float32)))
    with pytest.raises(TrainingError, match=r"^after step 0: out of memory on cpu: Unable to allocate 4\.00 TiB .*float"
                                            r"32\. There is no checkpoint yet: a new run with a batch size below 8"):
        full.run()


def test_the_arrays_of_the_failed_step_are_given_back(tmp_path):
    full, kept = trainer(tmp_path / "a", "cpu"), []
    loss = full.play.seats[-1][0].loss

    def watched(batch):
        value = loss(batch)
        kept.append(weakref.ref(value.data))
        if full.play.done == 2:
            raise MemoryError("no room")
        return value
    object.__setattr__(full.play.seats[-1][0], "loss", watched)
    with pytest.raises(TrainingError) as caught:
        full.run()
    assert caught.value.__cause__ is not None and kept[-1]() is None
