"""Tools for whoever adds an operation: gradient checks to any order, the table of samples, naive definitions."""

from tinygan.testing.gradcheck import GradcheckError, Report, gradcheck
from tinygan.testing.memory import live_objects

__all__ = ["GradcheckError", "Report", "gradcheck", "live_objects"]
