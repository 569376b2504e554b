"""Patterns of policies, matched by RE2: in time linear in the text, whatever pattern and text are.

What bounds the work: RE2 never backtracks; `MAX_PROGRAM` bounds what it does for each character where its fast way runs
out of memory, and `_MAX_MEMORY_BYTES` what a pattern may keep. What can't be matched at all, matches nothing.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import re2  # type: ignore[import-untyped]  # it ships no types; _Engine says what is used of it

from jitgress.domain.errors import InvalidValueError

MAX_PATTERN: Final = 512
MAX_PROGRAM: Final = 4096
"""Instructions of a compiled pattern. Measured with the worst ones: 10 ms for the 1,024 characters of a reason, 5 s for
1 MB. A class such as `\\pL` takes 1,200, an incident's number 12."""

_MAX_MEMORY_BYTES: Final = 1 << 20
_REMEDY: Final = "Write it in RE2's syntax, which has no look-around and no back-references: https://github.com/google/re2/wiki/Syntax"


class _Options(Protocol):
    log_errors: bool
    max_mem: int
    never_capture: bool


class _Compiled(Protocol):
    @property
    def programsize(self) -> int: ...
    def search(self, text: bytes) -> object | None: ...
    def fullmatch(self, text: bytes) -> object | None: ...


class _Engine(Protocol):
    error: type[Exception]

    def Options(self) -> _Options: ...  # noqa: N802  its name in RE2
    def compile(self, pattern: str, options: _Options) -> _Compiled: ...


_RE2: Final = cast("_Engine", re2)


@dataclass(frozen=True, slots=True)
class Re2Pattern:
    """A pattern as `compile_pattern` returns it. Two are equal if their texts are."""

    text: str
    _compiled: _Compiled = field(repr=False, compare=False)

    @property
    def size(self) -> int:
        """How many instructions it has: what RE2 does for one character, at worst."""
        return self._compiled.programsize

    def is_found_in(self, text: str) -> bool:
        """Tell whether some part of `text` matches. In a text with half a surrogate pair nothing does."""
        found = _encoded(text)
        return found is not None and self._compiled.search(found) is not None

    def is_whole(self, text: str) -> bool:
        """Tell whether all of `text` matches. A text with half a surrogate pair doesn't."""
        found = _encoded(text)
        return found is not None and self._compiled.fullmatch(found) is not None


def compile_pattern(text: str) -> Re2Pattern:
    """Return the pattern `text`. Raises `InvalidValueError` for one that is empty, too long, too large or not RE2's."""
    if not text:
        raise InvalidValueError("a pattern is empty", remedy="State what must be there, or leave the field out.")
    if len(text) > MAX_PATTERN:
        raise InvalidValueError(
            f"a pattern has {len(text):,} characters, {MAX_PATTERN} at most are possible", remedy="Shorten it."
        )
    if _encoded(text) is None:
        raise InvalidValueError(f"pattern {text!r} is not Unicode: it has half a surrogate pair", remedy=_REMEDY)
    pattern = Re2Pattern(text, _compiled(text))
    if pattern.size > MAX_PROGRAM:
        raise _too_large(text)
    return pattern


def _compiled(text: str) -> _Compiled:
    options = _RE2.Options()
    options.log_errors = False  # they are told to whoever wrote the pattern, not to stderr
    options.max_mem = _MAX_MEMORY_BYTES
    options.never_capture = True  # who wants to know where it matched pays for it
    try:
        return _RE2.compile(text, options)
    except _RE2.error as error:
        reason = _reason(error)
    if "too large" in reason:
        raise _too_large(text)
    raise InvalidValueError(f"pattern {text!r} can't be understood: {reason}", remedy=_REMEDY)


def _too_large(text: str) -> InvalidValueError:
    return InvalidValueError(
        f"pattern {text!r} is too large when it is compiled",
        remedy="Repeat less: {1,9} makes nine copies of what stands before it, and classes such as \\pL are large.",
    )


def _reason(error: Exception) -> str:
    """Return what RE2 says: its binding hands over the bytes."""
    said: object = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _encoded(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
