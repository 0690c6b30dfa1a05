"""Tools for whoever adds an operation: gradient checks to any order, the table of samples, naive definitions."""

from tinygan.testing.gradcheck import GradcheckError, Report, gradcheck

__all__ = ["GradcheckError", "Report", "gradcheck"]
