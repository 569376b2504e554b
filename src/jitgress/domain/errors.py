"""The one family of errors: each has a stable code, says what is wrong, and what to do about it.

A denial is not an error but a value: see `jitgress.domain.denial`.
"""

from typing import ClassVar


class JitgressError(Exception):
    """Something went wrong; the CLI, the API, conditions and logs all print the same three parts."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class InvalidValueError(JitgressError):
    """A value from outside does not have the form that it must have."""

    code = "invalid_value"
