"""Attention."""

from __future__ import annotations

import math

from tinygan.backend import array_module
from tinygan.ops.activation import dropout, softmax
from tinygan.ops.elementwise import where
from tinygan.ops.linalg import matmul
from tinygan.ops.shape import transpose


def attention_weights(query, key, attn_mask=None, dropout_p: float = 0.0, is_causal: bool = False, scale=None):
    """softmax(Q K^T scale + mask) for query (..., L, E) and key (..., S, E): (..., L, S), rows of weights.

    The options are those of :func:`scaled_dot_product_attention`.
    """
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    scores = matmul(query * scale, transpose(key, -1, -2))
    if is_causal:
        xp = array_module(scores.data)
        rows, columns = [xp.arange(m) for m in scores.shape[-2:]]
        weights = softmax(where(columns <= rows[:, None], scores, -math.inf), -1)  # key 0 is always seen
    elif attn_mask is not None:
        weights = _masked(scores, attn_mask)
    else:
        weights = softmax(scores, -1)
    return dropout(weights, dropout_p)


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p: float = 0.0, is_causal: bool = False,
                                 scale=None):
    """softmax(Q K^T scale + mask) V for query (..., L, E), key (..., S, E), value (..., S, V): (..., L, V).

    ``attn_mask`` broadcasts to (..., L, S): boolean (True takes part) or numbers to be added. ``is_causal`` lets
    query i see keys 0 ... i. ``scale`` is 1 / sqrt(E) when left out. A query that may see nothing gives zeros. The
    weights are dropped with probability ``dropout_p`` from the "dropout" stream. Raises ValueError when the shapes do
    not fit, or when both masks are given. Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1.
    """
    if min(query.ndim, key.ndim, value.ndim) < 2 or query.shape[-1] != key.shape[-1] or \
            key.shape[-2] != value.shape[-2]:
        raise ValueError("scaled_dot_product_attention: expected query (..., L, E), key (..., S, E) and value "
                         f"(..., S, V), got {query.shape}, {key.shape} and {value.shape}")
    if is_causal and attn_mask is not None:
        raise ValueError("scaled_dot_product_attention: expected is_causal or attn_mask, got both")
    return matmul(attention_weights(query, key, attn_mask, dropout_p, is_causal, scale), value)


def _masked(scores, mask):
    """The softmax of masked scores, with zeros in rows that are masked altogether (their softmax is 0 / 0)."""
    scores = where(mask, scores, -math.inf) if mask.dtype == bool else scores + mask
    if not scores.size:
        return scores
    blind = scores.data.max(axis=-1, keepdims=True) == -math.inf
    return where(blind, 0.0, softmax(where(blind, 0.0, scores), -1))
