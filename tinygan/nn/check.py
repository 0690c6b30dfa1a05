"""What every layer says about an input that does not fit."""

from __future__ import annotations

from tinygan.tensor import Tensor

SPATIAL = {1: ", L", 2: ", H, W", 3: ", D, H, W"}


def shape_of(channels, n: int) -> str:
    """The text of a shape: (N, 3, H, W)."""
    return f"(N, {channels}{SPATIAL[n]})"


def check_tensor(layer, input) -> None:
    """Raise TypeError when a layer is called with something that is no Tensor."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{type(layer).__name__}: expected a Tensor, got {type(input).__name__}; "
                        "wrap it with tinygan.tensor")


def check_images(layer, input, n: int, channels=None) -> None:
    """Raise ValueError unless ``input`` is (N, channels, *S) with ``n`` spatial dimensions."""
    check_tensor(layer, input)
    if input.ndim != n + 2 or (channels is not None and input.shape[1] != channels):
        raise ValueError(f"{type(layer).__name__}: expected input "
                         f"{shape_of('C' if channels is None else channels, n)}, got {input.shape}")


def check_positive(layer, **numbers) -> None:
    """Raise ValueError unless every number is a positive integer."""
    for name, value in numbers.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{type(layer).__name__}: expected a positive integer {name}, got {value!r}")
