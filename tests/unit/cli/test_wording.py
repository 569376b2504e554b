from datetime import UTC, datetime, timedelta

import pytest

from jitgress.cli.exits import UsageError
from jitgress.cli.wording import duration_words, parse_duration, plain, sentence, time_words

NOW = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2h", 7200), ("30d", 2_592_000), (" 5m ", 300)]
)
def test_a_duration_is_read_with_its_units(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "0s", "-5m", "5 m", "m", "30M", "1.5h", "٣m", "9999999999m", "5m\x1b[2J"])
def test_what_has_no_unit_or_no_sense_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration") as caught:
        parse_duration(text)

    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=30), "30 min"),
        (timedelta(minutes=29, seconds=58), "29 min 58 s"),
        (timedelta(hours=1, minutes=30, seconds=5), "1 h 30 min"),
        (timedelta(days=2, seconds=1), "2 d 1 s"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(duration: timedelta, words: str) -> None:
    assert duration_words(duration) == words


def test_a_time_of_another_day_has_its_date() -> None:
    assert time_words(NOW, NOW, UTC) == "10:00:00 UTC"
    assert time_words(NOW + timedelta(days=1), NOW, UTC) == "2026-01-02 10:00:00 UTC"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[1;1Happroved", "\\x1b[2J\\x1b[1;1Happroved"),
        ("two\nlines\tand more", "two lines and more"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("a\u200bb\u2028c", "a\\u200bb\\u2028c"),
        ("back\x08space\rreturn\x9bcsi", "back\\x08space\\rreturn\\x9bcsi"),
        ("Größe, 大きさ, ✓", "Größe, 大きさ, ✓"),
    ],
)
def test_what_others_wrote_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_an_error_is_one_line() -> None:
    assert sentence("it broke.\n  badly.", "Mend\nit.") == "it broke. badly. Mend it."
    assert sentence("it broke") == "it broke"
