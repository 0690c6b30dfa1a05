"""A run moves between the CPU and a GPU (a strict stand-in for CuPy): nothing of its state is lost, and it goes on."""
import numpy as np
import pytest

from tinygan import gans, random
from tinygan.backend import device_of, is_array, to_device, to_numpy
from tinygan.data import Batches
from tinygan.tensor import Tensor
from tinygan.train import Trainer, load_checkpoint

IMAGES = np.random.default_rng(0).uniform(-1, 1, (36, 1, 8, 8)).astype(np.float32)
STEPS, HALF = 6, 3


@pytest.fixture(autouse=True)
def _seed():
    before = random.get_state()
    yield
    random.set_state(before)


@pytest.fixture
def same_draws(monkeypatch):
    """Draws for a device are made on the host: generators differ between devices, and this is about the state."""
    for name in ("normal", "uniform", "bernoulli", "integers"):
        def drawn(*args, own=getattr(random, name), device="cpu", **kwargs):
            return to_device(own(*args, **kwargs), device)
        monkeypatch.setattr(random, name, drawn)


def trainer(folder, device, steps, resume=False):
    """Averages, batch norm, spectral norm, Adam's moments and a lazy penalty, in float64."""
    random.manual_seed(7)
    gan = gans.make("dcgan", (1, 8, 8), channels=2, z_dim=3, d_norm="spectral", ema=0.9, penalty="every(2, r1(1))",
                    lr=1e-2).to(device).to(np.float64)
    batches = Batches(IMAGES.astype(np.float64), 5, device=device)
    return Trainer(gan, batches, steps, folder, resume=resume, log_every=3, sample_every=6, save_every=3, quiet=True)


def arrays_of(state) -> list:
    """Every array in a nested state."""
    if isinstance(state, Tensor):
        return [state.data]
    if is_array(state):
        return [state]
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, (list, tuple)) else ()
    return [array for part in parts for array in arrays_of(part)]


def leaves(state, path="") -> dict:
    """{path: value} of a nested state, arrays on the host."""
    if isinstance(state, dict):
        return {k: v for key, part in state.items() for k, v in leaves(part, f"{path}/{key}").items()}
    if isinstance(state, (list, tuple)):
        return {k: v for i, part in enumerate(state) for k, v in leaves(part, f"{path}/{i}").items()}
    return {path: to_numpy(state) if is_array(state) else state}


@pytest.mark.parametrize("first, then", [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_run_continues_on_the_other_device(tmp_path, cupy_standin, same_draws, first, then):
    trainer(tmp_path / "whole", first, STEPS).run()
    before = trainer(tmp_path / "parts", first, HALF).run()
    saved = leaves(load_checkpoint(tmp_path / "parts" / "last.npz")["state"])
    after = trainer(tmp_path / "parts", then, STEPS, resume=True)
    resumed = leaves(after.snapshot())
    # weights, buffers, moments, averages, random streams, the position in the data: the same bits
    assert resumed.keys() == saved.keys() and len(saved) > 40
    assert all(np.array_equal(value, resumed[path]) for path, value in saved.items())
    assert before.play.parameters()[0].device == first and after.play.parameters()[0].device == then
    for part in (after.play.averages["G"].module.parameters(), after.gan.D.buffers()):
        assert part and all(value.device == then for value in part)
    moments = arrays_of([optimizer.state_dict()["state"] for _, optimizer in after.play.seats])
    assert moments and all(device_of(array) == then for array in moments if array.ndim)
    after.run()
    ends = [leaves(load_checkpoint(tmp_path / folder / "last.npz")["state"]) for folder in ("whole", "parts")]
    for path, value in ends[0].items():
        if isinstance(value, float) or isinstance(value, np.ndarray) and value.dtype.kind == "f":
            # the kernels of the devices add in another order: rounding of float64, which three steps of Adam, whose
            # first steps have the size of the learning rate whatever the gradient, enlarge by a few digits
            np.testing.assert_allclose(ends[1][path], value, rtol=1e-7, atol=1e-8, err_msg=path)
        else:
            assert np.array_equal(ends[1][path], value), path
