"""plot.graph shows every operation and leaf once, and every edge."""

import numpy as np
import pytest

import tinygan
from tinygan import plot
from tinygan.tensor import Parameter


@pytest.fixture
def output():
    w = Parameter(np.ones((2, 2)))
    w.name = "G.weight"
    x = tinygan.tensor(np.ones((3, 2)), requires_grad=True)
    h = x @ w
    return (h * h.tanh()).sum()


def test_text_has_each_node_and_edge_once(output):
    text = plot.graph(output)
    for label in ("Sum", "Mul", "Tanh", "MatMul", "G.weight", "leaf"):
        assert text.count(f'"{label}') == 1
    # Sum <- Mul, Mul <- MatMul, Mul <- Tanh, Tanh <- MatMul, MatMul <- leaf, MatMul <- G.weight
    assert text.count("->") == 6


@pytest.mark.parametrize("suffix, start", [("dot", b"digraph"), ("png", b"\x89PNG"), ("svg", b"<?xml"),
                                           ("pdf", b"%PDF")])
def test_files(output, tmp_path, suffix, start):
    path = tmp_path / f"graph.{suffix}"
    plot.graph(output, path)
    assert path.read_bytes().startswith(start)


def test_an_unknown_kind_of_file_raises(output, tmp_path):
    with pytest.raises(ValueError, match="expected a .dot, .png, .svg or .pdf file"):
        plot.graph(output, tmp_path / "graph.gif")


def test_users_stand_below_their_inputs(output):
    _, edges, levels = plot._graph_of(output)
    assert all(levels[source] > levels[user] for source, user in edges)


def test_a_leaf_alone():
    assert '"leaf' in plot.graph(tinygan.tensor([1.0]))
