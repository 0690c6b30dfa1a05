"""profile counts every operation once, in each direction, and adds up its time."""

import time

import numpy as np

import tinygan
from tinygan.autograd import Function
from tinygan.profile import profile


class Slow(Function):
    def forward(self, x):
        time.sleep(0.02)
        return x * 1.0

    def backward(self, g):
        time.sleep(0.04)
        return g


def test_calls_and_seconds_per_operation_and_pass():
    x = tinygan.tensor(np.ones(3), requires_grad=True)
    with profile() as times:
        y = Slow()(Slow()(x * x)).sum()
        tinygan.grad(y, x)
    assert times.calls == {("Mul", "forward"): 1, ("Slow", "forward"): 2, ("Sum", "forward"): 1,
                           ("Sum", "backward"): 1, ("Slow", "backward"): 2, ("Mul", "backward"): 1}
    # a sleep is never shorter than asked for
    assert times.seconds["Slow", "forward"] >= 0.04 and times.seconds["Slow", "backward"] >= 0.08
    first, second = str(times).splitlines()[1:3]
    assert first.startswith("Slow") and "backward" in first and "forward" in second


def test_what_runs_inside_a_backward_is_not_counted_again():
    x = tinygan.tensor(np.ones(3), requires_grad=True)
    with profile() as times:
        tinygan.grad(x.tanh().sum(), x)
    assert ("Mul", "forward") not in times.calls and times.calls["Tanh", "backward"] == 1


def test_outside_the_block_nothing_is_timed():
    with profile() as times:
        pass
    tinygan.tensor([1.0]).exp()
    assert not times.calls
