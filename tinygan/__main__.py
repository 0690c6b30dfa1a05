"""``python -m tinygan`` is the command ``tinygan``."""

import sys

from tinygan.cli import main

if __name__ == "__main__":
    sys.exit(main())
