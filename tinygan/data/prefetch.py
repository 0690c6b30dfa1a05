"""Prefetch: the next batches are made by a background thread while the present one is being used.

Nothing else changes. Batches come in the same order, and an error where it would have come. A saved state is that of
the last batch handed out: what was made ahead is made again after a restart. And random numbers are drawn at the same
place among all draws of the program: a source that draws (a new epoch's order) does it in the caller's thread when that
batch is asked for, so the thread waits there. Sources say so with an attribute ``draws_next``; one that lacks it must
not draw from tinygan.random.

>>> import numpy as np
>>> from tinygan.data import Batches
>>> plain = Batches(np.arange(8), 2, shuffle=False)
>>> with Prefetch(Batches(np.arange(8), 2, shuffle=False)) as ahead:
...     all((ahead.next_batch() == plain.next_batch()).all() for _ in range(10))
True
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator


class _Shared:
    """What the thread and its owner share; the thread holds this alone, so the owner can be forgotten."""

    def __init__(self, source, depth: int):
        self.source, self.depth = source, depth
        self.condition = threading.Condition()
        self.made = deque()       # (batch, error, position of the source afterwards)
        self.paused = False       # after an error, and while the owner uses the source itself
        self.working = False      # the thread is inside the source
        self.closed = False

    def wants_more(self) -> bool:
        return not (self.paused or len(self.made) >= self.depth or getattr(self.source, "draws_next", False))

    def make(self):
        """One batch from the source, with its error and the position after it."""
        try:
            batch, error = _next(self.source), None
        except BaseException as raised:  # StopIteration too: it belongs to the one who asks
            batch, error = None, raised
        return batch, error, _position(self.source)

    def work(self) -> None:
        """The thread: make batches until it is closed."""
        while True:
            with self.condition:
                while not self.closed and not self.wants_more():
                    self.condition.wait()
                if self.closed:
                    return
                self.working = True
            entry = self.make()
            with self.condition:
                self.working = False
                self.made.append(entry)
                self.paused = entry[1] is not None  # go on only when somebody has seen the error
                self.condition.notify_all()
            del entry  # or the last batch would live until the next one is made

    def close(self) -> None:
        with self.condition:
            self.closed = True
            self.condition.notify_all()


def _next(source):
    return source.next_batch() if hasattr(source, "next_batch") else next(source)


def _position(source):
    """(state, epoch, position) of a source, as far as it has them."""
    state = source.state_dict() if hasattr(source, "state_dict") else None
    return state, getattr(source, "epoch", None), getattr(source, "position", None)


class Prefetch:
    """``depth`` batches of ``iterator`` made ahead by a background thread; used as the iterator is.

    iterator: anything with ``next_batch()`` (and ``state_dict()``, ``load_state_dict(state)``), or any Python iterator.
    The thread starts with the first batch and ends with ``close()``, at the end of a with statement, or when nobody
    uses the object any more. While it is in use, the iterator itself must be left alone.
    Raises ValueError for a depth below 1, RuntimeError when a batch is asked for after ``close()``.
    """

    def __init__(self, iterator, depth: int = 2):
        if not isinstance(depth, int) or depth < 1:
            raise ValueError(f"Prefetch: expected a depth of at least 1, got {depth!r}")
        source = iterator if hasattr(iterator, "next_batch") else iter(iterator)
        self._shared = _Shared(source, depth)
        self._position = _position(source)
        self._thread = None

    def next_batch(self):
        """The next batch. Raises what the iterator raises, where it would have raised it."""
        shared = self._shared
        if shared.closed:
            raise RuntimeError("Prefetch.next_batch: expected an open Prefetch, got one after close()")
        if self._thread is None:
            self._start()
        with shared.condition:
            while not shared.made and (shared.working or shared.wants_more()):
                shared.condition.wait()
            if shared.made:
                batch, error, position = shared.made.popleft()
            else:
                # the source is about to draw: now is the time at which it would have drawn without a thread
                batch, error, position = shared.make()
            shared.paused = False
            shared.condition.notify_all()
        self._position = position
        if error is not None:
            try:
                raise error
            finally:
                error = None  # the traceback would keep this frame, and the frame the error
        return batch

    def __next__(self):
        return self.next_batch()

    def __iter__(self) -> Iterator:
        """As the iterator's own: to the end of the epoch for sources that have epochs, else to its end."""
        epoch = self.epoch
        while self.epoch == epoch:
            try:
                batch = self.next_batch()
            except StopIteration:
                return
            yield batch

    def forever(self) -> Iterator:
        """Batches without end, epoch after epoch (to the end of a Python iterator)."""
        while True:
            try:
                batch = self.next_batch()
            except StopIteration:
                return
            yield batch

    def __len__(self) -> int:
        return len(self._shared.source)

    @property
    def batch_size(self) -> int:
        """That of the iterator."""
        return self._shared.source.batch_size

    @property
    def epoch(self):
        """The epoch of the batch that comes next, or None for sources without epochs."""
        return self._position[1]

    @property
    def position(self):
        """The position in its epoch of the batch that comes next, or None."""
        return self._position[2]

    def state_dict(self) -> dict:
        """The iterator's state after the last batch that was handed out. Raises TypeError when it has none."""
        if self._position[0] is None:
            raise TypeError(f"Prefetch.state_dict: expected an iterator with state_dict(), got "
                            f"{type(self._shared.source).__name__}")
        return self._position[0]

    def load_state_dict(self, state: dict) -> None:
        """Continue the iterator where ``state`` was saved; what was made ahead is forgotten."""
        shared = self._shared
        with shared.condition:
            shared.paused = True
            while shared.working:
                shared.condition.wait()
            shared.paused = True  # a batch that came in meanwhile has set it anew
            try:
                shared.source.load_state_dict(state)
            except BaseException:
                shared.paused = any(error is not None for _, error, _ in shared.made)
                raise
            else:
                shared.made.clear()
                shared.paused = False
                self._position = _position(shared.source)
            finally:
                shared.condition.notify_all()

    def close(self) -> None:
        """End the thread and forget what was made ahead; may be called twice."""
        self._shared.close()
        if self._thread is not None:
            self._thread.join()
        self._shared.made.clear()

    def __enter__(self) -> Prefetch:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _start(self):
        # daemon: a program that ends without close() ends all the same
        self._thread = threading.Thread(target=self._shared.work, name="tinygan-prefetch", daemon=True)
        weakref.finalize(self, self._shared.close)
        self._thread.start()


__all__ = ["Prefetch"]
