"""The Trainer: what a run leaves behind, how it ends when something is wrong, and that it costs no memory."""
import gc
import json
import os
import signal as signals
import threading

import numpy as np
import pytest

from tinygan import gans, random
from tinygan.data import Batches, PointBatches, ring8
from tinygan.gans import GAN
from tinygan.testing import live_objects
from tinygan.train import CheckpointError, Interrupted, Play, RunFolderError, Trainer, TrainingError, load_gan


@pytest.fixture(autouse=True)
def _seed():
    before = random.get_state()
    random.manual_seed(0)
    yield
    random.set_state(before)


def small(name="gan", **settings):
    return gans.make(name, (2,), **{"hidden": (6,), "z_dim": 2, **settings})


def trainer(folder, gan=None, steps=6, **options):
    options = {"log_every": 2, "sample_every": 3, "quiet": True, **options}
    return Trainer(gan or small(), PointBatches(ring8, 8), steps, folder, **options)


def files(folder):
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_what_a_run_leaves_behind(tmp_path):
    scores = iter([1.0, 5.0, 3.0])
    done = trainer(tmp_path, score=lambda gan: next(scores), score_every=2, config={"data": "ring8"}).run()
    assert files(tmp_path) == {"config.json", "log.jsonl", "real.png", "curves.png", "last.npz", "best.npz",
                               "samples/000003.png", "samples/000006.png"}
    config = json.loads((tmp_path / "config.json").read_text())["settings"]
    assert config["recipe"] == "gan" and config["shape"] == [2] and config["data"] == "ring8" and config["seed"] == 0
    assert config["settings"]["lr"] == 2e-4 and config["settings"]["hidden"] == [6] and config["steps"] == 6
    records = done.folder.records()
    assert [r["step"] for r in records if "d_loss" in r] == [2, 4, 6]
    assert {"images", "d_loss", "g_loss", "d_gradient", "g_gradient", "d_real", "d_fake", "diversity", "health",
            "seconds"} < set(records[0])
    assert [(r["step"], r["score"]) for r in records if "score" in r] == [(2, 1.0), (4, 5.0), (6, 3.0)]
    assert done.folder.load("best")[0] == 4 and done.folder.load("last")[0] == 6


def test_what_is_printed(tmp_path, capsys):
    trainer(tmp_path, small(ema=0.9), quiet=False).run()
    captured = capsys.readouterr()
    first, last = captured.out.strip().splitlines()
    assert first.startswith("gan on PointBatches: 6 steps, batch 8, seed 0, cpu; hidden [6], ")
    assert "penalty none" in first and "averaged weights (EMA 0.9)" in first and str(tmp_path) in first
    assert last == f"samples, curves and checkpoints are in {tmp_path}"
    assert "d_loss" in captured.err and "images/s" in captured.err
    trainer(tmp_path / "quiet").run()
    assert capsys.readouterr() == ("", "")


def test_images_make_grids(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (32, 1, 8, 8)).astype(np.float32)
    Trainer(gans.make("dcgan", (1, 8, 8), channels=2, z_dim=3), Batches(images, 8), 2, tmp_path, quiet=True).run()
    from PIL import Image
    with Image.open(tmp_path / "real.png") as real, Image.open(tmp_path / "samples/000002.png") as fake:
        assert real.size == fake.size == (82, 82)  # 64 images of 8 pixels, lines of 2 pixels between them


def test_previews_scores_and_health_do_not_disturb_the_training(tmp_path):
    def ended(folder, **options):
        random.manual_seed(0)
        return trainer(folder, small(d_norm="batch"), **options).run().gan.state_dict()["networks"]
    plain = ended(tmp_path / "a", log_every=6, sample_every=6)
    busy = ended(tmp_path / "b", log_every=1, sample_every=1,
                 score=lambda gan: gan.D(gan.G(gan.noise(4))).numpy().sum())
    for role in plain:
        for key, value in plain[role].items():
            assert (value == busy[role][key]).all()


def test_a_callback_sees_the_same_draws_every_time(tmp_path):
    seen = []
    trainer(tmp_path, small(lr=0.0), score=lambda gan: seen.append(gan.sample(3)) or 0.0, score_every=1).run()
    assert len(seen) == 6 and all((sample == seen[0]).all() for sample in seen)


def test_nan_in_a_loss_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path):
    gan = small()
    loss = gan.g_loss
    gan.g_loss = lambda x: loss(x) * (float("nan") if gan.step == 4 else 1.0)
    run = trainer(tmp_path, gan, steps=20)
    with pytest.raises(TrainingError) as error:
        run.run()
    message = str(error.value)
    assert "step 5: g_loss is NaN or infinite" in message and "parameters, MLP" in message
    assert f"last good checkpoint is {tmp_path / 'last.npz'} (step 3)" in message
    assert all(np.isfinite(v).all() for v in run.folder.load("last")[1]["play"]["gan"]["networks"]["G"].values())


def test_a_parameter_that_is_not_finite_is_never_saved(tmp_path):
    run = trainer(tmp_path, log_every=100, sample_every=1, steps=3)
    run.gan.after_update = lambda player: run.gan.G.main[0].weight.assign(np.inf) \
        if (run.gan.step, player.name) == (1, "G") else None
    with pytest.raises(TrainingError, match=r"step 2: the parameter MLPGenerator.main.0.weight is NaN.*\(step 1\)"):
        run.run()
    assert run.folder.load("last")[0] == 1


def test_nan_in_the_data_is_said_to_be_in_the_data(tmp_path):
    class Broken(PointBatches):
        def next_batch(self):
            return super().next_batch() * np.float32("nan")
    run = Trainer(small(), Broken(ring8, 8), 4, tmp_path, log_every=1, quiet=True)
    run.picture = None
    with pytest.raises(TrainingError, match="step 1: d_loss is NaN.*real batch is not finite.*no checkpoint yet"):
        run.run()


@pytest.mark.parametrize("number, status", [(signals.SIGINT, 130), (signals.SIGTERM, 143)])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, capsys, number, status):
    gan = small()
    gan.after_update = lambda player: os.kill(os.getpid(), number) if (gan.step, player.name) == (3, "D") else None
    before = signals.getsignal(number)
    run = trainer(tmp_path, gan, quiet=False)
    with pytest.raises(Interrupted) as exit_:
        run.run()
    assert exit_.value.code == status and isinstance(exit_.value, SystemExit)
    assert f"stopped after step 4 of 6 and saved; to go on, resume {tmp_path}" in capsys.readouterr().out
    assert run.folder.load("last")[0] == 4  # D's half of the step was not cut off
    assert signals.getsignal(number) is before


def test_a_second_signal_interrupts_at_once(tmp_path):
    gan = small()
    gan.after_update = lambda player: [os.kill(os.getpid(), signals.SIGINT) for _ in range(2)]
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, gan).run()


def test_a_trainer_works_in_another_thread(tmp_path):
    run = trainer(tmp_path)
    thread = threading.Thread(target=run.run)
    thread.start()
    thread.join()
    assert run.play.done == 6


def test_other_settings_and_other_networks_are_refused(tmp_path):
    trainer(tmp_path).run()
    with pytest.raises(RunFolderError, match="expected the settings of the run to resume, got others .*0.0002"):
        trainer(tmp_path, small(lr=1e-3), resume=True)
    with pytest.raises(RunFolderError, match="resume it or choose another folder"):
        trainer(tmp_path)
    with pytest.raises(ValueError, match="expected numbers of steps of at least 1"):
        trainer(tmp_path / "b", steps=0)


def test_a_finished_run_can_be_made_longer(tmp_path):
    trainer(tmp_path).run()
    longer = trainer(tmp_path, steps=8, resume=True).run()
    assert longer.play.done == 8 and [r["step"] for r in longer.folder.records()] == [2, 4, 6, 8]


def test_loading_a_run_for_sampling(tmp_path):
    run = trainer(tmp_path, small(ema=0.5)).run()
    z = run.gan.noise(5, "preview")
    assert (load_gan(tmp_path).sample(z) == run.sampler().sample(z)).all()
    assert (load_gan(tmp_path, raw=True).sample(z) == run.gan.sample(z)).all()
    assert (load_gan(tmp_path).sample(z) != load_gan(tmp_path, raw=True).sample(z)).any()
    with pytest.raises(CheckpointError, match="best.npz"):
        load_gan(tmp_path, "best")
    with pytest.raises(RunFolderError, match="no config.json"):
        load_gan(tmp_path / "nothing")


def test_a_run_of_networks_made_by_hand(tmp_path):
    run = trainer(tmp_path, GAN(small().G, small().D)).run()
    with pytest.raises(RunFolderError, match="expected a run of a recipe.* pass gan="):
        load_gan(tmp_path)
    again = load_gan(tmp_path, gan=GAN(small().G, small().D))
    z = run.gan.noise(5, "preview")
    assert (again.sample(z) == run.gan.sample(z)).all()


@pytest.mark.parametrize("name, settings", [("wgan-gp", {}), ("rpgan-r1-r2", {"d_norm": "spectral"}),
                                            ("began", {}), ("infogan", {"ema": 0.9}),
                                            ("gan", {"simultaneous": True, "accumulate": 2})])
def test_memory_is_constant_over_steps(tmp_path, name, settings):
    """With the collector off: nothing of a step is left behind, in cycles or otherwise."""
    play = Play(small(name, **settings), PointBatches(ring8, 8), 20)
    for _ in range(3):
        play.step(watch=True)
    gc.collect()
    gc.disable()
    try:
        before = live_objects()
        for _ in range(12):
            play.step(watch=True)
        assert live_objects() == before
    finally:
        gc.enable()
