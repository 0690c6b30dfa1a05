"""Adagrad."""

from __future__ import annotations

from tinygan.optim.optimizer import Optimizer


class Adagrad(Optimizer):
    """p <- p - lr_t g / (sqrt(s) + eps) with s <- s + g^2 (Duchi et al. 2011, JMLR 12, 2121-2159, Figure 1).

    lr_t = lr / (1 + (t - 1) lr_decay), t counts the steps of each parameter, and s starts at
    ``initial_accumulator_value``. ``weight_decay`` p is added to g. PyTorch's arithmetic. Raises ValueError for options
    out of range.
    """

    def __init__(self, params, lr: float = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
                 initial_accumulator_value: float = 0.0, eps: float = 1e-10):
        super().__init__(params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                         initial_accumulator_value=initial_accumulator_value, eps=eps)

    def check_options(self, group):
        super().check_options(group)
        for name in ("lr_decay", "initial_accumulator_value"):
            if not group[name] >= 0:
                raise ValueError(f"{self.name}: expected {name} >= 0, got {group[name]}")

    moments = ("sum",)

    def first_moment(self, parameter, group):
        moment = super().first_moment(parameter, group)
        moment += group["initial_accumulator_value"]
        return moment

    def update(self, kernels, p, g, state, group):
        kernels.adagrad_step(p, g, state["sum"], group["lr"], group["lr_decay"], group["eps"], group["weight_decay"],
                             state["step"])
