"""A value that must not be seen: it has no readable form until somebody says `reveal`.

Invariant 8: credentials never reach a log, a traceback's repr or a pickle.
"""

from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Secret(Generic[T]):
    """Holds a credential. Two are equal only if they are the same object, so that comparing leaks no time."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the credential itself. Every call of this is worth a look in a review."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")
