"""A run that was stopped goes on with the same bits: networks, optimisers, averages, state, counters, pictures."""
import json
import os
import signal

import numpy as np
import pytest

from tinygan import gans, nn, random
from tinygan.data import Batches, PointBatches, ring8
from tinygan.train import Interrupted, Trainer, load_checkpoint

IMAGES = np.random.default_rng(0).uniform(-1, 1, (36, 1, 8, 8)).astype(np.float32)


@pytest.fixture(autouse=True)
def _seed():
    before = random.get_state()
    yield
    random.set_state(before)


def everything(**settings):
    """Batch norm, spectral norm, dropout, averages, a lazy penalty and accumulated gradients in one GAN."""
    random.manual_seed(7)
    gan = gans.make("dcgan", (1, 8, 8), channels=2, z_dim=3, d_norm="spectral", ema=0.9, penalty="every(3, r1(1))",
                    accumulate=2, n_critic=2, lr=1e-2, **settings)
    gan.D.main.add_module("0", nn.Sequential(gan.D.main[0], nn.Dropout(0.3)))
    return gan, Batches(IMAGES, 5)


def with_state():
    random.manual_seed(7)
    return gans.make("began", (2,), hidden=(6,), lambda_k=0.1, ema=0.5), PointBatches(ring8, 8)


def lazily_clipped():
    random.manual_seed(7)
    return gans.make("wgan", (2,), hidden=(6,), g_norm="batch", penalty="every(2, gp(1))"), PointBatches(ring8, 8)


def flat(state, path=""):
    """{path: leaf} of a nested state."""
    if isinstance(state, dict):
        return {k: v for key, value in state.items() for k, v in flat(value, f"{path}/{key}").items()}
    if isinstance(state, (list, tuple)):
        return {k: v for i, value in enumerate(state) for k, v in flat(value, f"{path}/{i}").items()}
    return {path: state}


def run(build, folder, stop=None, resume=False):
    gan, batches = build()
    if resume:
        random.manual_seed(99)  # whatever the process did before: the checkpoint knows better
        for network in gan.modules().values():
            for parameter in network.parameters():
                parameter.assign(0.0)
        random.manual_seed(7)
    trainer = Trainer(gan, batches, 12, folder, resume=resume, log_every=2, sample_every=6, save_every=3, quiet=True,
                      score=lambda gan: float(gan.sample(4).mean()), score_every=5)
    if stop:
        play = trainer.play.step

        def stepping(watch):
            play(watch)
            if trainer.play.done == stop:
                os.kill(os.getpid(), signal.SIGINT)
        trainer.play.step = stepping
        with pytest.raises(Interrupted):
            trainer.run()
    else:
        trainer.run()
    return trainer


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Folders of runs that nothing stopped, made once each."""
    made = {}

    def get(build):
        if build not in made:
            made[build] = run(build, tmp_path_factory.mktemp("whole")).folder.path
        return made[build]
    return get


@pytest.mark.parametrize("build, stop", [(everything, 1), (everything, 5), (everything, 11), (with_state, 6),
                                         (lazily_clipped, 7)])
def test_stopped_and_resumed_ends_with_the_bits_of_an_undisturbed_run(tmp_path, undisturbed, build, stop):
    whole = undisturbed(build)
    run(build, tmp_path / "parts", stop=stop)
    run(build, tmp_path / "parts", resume=True)
    for name in ("last.npz", "best.npz"):
        states = [flat(load_checkpoint(folder / name)) for folder in (whole, tmp_path / "parts")]
        assert states[0].keys() == states[1].keys() and len(states[0]) > 30
        for path, value in states[0].items():
            assert np.array_equal(value, states[1][path], equal_nan=False), path
    logs = [[{k: v for k, v in record.items() if k != "seconds"} for record in records] for records in
            (read(tmp_path / "parts"), read(whole))]
    assert logs[0] == logs[1]
    for picture in ("samples/000006.png", "samples/000012.png"):
        assert (whole / picture).read_bytes() == (tmp_path / "parts" / picture).read_bytes()


def read(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_state_holds_what_it_must(tmp_path):
    run(everything, tmp_path)
    state = flat(load_checkpoint(tmp_path / "last.npz")["state"])
    for part in ("/play/gan/networks/D/main.2.weight_u", "/play/gan/networks/G/main.1.running_mean",
                 "/play/optimizers/D/state/0/exp_avg_sq", "/play/averages/G/module/main.0.weight",
                 "/play/gan/penalties/penalty/calls", "/random/counters/dropout", "/batches/position",
                 "/trainer/inputs/0"):
        assert part in state, sorted(state)
    # 12 steps of 2 critic updates on 2 batches each
    assert state["/play/gan/penalties/penalty/calls"] == 48 and state["/play/drawn"] == 12 * 4 * 5


def test_a_state_of_another_game_is_refused(tmp_path):
    trainer = run(with_state, tmp_path)
    state = trainer.play.state_dict()
    with pytest.raises(ValueError, match="expected a state of networks G, D with"):
        everything()[0].load_state_dict(state["gan"])
    state["optimizers"].pop("G")
    with pytest.raises(ValueError, match=r"resume: expected players \['D', 'G'\]"):
        trainer.play.load_state_dict(state)
