"""One body for arrays and Tensors: arrays become float64 Tensors without a graph, and the result is read off again."""

from __future__ import annotations

import numpy as np

from tinygan.autograd import no_grad
from tinygan.backend import array_module, device_of, is_array
from tinygan.tensor import Tensor


def lifted(f, *inputs):
    """f(*inputs) on Tensors; when no input is a Tensor: on float64 Tensors of them, and the result as float or array.

    Arrays beside Tensors get the dtype of the first Tensor. f returns one Tensor.
    """
    tensors = [x for x in inputs if isinstance(x, Tensor)]
    if tensors:
        xp, dtype = array_module(tensors[0].data), tensors[0].dtype
        return f(*[x if isinstance(x, Tensor) else Tensor(xp.asarray(x, dtype=dtype)) for x in inputs])
    arrays = [x for x in inputs if is_array(x)]
    xp = device_of(arrays[0]).xp if arrays else np
    with no_grad():
        result = f(*[Tensor(xp.asarray(x, dtype=np.float64)) for x in inputs]).data
    return result if result.ndim else float(result)
