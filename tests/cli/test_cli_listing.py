"""list and info; the table in README.md."""
import re
import shutil
from pathlib import Path

import pytest

from tinygan import gans
from tinygan.cli.listing import markdown, rows

README = Path(__file__).resolve().parents[2] / "README.md"


def test_every_recipe_has_one_row(tinygan):
    done = tinygan("list")
    header, *lines = done.out.splitlines()
    assert done.status == 0 and header.split() == ["recipe", "paper", "arXiv", "loss", "penalty", "networks", "data",
                                                   "best", "score", "last", "score"]
    assert sorted(line.split()[0] for line in lines) == sorted(gans.RECIPES)
    found = {row[0]: row for row in rows()}
    assert found["wgan-gp"][1:] == ("Gulrajani et al. 2017", "1704.00028", "wasserstein", "gp(weight=10)", "dcgan",
                                    "embedded")
    assert found["began"][3] == "its own"


def test_scores_of_runs_on_the_default_data_are_shown(tinygan, runs, tmp_path, monkeypatch):
    recipe = gans.RECIPES["gan"]
    monkeypatch.setitem(gans.RECIPES, "gan", gans.Recipe(**{**vars(recipe), "data": "ring8"}))
    shutil.copytree(runs["points"], tmp_path / "runs" / "gan-1")
    (tmp_path / "runs" / "gan-1" / "log.jsonl").write_text(
        '{"step": 1, "score": 0.25}\n{"step": 2, "score": 0.75}\n{"step": 3, "score": "NaN"}\n'
        '{"step": 4, "score": 0.5}\n')
    shutil.copytree(runs["plain"], tmp_path / "runs" / "wgan-gp-1")  # not its default data
    (tmp_path / "runs" / "other").mkdir()
    (tmp_path / "runs" / "other" / "config.json").write_text("{}")
    lines = {line.split()[0]: line.split()[-2:] for line in tinygan("list").out.splitlines()}
    assert lines["gan"] == ["0.75", "0.5"] and lines["wgan-gp"] == ["-", "-"]
    assert {line.split()[0]: line.split()[-2:] for line in tinygan("list", "--runs", "none").out.splitlines()}[
        "gan"] == ["-", "-"]


def test_the_table_in_the_readme_is_that_of_the_registry(tinygan):
    assert tinygan("list", "--markdown").out == markdown() + "\n"
    found = re.search(r"<!-- recipes -->\n(.*?)\n<!-- /recipes -->", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "README.md: expected the markers <!-- recipes --> and <!-- /recipes -->, got none"
    assert found[1].strip() == markdown(), "README.md: expected the output of `tinygan list --markdown` there"


def test_markdown_links_the_papers():
    lines = markdown().splitlines()
    assert lines[0] == "| recipe | paper | arXiv | loss | penalty | networks | data |"
    assert all(line.count("|") == 8 for line in lines) and len(lines) == 2 + len(gans.RECIPES)
    assert any("| `sngan` | Miyato et al. 2018 | [1802.05957](https://arxiv.org/abs/1802.05957) |" in line
               for line in lines)


def test_info_about_the_machine(tinygan):
    done = tinygan("info")
    assert done.status == 0
    for word in ("tinygan", "Python", "numpy", "threads used", "memory", "GPU"):
        assert re.search(rf"^{word} ", done.out, re.MULTILINE), word


@pytest.mark.parametrize("name", sorted(gans.RECIPES))
def test_info_about_a_recipe(tinygan, name):
    done = tinygan("info", name, "--set", "lr=0.125")
    row = gans.find(name)
    assert done.status == 0, done.err
    assert row.paper in done.out and row.gan.__doc__.split("\n")[0] in done.out
    assert re.search(r"^lr +0.125 +--set$", done.out, re.MULTILINE)
    assert all(re.search(rf"^{key} ", done.out, re.MULTILINE) for key in row.gan.defaults)


def test_info_on_other_data_has_other_networks(tinygan):
    assert "DCGANGenerator" in tinygan("info", "hinge-gan").out
    assert "MLPGenerator" in tinygan("info", "hinge-gan", "--data", "ring8").out
