"""Inception-v3 as published scores use it: the network, its weights' files, and the ways to resize to it."""

from tinygan.metrics.inception.extractor import InceptionV3
from tinygan.metrics.inception.network import InceptionNetwork
from tinygan.metrics.inception.weights import find_weights, load_weights, save_weights

__all__ = ["InceptionNetwork", "InceptionV3", "find_weights", "load_weights", "save_weights"]
