"""compare, report, gradcheck, graph."""
import base64
import io
import re
import shutil
from html.parser import HTMLParser

import pytest
from PIL import Image

from tinygan import gans, plot
from tinygan.cli.runs import Run

VOID = {"meta", "img", "br"}


def test_runs_side_by_side(tinygan, runs, tmp_path):
    done = tinygan("compare", runs["points"], runs["plain"], "--out", "new/c.png")
    assert done.status == 0, done.err
    rows = [re.split(r"  +", line) for line in done.out.splitlines()]
    settings, figures = done.out.split("\n\n")[:2]
    found = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert found["recipe"] == ["gan", "wgan-gp"] and found["seed"] == ["0", "1"] and found["step"] == ["20", "4"]
    assert found["lr"] == ["0.01", "0.0001"] and "batch_size" not in settings  # which is the same
    last = Run(runs["plain"]).last("d_loss")
    assert found["d_loss"][1] == f"{last:.4g}" and "health" in figures
    with Image.open(tmp_path / "new" / "c.png") as picture:
        assert picture.size[0] == 1100  # two columns of panels


def test_runs_of_the_same_name_are_told_apart(tinygan, runs, tmp_path):
    for name in ("x", "y"):
        shutil.copytree(runs["plain"], tmp_path / name / "run")
    done = tinygan("compare", "x/run", "y/run")
    assert done.status == 0 and re.search(r"^ +x/run +y/run$", done.out, re.MULTILINE)


@pytest.mark.parametrize("folders, status, message", [
    (["plain"], 2, "expected at least two runs"), (["plain", "plain"], 2, "expected different runs"),
    (["plain", "none"], 1, "got no config.json there")])
def test_what_cannot_be_compared(tinygan, runs, tmp_path, folders, status, message):
    done = tinygan("compare", *(runs.get(name, name) for name in folders))
    assert done.status == status and message in done.err and list(tmp_path.iterdir()) == []


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects pictures, links and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.attributes, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


@pytest.mark.parametrize("name", ["points", "images", "plain"])
def test_a_report_is_one_page_that_needs_nothing_else(tinygan, runs, tmp_path, name):
    done = tinygan("report", runs[name], "--out", "r.html")
    assert done.status == 0, done.err
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = Page(text)
    # real, the samples, the curves: all inside the page
    assert len(page.images) == 2 + len(list(runs[name].glob("samples/*.png")))
    for source in page.images:
        assert source.startswith("data:image/png;base64,")
        Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).verify()
    assert not any(key in ("href", "srcset", "action") or key == "src" and not value.startswith("data:")
                   for key, value in page.attributes)
    assert not re.search(r"url\(|@import|<script|<link|https?:", text)
    words = " ".join(page.text)
    for word in ("Figures", "Health", "Samples over time", "Curves", "Settings", "Versions", "d_loss", "z_dim", "ok"):
        assert word in words, word


def test_a_report_marks_own_settings_and_escapes_names(tinygan, runs, tmp_path):
    shutil.copytree(runs["points"], tmp_path / "a&b")
    with open(tmp_path / "a&b" / "log.jsonl", "a") as file:
        file.write('{"step": 30, "health": "D saturated: <b> for 500 steps"}\n')
    assert tinygan("report", "a&b").status == 0
    text = (tmp_path / "a&b" / "report.html").read_text()
    assert "<h1>a&amp;b</h1>" in text and "&lt;b&gt; for 500 steps" in text and "<td class=bad>" in text
    own = set(re.findall(r"<tr class=own><td>(\w+)</td>", text))
    assert own == {"hidden", "z_dim", "ema", "lr"}


def test_a_report_of_a_run_that_has_just_begun(tinygan, runs, tmp_path):
    (tmp_path / "a").mkdir()
    shutil.copy(runs["points"] / "config.json", tmp_path / "a")
    assert tinygan("report", "a").status == 0
    assert "Nothing has been logged yet" in (tmp_path / "a" / "report.html").read_text()


def test_many_pictures_are_thinned_out(tinygan, runs, tmp_path):
    shutil.copytree(runs["images"], tmp_path / "a")
    for step in range(100):
        shutil.copy(runs["images"] / "real.png", tmp_path / "a" / "samples" / f"{step:06d}.png")
    assert tinygan("report", "a").status == 0
    steps = re.findall(r"<figcaption>step (\d+)<", (tmp_path / "a" / "report.html").read_text())
    assert len(steps) == 24 and steps[0] == "0" and steps[-1] == "99"


def test_panels_draw_what_is_there():
    logs = {"a": [{"step": 1, "x": 1.0}, {"step": 2, "x": float("nan")}], "b": [{"step": 1, "y": 2.0}]}
    file = io.BytesIO()
    plot.panels(logs, file, {"one": ("x", "y"), "none": ("z",)})
    with Image.open(file) as picture:
        assert picture.size == (550, 300)  # one panel
    with pytest.raises(ValueError, match="panels: expected records with numbers under 'step' and one of .'z'."):
        plot.panels(logs, io.BytesIO(), {"none": ("z",)})


@pytest.mark.parametrize("words", [["wgan-gp"], ["infogan", "--shape", "2"], ["began", "--set", "hidden=4,"]])
def test_gradcheck_prints_an_error_for_each_player(tinygan, words):
    done = tinygan("gradcheck", *words)
    assert done.status == 0, done.err
    for player in "DG":
        found = re.search(rf"^{player} +1 +[\d]+ +(\S+) +ok$", done.out, re.MULTILINE)
        assert float(found[1]) < 1e-7


def test_gradcheck_finds_a_lost_term(tinygan, monkeypatch):
    class Wrong(gans.GAN):
        def g_loss(self, x):
            return super().g_loss(x) + (self.G(self.noise(x)).detach() * self.G(self.noise(x))).mean() \
                + self.G.main[0].weight.detach().square().mean()
    row = gans.find("gan")
    monkeypatch.setitem(gans.RECIPES, "gan", gans.Recipe(**{**vars(row), "gan": Wrong}))
    done = tinygan("gradcheck", "gan", "--shape", "2")
    assert done.status == 1 and re.search(r"^G .*WRONG$", done.out, re.MULTILINE)
    assert "gan: G's loss: derivative of order 1" in done.err and len(done.err.splitlines()) == 1


def test_the_graph_of_a_loss(tinygan, tmp_path):
    done = tinygan("graph", "wgan-gp", "--shape", "2", "--player", "G", "--out", "g.dot")
    assert done.status == 0 and "what G minimises" in done.out and "digraph" in (tmp_path / "g.dot").read_text()
    assert tinygan("graph", "gan", "--player", "X").status == 2
    assert tinygan("graph", "gan", "--out", "g.bmp").status == 2
