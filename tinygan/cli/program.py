"""main: the commands, and what becomes of their errors.

Whatever goes wrong is one line on stderr and an exit status: 2 for a command that cannot be meant (an unknown option,
recipe, setting or data set, a number out of range), 1 for one that failed (data, checkpoints, folders, a diverged
training), 130 for Ctrl-C. ``--traceback`` shows where it happened.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
import warnings

from tinygan.cli import checking, comparing, evaluating, listing, report, sampling, theory, training
from tinygan.cli.options import UsageError
from tinygan.data import DataError
from tinygan.train import CheckpointError, Interrupted, RunFolderError, TrainingError

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
# What the library says to its user, with everything in the message; anything else names its class as well.
SAID = (UsageError, ValueError, CheckpointError, RunFolderError, TrainingError, RuntimeError, AssertionError)


class Parser(argparse.ArgumentParser):
    """argparse's parser with its errors on one line."""

    def error(self, message):
        self.exit(USAGE, f"{self.prog}: error: {_line(message)} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``command`` to the function that carries it out."""
    top = Parser(prog="tinygan", description="Train, sample and inspect generative adversarial networks.")
    top.add_argument("--version", action="version", version=f"tinygan {listing.own_version()}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for part in (listing, training, sampling, evaluating, comparing, report, checking, theory):
        part.add_commands(commands)
    for command in commands.choices.values():
        command.add_argument("--traceback", action="store_true", help="on an error, show where it happened")
    return top


def main(argv=None) -> int:
    """Run one command (default: the arguments of this process) and return its exit status; no error leaves it."""
    try:
        args = parser().parse_args(argv)
    except SystemExit as end:  # argparse has printed help, a version or an error
        return end.code or 0
    try:
        with _warnings_as_lines():
            status = args.command(args) or 0
            sys.stdout.flush()  # here, where a full disk or a closed pipe still has someone to tell
            return status
    except Interrupted as end:
        return end.code
    except BrokenPipeError:
        return _reader_is_gone()
    except KeyboardInterrupt:
        return _failed("interrupted", args.traceback, INTERRUPTED)
    except Exception as error:
        return _failed(f"error: {_message(error)}", args.traceback, _status(error))


def _status(error: Exception) -> int:
    return USAGE if isinstance(error, ValueError) and not isinstance(error, DataError) else FAILURE


def _message(error: Exception) -> str:
    """What to tell the user, on one line."""
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename is not None else ""
        return _line(f"{name}{error.strerror or error}")
    if isinstance(error, MemoryError):
        return _line(f"out of memory: {error}" if str(error) else "out of memory")
    if isinstance(error, SAID) and str(error):
        return _line(str(error))
    return _line(f"{type(error).__name__}: {error} (unexpected; --traceback shows where)")


def _line(text: str) -> str:
    return " ".join(text.split())


def _failed(message: str, with_traceback: bool, status: int) -> int:
    if with_traceback:
        traceback.print_exc()
    print(f"tinygan: {message}", file=sys.stderr)
    return status


def _reader_is_gone() -> int:
    """``tinygan list | head``: whoever read our output has seen enough."""
    with contextlib.suppress(OSError, ValueError):
        # What is still buffered goes nowhere; otherwise the interpreter would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILURE


@contextlib.contextmanager
def _warnings_as_lines():
    """Warnings as one line each, without the place in the source that nobody using a command can act on."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(f"tinygan: warning: {_line(str(message))}",
                                                               file=sys.stderr)
        yield


__all__ = ["Parser", "main", "parser"]
