"""Learning rate schedules: PyTorch's names and values, each a closed formula of the number of steps.

    schedule = optim.CosineAnnealingLR(opt, T_max=steps)
    for x in batches:
        opt.minimize(loss(x))
        schedule.step()

A schedule owns the learning rates of its optimiser: every step writes them anew from their first values, so nothing
accumulates and a state is one number and those values.
"""

from __future__ import annotations

import math
from bisect import bisect_right


class LRScheduler:
    """The base: ``rates(t)`` is the list of learning rates, one per group, after ``t`` steps.

    ``last_epoch`` counts the steps; making a schedule sets the rates of step 0.
    """

    def __init__(self, optimizer):
        self.optimizer, self.last_epoch = optimizer, 0
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self._write()

    def factor(self, t: int) -> float:
        """By what the first learning rates are multiplied after ``t`` steps; or a subclass writes ``rates``."""
        raise NotImplementedError(f"{type(self).__name__}.factor")

    def rates(self, t: int) -> list:
        """The learning rate of every group after ``t`` steps."""
        factor = self.factor(t)
        return [base * factor for base in self.base_lrs]

    def _write(self) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.rates(self.last_epoch)):
            group["lr"] = rate

    def step(self) -> None:
        """One step further: call it after the optimiser's step."""
        self.last_epoch += 1
        self._write()

    def get_last_lr(self) -> list:
        """The present learning rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict:
        """{"last_epoch": steps so far, "base_lrs": the first learning rates}; the options belong to the program."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a state of :meth:`state_dict`, and set the learning rates.

        Raises ValueError for another number of groups.
        """
        if len(state_dict["base_lrs"]) != len(self.base_lrs):
            raise ValueError(f"{type(self).__name__}.load_state_dict: expected {len(self.base_lrs)} groups, got "
                             f"{len(state_dict['base_lrs'])}")
        self.last_epoch = int(state_dict["last_epoch"])
        self.base_lrs = [float(rate) for rate in state_dict["base_lrs"]]
        self._write()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(last_epoch={self.last_epoch}, lr={self.get_last_lr()})"


def _positive(name, **numbers):
    for key, value in numbers.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name}: expected a positive integer {key}, got {value!r}")


class StepLR(LRScheduler):
    """lr gamma^floor(t / step_size)."""

    def __init__(self, optimizer, step_size: int, gamma: float = 0.1):
        _positive("StepLR", step_size=step_size)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def factor(self, t):
        return self.gamma ** (t // self.step_size)


class MultiStepLR(LRScheduler):
    """lr gamma^(number of milestones <= t)."""

    def __init__(self, optimizer, milestones, gamma: float = 0.1):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def factor(self, t):
        return self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(LRScheduler):
    """lr gamma^t."""

    def __init__(self, optimizer, gamma: float):
        self.gamma = gamma
        super().__init__(optimizer)

    def factor(self, t):
        return self.gamma ** t


class LinearLR(LRScheduler):
    """lr times a factor that goes from ``start_factor`` to ``end_factor`` in ``total_iters`` steps, and stays there.

    Raises ValueError unless 0 < start_factor <= 1 and 0 <= end_factor <= 1.
    """

    def __init__(self, optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5):
        _positive("LinearLR", total_iters=total_iters)
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1:
            raise ValueError("LinearLR: expected start_factor in (0, 1] and end_factor in [0, 1], got "
                             f"{start_factor} and {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def factor(self, t):
        return self.start_factor + (self.end_factor - self.start_factor) * min(t, self.total_iters) / self.total_iters


class CosineAnnealingLR(LRScheduler):
    """eta_min + (lr - eta_min) (1 + cos(pi t / T_max)) / 2 (Loshchilov & Hutter 2016, arXiv:1608.03983, eq. 5).

    After T_max steps it rises again, with period 2 T_max, as PyTorch's does.
    """

    def __init__(self, optimizer, T_max: int, eta_min: float = 0.0):
        _positive("CosineAnnealingLR", T_max=T_max)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def rates(self, t):
        part = (1.0 + math.cos(math.pi * t / self.T_max)) / 2.0
        return [self.eta_min + (base - self.eta_min) * part for base in self.base_lrs]


class LambdaLR(LRScheduler):
    """lr times lr_lambda(t), a function or a list of one function per group.

    The functions are not part of the state. Raises ValueError for another number of functions.
    """

    def __init__(self, optimizer, lr_lambda):
        groups = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"LambdaLR: expected one function per group ({groups}), got {len(self.lr_lambdas)}")
        super().__init__(optimizer)

    def rates(self, t):
        return [base * function(t) for base, function in zip(self.base_lrs, self.lr_lambdas)]


__all__ = ["CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "StepLR"]
