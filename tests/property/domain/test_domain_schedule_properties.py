"""Invariant 4, the schedule: what is open is what somebody sees who looks at the clock on the wall each minute.

The oracle walks minute by minute from long before, and keeps the time on the wall and the latest that was shown. It
reads spans day by day as texts, and knows nothing of offsets, weeks in minutes, or moments at which clocks change.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.domain.schedule import FIRST_DAY, LAST_DAY, Schedule, Weekday

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
BEFORE: Final = timedelta(days=2)
AFTER: Final = timedelta(days=16)
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

NEIGHBOURHOODS: Final = (
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 4, 5, 3, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 10, 24, 21, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("Pacific/Kwajalein", datetime(1969, 9, 30, 13, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, tzinfo=UTC)),
)
"""Zones, and a moment near which their clocks change: by an hour, half of one, at midnight, by a day, or never."""

Text = tuple[tuple[str, ...], str, str]


class Reading(NamedTuple):
    """What the clock and the calendar on the wall say."""

    time: str
    today: str
    yesterday: str


class Look(NamedTuple):
    """What somebody sees who looks at the clock, and the latest that they have seen."""

    at: datetime
    shown: Reading
    latest: Reading
    is_set_back: bool


@cache
def looks(zone: str, change: datetime) -> tuple[Look, ...]:
    """Return a look at the clock for each minute around a change."""
    found, latest = list[Look](), datetime.min  # noqa: DTZ901  the clock on the wall knows no zone
    for minute in range((BEFORE + AFTER) // MINUTE):
        at = change - BEFORE + minute * MINUTE
        shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        latest = max(latest, shown)
        found.append(Look(at, a_reading(shown), a_reading(latest), shown < latest))
    return tuple(found)


def a_reading(shown: datetime) -> Reading:
    return Reading(f"{shown:%H:%M}", DAYS[shown.weekday()], DAYS[(shown - DAY).weekday()])


def is_inside(spans: list[Text], shown: Reading) -> bool:
    return any(is_in_span(span, shown) for span in spans)


def is_in_span(span: Text, shown: Reading) -> bool:
    """Tell whether a time on the wall is in a span, compared as texts."""
    days, begins, ends = span
    if begins < ends:
        return shown.today in days and begins <= shown.time < ends
    return (shown.today in days and begins <= shown.time) or (shown.yesterday in days and shown.time < ends)


def is_open(spans: list[Text], look: Look) -> bool:
    return is_inside(spans, look.shown) and is_inside(spans, look.latest)


def first(spans: list[Text], walk: tuple[Look, ...], *, is_wanted: bool) -> datetime | None:
    """Return the first minute of a walk that is open or closed, as wanted."""
    return next((look.at for look in walk if is_open(spans, look) is is_wanted), None)


def clock_times(last: str) -> st.SearchStrategy[str]:
    near_changes = st.sampled_from(["00:00", "00:30", "01:00", "01:30", "02:00", "02:15", "02:30", "03:00", "23:00"])
    anywhere = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
    return st.one_of(near_changes, anywhere, st.just(last))


SPANS: Final = st.lists(
    st.tuples(
        st.sets(st.sampled_from(DAYS), min_size=1).map(lambda days: tuple(sorted(days))),
        clock_times("23:59"),
        clock_times("24:00"),
    ).filter(lambda span: span[1] != span[2]),
    min_size=1,
    max_size=4,
)
PLACES: Final = st.sampled_from(NEIGHBOURHOODS)
OFFSETS: Final = st.one_of(st.integers(-180, 180), st.integers(-1440, 3 * 1440))
WITHIN_A_MINUTE: Final = st.timedeltas(timedelta(0), MINUTE - timedelta.resolution)


def a_walk(place: tuple[str, datetime], offset: int) -> tuple[Look, ...]:
    """Return the looks from `offset` minutes after the change of `place` on."""
    return looks(*place)[BEFORE // MINUTE + offset :]


@settings(deadline=None)
@given(place=PLACES, spans=SPANS, offset=OFFSETS, within=WITHIN_A_MINUTE)
def test_a_moment_is_open_where_the_oracle_says_so(
    place: tuple[str, datetime], spans: list[Text], offset: int, within: timedelta
) -> None:
    schedule = Schedule.of(place[0], spans)
    for look in a_walk(place, offset)[:120]:
        assert schedule.is_open(look.at + within) is is_open(spans, look), look


@settings(deadline=None)
@given(place=PLACES, spans=SPANS, offset=OFFSETS, within=WITHIN_A_MINUTE)
def test_it_opens_and_closes_where_the_oracle_does(
    place: tuple[str, datetime], spans: list[Text], offset: int, within: timedelta
) -> None:
    schedule, walk = Schedule.of(place[0], spans), a_walk(place, offset)
    at = walk[0].at + within
    opens_at, closes_at = schedule.opens_at(at), schedule.closes_at(at)

    now_open = is_open(spans, walk[0])

    assert opens_at == (at if now_open else first(spans, walk, is_wanted=True) or opens_at)
    assert closes_at == (at if not now_open else first(spans, walk, is_wanted=False) or closes_at)
    if first(spans, walk, is_wanted=False) is None:
        assert closes_at > walk[-1].at


@settings(deadline=None)
@given(place=PLACES, spans=SPANS, offset=OFFSETS, within=WITHIN_A_MINUTE)
def test_the_three_answers_agree_with_each_other(
    place: tuple[str, datetime], spans: list[Text], offset: int, within: timedelta
) -> None:
    schedule = Schedule.of(place[0], spans)
    at = place[1] + offset * MINUTE + within

    opens_at, closes_at = schedule.opens_at(at), schedule.closes_at(at)

    assert opens_at is not None
    assert schedule.is_open(opens_at)
    assert not schedule.is_open(closes_at)
    assert schedule.is_open(at) is (opens_at == at) is (closes_at > at)
    for edge, was_open in ((opens_at, False), (closes_at, True)):
        if edge > at:
            assert schedule.is_open(edge - timedelta.resolution) is was_open


@settings(deadline=None)
@given(place=PLACES, spans=SPANS, more=SPANS, offset=OFFSETS)
def test_more_spans_never_close_anything(
    place: tuple[str, datetime], spans: list[Text], more: list[Text], offset: int
) -> None:
    at = place[1] + offset * MINUTE
    fewer, all_of_them = Schedule.of(place[0], spans), Schedule.of(place[0], spans + more)

    assert fewer.closes_at(at) <= all_of_them.closes_at(at)
    assert all_of_them.is_open(at) or not fewer.is_open(at)


@settings(deadline=None)
@given(place=PLACES, spans=SPANS)
def test_nothing_is_open_while_the_wall_shows_a_time_outside(place: tuple[str, datetime], spans: list[Text]) -> None:
    schedule = Schedule.of(place[0], spans)
    for look in a_walk(place, -120)[:300]:
        if not is_inside(spans, look.shown):
            assert not schedule.is_open(look.at)
        if look.is_set_back and not is_inside(spans, look.latest):  # the end was reached before
            assert not schedule.is_open(look.at)


@settings(deadline=None)
@given(
    zone=st.sampled_from(sorted({zone for zone, _ in NEIGHBOURHOODS})),
    spans=SPANS,
    at=st.one_of(
        st.datetimes(timezones=st.just(UTC)),
        st.timedeltas(timedelta(0), timedelta(days=5)).map(lambda ahead: datetime.min.replace(tzinfo=UTC) + ahead),
        st.timedeltas(timedelta(0), timedelta(days=40)).map(lambda ago: datetime.max.replace(tzinfo=UTC) - ago),
    ),
)
def test_every_moment_of_the_calendar_has_an_answer(zone: str, spans: list[Text], at: datetime) -> None:
    schedule = Schedule.of(zone, spans)

    opens_at, closes_at = schedule.opens_at(at), schedule.closes_at(at)

    assert closes_at == at if not schedule.is_open(at) else at < closes_at <= LAST_DAY
    assert opens_at is None or (max(at, FIRST_DAY) <= opens_at < LAST_DAY)
    assert opens_at is not None or at > LAST_DAY - timedelta(weeks=2)


def test_the_days_are_those_of_the_calendar() -> None:
    assert tuple(Weekday) == DAYS
    assert f"{date(2026, 1, 5):%a}" == "Mon"
