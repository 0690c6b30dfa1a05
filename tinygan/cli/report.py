"""report: one HTML page about a run that needs nothing but a browser."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from tinygan import gans
from tinygan.cli.comparing import FIGURES, curves, figures
from tinygan.cli.options import summary, text
from tinygan.cli.runs import Run
from tinygan.train.files import atomic

SHOWN = 24  # sample pictures on the page; of more, this many are taken at even distances

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; } td, th { padding: .15rem .9rem .15rem 0; text-align: left; vertical-align: top; }
figure { display: inline-block; margin: .4rem .6rem .4rem 0; } figcaption { font-size: .85rem; color: #555; }
figure img { max-width: 18rem; image-rendering: pixelated; border: 1px solid #ddd; } img.wide { max-width: 100%; }
.bad { color: #b00020; } .own { font-weight: 600; } .quiet { color: #666; }
"""


def add_commands(commands) -> None:
    """Enter the commands of this file."""
    parser = commands.add_parser("report", help="a page about a run", description="One HTML file with a run's "
                                 "settings, samples over time, curves, figures and health.")
    parser.add_argument("run", metavar="RUN", help="the run folder")
    parser.add_argument("--out", metavar="FILE", help="default: RUN/report.html")
    parser.set_defaults(command=report)


def report(args) -> None:
    """``tinygan report``."""
    run = Run(args.run)
    out = Path(args.out) if args.out else run.path / "report.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic(out) as file:
        file.write(page(run).encode())
    print(f"report: {out}")


def page(run: Run) -> str:
    """The page as text."""
    parts = [_heading(run), _figures(run), _health(run), _samples(run), _curves(run), _settings(run), _versions(run)]
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(run.name)}</title>'
            f"<style>{STYLE}</style></head><body>\n" + "\n".join(filter(None, parts)) + "\n</body></html>\n")


def _text(value) -> str:
    return html.escape(str(value))


def _table(rows, header=()) -> str:
    head = "".join(f"<th>{_text(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if header else ''}{body}</table>"


def _image(data: bytes, caption: str = "", wide: bool = False) -> str:
    label = f"<figcaption>{_text(caption)}</figcaption>" if caption else ""
    return (f'<figure><img{" class=wide" if wide else ""} alt="{_text(caption or "curves")}" '
            f'src="data:image/png;base64,{base64.b64encode(data).decode()}">{label}</figure>')


def _heading(run: Run) -> str:
    row = gans.RECIPES.get(run.settings.get("recipe"))
    about = f"<p>{_text(summary(row.gan))}</p>" if row else ""
    paper = f"{row.paper}, arXiv:{row.arxiv}; " if row else ""
    return (f"<h1>{_text(run.name)}</h1><p><b>{_text(run.settings.get('recipe', 'a GAN'))}</b> on "
            f"{_text(run.settings.get('data', 'data of a program'))} <span class=quiet>({_text(paper)}step "
            f"{_text(run.last_step or 0)} of {_text(run.settings.get('steps', '?'))})</span></p>{about}")


def _figures(run: Run) -> str:
    if not run.records:
        return "<h2>Figures</h2><p>Nothing has been logged yet.</p>"
    labels = ("step", *FIGURES, "score", "best score", "at step", "samples per second", "health")
    rows = [pair for pair in zip(labels, figures(run)) if pair[1] != "-"]
    measure = run.settings.get("score")
    note = f"<p class=quiet>score: {_text(measure)}; the larger the better</p>" if measure else ""
    evaluated = run.evaluated()
    rows += [("evaluated", evaluated)] if evaluated else []
    return f"<h2>Figures</h2>{_table(rows)}{note}"


def _health(run: Run) -> str:
    """The health line over time: each change of words once."""
    changes, last = [], None
    for record in run.records:
        kind = str(record.get("health", "")).split(":")[0]  # the figures in a line change at every record
        if kind and kind != last:
            changes.append((record["step"], record["health"]))
            last = kind
    rows = "".join(f"<tr><td>from step {step}</td><td{'' if line == 'ok' else ' class=bad'}>{_text(line)}</td></tr>"
                   for step, line in changes)
    return f"<h2>Health</h2><table>{rows}</table>" if rows else ""


def _samples(run: Run) -> str:
    files = sorted(run.path.glob("samples/*.png"))
    if len(files) > SHOWN:
        files = [files[round(i * (len(files) - 1) / (SHOWN - 1))] for i in range(SHOWN)]
    shown = [_image(file.read_bytes(), f"step {int(file.stem)}" if file.stem.isdigit() else file.stem)
             for file in files]
    real = run.path / "real.png"
    if real.exists():
        shown.insert(0, _image(real.read_bytes(), "real"))
    return f"<h2>Samples over time</h2>{''.join(shown)}" if shown else ""


def _curves(run: Run) -> str:
    try:
        return f"<h2>Curves</h2>{_image(curves({run.name: run}), wide=True)}"
    except ValueError:  # no numbers in the log
        return ""


def _settings(run: Run) -> str:
    """All settings, those in which the run differs from the recipe in bold."""
    settings = run.settings.get("settings", {})
    row = gans.RECIPES.get(run.settings.get("recipe"))
    usual = {}
    if row and run.settings.get("shape"):
        networks = {"networks": settings["networks"]} if settings.get("networks") else {}
        usual = gans.base.plain(row.resolved(tuple(run.settings["shape"]), **networks))
    rows = "".join(f"<tr{' class=own' if key in usual and usual[key] != value else ''}><td>{_text(key)}</td>"
                   f"<td>{_text(text(value))}</td></tr>" for key, value in settings.items())
    others = [(key, text(value)) for key, value in run.settings.items() if key != "settings"]
    return (f"<h2>Settings</h2><p class=quiet>bold: other than the recipe's</p><table>{rows}</table>"
            f"<h2>Run</h2>{_table(others)}")


def _versions(run: Run) -> str:
    resumed = [(f"resumed after step {r['step']}", ", ".join(f"{k} {v}" for k, v in r["settings"].items()) or "")
               for r in run.resumed]
    return f"<h2>Versions</h2>{_table([*run.versions.items(), *resumed])}"


__all__ = ["add_commands", "page", "report"]
