"""Words for people: durations, times, and texts that somebody else wrote.

What others wrote (reasons, comments, names) may hold escape sequences that rewrite the terminal of the approver who
reads them; nothing reaches a terminal but through `plain`.
"""

import re
import unicodedata
from datetime import datetime, timedelta, tzinfo
from typing import Final

from jitgress.cli.exits import UsageError

_DURATION: Final = re.compile(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories without a glyph: controls, bidirectional overrides, surrogates, unassigned, line separators."""


def parse_duration(text: str) -> timedelta:
    """Return a duration written as 30m, 1h30m or 90s, or raise `UsageError`: a bare number could be anything."""
    found = _DURATION.fullmatch(text.strip())
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        raise UsageError(f"{plain(text)!r} is not a duration", remedy="Write it like 90s, 30m or 1h30m.")
    return duration


def duration_words(duration: timedelta) -> str:
    """Return a duration as people say it, in its two largest units, rounded down: 1 h 30 min."""
    left = max(int(duration.total_seconds()), 0)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def time_words(at: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return a moment in `zone` (None: this machine's), with its date where that isn't today's."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    shape = "%H:%M:%S %Z" if local.date() == today.date() else "%Y-%m-%d %H:%M:%S %Z"
    return local.strftime(shape)


def plain(text: str) -> str:
    """Return `text` on one line, with everything that isn't a visible character written as its escape."""
    return "".join(_visible(character) for character in text)


def sentence(message: str, remedy: str = "") -> str:
    """Return 'what is wrong. what to do' on one line."""
    message = plain(" ".join(message.split())).rstrip(".")
    remedy = plain(" ".join(remedy.split()))
    return f"{message}{'' if message.endswith(('?', '!')) else '.'} {remedy}" if remedy else message


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    if unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return character.encode("unicode_escape").decode("ascii")
    return character
