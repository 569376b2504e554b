"""Weekly schedules, example by example: the clock on the wall, and what happens when it is changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, cast
from zoneinfo import ZoneInfo

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.domain.schedule import FIRST_DAY, LAST_DAY, Schedule, Span, TimeOfDay, Weekday, parse_weekday
from jitgress.domain.window import Window

TICK: Final = timedelta.resolution
WORKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri")
DAILY: Final = tuple(Weekday)
OFFICE_HOURS: Final = Schedule.of("Europe/Berlin", [(WORKDAYS, "08:00", "18:00")])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}Z")


def stretches(schedule: Schedule, first: str, last: str) -> list[str]:
    """Return the stretches that begin from `first` to `last`, as the schedule says when it opens and closes."""
    found = list[str]()
    opens_at = schedule.opens_at(utc(first))
    while opens_at is not None and opens_at < utc(last):
        closes_at = schedule.closes_at(opens_at)
        found.append(f"{opens_at:%d %H:%M} to {closes_at:%d %H:%M}")
        opens_at = schedule.opens_at(closes_at)
    return found


def test_a_span_is_half_open_on_the_clock_on_the_wall() -> None:
    opens_at, closes_at = utc("2026-01-05T07:00"), utc("2026-01-05T17:00")  # a Monday, UTC+1

    edges = (opens_at - TICK, opens_at, closes_at - TICK, closes_at)

    assert [OFFICE_HOURS.is_open(at) for at in edges] == [False, True, True, False]


def test_a_span_keeps_its_wall_time_in_summer() -> None:
    assert stretches(OFFICE_HOURS, "2026-07-06T00:00", "2026-07-07T00:00") == ["06 06:00 to 06 16:00"]


def test_each_day_that_is_named_opens_and_no_other() -> None:
    schedule = Schedule.of("UTC", [(("Mon", "Wed", "Sun"), "08:00", "09:00")])

    assert stretches(schedule, "2026-01-05T00:00", "2026-01-12T00:00") == [
        "05 08:00 to 05 09:00",
        "07 08:00 to 07 09:00",
        "11 08:00 to 11 09:00",
    ]


def test_an_open_moment_is_its_own_opening_and_a_closed_one_its_own_closing() -> None:
    noon, night = utc("2026-01-05T12:00"), utc("2026-01-05T22:00")

    assert (OFFICE_HOURS.opens_at(noon), OFFICE_HOURS.closes_at(noon)) == (noon, utc("2026-01-05T17:00"))
    assert (OFFICE_HOURS.opens_at(night), OFFICE_HOURS.closes_at(night)) == (utc("2026-01-06T07:00"), night)


def test_after_the_last_span_of_a_week_comes_the_first_of_the_next() -> None:
    assert OFFICE_HOURS.opens_at(utc("2026-01-09T17:00")) == utc("2026-01-12T07:00")


def test_what_is_answered_is_utc_whatever_was_asked_in() -> None:
    monday = datetime(2026, 1, 5, 12, tzinfo=timezone(timedelta(hours=-3)))
    in_berlin = datetime(2026, 1, 4, 12, tzinfo=ZoneInfo("Europe/Berlin"))

    answers = (OFFICE_HOURS.closes_at(monday), OFFICE_HOURS.opens_at(in_berlin), OFFICE_HOURS.closes_at(in_berlin))

    assert answers == (utc("2026-01-05T17:00"), utc("2026-01-05T07:00"), utc("2026-01-04T11:00"))
    assert [answer.tzinfo for answer in answers] == [UTC, UTC, UTC]


@pytest.mark.parametrize("ends", ["06:00", "22:00"], ids=["in the morning", "a minute before a day has passed"])
def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins(ends: str) -> None:
    schedule = Schedule.of("UTC", [(("Fri",), "22:01", ends)])

    found = stretches(schedule, "2026-01-05T00:00", "2026-01-12T00:00")

    assert found == [f"09 22:01 to 10 {ends}"]


def test_a_span_over_the_end_of_the_week_runs_into_monday() -> None:
    schedule = Schedule.of("UTC", [(("Sun",), "22:00", "06:00")])

    assert stretches(schedule, "2026-01-05T06:00", "2026-01-18T00:00") == ["11 22:00 to 12 06:00"]
    assert schedule.closes_at(utc("2026-01-05T00:00")) == utc("2026-01-05T06:00")


@pytest.mark.parametrize("midnight", ["24:00", "00:00"])
def test_a_span_can_end_at_midnight(midnight: str) -> None:
    schedule = Schedule.of("UTC", [(("Sun",), "22:00", midnight)])

    assert stretches(schedule, "2026-01-05T00:00", "2026-01-12T00:00") == ["11 22:00 to 12 00:00"]


@pytest.mark.parametrize(
    "spans",
    [
        [(("Sat",), "20:00", "24:00"), (("Sun",), "00:00", "24:00"), (("Mon",), "00:00", "04:00")],
        [(("Sun",), "01:00", "02:00"), (("Sat",), "20:00", "08:00"), (("Sun",), "08:00", "04:00")],
    ],
    ids=["adjoining", "overlapping and nested"],
)
def test_adjoining_and_overlapping_spans_are_one_stretch(spans: list[tuple[tuple[str, ...], str, str]]) -> None:
    schedule = Schedule.of("UTC", spans)

    assert stretches(schedule, "2026-01-06T00:00", "2026-01-13T00:00") == ["10 20:00 to 12 04:00"]


@pytest.mark.parametrize(
    "spans",
    [[(DAILY, "00:00", "24:00")], [(DAILY, "06:00", "18:00"), (DAILY, "18:00", "06:00")]],
    ids=["whole days", "days and nights"],
)
def test_a_schedule_that_is_always_open_closes_where_the_calendar_ends(
    spans: list[tuple[tuple[str, ...], str, str]],
) -> None:
    schedule = Schedule.of("Europe/Berlin", spans)

    assert schedule.is_always_open
    assert schedule.closes_at(utc("2026-01-05T00:00")) == LAST_DAY
    assert schedule.is_open(LAST_DAY - TICK)
    assert not schedule.is_open(LAST_DAY)


def test_a_schedule_with_one_closed_minute_is_not_always_open() -> None:
    schedule = Schedule.of("UTC", [(DAILY[:6], "00:00", "24:00"), (("Sun",), "00:00", "23:59")])

    assert not schedule.is_always_open
    assert schedule.closes_at(utc("2026-01-05T00:00")) == utc("2026-01-11T23:59")


@pytest.mark.parametrize(
    ("at", "ends"),
    [("2026-01-05T16:30", "2026-01-05T17:00"), ("2026-01-05T12:00", "2026-01-05T13:00")],
    ids=["near the end", "far from it"],
)
def test_the_earlier_of_both_ends_is_one_that_the_schedule_permits(at: str, ends: str) -> None:
    window = Window.starting(utc(at), timedelta(hours=1))

    assert min(window.not_after, OFFICE_HOURS.closes_at(window.not_before)) == utc(ends)


def test_a_window_clipped_while_it_is_closed_has_no_length() -> None:
    window = Window.starting(utc("2026-01-04T12:00"), timedelta(hours=1))

    with pytest.raises(InvalidValueError):
        Window(window.not_before, min(window.not_after, OFFICE_HOURS.closes_at(window.not_before)))


CHANGES: Final = {
    # Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC
    "a span over the skipped hour is shorter": ("Europe/Berlin", "01:00", "05:00", "03-29", ["29 00:00 to 29 03:00"]),
    "what begins in the skipped hour begins at the jump": (
        "Europe/Berlin", "02:30", "05:00", "03-29", ["29 01:00 to 29 03:00"]
    ),
    "what ends in the skipped hour ends at the jump": (
        "Europe/Berlin", "01:00", "02:30", "03-29", ["29 00:00 to 29 01:00"]
    ),
    "what is skipped as a whole does not open": ("Europe/Berlin", "02:00", "03:00", "03-29", []),
    "what ends at the skipped hour ends at the jump": (
        "Europe/Berlin", "01:00", "02:00", "03-29", ["29 00:00 to 29 01:00"]
    ),
    "what begins after the skipped hour begins at the jump": (
        "Europe/Berlin", "03:00", "04:00", "03-29", ["29 01:00 to 29 02:00"]
    ),
    # Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC
    "a span over the doubled hour is longer": ("Europe/Berlin", "01:00", "05:00", "10-25", ["24 23:00 to 25 04:00"]),
    "what ends in the doubled hour ends at the first": (
        "Europe/Berlin", "01:00", "02:30", "10-25", ["24 23:00 to 25 00:30"]
    ),
    "what begins in the doubled hour closes when the clock goes back": (
        "Europe/Berlin", "02:30", "05:00", "10-25", ["25 00:30 to 25 01:00", "25 01:30 to 25 04:00"]
    ),
    "what is in the doubled hour as a whole opens once": (
        "Europe/Berlin", "02:15", "02:45", "10-25", ["25 00:15 to 25 00:45"]
    ),
    "the doubled hour itself is one stretch of two hours": (
        "Europe/Berlin", "02:00", "03:00", "10-25", ["25 00:00 to 25 02:00"]
    ),
    "what ends at the doubled hour ends at the first": (
        "Europe/Berlin", "01:00", "02:00", "10-25", ["24 23:00 to 25 00:00"]
    ),
    "what begins after the doubled hour begins after both": (
        "Europe/Berlin", "03:00", "04:00", "10-25", ["25 02:00 to 25 03:00"]
    ),
    # New York, 8 March and 1 November 2026
    "New York, spring": ("America/New_York", "01:30", "02:30", "03-08", ["08 06:30 to 08 07:00"]),
    "New York, autumn": ("America/New_York", "00:30", "01:30", "11-01", ["01 04:30 to 01 05:30"]),
    # Lord Howe changes by half an hour, 4 October and 5 April 2026
    "Lord Howe, spring": ("Australia/Lord_Howe", "02:15", "04:00", "10-04", ["03 15:30 to 03 17:00"]),
    "Lord Howe, skipped": ("Australia/Lord_Howe", "02:00", "02:30", "10-04", []),
    "Lord Howe, autumn": (
        "Australia/Lord_Howe", "01:45", "03:00", "04-05", ["04 14:45 to 04 15:00", "04 15:15 to 04 16:30"]
    ),
    # Santiago: Sunday 6 September 2026 begins at 01:00, and Saturday 4 April ends with its 24th hour twice
    "Santiago, skipped midnight": ("America/Santiago", "00:30", "02:00", "09-06", ["06 04:00 to 06 05:00"]),
    "Santiago, doubled, after midnight": ("America/Santiago", "00:00", "01:00", "04-05", ["05 04:00 to 05 05:00"]),
    # Beirut: Sunday 29 March 2026 begins at 01:00
    "Beirut, skipped midnight": ("Asia/Beirut", "00:00", "01:00", "03-29", []),
}  # fmt: skip


@pytest.mark.parametrize(("zone", "begins", "ends", "day", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_a_span_on_the_sunday_on_which_clocks_are_changed(
    zone: str, begins: str, ends: str, day: str, expected: list[str]
) -> None:
    schedule = Schedule.of(zone, [(("Sun",), begins, ends)])
    sunday = utc(f"2026-{day}T00:00")

    found = stretches(
        schedule, f"{sunday - timedelta(days=1):%Y-%m-%dT%H:%M}", f"{sunday + timedelta(days=2):%Y-%m-%dT%H:%M}"
    )

    assert found == expected


def test_what_is_skipped_as_a_whole_opens_in_the_next_week() -> None:
    schedule = Schedule.of("Europe/Berlin", [(("Sun",), "02:00", "03:00")])

    assert schedule.opens_at(utc("2026-03-22T01:00") + timedelta(hours=1)) == utc("2026-04-05T00:00")


def test_adjoining_spans_stay_one_stretch_while_clocks_go_back() -> None:
    schedule = Schedule.of("Europe/Berlin", [(("Sun",), "00:00", "02:30"), (("Sun",), "02:30", "04:00")])

    assert stretches(schedule, "2026-10-24T00:00", "2026-10-26T00:00") == ["24 22:00 to 25 03:00"]


def test_an_hour_doubled_before_midnight_is_still_the_day_before() -> None:
    saturday = Schedule.of("America/Santiago", [(("Sat",), "22:00", "24:00")])
    over_midnight = Schedule.of("America/Santiago", [(("Sat",), "23:30", "00:30")])

    assert stretches(saturday, "2026-04-04T12:00", "2026-04-06T00:00") == ["05 01:00 to 05 04:00"]
    assert stretches(over_midnight, "2026-04-04T12:00", "2026-04-06T00:00") == [
        "05 02:30 to 05 03:00",
        "05 03:30 to 05 04:30",
    ]


def test_a_day_that_a_zone_skipped_was_never_open() -> None:
    fridays = Schedule.of("Pacific/Apia", [(("Fri",), "08:00", "18:00")])
    not_on_fridays = Schedule.of("Pacific/Apia", [(DAILY[:4] + DAILY[5:], "00:00", "24:00")])

    assert stretches(fridays, "2011-12-20T00:00", "2012-01-07T00:00") == [
        "23 18:00 to 24 04:00",
        "05 18:00 to 06 04:00",
    ]
    assert stretches(not_on_fridays, "2011-12-22T00:00", "2012-01-07T00:00")[1:] == [
        "24 10:00 to 05 10:00",
        "06 10:00 to 12 10:00",
    ]


def test_a_day_that_a_zone_had_twice_was_open_once() -> None:
    fridays = Schedule.of("America/Juneau", [(("Fri",), "08:00", "18:00")])  # 18 October 1867, twice

    assert len(stretches(fridays, "1867-10-15T00:00", "1867-10-22T00:00")) == 1


def test_an_offset_with_seconds_is_kept_to_the_second() -> None:
    schedule = Schedule.of("Africa/Monrovia", [(DAILY, "12:00", "13:00")])  # 44 min 30 s behind UTC until 1972

    assert schedule.opens_at(utc("1971-06-01T00:00")) == utc("1971-06-01T12:44:30")


def test_an_end_within_the_moment_of_a_change_is_told_to_the_microsecond() -> None:
    schedule = Schedule.of("Europe/Berlin", [(("Sun",), "02:30", "05:00")])

    assert schedule.closes_at(utc("2026-10-25T00:59:59.999999")) == utc("2026-10-25T01:00")
    assert not schedule.is_open(utc("2026-10-25T01:00:00.000001"))
    assert schedule.opens_at(utc("2026-10-25T01:00:00.000001")) == utc("2026-10-25T01:30")


EDGES_OF_TIME: Final = {
    "the first moment": datetime.min.replace(tzinfo=UTC),
    "the first moment, in the east": datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    "the first moment, in the west": datetime.min.replace(tzinfo=timezone(timedelta(hours=-12))),
    "before the first day": FIRST_DAY - TICK,
    "the last day": LAST_DAY,
    "the last moment": datetime.max.replace(tzinfo=UTC),
    "the last moment, in the east": datetime.max.replace(tzinfo=timezone(timedelta(hours=14))),
    "the last moment, in the west": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Adak", "Europe/Berlin"])
@pytest.mark.parametrize("at", EDGES_OF_TIME.values(), ids=EDGES_OF_TIME.keys())
def test_at_the_ends_of_the_calendar_everything_is_closed(at: datetime, zone: str) -> None:
    schedule = Schedule.of(zone, [(DAILY, "00:00", "24:00")])

    assert not schedule.is_open(at)
    assert schedule.closes_at(at) <= max(at, datetime.min.replace(tzinfo=UTC))
    assert schedule.opens_at(at) == (FIRST_DAY if at < FIRST_DAY else None)


def test_what_never_opens_again_before_the_end_of_the_calendar_has_no_opening() -> None:
    schedule = Schedule.of("UTC", [(("Tue",), "00:00", "24:00")])  # the last day is a Wednesday
    last_tuesday = LAST_DAY - timedelta(days=1)

    assert schedule.closes_at(last_tuesday) == LAST_DAY
    assert schedule.opens_at(last_tuesday - TICK) == last_tuesday
    assert schedule.opens_at(LAST_DAY) is None
    assert Schedule.of("UTC", [(("Sun",), "00:00", "24:00")]).opens_at(last_tuesday) is None


@pytest.mark.parametrize(
    "ask",
    [OFFICE_HOURS.is_open, OFFICE_HOURS.closes_at, OFFICE_HOURS.opens_at],
    ids=["is_open", "closes_at", "opens_at"],
)
def test_a_time_without_a_zone_is_not_guessed_at(ask: Callable[[datetime], object]) -> None:
    with pytest.raises(InvalidValueError, match=r"^a schedule needs times with a zone$") as caught:
        ask(datetime(2026, 1, 5, 12))  # noqa: DTZ001  that is the point
    assert caught.value.remedy == "Give UTC times."


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "EST5EDT"])
def test_a_name_of_the_database_of_zones_is_taken(zone: str) -> None:
    assert Schedule.of(zone, [(("Mon",), "08:00", "18:00")]).zone == zone


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Mars/Olympus",
        "Europe",
        "Europe/",
        "/etc/passwd",
        "../etc/passwd",
        "Europe/../UTC",
        "Europe//Berlin",
        "./UTC",
        "UTC\n",
        " UTC",
        "UTC\0",
        "Europe\\Berlin",
        "Europe/Br\u00fcssel",
        "Eur\u043ere/Berlin",
        "\ud800",
        "tzdata.zi",
        "leapseconds",
        "localtime",
        "posixrules",
        "Factory",
        "right/Europe/Berlin",
        "posix/UTC",
        "+02:00",
        "A/" * 40,
        "A" * 65,
        "A" * 100_000,
    ],
    ids=ascii,
)
def test_what_names_no_zone_or_another_on_each_machine_is_refused(zone: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Schedule.of(zone, [(("Mon",), "08:00", "18:00")])
    assert caught.value.message == f"{zone[:80]!r} is not a time zone"
    assert caught.value.remedy == "Use a name of the IANA time zone database, such as Europe/Berlin."


def test_a_schedule_names_a_span_and_a_span_names_a_day() -> None:
    with pytest.raises(InvalidValueError, match=r"^a schedule names no span$") as caught:
        Schedule.of("UTC", [])
    assert caught.value.remedy == "Name at least one, or leave the schedule out."
    with pytest.raises(InvalidValueError, match=r"^a span names no day$") as caught:
        Span.of([], "08:00", "18:00")
    assert caught.value.remedy == "Name at least one of Mon to Sun."


@pytest.mark.parametrize("text", ["00:00", "09:59", "19:00", "23:59", "24:00"])
def test_a_time_of_day_is_written_as_it_was_read(text: str) -> None:
    assert str(TimeOfDay.of(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8:00",
        "08:0",
        "08:60",
        "24:01",
        "25:00",
        "08:00:00",
        "08.00",
        "0800",
        "08:00\n",
        " 08:00",
        "-1:00",
        "\u0661\u0662:00",
    ],
    ids=ascii,
)
def test_what_is_not_a_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        TimeOfDay.of(text)
    assert caught.value.message == f"{text!r} is not a time of day"
    assert caught.value.remedy == "Write hours and minutes, from 00:00 to 24:00."


@pytest.mark.parametrize("minutes", [-1, 1441])
def test_a_day_has_no_minute_outside(minutes: int) -> None:
    with pytest.raises(InvalidValueError, match=f"^a day has no minute {minutes}$") as caught:
        TimeOfDay(minutes)
    assert caught.value.remedy == "Make times with TimeOfDay.of."


@pytest.mark.parametrize("text", ["", "mon", "MON", "Monday", "Mon ", "Mo", "1"])
def test_what_is_not_a_day_of_the_week_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_weekday(text)
    assert caught.value.message == f"{text!r} is not a day of the week"
    assert caught.value.remedy == "Use one of Mon, Tue, Wed, Thu, Fri, Sat, Sun."


def test_a_span_made_by_hand_takes_known_days_only() -> None:
    with pytest.raises(InvalidValueError, match="'Someday' is not a day of the week"):
        Span(cast("frozenset[Weekday]", frozenset({"Someday"})), TimeOfDay(0), TimeOfDay(60))


@pytest.mark.parametrize("text", ["00:00", "08:00"])
def test_a_span_that_begins_where_it_ends_is_not_guessed_at(text: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^a span begins and ends at {text}$") as caught:
        Span.of(["Mon"], text, text)
    assert caught.value.remedy == "Write 00:00 to 24:00 for a whole day."


@pytest.mark.parametrize("ends", ["24:00", "06:00"])
def test_a_span_that_begins_where_a_day_ends_is_refused(ends: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^a span begins at 24:00$") as caught:
        Span.of(["Mon"], "24:00", ends)
    assert caught.value.remedy == "Begin it at 00:00 of the next day."


@pytest.mark.parametrize(
    ("refuse", "message"),
    [
        (TimeOfDay.of, f"'{'*' * 40}' is not a time of day"),
        (parse_weekday, f"'{'*' * 40}' is not a day of the week"),
    ],
    ids=["time of day", "weekday"],
)
def test_a_refused_text_is_told_short(refuse: Callable[[str], object], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        refuse("*" * 1000)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (WORKDAYS, "Mon-Fri"),
        (DAILY, "Mon-Sun"),
        (("Sun", "Sat"), "Sat-Sun"),
        (("Wed",), "Wed"),
        (("Mon", "Wed", "Thu", "Sun"), "Mon, Wed-Thu, Sun"),
    ],
    ids=["workdays", "daily", "weekend", "one day", "some"],
)
def test_days_are_told_in_the_order_of_the_week(days: tuple[str, ...], words: str) -> None:
    assert str(Schedule.of("UTC", [(days, "08:00", "18:00")])) == f"{words} 08:00-18:00 UTC"


def test_a_schedule_is_told_in_words_as_it_was_written() -> None:
    schedule = Schedule.of("Europe/Berlin", [(WORKDAYS, "08:00", "18:00"), (("Sat",), "22:00", "02:00")])

    assert str(schedule) == "Mon-Fri 08:00-18:00; Sat 22:00-02:00 Europe/Berlin"


def test_schedules_are_values() -> None:
    same = Schedule.of("Europe/Berlin", [(reversed(WORKDAYS), "08:00", "18:00")])

    assert same == OFFICE_HOURS
    assert hash(same) == hash(OFFICE_HOURS)
    assert Schedule.of("Europe/Paris", [(WORKDAYS, "08:00", "18:00")]) != OFFICE_HOURS
    assert repr(same).startswith("Schedule(zone='Europe/Berlin', spans=(Span(")
