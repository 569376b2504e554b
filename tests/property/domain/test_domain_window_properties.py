"""Invariant 4, the arithmetic: a window is half-open, and whatever is rounded is rounded down."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.phrasing import describe_duration, plain
from jitgress.domain.window import Window, format_time, parse_time, to_milliseconds
from tests.builders import ClocksPutBack

ZONES: Final = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))])
TIMES: Final = st.one_of(
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES),  # noqa: DTZ001  zones are drawn
    st.datetimes(
        datetime(2026, 10, 25),  # noqa: DTZ001  the same
        datetime(2026, 10, 26),  # noqa: DTZ001  the same
        timezones=st.just(ClocksPutBack()),
    ),
)
MILLISECOND: Final = timedelta(milliseconds=1)
DURATIONS: Final = st.integers(1, 86_400_000).map(lambda number: number * MILLISECOND)
OFFSETS: Final = st.integers(-90_000_000, 90_000_000).map(lambda number: number * MILLISECOND)


@given(start=TIMES, duration=DURATIONS, offset=OFFSETS)
def test_a_window_contains_its_start_and_not_its_end(start: datetime, duration: timedelta, offset: timedelta) -> None:
    window = Window.starting(start, duration)
    now = window.not_before + offset

    assert window.contains(now) is (timedelta(0) <= offset < duration)
    assert window.has_ended(now) is (offset >= duration)
    assert window.duration == duration


@given(start=TIMES, duration=DURATIONS)
def test_a_window_is_never_longer_in_real_time_than_asked(start: datetime, duration: timedelta) -> None:
    window = Window.starting(start, duration)

    assert window.not_after.timestamp() - start.timestamp() <= duration.total_seconds() + 1e-6
    assert start.astimezone(UTC) - MILLISECOND < window.not_before <= start.astimezone(UTC)


@given(start=TIMES, duration=DURATIONS)
def test_a_window_written_and_read_is_the_same(start: datetime, duration: timedelta) -> None:
    window = Window.starting(start, duration)

    assert Window(parse_time(format_time(window.not_before)), parse_time(format_time(window.not_after))) == window


@given(start=TIMES, duration=DURATIONS, other=DURATIONS, offset=OFFSETS, probe=OFFSETS)
def test_nothing_of_a_window_within_another_is_outside_it(
    start: datetime, duration: timedelta, other: timedelta, offset: timedelta, probe: timedelta
) -> None:
    outer = Window.starting(start, duration)
    inner = Window.starting(outer.not_before + offset, other)
    edges = (inner.not_before, inner.not_after - MILLISECOND)

    assert inner.within(outer) is all(outer.contains(edge) for edge in edges)
    if inner.within(outer) and inner.contains(outer.not_before + probe):
        assert outer.contains(outer.not_before + probe)


@given(at=TIMES)
def test_writing_a_time_rounds_down_by_less_than_a_millisecond(at: datetime) -> None:
    read = parse_time(format_time(at))

    assert at.astimezone(UTC) - MILLISECOND < read <= at.astimezone(UTC)
    assert len(format_time(at)) == len("2026-01-01T10:00:00.000Z")
    assert to_milliseconds(read) == to_milliseconds(at)


@given(at=TIMES)
def test_milliseconds_are_those_of_a_count_that_knows_no_dates(at: datetime) -> None:
    days = at.astimezone(UTC).toordinal() - 719_163  # 1970-01-01
    utc = at.astimezone(UTC)
    whole = ((days * 24 + utc.hour) * 60 + utc.minute) * 60 + utc.second

    assert to_milliseconds(at) == whole * 1000 + utc.microsecond // 1000


@given(one=TIMES, other=TIMES)
def test_what_is_written_sorts_as_the_times_do(one: datetime, other: datetime) -> None:
    assert (format_time(one) < format_time(other)) is (to_milliseconds(one) < to_milliseconds(other))


@given(seconds=st.integers(0, 10_000_000))
def test_a_duration_in_words_adds_up(seconds: int) -> None:
    words = describe_duration(timedelta(seconds=seconds)).split()
    units = {"h": 3600, "min": 60, "s": 1}

    assert sum(int(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True)) == seconds


@given(text=st.text())
def test_a_plain_text_is_one_printable_line_and_stays_so(text: str) -> None:
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)
