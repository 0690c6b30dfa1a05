"""Self-attention over the positions of an image, and multi-head attention over sequences."""

from __future__ import annotations

import math

import numpy as np

from tinygan import functional as F
from tinygan.backend import array_module
from tinygan.nn.check import check_images, check_positive, check_tensor
from tinygan.nn.conv import Conv2d
from tinygan.nn.init import xavier_uniform_, zeros_
from tinygan.nn.linear import Linear
from tinygan.nn.module import Module
from tinygan.ops.attention import attention_weights
from tinygan.tensor import Parameter, Tensor


class SelfAttention2d(Module):
    """SAGAN's block (Zhang et al. 2018, arXiv:1805.08318, eqs. 1-3): (N, C, H, W) -> (N, C, H, W).

    s_ij = f(x_i)^T g(x_j), beta_j,i = softmax over i of s_ij, o_j = v(sum_i beta_j,i h(x_i)), y = gamma o + x, with
    positions i, j and gamma = 0 at the start, so that the block begins as the identity. f, g, h, v are 1x1 convolutions
    without bias. f and g have C/8 channels. h has C/2 as in the authors' code (the paper's text has C/8); the code also
    max-pools f and h by 2, which the paper does not mention and this block does not do. For spectral normalisation,
    apply ``spectral_norm`` to each of ``children()``. Raises ValueError for fewer than 8 channels.
    """

    def __init__(self, in_channels: int):
        super().__init__()
        if in_channels < 8:
            raise ValueError("SelfAttention2d: expected at least 8 channels (f and g have an eighth), got "
                             f"{in_channels}")
        self.in_channels = in_channels
        self.f = Conv2d(in_channels, in_channels // 8, 1, bias=False)
        self.g = Conv2d(in_channels, in_channels // 8, 1, bias=False)
        self.h = Conv2d(in_channels, in_channels // 2, 1, bias=False)
        self.v = Conv2d(in_channels // 2, in_channels, 1, bias=False)
        self.gamma = Parameter(np.zeros(1, np.float32))

    def forward(self, input):
        check_images(self, input, 2, self.in_channels)
        n, _, height, width = input.shape
        f, g, h = [F.reshape(layer(input), n, layer.out_channels, height * width) for layer in (self.f, self.g, self.h)]
        beta = F.softmax(F.matmul(F.transpose(f, 1, 2), g), 1)  # [n, i, j]: over i, how much j looks at i
        mixed = F.reshape(F.matmul(h, beta), n, self.h.out_channels, height, width)
        return self.gamma * self.v(mixed) + input

    def extra_repr(self):
        return f"{self.in_channels}"


class MultiheadAttention(Module):
    """Concat(head_1, ..., head_h) W_O, head_i = softmax(Q_i K_i^T / sqrt(d)) V_i, d = embed_dim / num_heads.

    Q_i, K_i, V_i are parts of linear maps of query (L, N, embed_dim), key (S, N, kdim) and value (S, N, vdim); with
    ``batch_first`` N comes first, and N may be absent. Returns (output (L, N, embed_dim), weights): the weights are the
    mean over heads (N, L, S), every head's (N, h, L, S) unless ``average_attn_weights``, or None unless
    ``need_weights``. ``dropout`` acts on the weights in training. Keys in_proj_weight (q_proj_weight, k_proj_weight,
    v_proj_weight when kdim or vdim differ), in_proj_bias, out_proj.weight, out_proj.bias. Raises ValueError for shapes
    that do not fit. Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
    """

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, *,
                 kdim: int | None = None, vdim: int | None = None, batch_first: bool = False):
        super().__init__()
        check_positive(self, embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: expected embed_dim divisible by num_heads, got {embed_dim} and "
                             f"{num_heads}")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        sizes = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        if set(sizes.values()) == {embed_dim}:
            self.in_proj_weight = xavier_uniform_(Parameter(np.empty((3 * embed_dim, embed_dim), np.float32)))
        else:
            self.register_parameter("in_proj_weight", None)
            for name, size in sizes.items():
                self.register_parameter(name, xavier_uniform_(Parameter(np.empty((embed_dim, size), np.float32))))
        self.register_parameter("in_proj_bias", Parameter(np.zeros(3 * embed_dim, np.float32)) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if bias:
            zeros_(self.out_proj.bias)

    def forward(self, query, key, value, key_padding_mask=None, need_weights: bool = True, attn_mask=None,
                average_attn_weights: bool = True, is_causal: bool = False):
        """Attention under masks: boolean (True: not seen, as in PyTorch's class) or numbers to be added.

        ``key_padding_mask`` is (N, S), ``attn_mask`` (L, S) or (N num_heads, L, S). ``is_causal`` without an
        ``attn_mask`` hides all keys after the query. A query that sees no key gets zeros (PyTorch: NaN).
        """
        batched = self._check(query, key, value)
        if not batched:
            query, key, value = [F.unsqueeze(x, 0) for x in (query, key, value)]
        elif not self.batch_first:
            query, key, value = [F.transpose(x, 0, 1) for x in (query, key, value)]
        q, k, v = [self._heads(x) for x in self._project(query, key, value)]
        if is_causal and attn_mask is None:
            xp = array_module(q.data)
            rows, columns = [xp.arange(n) for n in (q.shape[2], k.shape[2])]
            attn_mask = Tensor(columns > rows[:, None])
        mask = self._mask(attn_mask, key_padding_mask, q, k)
        weights = attention_weights(q, k, mask, self.dropout if self.training else 0.0)
        out = F.reshape(F.transpose(F.matmul(weights, v), 1, 2), query.shape)
        out = self.out_proj(out)
        weights = (F.mean(weights, 1) if average_attn_weights else weights) if need_weights else None
        if not batched:
            return out[0], None if weights is None else weights[0]
        return out if self.batch_first else F.transpose(out, 0, 1), weights

    def _check(self, query, key, value) -> bool:
        """Whether there is a batch dimension; raises unless the shapes fit."""
        for x in (query, key, value):
            check_tensor(self, x)
        ends = [x.shape[-1:] for x in (query, key, value)]
        batch = 0 if self.batch_first else 1
        if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim or key.shape[:-1] != value.shape[:-1] \
                or ends != [(self.embed_dim,), (self.kdim,), (self.vdim,)] \
                or query.ndim == 3 and query.shape[batch] != key.shape[batch]:
            form = "(N, {}, {})" if self.batch_first else "({}, N, {})"
            raise ValueError(f"MultiheadAttention: expected query {form.format('L', self.embed_dim)}, key "
                             f"{form.format('S', self.kdim)} and value {form.format('S', self.vdim)}, got "
                             f"{query.shape}, {key.shape} and {value.shape}")
        return query.ndim == 3

    def _project(self, query, key, value):
        """Queries, keys and values of all heads, (N, L or S, embed_dim) each."""
        if self.in_proj_weight is not None and query is key and key is value:
            return F.chunk(F.linear(query, self.in_proj_weight, self.in_proj_bias), 3, -1)
        weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight) if self.in_proj_weight is None else \
            F.chunk(self.in_proj_weight, 3)
        biases = (None,) * 3 if self.in_proj_bias is None else F.chunk(self.in_proj_bias, 3)
        return [F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)]

    def _heads(self, x):
        """(N, L, embed_dim) as (N, num_heads, L, d)."""
        n, length, size = x.shape
        return F.transpose(F.reshape(x, n, length, self.num_heads, size // self.num_heads), 1, 2)

    def _mask(self, attn_mask, key_padding_mask, q, k):
        """Both masks as one that broadcasts to (N, num_heads, L, S): booleans (True: seen) or numbers, or None."""
        n, heads, length, size = *q.shape[:3], k.shape[2]
        masks = []
        for name, mask, shapes in (("attn_mask", attn_mask, {(length, size): (1, 1, length, size),
                                                             (n * heads, length, size): (n, heads, length, size)}),
                                   ("key_padding_mask", key_padding_mask, {(n, size): (n, 1, 1, size),
                                                                           (size,): (n, 1, 1, size)})):
            if mask is None:
                continue
            mask = mask if isinstance(mask, Tensor) else Tensor(mask)
            if mask.shape not in shapes:
                raise ValueError(f"MultiheadAttention: expected {name} of shape {' or '.join(map(str, shapes))}, got "
                                 f"{mask.shape}")
            masks.append(F.reshape(mask, shapes[mask.shape]))
        if not masks:
            return None
        if all(m.dtype == bool for m in masks):
            blocked = masks[0].data if len(masks) == 1 else masks[0].data | masks[1].data
            return Tensor(~blocked)
        zero = F.zeros_like(Tensor(q.data[:1, :1, :1, :1]))
        added = [F.where(m, -math.inf, zero) if m.dtype == bool else m for m in masks]
        return added[0] if len(added) == 1 else added[0] + added[1]

    def extra_repr(self):
        return f"{self.embed_dim}, {self.num_heads}, batch_first={self.batch_first}"


__all__ = ["MultiheadAttention", "SelfAttention2d"]
