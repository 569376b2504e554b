"""The time during which access is open: half-open, the end is outside, in whole milliseconds of UTC.

Invariant 4: what is rounded is rounded down, so that no end is ever later than it was given.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from jitgress.domain.errors import InvalidValueError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `not_before` to `not_after`, which is the first moment outside (RFC 7519, nbf and exp)."""

    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "not_before", _whole_milliseconds(self.not_before))
        object.__setattr__(self, "not_after", _whole_milliseconds(self.not_after))
        if self.not_after <= self.not_before:
            raise InvalidValueError("a window ends after it begins", remedy="Give a duration above zero.")

    @classmethod
    def starting(cls, not_before: datetime, duration: timedelta) -> Self:
        """Return the window of `duration` that starts at `not_before`."""
        start = _whole_milliseconds(not_before)
        return cls(start, start + duration)

    @property
    def duration(self) -> timedelta:
        """How long the window is."""
        return self.not_after - self.not_before

    def contains(self, now: datetime) -> bool:
        """Tell whether access is open at `now`."""
        return self.not_before <= now < self.not_after

    def has_ended(self, now: datetime) -> bool:
        """Tell whether `now` is at or past the end."""
        return now >= self.not_after

    def within(self, outer: Self) -> bool:
        """Tell whether no moment of this window is outside `outer`."""
        return outer.not_before <= self.not_before and self.not_after <= outer.not_after


def to_milliseconds(at: datetime) -> int:
    """Return whole milliseconds since the epoch, rounded down: an end is never later than it was given."""
    return (at - _EPOCH) // _MILLISECOND


def format_time(at: datetime) -> str:
    """Return `at` as RFC 3339 in UTC with milliseconds, rounded down: 2026-01-01T10:00:00.000Z."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 time as an aware UTC datetime, or raise `InvalidValueError`.

    `datetime.fromisoformat` alone takes much that other readers take otherwise: week dates, any separator.
    """
    if _RFC_3339.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):  # the 31st of February; before the year 1 in UTC
            pass
    raise InvalidValueError(f"{text[:40]!r} is not an RFC 3339 time", remedy="Write it like 2026-01-01T10:00:00Z.")


def parse_epoch(text: str) -> datetime | None:
    """Return whole seconds since the epoch as a time, or None where `text` isn't that."""
    if not re.fullmatch("[0-9]{1,11}", text):
        return None
    return _EPOCH + timedelta(seconds=int(text))


def _whole_milliseconds(at: datetime) -> datetime:
    """Return `at` in UTC, where adding a duration is exact (in other zones Python adds to the clock on the wall)."""
    if at.utcoffset() is None:
        raise InvalidValueError("a window needs times with a zone", remedy="Give UTC times.")
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
