"""The registry: every row says where it comes from, and no variant knows another."""
import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinygan import gans
from tinygan.losses import ADVERSARIAL

FOLDER = Path(gans.__file__).parent
SHARED = {"tinygan.gans.base", "tinygan.gans.registry"}
VARIANTS = sorted(p for p in FOLDER.glob("*.py") if p.stem not in ("__init__", "registry"))


@pytest.mark.parametrize("name", sorted(gans.RECIPES))
def test_a_row_names_its_paper(name):
    row = gans.find(name)
    assert row.name == name == name.lower() and re.search(r"\b(19|20)\d\d\b", row.paper)
    assert re.fullmatch(r"\d{4}\.\d{4,5}", row.arxiv)
    if row.gan is not gans.GAN:
        assert f"arXiv:{row.arxiv}" in row.gan.__doc__


def test_the_recipes_of_the_first_chapter_are_there():
    assert {"minimax-gan", "gan", "dcgan", "lsgan", "hinge-gan", "wgan", "wgan-gp", "sngan", "r1-gan", "rpgan-r1-r2",
            "infogan", "began"} <= set(gans.RECIPES)


def test_every_adversarial_loss_is_used_by_a_recipe():
    used = {row.resolved((1, 8, 8))["loss"] for row in gans.RECIPES.values()} - {None}
    # f-GAN's other form of G's loss ("_ns") is a setting of the row with the first form
    assert {loss.name for loss in used} == {name for name in ADVERSARIAL if not name.endswith("_ns")}


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_a_variant_imports_no_other_variant(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names] \
            if isinstance(node, ast.Import) else []
        assert all(not name.startswith("tinygan.gans") or name in SHARED for name in names)


def test_any_variant_can_be_deleted(tmp_path):
    package = tmp_path / "tinygan"
    shutil.copytree(FOLDER.parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    code = "from tinygan import gans; print(*gans.RECIPES)"
    for path in VARIANTS:
        (package / "gans" / path.name).unlink()
        found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
        assert found.returncode == 0, found.stderr
        (package / "gans" / path.name).write_text(path.read_text())
        gone = set(gans.RECIPES) - set(found.stdout.split())
        assert gone == set(re.findall(r'^recipe\("([^"]+)"', path.read_text(), re.MULTILINE))


def test_a_step_has_no_if_about_another_variant():
    for path in VARIANTS:
        text = path.read_text()
        assert not re.search(r"isinstance\(self|self\.name\b|type\(self\)", text), path.name


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(gans.SettingError, match="unknown recipe 'wgangp'; did you mean 'wgan-gp'?"):
        gans.make("wgangp", (2,))
    with pytest.raises(gans.SettingError, match="known are b-gan, .*began, .*dcgan, "):
        gans.make("zzz", (2,))
    with pytest.raises(gans.SettingError, match="a-gan: unknown setting 'n_critics'"):
        gans.recipe("a-gan", paper="Nobody 2020", arxiv="2001.00001", n_critics=5)
    with pytest.raises(ValueError, match="expected a new name, got 'gan'"):
        gans.recipe("gan", gans.WGAN, paper="Nobody 2020", arxiv="2001.00001")
