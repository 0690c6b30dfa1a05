"""Statements of the lectures on GANs, each a short file that computes its numbers beside the true ones."""

from tinygan.theory.findings import Findings, Row
from tinygan.theory.registry import Entry, entries, entry, find

__all__ = ["Entry", "Findings", "Row", "entries", "entry", "find"]
