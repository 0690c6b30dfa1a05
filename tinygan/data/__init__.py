"""Data: images and points, in memory, and the iterators that hand out batches of them."""
from tinygan.data.batches import Batches
from tinygan.data.cifar import cifar10
from tinygan.data.dataset import ImageDataset, resize, scale, unscale
from tinygan.data.folder import image_folder, unchanged_folder
from tinygan.data.idx import DataError, read_idx, read_images, read_labels, read_pair
from tinygan.data.mnist import embedded_mnist, fashion_mnist, mnist
from tinygan.data.movies import forks, movies
from tinygan.data.pixels import binary, edges, negative
from tinygan.data.points import POINTS, GaussianMixture, Points, gauss1, grid25, lines, mixture1, moons, ring8
from tinygan.data.prefetch import Prefetch
from tinygan.data.sources import load
from tinygan.data.stacked import stacked
from tinygan.data.streams import PointBatches, Unpaired

__all__ = ["Batches", "DataError", "GaussianMixture", "ImageDataset", "POINTS", "PointBatches", "Points", "Prefetch",
           "Unpaired", "binary", "cifar10", "edges", "embedded_mnist", "fashion_mnist", "forks", "gauss1", "grid25",
           "image_folder", "lines", "load", "mixture1", "mnist", "moons", "movies", "negative", "read_idx",
           "read_images", "read_labels", "read_pair", "resize", "ring8", "scale", "stacked", "unchanged_folder",
           "unscale"]
