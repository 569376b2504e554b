"""When a policy permits anything at all: spans of a week on the clock on the wall of a time zone.

Invariant 4, where clocks are changed: **a moment is open if the clock on the wall shows a time inside a span, and so
does the latest time that it has shown.** So nothing is open while people on the spot read a time outside every span,
and nothing opens again after its end was reached, because the clocks went back. In particular:

- A time that is skipped comes at the moment of the jump, for a beginning as for an end. A span that is skipped as a
  whole does not open in that week.
- A time that comes twice: a span that ends there ends at the first of both (as RFC 5545, 3.3.5 reads such a time). One
  that begins there opens at the first, closes when the clock goes back to before its beginning, and opens again at the
  second. One that contains both stays open, and is as much longer as the clocks went back.

Nothing here loops without a bound, and at the ends of the calendar everything is closed.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from jitgress.domain.errors import InvalidValueError

TIME_OF_DAY_PATTERN: Final = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_TIME_OF_DAY: Final = re.compile(TIME_OF_DAY_PATTERN)

_ZONE: Final = re.compile(r"(?!right/|posix/)[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_ZONES_OF_A_MACHINE: Final = frozenset({"localtime", "posixrules", "Factory"})
"""Names in the zone files that mean another zone on each machine, or none. So do the copies in `right/` and `posix/`:
the former count leap seconds."""
_MAX_ZONE_LENGTH: Final = 64  # the longest name in the zone files has 32

_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_A_WEEK: Final = timedelta(weeks=1)
_SECOND: Final = timedelta(seconds=1)  # zone files (RFC 9636) change offsets at whole seconds

FIRST_DAY: Final = datetime(1, 1, 3, tzinfo=UTC)
LAST_DAY: Final = datetime(9999, 12, 29, tzinfo=UTC)
"""Before the one and from the other on everything is closed: nearer to its ends, the calendar has no wall times."""

_LONGEST_STRETCH: Final = timedelta(weeks=4)
"""How far to look ahead. Each time of a week comes in each week, unless it is skipped: a day was, in Apia in 2011."""
_STRIDE: Final = timedelta(days=1)
"""Offsets are compared this far apart: no zone of 2025 has two changes less than 95 h apart (Africa/Freetown, 1939)."""


class Weekday(StrEnum):
    """The days of the week, in the order of `datetime.weekday`."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


_WEEKDAYS: Final = tuple(Weekday)


@dataclass(frozen=True, slots=True, order=True)
class TimeOfDay:
    """A time on the clock on the wall, in minutes from 00:00 to 24:00."""

    minutes: int

    def __post_init__(self) -> None:
        if not 0 <= self.minutes <= _DAY:
            raise InvalidValueError(f"a day has no minute {self.minutes}", remedy="Make times with TimeOfDay.of.")

    @classmethod
    def of(cls, text: str) -> Self:
        """Return `text` as a time of day, or raise `InvalidValueError`."""
        if not _TIME_OF_DAY.fullmatch(text):
            raise InvalidValueError(
                f"{text[:40]!r} is not a time of day", remedy="Write hours and minutes, from 00:00 to 24:00."
            )
        hours, _, minutes = text.partition(":")
        return cls(int(hours) * 60 + int(minutes))

    def __str__(self) -> str:
        return f"{self.minutes // 60:02}:{self.minutes % 60:02}"


@dataclass(frozen=True, slots=True)
class Span:
    """From `begins` to `ends`, which is the first minute outside, on each of `days`.

    One that ends at or before its beginning runs over midnight, and belongs to the day on which it begins.
    """

    days: frozenset[Weekday]
    begins: TimeOfDay
    ends: TimeOfDay

    def __post_init__(self) -> None:
        if not self.days:
            raise InvalidValueError("a span names no day", remedy="Name at least one of Mon to Sun.")
        for day in self.days:
            parse_weekday(day)
        if self.begins.minutes == _DAY:
            raise InvalidValueError("a span begins at 24:00", remedy="Begin it at 00:00 of the next day.")
        if self.begins == self.ends:
            raise InvalidValueError(
                f"a span begins and ends at {self.begins}", remedy="Write 00:00 to 24:00 for a whole day."
            )

    @classmethod
    def of(cls, days: Iterable[str], begins: str, ends: str) -> Self:
        """Return a span from texts, or raise `InvalidValueError`."""
        return cls(frozenset(parse_weekday(day) for day in days), TimeOfDay.of(begins), TimeOfDay.of(ends))

    def minutes_of_the_week(self) -> Iterator[tuple[int, int]]:
        """Return the span as half-open ranges of minutes from Monday 00:00 on, cut in two at the end of the week."""
        length = (self.ends.minutes - self.begins.minutes) % _DAY or _DAY
        for day in self.days:
            begin = _WEEKDAYS.index(day) * _DAY + self.begins.minutes
            yield begin, min(begin + length, _WEEK)
            if begin + length > _WEEK:
                yield 0, begin + length - _WEEK

    def __str__(self) -> str:
        return f"{_describe_days(self.days)} {self.begins}-{self.ends}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Spans of each week in one zone; adjoining and overlapping ones are one. Takes aware datetimes, returns UTC."""

    zone: str
    spans: tuple[Span, ...]
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _edges: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Minutes of the week at which it opens and closes, in turn."""

    def __post_init__(self) -> None:
        if not self.spans:
            raise InvalidValueError("a schedule names no span", remedy="Name at least one, or leave the schedule out.")
        object.__setattr__(self, "_zone", _load_zone(self.zone))
        object.__setattr__(self, "_edges", _merge(piece for span in self.spans for piece in span.minutes_of_the_week()))

    @classmethod
    def of(cls, zone: str, spans: Iterable[tuple[Iterable[str], str, str]]) -> Self:
        """Return a schedule from texts: a zone, and days, begin and end of each span; or raise `InvalidValueError`."""
        return cls(zone, tuple(Span.of(days, begins, ends) for days, begins, ends in spans))

    @property
    def is_always_open(self) -> bool:
        """Tell whether no minute of the week is closed."""
        return self._edges == (0, _WEEK)

    def is_open(self, at: datetime) -> bool:
        """Tell whether access is permitted at `at`."""
        return self._is_open(_to_utc(at))

    def closes_at(self, at: datetime) -> datetime:
        """Return the first moment at or after `at` that is closed.

        The earlier of this and a window's end is an end that the schedule permits. So it is `at` itself where that is
        closed, and `LAST_DAY` where no moment before it is.
        """
        now = _to_utc(at)
        if not self._is_open(now):
            return now
        if self.is_always_open:
            return LAST_DAY
        return next((moment for moment in self._candidates(now) if not self._is_open(moment)), _horizon(now))

    def opens_at(self, at: datetime) -> datetime | None:
        """Return the first moment at or after `at` that is open. None: there is none before `LAST_DAY`."""
        now = max(_to_utc(at), FIRST_DAY)
        if self._is_open(now):
            return now
        return next((moment for moment in self._candidates(now) if self._is_open(moment)), None)

    def __str__(self) -> str:
        return f"{'; '.join(str(span) for span in self.spans)} {self.zone}"

    def _is_open(self, now: datetime) -> bool:
        if not FIRST_DAY <= now < LAST_DAY:
            return False
        shown = now.astimezone(self._zone)
        if not self._contains(shown):
            return False
        if not shown.fold:  # no later time was shown before
            return True
        first = shown.replace(fold=0).astimezone(UTC)
        latest = self._change(first, now) + self._offset(first)
        return self._contains(latest - timedelta.resolution)

    def _contains(self, shown: datetime) -> bool:
        """Tell whether a time on the wall is in a span."""
        minute = shown.weekday() * _DAY + shown.hour * 60 + shown.minute
        return bisect_right(self._edges, minute) % 2 == 1

    def _candidates(self, now: datetime) -> Iterator[datetime]:
        """Return, in order, the moments after `now` at which alone it may open or close."""
        start, horizon = now, _horizon(now)
        while start < horizon:
            stop = self._change(start, min(start + _STRIDE, horizon))
            yield from self._edges_between(start, stop)
            yield stop
            start = stop

    def _edges_between(self, start: datetime, stop: datetime) -> Iterator[datetime]:
        """Return the moments between both, where the offset is that of `start`, at which the wall shows an edge."""
        shown = start + self._offset(start)
        midnight = shown.replace(hour=0, minute=0, second=0, microsecond=0)
        since_monday = shown - midnight + timedelta(days=shown.weekday())
        for ahead in sorted((timedelta(minutes=edge) - since_monday) % _A_WEEK for edge in self._edges):
            if timedelta(0) < ahead < stop - start:
                yield start + ahead

    def _change(self, start: datetime, stop: datetime) -> datetime:
        """Return the first moment after `start` with another offset, or `stop` where that has the same."""
        offset = self._offset(start)
        if self._offset(stop) == offset:
            return stop
        same, other = start.replace(microsecond=0), stop.replace(microsecond=0)
        while other - same > _SECOND:
            middle = same + (other - same) // _SECOND // 2 * _SECOND
            if self._offset(middle) == offset:
                same = middle
            else:
                other = middle
        return other

    def _offset(self, at: datetime) -> timedelta:
        """Return how far the clock on the wall is ahead of UTC."""
        return at.astimezone(self._zone).replace(tzinfo=UTC) - at


def parse_weekday(text: str) -> Weekday:
    """Return `text` as a day of the week, or raise `InvalidValueError`."""
    try:
        return Weekday(text)
    except ValueError:
        raise InvalidValueError(
            f"{text[:40]!r} is not a day of the week", remedy=f"Use one of {', '.join(Weekday)}."
        ) from None


def _load_zone(name: str) -> ZoneInfo:
    """Return the zone of that name, the same on every machine, or raise `InvalidValueError`."""
    if len(name) <= _MAX_ZONE_LENGTH and _ZONE.fullmatch(name) and name not in _ZONES_OF_A_MACHINE:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # no such file; no zone in it; a folder
            pass
    raise InvalidValueError(
        f"{name[:80]!r} is not a time zone", remedy="Use a name of the IANA time zone database, such as Europe/Berlin."
    )


def _merge(pieces: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Return the beginnings and ends of the union of half-open ranges, in turn and in order."""
    edges = list[int]()
    for begin, end in sorted(pieces):
        if edges and begin <= edges[-1]:
            edges[-1] = max(edges[-1], end)
        else:
            edges += [begin, end]
    return tuple(edges)


def _to_utc(at: datetime) -> datetime:
    """Return `at` in UTC; where the calendar has no such time, the nearest that it has."""
    if at.utcoffset() is None:
        raise InvalidValueError("a schedule needs times with a zone", remedy="Give UTC times.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if at < FIRST_DAY else datetime.max.replace(tzinfo=UTC)


def _horizon(now: datetime) -> datetime:
    """Return how far to look ahead from `now`."""
    return now + min(_LONGEST_STRETCH, LAST_DAY - now)


def _describe_days(days: frozenset[Weekday]) -> str:
    """Return days in the order of the week, neighbours as one: Mon-Fri, Sun."""
    runs = list[list[Weekday]]()
    for index, day in enumerate(_WEEKDAYS):
        if day not in days:
            continue
        if runs and runs[-1][-1] == _WEEKDAYS[index - 1]:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
