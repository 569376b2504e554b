"""What a request may do on a host: path prefixes and methods. One definition, the gate's rules say the same.

Invariant 1: method and path are inside the scope, by whole segments, and an ambiguous path is never matched at all.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType, Self

from jitgress.domain.errors import InvalidValueError

PathPrefix = NewType("PathPrefix", str)
"""`/`, or segments without a final slash: `/api/v1`. Covers the path itself and everything below it."""

CanonicalPath = NewType("CanonicalPath", str)
"""A raw request path which every server reads alike."""

SEGMENT_CHARACTERS: Final = "A-Za-z0-9._~@:+=,-"
PATH_PREFIX_PATTERN: Final = rf"^/([{SEGMENT_CHARACTERS}]+(/[{SEGMENT_CHARACTERS}]+)*/?)?$"
MAX_PATH_LENGTH: Final = 1024
_PATH_PREFIX: Final = re.compile(PATH_PREFIX_PATTERN)

_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_AMBIGUOUS: Final = re.compile(
    r"//"
    r"|[\\;#?]"
    r"|/\.{1,2}(?=/|$)"
    r"|%(?![0-9A-Fa-f]{2})"
    r"|%(?:2[5eEfF]|5[cC]|3[bB]|[01][0-9A-Fa-f]|7[fF])"
    r"|%(?:[cC][01]|[eE]0%[89]|[fF]0%8)"
)
"""Doubled slash; backslash, parameter, fragment, query; dot segment; broken escape; escapes of percent (decoded twice,
it is an escape again), dot, slash, backslash, semicolon and control characters; and overlong UTF-8, which lenient
decoders read as any of these (RFC 3629, 10)."""


class Method(StrEnum):
    """The methods that can be granted (RFC 9110, 9.3, and RFC 5789). CONNECT and TRACE never can."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    OPTIONS = "OPTIONS"


def parse_path_prefix(text: str) -> PathPrefix:
    """Return `text` as a prefix without its final slash, or raise `InvalidValueError`."""
    if len(text) > MAX_PATH_LENGTH or not _PATH_PREFIX.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise InvalidValueError(
            f"{text[:80]!r} is not a path prefix",
            remedy="Write / for everything or whole segments such as /api/v1: no wildcard, query, dots or escapes.",
        )
    return PathPrefix(text if text == "/" else text.rstrip("/"))


def parse_method(text: str) -> Method:
    """Return `text` as a method, or raise `InvalidValueError`."""
    try:
        return Method(text)
    except ValueError:
        raise InvalidValueError(
            f"{text[:40]!r} is not a method that can be granted", remedy=f"Use one of {', '.join(Method)}."
        ) from None


def canonical_path(raw: str) -> CanonicalPath | None:
    """Return a request's raw path (without its query) if every server reads it alike, else None.

    Refused: all but origin form (RFC 9112, 3.2.1), bytes outside printable ASCII, dot segments, doubled slashes,
    backslashes, path parameters, broken escapes, escapes of these, and overlong UTF-8. Nothing is decoded or rewritten.
    """
    if not raw.startswith("/") or not _PRINTABLE.fullmatch(raw) or _AMBIGUOUS.search(raw):
        return None
    return CanonicalPath(raw)


def covers(prefix: PathPrefix, path: str) -> bool:
    """Tell whether `path` (canonical, or another prefix) is `prefix` itself or below it, by whole segments."""
    return prefix in ("/", path) or path.startswith(prefix + "/")


@dataclass(frozen=True, slots=True)
class Scope:
    """Path prefixes times methods. An empty scope cannot be made: it would permit nothing and look like everything."""

    paths: tuple[PathPrefix, ...]
    methods: frozenset[Method]

    def __post_init__(self) -> None:
        if not self.paths or not self.methods:
            raise InvalidValueError("a scope names no path or no method", remedy="Name at least one of each.")
        for path in self.paths:
            if parse_path_prefix(path) != path:
                raise InvalidValueError(f"{path[:80]!r} ends in a slash", remedy="Make scopes with Scope.of.")
        for method in self.methods:
            parse_method(method)

    @classmethod
    def of(cls, paths: Iterable[str], methods: Iterable[str]) -> Self:
        """Return a scope from texts, sorted and without repetition, or raise `InvalidValueError`."""
        prefixes = sorted({parse_path_prefix(path) for path in paths})
        return cls(tuple(prefixes), frozenset(parse_method(method) for method in methods))

    def permits(self, method: str, raw_path: str) -> bool:
        """Tell whether a request with this method and raw path is inside."""
        path = canonical_path(raw_path)
        return path is not None and method in self.methods and any(covers(prefix, path) for prefix in self.paths)

    def within(self, ceiling: Self) -> bool:
        """Tell whether everything that this scope permits is permitted by `ceiling`, too."""
        return not self.methods_outside(ceiling) and not self.paths_outside(ceiling)

    def paths_outside(self, ceiling: Self) -> tuple[PathPrefix, ...]:
        """Return the prefixes that `ceiling` does not cover."""
        return tuple(path for path in self.paths if not any(covers(outer, path) for outer in ceiling.paths))

    def methods_outside(self, ceiling: Self) -> tuple[str, ...]:
        """Return the methods that `ceiling` does not have, in a stable order."""
        return tuple(sorted(self.methods - ceiling.methods))

    def meet(self, other: Self) -> Self | None:
        """Return what both permit, or None where they share nothing."""
        mine = {path for path in self.paths if any(covers(outer, path) for outer in other.paths)}
        theirs = {path for path in other.paths if any(covers(outer, path) for outer in self.paths)}
        paths, methods = mine | theirs, self.methods & other.methods
        if not paths or not methods:
            return None
        return type(self)(tuple(sorted(paths)), methods)

    def __str__(self) -> str:
        return f"{', '.join(self.sorted_methods())} on {', '.join(self.paths)}"

    def sorted_methods(self) -> tuple[str, ...]:
        """Return the methods as texts in a stable order."""
        return tuple(sorted(self.methods))
