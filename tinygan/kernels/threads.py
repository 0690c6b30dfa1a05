"""A small thread pool for the CPU kernels: NumPy releases the interpreter lock in copies, loops and BLAS.

Two rules make every result independent of the number of threads: a kernel cuts its work into blocks by looking at
shapes only, and what several blocks contribute to one number is added in block order. Which thread runs which block is
then immaterial, so blocks are handed out first come, first served.

The pool is process-wide. Its first use, or the first large matrix product, sets the BLAS libraries to one thread each,
for good: blocks run side by side, so threads inside BLAS would only compete with them, and switching BLAS around every
call costs more than most calls. At the same moment freed memory begins to be kept (`memory`). Nothing is touched
before that.
"""

import itertools
import math
import os
import queue
import threading

from tinygan.kernels.memory import keep_freed_memory

# Elements of an array that an elementwise operation, or a few in a row, do as one block. Every NumPy call of a block
# gives the interpreter lock away and takes it back; where both threads want it one of them sleeps, and to wake it
# takes longer than the call did on half as many elements.
BLOCK = 1 << 18

# Multiplications, a third of a millisecond of one core, below which a job is not shared: to wake a thread and to hand
# the interpreter's lock to and fro cost more than a second core saves (measured on convolutions of 4 to 32 channels).
WORTH_SHARING = 1 << 24

_requested = None              # what set_num_threads was told; None until then
_pool = None                   # built at first use
_blas_limit = None             # keeps threadpoolctl's controller; None while BLAS is untouched
_lock = threading.Lock()       # guards building and replacing the pool
_here = threading.local()      # .busy is True inside a parallel_for: a nested call runs serially


def _default_num_threads():
    """Return OMP_NUM_THREADS where it is a positive number, else the number of cores this process may use."""
    stated = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if stated.isdigit() and int(stated) > 0:
        return int(stated)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads():
    """Return the number of threads that the CPU kernels use (default: OMP_NUM_THREADS, else the cores available)."""
    global _requested
    if _requested is None:
        _requested = _default_num_threads()
    return _requested


def set_num_threads(n):
    """Set the number of threads of the CPU kernels for the whole process; results do not depend on it.

    Raises ValueError unless n is an integer of at least 1.
    """
    global _requested, _pool
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: expected an integer of at least 1, got {n!r}")
    with _lock:
        if _pool is not None and _pool.size != n:
            _pool.close()
            _pool = None
        _requested = n


def parallel_for(f, n_blocks, multiplications=math.inf):
    """Call f(i) for every i in range(n_blocks), spread over the pool; return when all are done.

    A job known to take fewer ``multiplications``, in all blocks together, than WORTH_SHARING stays with the caller.
    The calling thread works too. The first exception that a block raises is raised here, after the blocks already
    begun have ended; blocks not yet begun are then dropped. A call from inside a block runs serially, so kernels may
    be built from kernels. A single block is a plain call, which neither starts the pool nor touches BLAS.
    """
    if n_blocks <= 1 or getattr(_here, "busy", False):
        for i in range(n_blocks):
            f(i)
        return
    limit_blas()
    if get_num_threads() == 1 or multiplications < WORTH_SHARING:
        job = _Job(f, n_blocks)
        job.work()
        job.finish(helpers=0)
        return
    _the_pool().run(f, n_blocks)


def limit_blas():
    """Set the BLAS libraries of this process to one thread each, once (the first call takes about 15 ms).

    Kernels call it before a product that BLAS would spread over threads of its own: its result would have other bits
    than after the pool has started, and its threads, which wait in a busy loop, hold up a machine that has other work.
    """
    global _blas_limit
    if _blas_limit is None:
        from threadpoolctl import threadpool_limits
        with _lock:
            if _blas_limit is None:
                keep_freed_memory()
                _blas_limit = threadpool_limits(limits=1, user_api="blas")


def _the_pool():
    global _pool
    if _pool is None:
        n = get_num_threads()
        with _lock:
            if _pool is None:
                _pool = _Pool(n)
    return _pool


class _Job:
    """The blocks of one parallel_for: threads take the next index until none is left or one has failed."""

    def __init__(self, f, n_blocks):
        self.f = f
        self.n_blocks = n_blocks
        self.indices = itertools.count()       # next() is atomic under the interpreter lock
        self.error = None
        self.done = queue.SimpleQueue()        # one entry for each helper that has finished

    def work(self):
        """Run blocks in the calling thread until there are none left; keep the first exception for `finish`."""
        _here.busy = True
        try:
            for i in self.indices:
                if i >= self.n_blocks or self.error is not None:
                    break
                self.f(i)
        except BaseException as error:         # KeyboardInterrupt too: it belongs to the thread that waits
            if self.error is None:
                self.error = error
        finally:
            _here.busy = False

    def finish(self, helpers):
        """Wait for that many helpers, then raise what a block has raised."""
        for _ in range(helpers):
            self.done.get()
        if self.error is not None:
            try:
                raise self.error
            finally:
                self.error = None              # error, traceback, this frame and self would keep each other alive


class _Pool:
    """`size` - 1 daemon threads waiting for jobs; the thread that calls `run` is the one that makes up `size`."""

    def __init__(self, size):
        self.size = size
        self.jobs = queue.SimpleQueue()
        for i in range(size - 1):
            threading.Thread(target=self._serve, name=f"tinygan-{i + 1}", daemon=True).start()

    def _serve(self):
        while (job := self.jobs.get()) is not None:
            job.work()
            job.done.put(None)
            job = None                         # or the last job's arrays would live until the next one comes

    def run(self, f, n_blocks):
        """Run f over range(n_blocks) on the calling thread and as many others as there are blocks for."""
        helpers = min(self.size, n_blocks) - 1
        job = _Job(f, n_blocks)
        for _ in range(helpers):
            self.jobs.put(job)
        job.work()
        job.finish(helpers)

    def close(self):
        """Let the threads end once they have finished what they were given."""
        for _ in range(self.size - 1):
            self.jobs.put(None)


def _after_fork():
    """Forget the pool in a forked child: its threads exist only in the parent, and its lock may have been held."""
    global _pool, _lock, _here
    _pool = None
    _lock = threading.Lock()
    _here = threading.local()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
