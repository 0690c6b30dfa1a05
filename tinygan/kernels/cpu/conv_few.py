"""Images of few channels: several neighbouring outputs from one column row.

With one or three channels the pieces that a gather copies are a few numbers long, and there are many of them. Taking q
neighbouring outputs of a row together needs q times fewer pieces, each hardly longer: the kernel becomes (q - 1) *
stride wider and has q * O outputs, output j holding the weight moved by j * stride, zeros beside it. Channels-last,
these are the same numbers in the same order in memory, so nothing is rearranged. The zeros are multiplied, which is
cheap next to the copying saved.
"""

import numpy as np

MAX_CHANNELS = 2       # beyond that, pieces are long enough as they are
MAX_WASTE = 2.5        # products, the zeros included, at most this many times those needed


def joined_outputs(channels, width, kernel, stride, dilation):
    """Return q, the number of neighbouring outputs to join along the last axis; 1 where joining does not pay."""
    if channels > MAX_CHANNELS or dilation != 1:
        return 1
    return max((q for q in (1, 2, 4) if width % q == 0 and kernel + (q - 1) * stride <= MAX_WASTE * kernel), default=1)


def widened(w, q, stride):
    """Return the weight (q * O, C, *kernel, K + (q - 1) * stride) of q joined outputs."""
    kernel = w.shape[-1]
    wide = np.zeros((q, *w.shape[:-1], kernel + (q - 1) * stride), dtype=w.dtype)
    for j in range(q):
        wide[j, ..., j * stride:j * stride + kernel] = w
    return wide.reshape(-1, *wide.shape[2:])


def joined(y, q):
    """Return the channels-last y (N, *S, W, O) as (N, *S, W / q, q * O), the same memory."""
    return y.reshape(*y.shape[:-2], y.shape[-2] // q, q * y.shape[-1])


def add_widened(wide, q, stride, gw):
    """Adjoint of `widened`: write to gw the sum over j of what output j's weight has received."""
    kernel = gw.shape[-1]
    wide = wide.reshape(q, *gw.shape[:-1], wide.shape[-1])
    np.copyto(gw, wide[0, ..., :kernel])
    for j in range(1, q):
        gw += wide[j, ..., j * stride:j * stride + kernel]
