"""Kernels on NumPy arrays, spread over a small thread pool."""

from tinygan.kernels.cpu.activation import leaky_relu, leaky_relu_vjp, sigmoid, sigmoid_vjp, softplus, tanh, tanh_vjp
from tinygan.kernels.cpu.bias import add_bias, channel_sum
from tinygan.kernels.cpu.conv import correlate, correlate_transpose, correlate_weight
from tinygan.kernels.cpu.matmul import matmul
from tinygan.kernels.cpu.normalize import normalize, normalize_vjp, running_moments
from tinygan.kernels.cpu.optimizers import adagrad_step, adam_step, adamw_step, average_step, rmsprop_step, sgd_step
from tinygan.kernels.cpu.pooling import max_pool, max_pool_indices, window_sum, window_sum_transpose
from tinygan.kernels.cpu.random import draw_bernoulli, draw_integers, draw_normal, draw_uniform
from tinygan.kernels.cpu.scatter import add_at

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
