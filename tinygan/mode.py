"""Whether operations are recorded, and who watches them: state of a context, not of a process or of a tensor."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar


class Mode:
    """Whether operations are recorded (``grad``), and who watches them (``watcher``: anomaly detection, profiling)."""

    __slots__ = ("grad", "watcher")

    def __init__(self, grad: bool, watcher=None):
        self.grad = grad
        self.watcher = watcher


MODE: ContextVar[Mode] = ContextVar("tinygan_mode", default=Mode(True))


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this context."""
    return MODE.get().grad


@contextlib.contextmanager
def set_grad_enabled(enabled: bool):
    """Record operations inside the block, or do not."""
    token = MODE.set(Mode(enabled, MODE.get().watcher))
    try:
        yield
    finally:
        MODE.reset(token)


def no_grad():
    """A context (or decorator) in which no operation is recorded."""
    return set_grad_enabled(False)


def enable_grad():
    """A context (or decorator) in which operations are recorded."""
    return set_grad_enabled(True)


@contextlib.contextmanager
def watch(watcher):
    """Let ``watcher.forward(node, arrays)`` and ``watcher.backward(node, cotangents)`` run every operation inside."""
    token = MODE.set(Mode(MODE.get().grad, watcher))
    try:
        yield watcher
    finally:
        MODE.reset(token)


__all__ = ["MODE", "Mode", "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled", "watch"]
