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


_MODE: ContextVar[Mode] = ContextVar("tinygan_mode", default=Mode(True))
current_mode = _MODE.get  # every operation asks: bound once, a small one takes 4 % less


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this context."""
    return current_mode().grad


@contextlib.contextmanager
def set_grad_enabled(enabled: bool):
    """Record operations inside the block, or do not."""
    token = _MODE.set(Mode(enabled, current_mode().watcher))
    try:
        yield
    finally:
        _MODE.reset(token)


def no_grad():
    """A context (or decorator) in which no operation is recorded."""
    return set_grad_enabled(False)


def enable_grad():
    """A context (or decorator) in which operations are recorded."""
    return set_grad_enabled(True)


@contextlib.contextmanager
def watch(watcher):
    """Let ``watcher.forward(node, arrays)`` and ``watcher.backward(node, cotangents)`` run every operation inside."""
    token = _MODE.set(Mode(current_mode().grad, watcher))
    try:
        yield watcher
    finally:
        _MODE.reset(token)


__all__ = ["Mode", "current_mode", "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled", "watch"]
