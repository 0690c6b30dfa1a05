"""``F``: every function on Tensors under PyTorch's name."""

from tinygan.ops.activation import (dropout, elu, expm1, leaky_relu, log_softmax, logsigmoid, relu, sigmoid, softmax,
                                    softplus)
from tinygan.ops.conv import (conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d)
from tinygan.ops.elementwise import (abs, add, clamp, div, exp, log, maximum, minimum, mul, neg, pow, sqrt, square,
                                     sub, tanh, where)
from tinygan.ops.index import embedding, gather, one_hot, scatter_add
from tinygan.ops.linalg import einsum, linear, matmul
from tinygan.ops.losses import binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss
from tinygan.ops.norm import batch_norm, group_norm, instance_norm, layer_norm
from tinygan.ops.pool import (avg_pool1d, avg_pool2d, avg_pool3d, global_avg_pool, max_pool1d, max_pool2d, max_pool3d)
from tinygan.ops.reduce import amax, amin, argmax, argmin, expand, logsumexp, max, mean, min, norm, sum, var
from tinygan.ops.resize import interpolate
from tinygan.ops.shape import (cat, flatten, flip, ones_like, pad, permute, reshape, squeeze, stack, transpose,
                               unsqueeze, zeros_like)

__all__ = [name for name in dir() if not name.startswith("_")]
