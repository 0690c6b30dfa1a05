"""Learning rate schedules: closed formulas, groups, resuming. Their values are compared with PyTorch's, too."""

import math

import numpy as np
import pytest

from tinygan import nn, optim


def optimizer(*rates):
    return optim.SGD([{"params": nn.Parameter(np.zeros(2, np.float32)), "lr": rate} for rate in rates or (0.5,)], 1.0)


SCHEDULES = {
    "step": (lambda o: optim.StepLR(o, 3, 0.5), lambda t: 0.5 ** (t // 3)),
    "multi-step": (lambda o: optim.MultiStepLR(o, [7, 2, 2], 0.1), lambda t: 0.1 ** (2 * (t >= 2) + (t >= 7))),
    "exponential": (lambda o: optim.ExponentialLR(o, 0.9), lambda t: 0.9 ** t),
    "linear": (lambda o: optim.LinearLR(o, 0.25, 1.0, 6), lambda t: 0.25 + 0.75 * min(t, 6) / 6),
    "to zero": (lambda o: optim.LinearLR(o, 1.0, 0.0, 5), lambda t: 1 - min(t, 5) / 5),
    "cosine": (lambda o: optim.CosineAnnealingLR(o, 8), lambda t: (1 + math.cos(math.pi * t / 8)) / 2),
    "lambda": (lambda o: optim.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t))}


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_of_all_groups_follow_the_formula(name):
    make, factor = SCHEDULES[name]
    opt = optimizer(0.5, 0.02)
    schedule = make(opt)
    for t in range(20):
        want = [0.5 * factor(t), 0.02 * factor(t)]
        assert schedule.get_last_lr() == pytest.approx(want, rel=1e-12, abs=1e-15) and schedule.last_epoch == t
        assert [g["lr"] for g in opt.param_groups] == schedule.get_last_lr()
        schedule.step()


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("schedule_first", [False, True])
def test_a_resumed_schedule_goes_on_in_whatever_order_states_are_loaded(name, schedule_first):
    make, _ = SCHEDULES[name]
    opt = optimizer(0.5, 0.02)
    schedule = make(opt)
    for _ in range(4):
        schedule.step()
    states = schedule.state_dict(), opt.state_dict()
    other = optimizer(0.5, 0.02)
    if schedule_first:
        resumed = make(other)
        resumed.load_state_dict(states[0])
        other.load_state_dict(states[1])
    else:  # made after the optimiser has its late rate: the first rates come from the state
        other.load_state_dict(states[1])
        resumed = make(other)
        resumed.load_state_dict(states[0])
    for _ in range(10):
        assert resumed.get_last_lr() == schedule.get_last_lr()
        schedule.step()
        resumed.step()


def test_cosine_ends_at_eta_min():
    schedule = optim.CosineAnnealingLR(optimizer(0.5, 0.1), 10, eta_min=0.01)
    for _ in range(10):
        schedule.step()
    assert schedule.get_last_lr() == pytest.approx([0.01, 0.01], rel=1e-12)


def test_each_group_may_have_its_function():
    schedule = optim.LambdaLR(optimizer(0.5, 0.1), [lambda t: 2.0 ** t, lambda t: t])
    schedule.step()
    schedule.step()
    assert schedule.get_last_lr() == [2.0, 0.2]


def test_the_rate_reaches_the_parameters():
    w = nn.Parameter(np.zeros(1))
    opt = optim.SGD([w], 1.0)
    schedule = optim.LinearLR(opt, 1.0, 0.0, 4)
    for _ in range(4):
        opt.apply([np.ones(1)])
        schedule.step()
    assert w.item() == pytest.approx(-(1 + 0.75 + 0.5 + 0.25), rel=1e-12)


@pytest.mark.parametrize("call, match", [
    (lambda o: optim.StepLR(o, 0), "StepLR: expected a positive integer step_size, got 0"),
    (lambda o: optim.LinearLR(o, 0.0), r"LinearLR: expected start_factor in \(0, 1\]"),
    (lambda o: optim.LinearLR(o, total_iters=0), "positive integer total_iters, got 0"),
    (lambda o: optim.CosineAnnealingLR(o, 0.5), "positive integer T_max, got 0.5"),
    (lambda o: optim.LambdaLR(o, [abs, abs]), r"LambdaLR: expected one function per group \(1\), got 2"),
    (lambda o: optim.ExponentialLR(o, 0.9).load_state_dict({"last_epoch": 1, "base_lrs": [1, 2]}), "1 groups, got 2")])
def test_misuse_of_schedules(call, match):
    with pytest.raises(ValueError, match=match):
        call(optimizer())


def test_a_schedule_shows_itself():
    assert repr(optim.ExponentialLR(optimizer(), 0.9)) == "ExponentialLR(last_epoch=0, lr=[0.5])"
