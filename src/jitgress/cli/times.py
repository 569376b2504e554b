"""Moments as people write them: RFC 3339, a time on the clock on the wall, or so long from now.

A time that daylight saving skips or repeats is refused: nobody could tell which moment was meant.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from jitgress.cli.exits import UsageError
from jitgress.cli.wording import duration_words, parse_duration, plain
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.window import parse_time

_FROM_NOW: Final = re.compile(r"(?:in\s+|\+\s*)([0-9]\S*)")
_ON_THE_WALL: Final = re.compile(
    r"(?:([0-9]{4}-[0-9]{2}-[0-9]{2}|today|tomorrow)(?:t|\s+))?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
)
_LIKE: Final = "Write it like 14:00, tomorrow 09:00, 2026-12-01 14:00, +2h or 2026-12-01T14:00:00Z."


def parse_moment(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """Return the moment after `now` that `text` names in `zone` (None: this machine's), in UTC, or raise `UsageError`.

    What names no such moment, one that has passed, or either of two, is wrong usage.
    """
    try:
        at = _moment(text.strip().lower(), now, zone)
    except (ValueError, OverflowError):  # the 31st of February; after the year 9999
        raise _no_moment(text) from None
    if at <= now:
        raise UsageError(
            f"{plain(text)!r} has passed, {duration_words(now - at)} ago", remedy="Name a later time, with its date."
        )
    return at


def _moment(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    try:
        return parse_time(text)
    except InvalidValueError:
        pass
    if ahead := _FROM_NOW.fullmatch(text):
        return now.astimezone(UTC) + parse_duration(ahead[1])
    found = _ON_THE_WALL.fullmatch(text)
    if found is None:
        raise _no_moment(text)
    day, hour, minute, second = found.groups()
    at = time(int(hour), int(minute), int(second or 0))
    return _instant(datetime.combine(_day(day, now.astimezone(zone).date()), at), zone)


def _day(text: str | None, today: date) -> date:
    match text:
        case None | "today":
            return today
        case "tomorrow":
            return today + timedelta(days=1)
        case _:
            return date.fromisoformat(text)


def _instant(wall: datetime, zone: tzinfo | None) -> datetime:
    """Return the one moment at which the clocks of `zone` show `wall`."""
    early, late = (_in_zone(wall.replace(fold=fold), zone) for fold in (0, 1))
    if early.astimezone(zone).replace(tzinfo=None, fold=0) != wall:
        raise UsageError(f"{wall} doesn't exist: the clocks are put forward over it", remedy="Name another time.")
    if early != late:
        both = " or ".join(at.astimezone(zone).isoformat() for at in (early, late))
        raise UsageError(f"{wall} comes twice: the clocks are put back", remedy=f"Write which one you mean: {both}.")
    return early


def _in_zone(wall: datetime, zone: tzinfo | None) -> datetime:
    return (wall if zone is None else wall.replace(tzinfo=zone)).astimezone(UTC)


def _no_moment(text: str) -> UsageError:
    return UsageError(f"{plain(text)!r} is not a time", remedy=_LIKE)
