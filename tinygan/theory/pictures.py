"""Empty figures for the entries to draw in, without matplotlib's global state."""

from __future__ import annotations


def figure(columns: int = 1, rows: int = 1, title: str = "", size=(4.6, 3.6), **options):
    """(figure, list of its axes, row by row), each of ``size`` inches; ``options`` as of ``Figure.subplots``."""
    from matplotlib.figure import Figure
    made = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    if title:
        made.suptitle(title)
    axes = made.subplots(rows, columns, squeeze=False, **options)
    return made, list(axes.flat)


def finish(axes, title: str, x: str = "", y: str = "", legend: bool = True) -> None:
    """Title, labels, a light grid, and a legend of what has a label."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    if legend:
        axes.legend(fontsize=8)


__all__ = ["figure", "finish"]
