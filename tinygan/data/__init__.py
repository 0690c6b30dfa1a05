"""Data: images and points, in memory, and the iterator that hands out batches of them."""
from tinygan.data.batches import Batches
from tinygan.data.dataset import ImageDataset, resize, scale, unscale
from tinygan.data.folder import image_folder
from tinygan.data.idx import DataError, read_idx, read_images, read_labels, read_pair
from tinygan.data.mnist import embedded_mnist, fashion_mnist, mnist
from tinygan.data.points import GaussianMixture, grid25, ring8
from tinygan.data.sources import load

__all__ = ["Batches", "DataError", "GaussianMixture", "ImageDataset", "embedded_mnist", "fashion_mnist", "grid25",
           "image_folder", "load", "mnist", "read_idx", "read_images", "read_labels", "read_pair", "resize", "ring8",
           "scale", "unscale"]
