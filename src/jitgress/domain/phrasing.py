"""Words for people: durations, and texts by others that must not steer the terminal or page of their reader."""

from datetime import timedelta
from typing import Final

_UNITS: Final = (("h", timedelta(hours=1)), ("min", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def describe_duration(duration: timedelta) -> str:
    """Return `duration` in words, to the second: 1 h 30 min. A fraction of a second is not told."""
    sign, rest = ("-", -duration) if duration < timedelta(0) else ("", duration)
    parts = list[str]()
    for unit, length in _UNITS:
        number, rest = divmod(rest, length)
        if number:
            parts.append(f"{number} {unit}")
    return sign + " ".join(parts) if parts else "0 s"


def plain(text: str) -> str:
    """Return `text` on one line, with a space for all that is invisible or steers: control and direction characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def with_comment(sentence: str, comment: str) -> str:
    """Return `sentence`, and what a reviewer said about it, if anything."""
    said = plain(comment)
    return f"{sentence}: {said}" if said else sentence


def sentences(*parts: str) -> str:
    """Return the parts that say something as sentences, each with its full stop."""
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)
