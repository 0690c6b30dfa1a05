"""RMSprop."""

from __future__ import annotations

from tinygan.optim.optimizer import Optimizer


class RMSprop(Optimizer):
    """p <- p - lr g / (sqrt(s) + eps) with s <- alpha s + (1 - alpha) g^2 (Tieleman & Hinton 2012, lecture 6.5).

    With ``centered`` s is replaced by s - m^2, m the running mean of g (Graves 2013, arXiv:1308.0850, eqs. 38-41); with
    ``momentum`` buf <- momentum buf + g / (sqrt(s) + eps) is subtracted. PyTorch's arithmetic. Raises ValueError for
    options out of range.
    """

    def __init__(self, params, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
                 momentum: float = 0.0, centered: bool = False):
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
                         centered=centered)

    def check_options(self, group):
        super().check_options(group)
        if not 0 <= group["alpha"] < 1:
            raise ValueError(f"RMSprop: expected alpha in [0, 1), got {group['alpha']}")

    moments = ("square_avg", "momentum_buffer", "grad_avg")

    def used_moments(self, group):
        return ("square_avg", *["momentum_buffer"] * (group["momentum"] > 0), *["grad_avg"] * group["centered"])

    def update(self, kernels, p, g, state, group):
        kernels.rmsprop_step(p, g, state["square_avg"], state.get("momentum_buffer"), state.get("grad_avg"),
                             group["lr"], group["alpha"], group["eps"], group["weight_decay"], group["momentum"],
                             group["centered"])
