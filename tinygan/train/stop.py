"""Ways in which a training run ends early: a signal, or a number that is none."""

from __future__ import annotations

import signal


class Interrupted(SystemExit):
    """The run was stopped by a signal, and saved; the process ends with the signal's usual status (130 for Ctrl-C)."""


class TrainingError(RuntimeError):
    """The run cannot go on: a loss or a parameter is NaN or infinite, or memory has run out."""


class StopSignals:
    """Inside the block Ctrl-C and SIGTERM are noted in ``number`` and interrupt nothing; a second one interrupts.

    So a step is never cut in half, and what is saved after it is a state that an undisturbed run would have had. In
    other threads than the main one signals cannot be caught, and are left alone.
    """

    def __init__(self):
        self.number = 0

    def __enter__(self):
        self.before = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._note)
        except ValueError:  # not the main thread
            self.before = {}
        return self

    def __exit__(self, *exception):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        if self.number:
            raise KeyboardInterrupt
        self.number = number


__all__ = ["Interrupted", "StopSignals", "TrainingError"]
