"""Kernels on CuPy arrays: the names and signatures of `tinygan.kernels.cpu`, with no host synchronisation inside.

CuPy's elementwise functions return C-ordered memory whatever the order of their inputs, so every kernel computes on the
array in its order of memory and hands out a transposed view.
"""

from tinygan.kernels.cuda.activation import leaky_relu, leaky_relu_vjp, sigmoid, sigmoid_vjp, softplus, tanh, tanh_vjp
from tinygan.kernels.cuda.bias import add_bias, channel_sum
from tinygan.kernels.cuda.conv import correlate, correlate_transpose, correlate_weight
from tinygan.kernels.cuda.matmul import matmul
from tinygan.kernels.cuda.normalize import normalize, normalize_vjp, running_moments
from tinygan.kernels.cuda.optimizers import adagrad_step, adam_step, adamw_step, average_step, rmsprop_step, sgd_step
from tinygan.kernels.cuda.pooling import max_pool, max_pool_indices, window_sum, window_sum_transpose
from tinygan.kernels.cuda.random import draw_bernoulli, draw_integers, draw_normal, draw_uniform
from tinygan.kernels.cuda.scatter import add_at

__all__ = [
    "leaky_relu", "leaky_relu_vjp", "sigmoid", "sigmoid_vjp", "softplus", "tanh", "tanh_vjp",
    "add_bias", "channel_sum",
    "correlate", "correlate_transpose", "correlate_weight",
    "matmul",
    "normalize", "normalize_vjp", "running_moments",
    "adagrad_step", "adam_step", "adamw_step", "average_step", "rmsprop_step", "sgd_step",
    "max_pool", "max_pool_indices", "window_sum", "window_sum_transpose",
    "draw_bernoulli", "draw_integers", "draw_normal", "draw_uniform",
    "add_at",
]
