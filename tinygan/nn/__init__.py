"""Layers, containers, initialisation and reparametrisation, under PyTorch's names and state_dict keys."""

from tinygan.nn import init
from tinygan.nn.activation import (ELU, GELU, SELU, Flatten, Hardtanh, Identity, LeakyReLU, LogSigmoid, LogSoftmax,
                                   PReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh, Unflatten)
from tinygan.nn.attention import MultiheadAttention, SelfAttention2d
from tinygan.nn.conditional_norm import AdaIN, ConditionalBatchNorm1d, ConditionalBatchNorm2d, adain
from tinygan.nn.containers import ModuleDict, ModuleList, Sequential
from tinygan.nn.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from tinygan.nn.dropout import Dropout, Dropout1d, Dropout2d, Dropout3d
from tinygan.nn.embedding import Embedding
from tinygan.nn.equalized_lr import equalized_lr
from tinygan.nn.linear import Linear
from tinygan.nn.minibatch import MinibatchDiscrimination, MinibatchStdDev
from tinygan.nn.modulated import ModulatedConv2d
from tinygan.nn.module import Module
from tinygan.nn.noise import Noise
from tinygan.nn.norm import (BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, InstanceNorm1d, InstanceNorm2d,
                             InstanceNorm3d, LayerNorm, PixelNorm)
from tinygan.nn.padding import (CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d, ConstantPad2d,
                                ConstantPad3d, ReflectionPad1d, ReflectionPad2d, ReflectionPad3d, ReplicationPad1d,
                                ReplicationPad2d, ReplicationPad3d, ZeroPad1d, ZeroPad2d, ZeroPad3d)
from tinygan.nn.pooling import (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AdaptiveMaxPool1d,
                                AdaptiveMaxPool2d, AdaptiveMaxPool3d, AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d,
                                MaxPool2d, MaxPool3d, PixelShuffle, PixelUnshuffle, Upsample)
from tinygan.nn.recurrent import GRU, LSTM, GRUCell, LSTMCell
from tinygan.nn.spectral_norm import remove_spectral_norm, spectral_norm
from tinygan.nn.virtual_norm import VirtualBatch, VirtualBatchNorm
from tinygan.nn.weight_norm import remove_weight_norm, weight_norm
from tinygan.tensor import Parameter

__all__ = [
    "AdaIN", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "BatchNorm1d", "BatchNorm2d",
    "BatchNorm3d", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConditionalBatchNorm1d",
    "ConditionalBatchNorm2d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
    "ELU", "Embedding", "Flatten", "GELU", "GRU", "GRUCell", "GroupNorm", "Hardtanh", "Identity", "InstanceNorm1d",
    "InstanceNorm2d", "InstanceNorm3d", "LSTM", "LSTMCell", "LayerNorm", "LeakyReLU", "Linear", "LogSigmoid",
    "LogSoftmax", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MinibatchDiscrimination", "MinibatchStdDev",
    "ModulatedConv2d", "Module", "ModuleDict", "ModuleList", "MultiheadAttention", "Noise", "PReLU", "Parameter",
    "PixelNorm", "PixelShuffle", "PixelUnshuffle", "ReLU", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d",
    "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "SELU", "SelfAttention2d", "Sequential", "SiLU",
    "Sigmoid", "Softmax", "Softplus", "Tanh", "Unflatten", "Upsample", "VirtualBatch", "VirtualBatchNorm",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "adain", "equalized_lr", "init", "load_torch", "remove_spectral_norm",
    "remove_weight_norm", "spectral_norm", "weight_norm",
]


def __getattr__(name):
    if name == "load_torch":  # its reader of archives is not imported by everyone who imports tinygan
        from tinygan.nn.torch_checkpoint import load_torch
        return load_torch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
