"""tinygan: generative adversarial networks down to the last array operation, on NumPy and CuPy."""

from tinygan import functional, nn, optim
from tinygan.anomaly import AnomalyError, detect_anomaly
from tinygan.autograd import enable_grad, grad, is_grad_enabled, no_grad
from tinygan.backend import cuda_available, device, get_precision, resolve_device, set_precision
from tinygan.kernels.threads import get_num_threads, set_num_threads
from tinygan.optim import minimize
from tinygan.random import manual_seed
from tinygan.replay import checkpoint
from tinygan.tensor import Tensor, tensor

__version__ = "0.1.0"
__all__ = ["AnomalyError", "Tensor", "checkpoint", "cuda_available", "detect_anomaly", "device", "enable_grad",
           "functional", "get_num_threads", "get_precision", "grad", "is_grad_enabled", "manual_seed", "minimize", "nn",
           "no_grad", "optim", "resolve_device", "set_num_threads", "set_precision", "tensor"]
