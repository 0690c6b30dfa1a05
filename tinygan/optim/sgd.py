"""Gradient descent with momentum."""

from __future__ import annotations

from tinygan.optim.optimizer import Optimizer


class SGD(Optimizer):
    """p <- p - lr d with g' = g + weight_decay p, buf <- momentum buf + (1 - dampening) g', d = buf.

    The first step sets buf = g'. With ``nesterov`` d = g' + momentum buf; without momentum d = g'. Raises ValueError
    for options out of range (Nesterov needs momentum and no dampening). (Sutskever et al. 2013; PyTorch's arithmetic.)
    """

    def __init__(self, params, lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
                 weight_decay: float = 0.0, nesterov: bool = False):
        super().__init__(params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
                         nesterov=nesterov)

    def check_options(self, group):
        super().check_options(group)
        if group["nesterov"] and (not group["momentum"] > 0 or group["dampening"] != 0):
            raise ValueError(f"SGD: expected momentum > 0 and dampening 0 with nesterov, got {group['momentum']} and "
                             f"{group['dampening']}")

    moments = ("momentum_buffer",)

    def used_moments(self, group):
        return self.moments if group["momentum"] else ()

    def update(self, kernels, p, g, state, group):
        kernels.sgd_step(p, g, state.get("momentum_buffer"), group["lr"], group["momentum"], group["dampening"],
                         group["weight_decay"], group["nesterov"], state["step"] == 1)
