"""Normalisation whose scale and shift depend on a class or a style."""

from __future__ import annotations

import numpy as np

from tinygan import functional as F
from tinygan.nn.check import check_images, check_positive, check_tensor
from tinygan.nn.embedding import Embedding
from tinygan.nn.init import ones_, zeros_
from tinygan.nn.linear import Linear
from tinygan.nn.module import Module
from tinygan.nn.norm import _RunningNorm
from tinygan.ops.norm import batch_norm_train


def _spread(x, ndim: int):
    """(N, C) as (N, C, 1, ...), to broadcast against (N, C, *S)."""
    return F.reshape(x, x.shape + (1,) * (ndim - 2))


class _ConditionalBatchNorm(_RunningNorm):
    def __init__(self, num_features: int, num_classes: int | None = None, code_size: int | None = None,
                 eps: float = 1e-5, momentum: float | None = 0.1, track_running_stats: bool = True):
        super().__init__(num_features, eps, momentum, False, track_running_stats, False)
        if (num_classes is None) == (code_size is None):
            raise ValueError(f"{type(self).__name__}: expected either num_classes or code_size, got "
                             f"num_classes={num_classes}, code_size={code_size}")
        self.num_classes, self.code_size = num_classes, code_size
        if code_size is None:
            self.gamma, self.beta = Embedding(num_classes, num_features), Embedding(num_classes, num_features)
            ones_(self.gamma.weight)
            zeros_(self.beta.weight)
        else:
            check_positive(self, code_size=code_size)
            self.gamma = Linear(code_size, num_features, bias=False)
            self.beta = Linear(code_size, num_features, bias=False)

    def forward(self, input, condition):
        self.check(input)
        expected = input.shape[:1] if self.code_size is None else (input.shape[0], self.code_size)
        if condition.shape != expected:
            what = "labels" if self.code_size is None else "codes"
            raise ValueError(f"{type(self).__name__}: expected {what} of shape {expected} for input {input.shape}, got "
                             f"{condition.shape}")
        gamma, beta = self.gamma(condition), self.beta(condition)
        gamma = _spread(gamma if self.code_size is None else gamma + 1.0, input.ndim)
        beta = _spread(beta, input.ndim)
        if self.training or not self.track_running_stats:
            out, *moments = batch_norm_train(input, None, None, self.eps)
            if self.training and self.track_running_stats:
                self.track_batch(*moments)
        else:
            out = F.batch_norm(input, self.running_mean, self.running_var, eps=self.eps)
        return out * gamma + beta

    def extra_repr(self):
        which = f"num_classes={self.num_classes}" if self.code_size is None else f"code_size={self.code_size}"
        return f"{self.num_features}, {which}, eps={self.eps}, momentum={self.momentum}"


class ConditionalBatchNorm1d(_ConditionalBatchNorm):
    """:class:`ConditionalBatchNorm2d` for (N, C) and (N, C, L)."""

    dims = (0, 1)


class ConditionalBatchNorm2d(_ConditionalBatchNorm):
    """gamma(y) (x - mu) / sqrt(sigma^2 + eps) + beta(y) for x (N, C, H, W) and the condition y of every sample.

    mu and sigma^2 are the statistics of the whole batch, whatever its classes; only gamma and beta know the class. With
    ``num_classes``, y are integers (N,) and gamma, beta rows of two tables, 1 and 0 at the start (de Vries et al. 2017,
    arXiv:1707.00683, eq. 4; Dumoulin et al. 2016, arXiv:1610.07629, eq. 5, with instance norm). With ``code_size``, y
    are codes e (N, code_size), as a rule from one Embedding that all layers of a network share, and gamma = 1 + W_gamma
    e, beta = W_beta e with linear maps of this layer (BigGAN: Brock et al. 2018, arXiv:1809.11096, appendix B). Running
    statistics as in BatchNorm2d. Keys gamma.weight, beta.weight. Raises ValueError for shapes that do not fit.
    """

    dims = (2,)


def adain(input, scale, shift, eps: float = 1e-5):
    """scale (x - mu(x)) / sigma(x) + shift for x (N, C, *S) with mu, sigma of every sample and channel.

    ``scale`` and ``shift`` are (N, C): the result has mean ``shift`` and standard deviation |scale|. With the standard
    deviations and means of a style image's features this is style transfer. Raises ValueError for other shapes.
    Source: Huang & Belongie 2017, arXiv:1703.06868, eq. 8.
    """
    if not scale.shape == shift.shape == input.shape[:2]:
        raise ValueError(f"adain: expected scale and shift of shape {input.shape[:2]} for input {input.shape}, got "
                         f"{scale.shape} and {shift.shape}")
    return F.instance_norm(input, eps=eps) * _spread(scale, input.ndim) + _spread(shift, input.ndim)


class AdaIN(Module):
    """y_s (x - mu(x)) / sigma(x) + y_b with (y_s, y_b) = A w for x (N, C, H, W) and a style w (N, style_size).

    mu and sigma are those of every image and channel, A is the linear layer ``style`` whose bias begins with y_s = 1,
    y_b = 0. Raises ValueError for shapes that do not fit. Source: Karras et al. 2018 (StyleGAN), arXiv:1812.04948,
    eq. 1; the operation: Huang & Belongie 2017, arXiv:1703.06868, eq. 8, function ``adain``.
    """

    def __init__(self, num_features: int, style_size: int, eps: float = 1e-5):
        super().__init__()
        check_positive(self, num_features=num_features, style_size=style_size)
        self.num_features, self.style_size, self.eps = num_features, style_size, eps
        self.style = Linear(style_size, 2 * num_features)
        self.style.bias.assign(np.repeat(np.float32([1, 0]), num_features), "AdaIN")

    def forward(self, input, style):
        check_images(self, input, 2, self.num_features)
        check_tensor(self, style)
        if style.shape != (input.shape[0], self.style_size):
            raise ValueError(f"AdaIN: expected a style of shape {(input.shape[0], self.style_size)} for input "
                             f"{input.shape}, got {style.shape}")
        return adain(input, *F.chunk(self.style(style), 2, 1), self.eps)

    def extra_repr(self):
        return f"{self.num_features}, {self.style_size}, eps={self.eps}"


__all__ = ["AdaIN", "ConditionalBatchNorm1d", "ConditionalBatchNorm2d", "adain"]
