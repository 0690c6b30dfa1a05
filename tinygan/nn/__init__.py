"""Layers, containers, initialisation and reparametrisation, under PyTorch's names and state_dict keys."""

from tinygan.nn import init
from tinygan.nn.activation import (ELU, Flatten, Identity, LeakyReLU, LogSigmoid, ReLU, Sigmoid, Softmax, Softplus,
                                   Tanh, Unflatten)
from tinygan.nn.attention import SelfAttention2d
from tinygan.nn.containers import ModuleDict, ModuleList, Sequential
from tinygan.nn.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tinygan.nn.dropout import Dropout
from tinygan.nn.embedding import Embedding
from tinygan.nn.linear import Linear
from tinygan.nn.module import Module
from tinygan.nn.norm import (BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, InstanceNorm1d, InstanceNorm2d,
                             InstanceNorm3d, LayerNorm)
from tinygan.nn.pooling import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d, Upsample
from tinygan.nn.spectral_norm import remove_spectral_norm, spectral_norm
from tinygan.tensor import Parameter

__all__ = [
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Dropout", "ELU", "Embedding", "Flatten", "GroupNorm",
    "Identity", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm", "LeakyReLU", "Linear", "LogSigmoid",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "Module", "ModuleDict", "ModuleList", "Parameter", "ReLU", "SelfAttention2d",
    "Sequential", "Sigmoid", "Softmax", "Softplus", "Tanh", "Unflatten", "Upsample", "init", "remove_spectral_norm",
    "spectral_norm",
]
