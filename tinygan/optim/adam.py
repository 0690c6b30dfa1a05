"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from tinygan.optim.optimizer import Optimizer


class Adam(Optimizer):
    """p <- p - lr m^ / (sqrt(v^) + eps), m^ = m / (1 - b1^t), v^ = v / (1 - b2^t) (Kingma & Ba 2014, arXiv:1412.6980).

    m and v are running means of g and g^2 with decays b1, b2 = ``betas`` (Algorithm 1), and t counts the steps of each
    parameter. ``weight_decay`` p is added to g. PyTorch's arithmetic. Raises ValueError for options out of range.
    """

    def __init__(self, params, lr: float = 1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0):
        super().__init__(params, lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay)

    def check_options(self, group):
        super().check_options(group)
        if len(group["betas"]) != 2 or not all(0 <= b < 1 for b in group["betas"]):
            raise ValueError(f"{self.name}: expected two betas in [0, 1), got {group['betas']}")

    moments = ("exp_avg", "exp_avg_sq")

    def update(self, kernels, p, g, state, group):
        kernels.adam_step(p, g, state["exp_avg"], state["exp_avg_sq"], group["lr"], *group["betas"], group["eps"],
                          group["weight_decay"], state["step"])


class AdamW(Adam):
    """Adam after p <- (1 - lr weight_decay) p (Loshchilov & Hutter 2017, arXiv:1711.05101, Algorithm 2).

    The decay does not pass through the moments, so it is the same share for all parameters. PyTorch's arithmetic.
    Raises ValueError for options out of range.
    """

    def __init__(self, params, lr: float = 1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2):
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, kernels, p, g, state, group):
        kernels.adamw_step(p, g, state["exp_avg"], state["exp_avg_sq"], group["lr"], *group["betas"], group["eps"],
                           group["weight_decay"], state["step"])
