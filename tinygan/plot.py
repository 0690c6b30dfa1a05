"""Pictures of a training run, drawn with matplotlib and without its global state."""


def _figure(width, height):
    """Return an empty figure with a canvas of its own: pyplot would keep every figure and choose a window system."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def curves(log_records, path, keys=None, x="step"):
    """Draw quantities of a log over the steps, one line each, into a PNG file.

    `log_records`: dicts; a record without a key is skipped in that key's line, NaN and infinity leave a gap. `path`:
    a path or a binary file. `keys`: by default those that end in "loss". Raises ValueError when no record has a
    number under one of the keys.
    """
    records = [record for record in log_records if _is_number(record.get(x))]
    if keys is None:
        keys = list(dict.fromkeys(key for record in records for key in record if key.endswith("loss")))
    figure = _figure(8, 4.5)
    axes = figure.add_subplot(xlabel=x)
    for key in keys:
        points = [(record[x], record[key]) for record in records if _is_number(record.get(key))]
        if points:
            axes.plot(*zip(*points), label=key, linewidth=1, marker="." if len(points) == 1 else None)
    if not axes.lines:
        raise ValueError(f"curves: expected records with numbers under {x!r} and one of {list(keys)}, got none in "
                         f"{len(log_records)} records")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, format="png", dpi=100)
