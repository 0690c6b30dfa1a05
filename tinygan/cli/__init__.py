"""The command line: ``tinygan`` is ``python -m tinygan``. One file per group of commands; ``main(argv)`` runs one."""

from tinygan.cli.program import main

__all__ = ["main"]
