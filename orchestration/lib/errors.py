"""The error that a person is meant to read."""


class FinopsError(Exception):
    """What went wrong, where, and what to do: shown without a traceback."""
