"""``F``: every function on Tensors under PyTorch's name."""

from tinygan.ops.activation import (dropout, elu, expm1, gelu, hardtanh, leaky_relu, log_softmax, logsigmoid, prelu,
                                    relu, selu, sigmoid, silu, softmax, softplus)
from tinygan.ops.adaptive_pool import (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d,
                                       adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)
from tinygan.ops.attention import scaled_dot_product_attention
from tinygan.ops.conv import (conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d)
from tinygan.ops.distance import cdist, pairwise_distance
from tinygan.ops.elementwise import (abs, add, clamp, div, exp, log, maximum, minimum, mul, neg, pow, sqrt, square,
                                     sub, tanh, where)
from tinygan.ops.index import embedding, gather, index_select, one_hot, scatter_add, take_along_dim
from tinygan.ops.linalg import einsum, linear, matmul
from tinygan.ops.losses import (binary_cross_entropy_with_logits, cross_entropy, kl_div, l1_loss, mse_loss, nll_loss,
                                smooth_l1_loss)
from tinygan.ops.modulated import modulated_conv2d, per_sample_conv2d
from tinygan.ops.norm import batch_norm, group_norm, instance_norm, layer_norm
from tinygan.ops.padding import pad
from tinygan.ops.pool import (avg_pool1d, avg_pool2d, avg_pool3d, global_avg_pool, max_pool1d, max_pool2d, max_pool3d)
from tinygan.ops.reduce import (amax, amin, argmax, argmin, cumsum, expand, logsumexp, max, mean, min, norm, prod, std,
                                sum, var)
from tinygan.ops.resize import interpolate
from tinygan.ops.sampling import affine_grid, grid_sample
from tinygan.ops.shape import (cat, chunk, flatten, flip, ones_like, permute, pixel_shuffle, pixel_unshuffle, reshape,
                               roll, split, squeeze, stack, transpose, tril, triu, unbind, unsqueeze, zeros_like)
from tinygan.ops.special import cos, erf, log1p, rsqrt, sign, sin
from tinygan.ops.unfold import fold, locally_connected2d, unfold
from tinygan.ops.upfirdn import upfirdn2d

__all__ = [name for name in dir() if not name.startswith("_")]
