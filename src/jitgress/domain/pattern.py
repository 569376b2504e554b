"""The port for patterns that policies state: matched in time linear in the text, whatever pattern and text are."""

from typing import Protocol


class Pattern(Protocol):
    """A regular expression in RE2's syntax. Two are equal if their texts are."""

    @property
    def text(self) -> str:
        """The expression as the policy states it."""
        ...

    def is_found_in(self, text: str) -> bool:
        """Tell whether some part of `text` matches."""
        ...

    def is_whole(self, text: str) -> bool:
        """Tell whether all of `text` matches."""
        ...
