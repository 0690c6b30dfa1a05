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
    axes.legend(loc="upper right")
    figure.savefig(path, format="png", dpi=100)


def panels(logs, path, groups, x="step"):
    """Draw quantities of several logs over the steps, side by side, into a PNG file.

    `logs`: {name: records as in `curves`}. `groups`: one panel for each group of keys, `{title: keys}`; a panel
    without any number is left out. A colour is a log (or, of a single one, a key), a line style a key. `path`: a path
    or a binary file. Raises ValueError when no panel is left.
    """
    def lines(keys):
        found = [(name, key, [(r[x], r[key]) for r in records if _is_number(r.get(x)) and _is_number(r.get(key))])
                 for name, records in logs.items() for key in keys]
        return [line for line in found if line[2]]
    drawn = {title: found for title, keys in groups.items() if (found := lines(keys))}
    if not drawn:
        raise ValueError(f"panels: expected records with numbers under {x!r} and one of "
                         f"{[key for keys in groups.values() for key in keys]}, got none")
    columns = min(2, len(drawn))
    rows = -(-len(drawn) // columns)
    figure = _figure(5.5 * columns, 3 * rows)
    names = list(logs)
    for place, (title, found) in enumerate(drawn.items(), 1):
        axes = figure.add_subplot(rows, columns, place, xlabel=x, title=title)
        keys = list(dict.fromkeys(key for _, key, _ in found))
        for name, key, points in found:
            single = len(names) == 1
            label = key if single else name if len(keys) == 1 else f"{name}: {key}"
            colour, style = (keys.index(key), 0) if single else (names.index(name), keys.index(key))
            axes.plot(*zip(*points), label=label, linewidth=1, color=f"C{colour % 10}", linestyle=_STYLES[style % 4],
                      marker="." if len(points) == 1 else None)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper right")
    figure.savefig(path, format="png", dpi=100)


_STYLES = "-", "--", ":", "-."


def graph(tensor, path=None):
    """Draw the graph that computed a tensor: operations as boxes, leaves (parameters by name) as ovals.

    Returns its description in Graphviz's language (render it with ``dot``, or not at all). `path`: also write that
    text to a ``.dot`` file, or a picture to a ``.png``, ``.svg`` or ``.pdf`` file, drawn here, inputs at the top.
    Raises ValueError for another kind of file.
    """
    labels, edges, levels = _graph_of(tensor)
    text = "\n".join(["digraph {", "  node [fontname=Helvetica]",
                      *(f'  n{i} [label="{label}" shape={"box" if operation else "ellipse"}]'
                        for i, (label, operation) in enumerate(labels)),
                      *(f"  n{i} -> n{j}" for i, j in edges), "}", ""])
    suffix = "" if path is None else str(path).rpartition(".")[2].lower()
    if path is not None and suffix not in ("dot", "png", "svg", "pdf"):
        raise ValueError(f"graph: expected a .dot, .png, .svg or .pdf file, got {path}")
    if suffix == "dot":
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    elif suffix:
        _draw(labels, edges, levels).savefig(path, dpi=100)
    return text


def _graph_of(tensor):
    """The nodes (label, whether an operation), the edges (input to user) and each node's level above the output."""
    order, numbers, labels, edges = [], {}, [], []

    def number(node, label, operation):
        if id(node) not in numbers:
            numbers[id(node)] = len(labels)
            labels.append((label.replace('"', "'").replace("\n", "\\n"), operation))
            order.append(node)
        return numbers[id(node)]

    def visit(x):
        if x.node is None:
            number(x, f"{getattr(x, 'name', 'leaf')}\n{tuple(x.shape)}", False)
        else:
            number(x.node, type(x.node).__name__, True)

    visit(tensor)
    for node in order:                                   # grows while it is read: breadth first
        for edge in getattr(node, "edges", ()):
            if edge is not None:
                target, index, shape = edge
                label = f"{getattr(target, 'name', 'leaf')}\n{tuple(shape)}" if index < 0 else type(target).__name__
                edges.append((number(target, label, index >= 0), numbers[id(node)]))
    levels = [0] * len(labels)
    for _ in labels:                                     # the longest way down to the output, by relaxation
        before = list(levels)
        for source, user in edges:
            levels[source] = max(levels[source], levels[user] + 1)
        if levels == before:
            break
    return labels, edges, levels


def _draw(labels, edges, levels):
    """A figure with one row per level; within a row, nodes stand near the mean position of their users."""
    rows = [[] for _ in range(max(levels) + 1)]
    position = {}
    for i, level in enumerate(levels):
        rows[level].append(i)
    widest = max(map(len, rows))
    for level, row in enumerate(rows):
        users = {i: [position[j][0] for s, j in edges if s == i and j in position] for i in row}
        row.sort(key=lambda i: sum(users[i]) / len(users[i]) if users[i] else widest / 2)
        for k, i in enumerate(row):
            position[i] = ((k + 0.5) * widest / len(row), level)
    figure = _figure(max(4, 1.6 * widest), max(2, 0.8 * len(rows)))
    axes = figure.add_subplot(xlim=(0, widest), ylim=(-0.6, len(rows) - 0.4))
    axes.axis("off")
    for source, user in edges:
        axes.annotate("", position[user], position[source], arrowprops={"arrowstyle": "->", "color": "0.5",
                                                                        "shrinkA": 10, "shrinkB": 12})
    for i, (label, operation) in enumerate(labels):
        axes.text(*position[i], label.replace("\\n", "\n"), ha="center", va="center", fontsize=8,
                  bbox={"boxstyle": "round" if operation else "round4", "facecolor": "0.95" if operation else "#dceeff",
                        "edgecolor": "0.4"})
    return figure
