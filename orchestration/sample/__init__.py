"""A seeded generator of cloud bills as providers deliver them, for a first run, for tests and for benchmarks."""

from .generator import DEFAULT_END, DEFAULT_MONTHS, generate
from .restatement import apply_restatement
from .single_month import write_month
from .truth import ControlTotal, Truth

__all__ = ["DEFAULT_END", "DEFAULT_MONTHS", "ControlTotal", "Truth", "apply_restatement", "generate", "write_month"]
