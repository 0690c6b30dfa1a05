"""Imports point one way (the list of groups below), and only the named dependencies are imported, where they may be."""
import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Lowest first. A room may import from its own group and from the groups before it.
GROUPS = [
    {"backend"},
    {"kernels"},
    {"random"},
    {"mode", "autograd", "tensor", "anomaly", "replay"},
    {"ops"},
    {"functional"},
    {"nn"},
    {"optim", "losses"},
    {"models"},
    {"metrics"},
    {"gans"},
    {"train"},
    {"theory"},
    {"cli"},
]
RANK = {room: rank for rank, group in enumerate(GROUPS) for room in group}
# Rooms beside the chain: the highest rank that they may import, and the lowest rank that may import them.
BESIDE = {
    "data": (RANK["random"], RANK["metrics"]),
    "plot": (RANK["random"], RANK["metrics"]),
    "testing": (RANK["functional"], RANK["cli"]),
    "profile": (RANK["functional"], RANK["cli"]),
}
ROOMS = set(RANK) | set(BESIDE)
TOP = {"__init__", "__main__"}  # may import everything
ANYWHERE = {"numpy", "tinygan"} | set(sys.stdlib_module_names)
INSIDE_FUNCTIONS = {"scipy", "matplotlib", "PIL", "tqdm", "threadpoolctl", "pooch"}


def allowed(importer, imported):
    """Whether a file of the room `importer` may import from the room `imported`."""
    if importer == imported or importer in TOP:
        return True
    if importer in BESIDE:
        return imported in RANK and RANK[imported] <= BESIDE[importer][0]
    if imported in BESIDE:
        return RANK[importer] >= BESIDE[imported][1]
    return RANK[imported] <= RANK[importer]


def imports(tree):
    """Yield (line, dotted name, inside a function) for every import, the dynamic ones of a literal name included."""
    def visit(node, inside):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, inside
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}", inside
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value, inside
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)
    return visit(tree, False)


def violations(path, source):
    """Return one line for each import that breaks a rule in `source`, the file `path` in tinygan/ ("ops/conv.py")."""
    room = path.split("/")[0].removesuffix(".py")
    with_cupy = path == "backend.py" or path.startswith("kernels/cuda")
    if room not in ROOMS | TOP:
        return [f"{path}: expected a room among {sorted(ROOMS)}, got {room!r}"]
    found = []
    for line, name, inside in imports(ast.parse(source)):
        top, _, rest = name.partition(".")
        target = rest.split(".")[0]
        if name.startswith("."):
            found.append(f"{path}:{line}: expected an absolute import, got {name}")
        elif top == "cupy" and not with_cupy:
            found.append(f"{path}:{line}: cupy is imported in backend.py and kernels/cuda alone")
        elif top in INSIDE_FUNCTIONS and not inside:
            found.append(f"{path}:{line}: {top} is imported inside the functions that use it")
        elif top not in ANYWHERE | INSIDE_FUNCTIONS | {"cupy"}:
            found.append(f"{path}:{line}: {top} is not a dependency of tinygan")
        elif top == "tinygan" and target not in ROOMS:
            found.append(f"{path}:{line}: expected an import from a room, got {name}")
        elif top == "tinygan" and not allowed(room, target):
            found.append(f"{path}:{line}: {room} may not import from {target}")
    return found


def test_imports_point_one_way():
    package = ROOT / "tinygan"
    found = []
    for file in sorted(package.rglob("*.py")):
        found += violations(file.relative_to(package).as_posix(), file.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path, source", [
    ("backend.py", "from tinygan.kernels import cpu"),
    ("kernels/cpu/conv.py", "from tinygan import random"),
    ("ops/conv.py", "def f():\n    from tinygan.nn import Module"),
    ("kernels/cpu/conv.py", "import tinygan.tensor"),
    ("tensor.py", "import importlib\nx = importlib.import_module('tinygan.ops')"),
    ("optim/adam.py", "from tinygan import models"),
    ("models/dcgan.py", "from tinygan import grad"),
    ("models/dcgan.py", "import tinygan"),
    ("data/mnist.py", "from tinygan.tensor import Tensor"),
    ("plot.py", "from tinygan.data import mnist"),
    ("nn/conv.py", "from tinygan.testing import gradcheck"),
    ("gans/wgan.py", "from tinygan.train import Trainer"),
    ("nn/conv.py", "from . import module"),
    ("nn/conv.py", "def f():\n    import torch"),
    ("testing/check.py", "import jax.numpy"),
    ("ops/conv.py", "def f():\n    import cupy as cp"),
    ("ops/conv.py", "x = __import__('cupy')"),
    ("metrics/fid.py", "from scipy import linalg"),
    ("utils.py", "import numpy"),
])
def test_a_bad_import_is_found(path, source):
    assert len(violations(path, source)) == 1


@pytest.mark.parametrize("path, source", [
    ("__init__.py", "from tinygan.nn import Module"),
    ("backend.py", "def f():\n    import cupy"),
    ("kernels/cuda/conv.py", "import cupy"),
    ("random.py", "from tinygan.kernels import kernels_for"),
    ("tensor.py", "from tinygan import autograd"),
    ("metrics/fid.py", "def f():\n    from scipy import linalg"),
    ("train/run.py", "import json\nfrom tinygan import plot"),
    ("testing/check.py", "from tinygan import functional"),
])
def test_a_good_import_is_not_reported(path, source):
    assert violations(path, source) == []
