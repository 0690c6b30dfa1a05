"""The thread pool: every block once, exceptions, nesting, forks, and nothing touched before it is needed."""

import gc
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from tinygan.kernels import threads


@pytest.fixture(autouse=True, params=[1, 2, 5])
def thread_count(request):
    before = threads.get_num_threads()
    threads.set_num_threads(request.param)
    yield request.param
    threads.set_num_threads(before)


@pytest.mark.parametrize("n_blocks", [0, 1, 2, 3, 100])
def test_every_block_runs_once(n_blocks):
    seen = []
    threads.parallel_for(seen.append, n_blocks)
    assert sorted(seen) == list(range(n_blocks))


def test_blocks_run_side_by_side(thread_count):
    """Each block waits for the others at a barrier: that only ends if as many threads as were asked for are at work."""
    barrier = threading.Barrier(thread_count, timeout=20)
    threads.parallel_for(lambda i: barrier.wait(), thread_count)


def test_a_job_of_few_multiplications_stays_with_the_caller(thread_count):
    barrier = threading.Barrier(thread_count, timeout=20)
    where = []
    threads.parallel_for(lambda i: where.append(threading.get_ident()), 20, threads.WORTH_SHARING - 1)
    assert where == [threading.get_ident()] * 20
    threads.parallel_for(lambda i: barrier.wait(), thread_count, threads.WORTH_SHARING)  # which every thread joins


def test_the_exception_of_a_block_is_raised_and_the_pool_lives_on():
    def block(i):
        if i == 3:
            raise KeyError("three")

    with pytest.raises(KeyError, match="three"):
        threads.parallel_for(block, 20)
    seen = []
    threads.parallel_for(seen.append, 4)
    assert sorted(seen) == [0, 1, 2, 3]


def test_blocks_not_yet_begun_are_dropped_after_an_exception(thread_count):
    seen = []

    def block(i):
        seen.append(i)
        raise ValueError

    with pytest.raises(ValueError):
        threads.parallel_for(block, 1000)
    assert len(seen) <= thread_count


def test_a_nested_call_runs_serially_in_the_same_thread():
    where = {}

    def block(i):
        me = threading.get_ident()
        inner = []
        threads.parallel_for(lambda j: inner.append((j, threading.get_ident())), 3)
        where[i] = inner == [(0, me), (1, me), (2, me)]

    threads.parallel_for(block, 6)
    assert where == dict.fromkeys(range(6), True)


def test_several_threads_may_use_the_pool_at_once():
    sums = np.zeros((4, 50))

    def user(u):
        def block(i):
            sums[u, i] += i
        threads.parallel_for(block, 50)

    users = [threading.Thread(target=user, args=(u,)) for u in range(4)]
    for t in users:
        t.start()
    for t in users:
        t.join()
    assert np.array_equal(sums, np.tile(np.arange(50.0), (4, 1)))


@pytest.mark.parametrize("fails", [False, True])
def test_a_finished_call_keeps_nothing_alive(fails):
    class Array:
        pass

    array = Array()
    gone = weakref.ref(array)

    def block(i, array=array):
        if fails:
            raise ValueError

    gc.collect()
    gc.disable()
    try:
        try:
            threads.parallel_for(block, 8)
        except ValueError:
            assert fails
        del block, array
        threads.parallel_for(lambda i: None, 8)     # lets every pool thread leave the earlier call
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", None, True])
def test_a_wrong_number_of_threads_is_refused(n, thread_count):
    with pytest.raises(ValueError, match="set_num_threads: expected"):
        threads.set_num_threads(n)
    assert threads.get_num_threads() == thread_count


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_a_pool_of_its_own():
    script = (
        "import os\n"
        "from tinygan.kernels import threads\n"
        "threads.set_num_threads(3)\n"
        "threads.parallel_for(lambda i: None, 8)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    seen = []\n"
        "    threads.parallel_for(seen.append, 8)\n"
        "    os._exit(0 if sorted(seen) == list(range(8)) else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n")
    child = subprocess.run([sys.executable, "-W", "ignore", "-c", script], timeout=60)
    assert child.returncode == 0


def run_fresh(script, **environment):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_nothing_is_touched_before_the_first_use():
    out = run_fresh(
        "import sys, threading\n"
        "from tinygan.kernels import threads\n"
        "import tinygan.kernels.cpu\n"
        "threads.get_num_threads(); threads.set_num_threads(2)\n"
        "print('threadpoolctl' in sys.modules, threading.active_count())\n"
        "threads.parallel_for(lambda i: None, 2)\n"
        "import threadpoolctl\n"
        "blas = [p['num_threads'] for p in threadpoolctl.threadpool_info() if p['user_api'] == 'blas']\n"
        "print(set(blas) <= {1}, threading.active_count())\n")
    assert out == ["False", "1", "True", "2"]


def test_the_default_number_comes_from_the_environment():
    script = "from tinygan.kernels import threads; print(threads.get_num_threads())"
    assert run_fresh(script, OMP_NUM_THREADS="3") == ["3"]
    assert run_fresh(script, OMP_NUM_THREADS="4,2") == ["4"]
    assert int(run_fresh(script, OMP_NUM_THREADS="many")[0]) >= 1
