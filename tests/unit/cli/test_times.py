import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitgress.cli.exits import UsageError
from jitgress.cli.times import parse_moment

NOW = datetime(2026, 1, 1, 10, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
"""Clocks that are put back by an hour, by half an hour, and never."""


@pytest.fixture
def machine_in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("14:00", datetime(2026, 1, 1, 13, tzinfo=UTC)),
        ("today 14:00", datetime(2026, 1, 1, 13, tzinfo=UTC)),
        ("14:00:30", datetime(2026, 1, 1, 13, 0, 30, tzinfo=UTC)),
        ("tomorrow 9:00", datetime(2026, 1, 2, 8, tzinfo=UTC)),
        ("Tomorrow 09:00", datetime(2026, 1, 2, 8, tzinfo=UTC)),
        ("2026-12-01 14:00", datetime(2026, 12, 1, 13, tzinfo=UTC)),
        ("2026-07-01T14:00", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-12-01T14:00:00Z", datetime(2026, 12, 1, 14, tzinfo=UTC)),
        ("2026-12-01T14:00:00.250+05:30", datetime(2026, 12, 1, 8, 30, 0, 250_000, tzinfo=UTC)),
        ("+2h", NOW + timedelta(hours=2)),
        ("in 2h", NOW + timedelta(hours=2)),
        (" in  1h30m ", NOW + timedelta(minutes=90)),
    ],
)
def test_a_moment_is_read_as_people_write_it(text: str, at: datetime) -> None:
    assert parse_moment(text, NOW, BERLIN) == at


@pytest.mark.usefixtures("machine_in_berlin")
def test_without_a_zone_the_machines_own_holds() -> None:
    assert parse_moment("2026-07-01 14:00", NOW, None) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    with pytest.raises(UsageError, match="comes twice"):
        parse_moment("2026-10-25 02:30", NOW, None)
    with pytest.raises(UsageError, match="doesn't exist"):
        parse_moment("2026-03-29 02:30", NOW, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "14",
        "25:00",
        "14:60",
        "2026-02-31 10:00",
        "2026-02-31T10:00:00Z",
        "01.12.2026 14:00",
        "yesterday 14:00",
        "2 h",
        "2026-12-01",
        "9999-12-31 23:59:59 x",
        "٢٠٢٦-12-01 14:00",
        "14:00\x1b[2J",
    ],
)
def test_what_names_no_moment_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time") as caught:
        parse_moment(text, NOW, BERLIN)

    assert caught.value.remedy.startswith("Write it like 14:00, ")
    assert "\x1b" not in caught.value.message


def test_a_moment_beyond_the_calendar_is_none() -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_moment("9999-12-31 23:59", NOW, ZoneInfo("America/New_York"))


def test_a_wrong_duration_is_said_to_be_one() -> None:
    with pytest.raises(UsageError, match="'2weeks' is not a duration"):
        parse_moment("in 2weeks", NOW, BERLIN)


@pytest.mark.parametrize(
    ("text", "ago"), [("10:30", "30 min"), ("2025-01-01 11:00", "365 d"), ("2026-01-01T10:00:00Z", "0 s")]
)
def test_what_has_passed_is_refused(text: str, ago: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_moment(text, NOW, BERLIN)

    assert caught.value.message == f"'{text}' has passed, {ago} ago"


def test_a_time_that_daylight_saving_repeats_names_two_moments_and_both_are_offered() -> None:
    with pytest.raises(UsageError) as caught:
        parse_moment("2026-10-25 02:30", NOW, BERLIN)

    assert caught.value.remedy == ("Write which one you mean: 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00.")
    later = parse_moment("2026-10-25T02:30:00+01:00", NOW, BERLIN)
    assert later == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_time_that_daylight_saving_skips_is_refused() -> None:
    with pytest.raises(UsageError, match="2026-03-29 02:30:00 doesn't exist: the clocks are put forward"):
        parse_moment("2026-03-29 02:30", NOW, BERLIN)


@given(
    wall=st.datetimes(datetime(2026, 1, 3), datetime(2028, 1, 1)).map(lambda at: at.replace(microsecond=0)),  # noqa: DTZ001  the clock on the wall
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    data=st.data(),
)
def test_a_time_on_the_wall_is_the_only_moment_that_shows_it(
    wall: datetime, zone: ZoneInfo, data: st.DataObject
) -> None:
    near_change = data.draw(st.sampled_from([None, *_changes(zone)]))
    wall = wall if near_change is None else near_change + timedelta(minutes=data.draw(st.integers(-90, 90)))

    shown = _moments_that_show(wall, zone)

    if len(shown) == 1:
        assert parse_moment(f"{wall:%Y-%m-%d %H:%M:%S}", NOW, zone) == shown[0]
    else:
        with pytest.raises(UsageError, match="comes twice" if shown else "doesn't exist"):
            parse_moment(f"{wall:%Y-%m-%d %H:%M:%S}", NOW, zone)


@cache
def _changes(zone: ZoneInfo) -> list[datetime]:
    """Return the walls of 2026 at which an hour later the offset is another, found by looking at every hour."""
    hours = [datetime(2026, 1, 3, tzinfo=UTC) + timedelta(hours=hour) for hour in range(24 * 360)]
    offsets = [at.astimezone(zone).utcoffset() for at in hours]
    return [
        at.astimezone(zone).replace(tzinfo=None)
        for at, before, after in zip(hours[1:], offsets, offsets[1:], strict=False)
        if before != after
    ]


def _moments_that_show(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return every moment at which the clocks show `wall`: tried with each offset of the days around it."""
    about = wall.replace(tzinfo=UTC)
    offsets = {(about + timedelta(days=days)).astimezone(zone).utcoffset() or timedelta(0) for days in (-1, 1)}
    tried = sorted((about - offset) for offset in offsets)
    return [at for at in tried if at.astimezone(zone).replace(tzinfo=None, fold=0) == wall]
