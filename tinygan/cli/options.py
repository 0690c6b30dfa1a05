"""What several commands share: kinds of numbers, ``--set key=value``, where a setting's value comes from, tables."""

from __future__ import annotations

import argparse
import math

from tinygan.gans import Recipe, from_text
from tinygan.gans.base import plain


class UsageError(ValueError):
    """A command that cannot be carried out as it was given."""


def at_least(least: int):
    """The type of an option that takes whole numbers from ``least`` on."""
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
        return value
    return number


def seed(text: str) -> int:
    """The type of --seed: what :func:`tinygan.manual_seed` takes."""
    value = at_least(0)(text)
    if value >= 2 ** 64:
        raise argparse.ArgumentTypeError(f"expected a seed below 2**64, got {text}")
    return value


def positive(text: str) -> float:
    """The type of an option that takes finite numbers above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def shape(text: str) -> tuple:
    """The type of --shape: "2" for points in the plane, "1,8,8" for images (C, H, W)."""
    sizes = tuple(at_least(1)(part) for part in text.split(","))
    if len(sizes) not in (1, 3):
        raise argparse.ArgumentTypeError(f"expected a size (2) or channels, height, width (1,8,8), got {text!r}")
    return sizes


def setting(text: str) -> tuple:
    """The type of --set: "key=value" becomes (key, value); how values are read is :func:`gans.from_text`'s matter."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip().isidentifier():
        raise argparse.ArgumentTypeError(f"expected key=value, got {text!r}")
    found = from_text(value)
    numbers = found if isinstance(found, (tuple, list)) else (found,)
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise argparse.ArgumentTypeError(f"{key.strip()}: expected finite numbers, got {value!r}")
    return key.strip(), found


def add_settings(parser) -> None:
    """--set, as often as wanted; the last value of a key counts."""
    parser.add_argument("--set", metavar="KEY=VALUE", dest="settings", type=setting, nargs="+", action="extend",
                        default=[], help="settings in place of the recipe's: lr=1e-4 betas=0,0.9 hidden=64, "
                        "'penalty=r1(1)+r2(1)'")


def add_device(parser, default="auto") -> None:
    """--device."""
    parser.add_argument("--device", default=default, help="auto, cpu, cuda or cuda:<index> (default: "
                        + ("that of the run)" if default is None else f"{default})"))


def origins(row: Recipe, given: dict, data_shape) -> list:
    """[(setting, value as text, where it comes from)] for a recipe on data of a shape."""
    settings = plain(row.resolved(data_shape, **given))
    return [(key, text(value), "--set" if key in given else "recipe" if key in row.settings else
             f"class {row.gan.__name__}" if key in row.gan.defaults else "networks")
            for key, value in settings.items()]


def text(value) -> str:
    """A setting's value as --set takes it."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def summary(cls) -> str:
    """The first sentence of a class's docstring."""
    return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())


def table(header, rows) -> str:
    """Rows of texts in columns, as wide as they need to be."""
    rows = [tuple(map(str, row)) for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


__all__ = ["UsageError", "add_device", "add_settings", "at_least", "origins", "positive", "seed", "setting",
           "shape", "summary", "table", "text"]
