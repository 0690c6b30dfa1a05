"""tinygan evaluate: runs, folders and files; the command and the function give the same numbers; one line per error."""
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tinygan import random
from tinygan.cli import evaluating
from tinygan.cli.runs import EVALUATION
from tinygan.data import embedded_mnist, image_folder, resize, ring8, scale
from tinygan.metrics import METRICS, FeatureCache, evaluate, extractor_names, sample_set
from tinygan.train import load_checkpoint, save_checkpoint

SMALL = ["--quiet", "--device", "cpu"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder with digits of the test set as ok.npy (60), two arrays in two.npz, labels in labelled.npz."""
    folder, data = tmp_path_factory.mktemp("digits"), embedded_mnist("test")
    np.save(folder / "ok.npy", data.images[:60])
    np.savez(folder / "two.npz", a=data.images[:20], b=data.images[20:40])
    np.savez(folder / "labelled.npz", images=data.images[:60], labels=data.labels[:60])
    np.save(folder / "points.npy", np.float32(np.random.default_rng(0).normal(0, 1, (50, 2))))
    for name, size in (("mixed", 20), ("pictures", 28)):
        (folder / name).mkdir()
        for index in range(6):
            Image.fromarray(data.images[index, 0, :size if index == 5 else 28]).save(folder / name / f"{index}.png")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def scores(tinygan):
    """``scores(words)``: {label: score} of a command's JSON, and the command."""
    def ask(*words):
        done = tinygan("evaluate", *words, *SMALL, "--json", "out.json")
        assert (done.status, done.err) == (0, ""), done.err
        with open("out.json", encoding="utf-8") as file:
            return json.load(file), done
    return ask


def test_the_command_and_the_function_say_the_same(scores, digits, tmp_path):
    train, test = embedded_mnist("train"), embedded_mnist("test")
    document, done = scores(digits / "ok.npy", "--real", "embedded", "--metrics", "fid,pr,is,sharpness")
    found = evaluate(test.images[:60], sample_set(test, what="embedded heldout"), ("fid", "pr", "is", "sharpness"),
                     real=sample_set(train, what="embedded train"), cache=FeatureCache(tmp_path / "cache"))
    figures = [(score["label"], score["value"], score["floor"]) for score in document["scores"]]
    assert figures == [(score.label, score.value, score.floor) for score in found.scores]
    assert [line.split("  ")[0] for line in done.out.splitlines()[1:6]] == [s["name"] for s in document["scores"]]
    assert "FID_J[judge digits-28; uint8; ddof 1, no more samples than dimensions: large bias] 60 ok.npy / 2,000 " \
        "embedded heldout" in done.out
    assert "real: 60 of embedded train / 2,000 of embedded heldout" in done.out
    again, _ = scores(digits / "ok.npy", "--real", "embedded", "--metrics", "fid,pr,is,sharpness", "--no-cache")
    assert again == document


def test_the_samples_of_a_run_are_those_that_sample_writes(tinygan, scores, runs, tmp_path):
    shutil.copytree(runs["images"], "images")  # other tests look at the run, where the scores will be
    document, done = scores("images", "--metrics", "sharpness", "-n", 300, "--seed", 2)
    assert set(document["checkpoints"]) == {"last"} and "with raw weights of checkpoint 'last'" in done.out
    kept = json.loads((tmp_path / "images" / EVALUATION).read_text())
    assert kept == document
    assert tinygan("sample", "images", "-n", 300, "--seed", 2, "--out", "a.npy").status == 0
    assert tinygan("sample", "images", "-n", 300, "--seed", 2, "--out", "pictures").status == 0
    for form in ("a.npy", "pictures"):
        other, _ = scores(form, "--real", "embedded", "--metrics", "sharpness", "--seed", 2)
        assert [s["value"] for s in other["scores"]] == [s["value"] for s in document["checkpoints"]["last"]["scores"]]
        assert other["samples"]["sha256"] == document["checkpoints"]["last"]["samples"]["sha256"]
    assert "300 images last / 2,000 embedded heldout 8x8" in done.out  # another size than the set's own is named


def test_best_and_last_checkpoint_of_a_run_of_points(tinygan, scores, runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(runs["points"], run)
    steps = {name: load_checkpoint(run / f"{name}.npz")["step"] for name in ("best", "last")}
    document, done = scores(run, "-n", 400)
    found = document["checkpoints"]
    assert {name: entry["step"] for name, entry in found.items()} == steps
    assert [s["label"] for s in found["last"]["scores"]] == ["modes", "high quality", "sliced W1"]
    assert found["last"]["scores"][0]["floor"] == 8 and "with EMA (0.9) weights" in done.out
    assert tinygan("sample", run, "-n", 400, "--out", "a.npy").status == 0
    random.manual_seed(0)
    direct = evaluate(np.load("a.npy"), ring8)
    assert [s["value"] for s in found["last"]["scores"]][:2] == [direct["modes"], direct["high quality"]]
    raw, _ = scores(run, "-n", 400, "--raw", "--checkpoint", "last")
    assert set(raw["checkpoints"]) == {"last"} and "raw" in raw["checkpoints"]["last"]["weights"]
    assert raw["checkpoints"]["last"]["samples"]["sha256"] != found["last"]["samples"]["sha256"]
    # the same step: one evaluation under both names
    checkpoint = load_checkpoint(run / "last.npz")
    save_checkpoint(run / "best.npz", checkpoint)
    both, done = scores(run, "-n", 100)
    assert both["checkpoints"]["best"]["scores"] == both["checkpoints"]["last"]["scores"]
    assert "checkpoint 'best' and 'last' of" in done.out and done.out.count("sliced W1") == 1


def test_scores_of_runs_are_shown_by_list_compare_and_report(tinygan, runs, tmp_path):
    for name in ("images", "plain"):
        shutil.copytree(runs[name], tmp_path / "runs" / name)
    path = tmp_path / "runs" / "images" / EVALUATION
    assert "evaluated" not in tinygan("list").out
    assert tinygan("evaluate", "runs/images", *SMALL, "-n", 20, "--metrics", "sharpness").status == 0
    score = json.loads(path.read_text())["checkpoints"]["last"]["scores"][0]
    line = f"sharpness: last {score['value']:.4g} (step 2), real {score['floor']:.4g}"
    assert [text for text in tinygan("list").out.splitlines() if text.startswith("dcgan ")][0].endswith(line)
    assert tinygan("evaluate", "runs/images", *SMALL, "-n", 20, "--metrics", "sharpness").out.splitlines()[-1] == \
        f"{line}; runs/images/{EVALUATION}"
    assert line in tinygan("compare", "runs/images", "runs/plain").out
    assert tinygan("report", "runs/images", "--out", "r.html").status == 0 and line in (tmp_path / "r.html").read_text()
    path.write_text("{}")
    done = tinygan("list")
    assert done.status == 1 and "expected scores that `tinygan evaluate` wrote" in done.err


def test_a_run_on_a_folder_is_compared_with_its_held_out_images(tinygan, scores, words, tmp_path):
    (tmp_path / "data").mkdir()
    images = embedded_mnist("test").images
    for index in range(36):
        Image.fromarray(images[index, 0, : 20 + index % 3]).save(tmp_path / "data" / f"{index:02}.png")  # of many sizes
    options = [word if word != "embedded" else tmp_path / "data" for word in words.images]
    done = tinygan("train", "dcgan", *options, "--image-channels", 1, "--steps", 1, "--quiet", "--out", "run")
    assert done.status == 0, done.err
    document, done = scores("run", "--metrics", "sharpness")
    held_out = image_folder(tmp_path / "data", 8, 1).images[5::6]
    last = document["checkpoints"]["last"]
    assert last["reference"]["sha256"] == sample_set(held_out).digest and last["samples"]["n"] == 6
    done = tinygan("evaluate", "run", *SMALL)
    assert done.status == 2 and "no judge is packaged" in done.err and len(done.err.splitlines()) == 1


@pytest.mark.parametrize("recipe, held", [("infogan", 12), ("dcgan", 0), ("bs-gan", 196)])
def test_path_length_and_a_library_for_a_run_of_any_recipe(tinygan, scores, recipe, held, monkeypatch, cupy_standin):
    asked, usual = [], evaluating.latent_paths
    monkeypatch.setattr(evaluating, "latent_paths", lambda *words: asked.append(usual(*words)) or asked[-1])
    small = ["hidden=4,"] if recipe == "bs-gan" else ["channels=2"]
    done = tinygan("train", recipe, "--data", "embedded", "--size", 14, "--batch-size", 4, "--device", "cpu", "--set",
                   *small, "z_dim=3", "--steps", 1, "--no-score", "--quiet", "--out", "run")
    assert done.status == 0, done.err
    document, _ = scores("run", "--metrics", "fid,is,ppl", "-n", 40, "--compat", "torch-fidelity", "--seed", 5)
    found = document["checkpoints"]["last"]
    assert [score["label"] for score in found["scores"]] == ["FID_J", "IS_J", "PPL_J"] and asked[0].held == held
    assert all(score["name"].split("]")[0].endswith("compat torch-fidelity") for score in found["scores"])
    assert "uint8; 40 pairs, lerp, end" in found["scores"][2]["name"]
    own, done = scores("run", "--metrics", "ppl", "-n", 40)
    length = own["checkpoints"]["last"]["scores"][0]
    assert length["floor"] is None and "; float; 40 pairs, slerp, full, eps 0.0001" in length["name"]
    assert length["value"] >= 0 and "real -" in done.out  # grey images have no features: 0
    assert scores("run", "--metrics", "ppl", "-n", 40)[0] == own
    # the first ends of the ways are the noise that the samples were made of, codes and all
    images = asked[-1].generate(asked[-1].pairs(40, 0)[0])
    assert sample_set(images).digest == own["checkpoints"]["last"]["samples"]["sha256"]
    done = tinygan("evaluate", "run", "--metrics", "ppl", "-n", 10, "--device", "cuda", "--quiet")
    assert (done.status, done.err) == (0, "") and "PPL_J[" in done.out


def test_a_set_is_brought_to_the_size_of_the_samples_and_judged_there(scores, digits, tmp_path):
    small = resize(embedded_mnist("test").images[:60], 14)
    np.save("small.npy", scale(small))
    document, _ = scores("small.npy", "--real", "embedded", "--metrics", "fid")
    assert document["extractor"]["name"] == "judge digits-14"
    assert "2,000 embedded heldout 14x14" in document["scores"][0]["name"]


def test_files_folders_labels_and_floors(scores, digits):
    document, _ = scores(f"{digits / 'two.npz'}:b", "--real", digits / "ok.npy", "--floor", f"{digits / 'two.npz'}:a",
                         "--metrics", "sharpness,swd")
    assert document["real"]["n"] == 20 and "20 two.npz:b / 60 ok.npy" in document["scores"][1]["name"]
    document, _ = scores(digits / "pictures", "--real", "embedded", "--metrics", "pr", "-n", 5)
    assert document["samples"]["what"] == "pictures/" and document["samples"]["n"] == 5
    document, _ = scores(digits / "labelled.npz", "--real", "embedded", "--metrics", "accuracy", "--split", "train")
    assert document["reference"]["what"] == "embedded train" and document["real"]["what"] == "embedded heldout"
    assert document["scores"][0]["value"] > 0.9


def test_all_metrics_and_extractors_are_listed(tinygan):
    done = tinygan("evaluate", "--list-metrics")
    assert done.status == 0
    assert [line.split()[0].rstrip("*") for line in done.out.splitlines()[1:-1]] == list(METRICS)
    assert all(name in " ".join(tinygan("evaluate", "--help").out.split()).replace("- ", "-") for name in
               extractor_names())


@pytest.mark.parametrize("words, status, message", [
    ([], 2, "evaluate: expected a run folder, a folder of pictures or a file, got none"),
    (["{}/ok.npy"], 2, "ok.npy, which is no run"),
    (["runs/x"], 2, "got runs/x, where there is nothing"),
    (["runs/x", "--real", "embedded"], 1, "got runs/x (no such file or folder)"),
    (["{}/empty", "--real", "embedded"], 1, "expected images (.bmp"),
    (["{}/mixed", "--real", "embedded"], 1, "got grey 28 x 28 in 0.png and grey 28 x 20 in 5.png"),
    (["{}/two.npz", "--real", "embedded"], 1, "expected one array of samples in"),
    (["{}/ok.npy", "--real", "embeded"], 2, "got 'embeded'; did you mean 'embedded'?"),
    (["{}/ok.npy", "--real", "ring8"], 2, "of one shape, got (1, 28, 28) in ok.npy and (2,) in ring8"),
    (["{}/points.npy", "--real", "embedded"], 2, "--real embedded: expected square images"),
    (["{}/points.npy", "--real", "ring8", "--split", "test"], 2, "expected a data set with splits, got ring8"),
    (["{}/ok.npy", "--real", "{}/two.npz:a", "--split", "test"], 2, "--split: expected a data set with splits"),
    (["{}/ok.npy", "--real", "{}/two.npz:a"], 2, "for which no judge is packaged; name one of digits-28"),
    (["{}/ok.npy", "--real", "embedded", "--metrics", "fid,kit"], 2, "unknown metric 'kit'; did you mean 'kid'?"),
    (["{}/ok.npy", "--real", "embedded", "--metrics", "stacked"], 2, "stacked: it is for stacked digits"),
    (["{}/ok.npy", "--real", "embedded", "--metrics", "ppl"], 2, "ppl: it needs the generator of the samples"),
    (["{}/pictures", "--real", "embedded", "--metrics", "ppl"], 2, "evaluate a run; a folder, a file or an array has"),
    (["{}/ok.npy", "--real", "embedded", "--metrics", "pr", "--compat", "clean-fid"], 2, "by clean-fid (kid), got pr"),
    (["{}/ok.npy", "--real", "embedded", "--compat", "keras"], 2, "argument --compat: invalid choice: 'keras'"),
    (["{}/ok.npy", "--real", "embedded", "--extractor", "digit-28"], 2, "did you mean 'digits-28'?"),
    (["{}/ok.npy", "--real", "embedded", "--extractor", "fashion-14"], 2, "judge fashion-14: expected images"),
    (["{}/ok.npy", "--real", "embedded", "--extractor", "inception"], 1, "expected the weights pt_inception-2015"),
    (["{}/ok.npy", "--real", "embedded", "-n", "61"], 2, "samples: expected at least 61 samples, got 60 in ok.npy"),
    (["{}/ok.npy", "--real", "embedded", "-n", "1"], 2, "argument -n: expected a whole number of at least 2"),
    (["{}/ok.npy", "--real", "embedded", "--raw"], 2, "evaluate: expected a run for --checkpoint and --raw"),
    (["{}/ok.npy", "--real", "embedded", "--device", "gpu"], 2, "expected 'cpu', 'cuda'"),
])
def test_whatever_goes_wrong_is_one_line(tinygan, digits, tmp_path, words, status, message):
    done = tinygan("evaluate", *(word.format(digits) for word in words), "--quiet")
    assert done.status == status, done.err
    assert len(done.err.splitlines()) == 1 and message in done.err, done.err
    assert not (tmp_path / "cache" / "tinygan" / "features").exists()


def test_runs_that_cannot_be_evaluated(tinygan, runs, tmp_path):
    shutil.copytree(runs["plain"], tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    (tmp_path / "run" / "best.npz").unlink(missing_ok=True)
    done = tinygan("evaluate", "run", "--checkpoint", "best", *SMALL)
    assert done.status == 1 and "best.npz: cannot read the checkpoint" in done.err
    (tmp_path / "run" / "last.npz").write_bytes(b"")
    done = tinygan("evaluate", "run", *SMALL)
    assert done.status == 1 and "last.npz: expected a tinygan checkpoint" in done.err
    for change, status, message in [({"shape": None}, 1, "got one of networks made by hand"),
                                    ({"data": None}, 2, "expected --real, as this run does not say")]:
        config["settings"].update(change)
        (tmp_path / "run" / "config.json").write_text(json.dumps(config))
        done = tinygan("evaluate", "run", *SMALL)
        assert done.status == status and message in done.err and len(done.err.splitlines()) == 1
        config["settings"]["shape"] = [2]
    assert not (tmp_path / "run" / EVALUATION).exists()


def test_a_gpu_gives_the_same_scores(scores, tinygan, digits, runs, cupy_standin):
    """On the strict stand-in for CuPy: the judge and the generator run there, the scores are those of the CPU."""
    words = [digits / "ok.npy", "--real", digits / "labelled.npz", "--extractor", "digits-28", "--no-cache",
             "--metrics", "fid,pr,is,sharpness"]
    expected, _ = scores(*words)
    for more in (["--device", "cuda"], []):
        done = tinygan("evaluate", *words, "--quiet", "--json", "gpu.json", *more)
        assert (done.status, done.err) == (0, ""), done.err
        with open("gpu.json", encoding="utf-8") as file:
            found = json.load(file)
        for one, other in zip(found["scores"], expected["scores"]):
            # float32 features, summed in another order
            assert one["value"] == pytest.approx(other["value"], rel=1e-4, abs=1e-6)
    shutil.copytree(runs["points"], "run")  # other tests look at the run, where the scores will be
    done = tinygan("evaluate", "run", "--device", "cuda", "--quiet", "-n", 30)
    assert (done.status, done.err) == (0, ""), done.err
