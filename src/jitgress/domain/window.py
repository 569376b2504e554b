"""The time during which access is open: half-open, the end is outside."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from jitgress.domain.errors import InvalidValueError


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `not_before` to `not_after`, which is the first moment outside (RFC 7519, nbf and exp)."""

    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        if self.not_before.tzinfo is None or self.not_after.tzinfo is None:
            raise InvalidValueError("a window needs times with a zone", remedy="Give UTC times.")
        if self.not_after <= self.not_before:
            raise InvalidValueError("a window ends after it begins", remedy="Give a duration above zero.")

    @classmethod
    def starting(cls, not_before: datetime, duration: timedelta) -> Self:
        """Return the window of `duration` that starts at `not_before`."""
        return cls(not_before, not_before + duration)

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
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def format_time(at: datetime) -> str:
    """Return `at` as RFC 3339 in UTC with milliseconds, rounded down: 2026-01-01T10:00:00.000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 time as an aware UTC datetime, or raise `InvalidValueError`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidValueError(f"{text[:40]!r} is not an RFC 3339 time", remedy="Write it like 2026-01-01T10:00:00Z.")
    return at.astimezone(UTC)
