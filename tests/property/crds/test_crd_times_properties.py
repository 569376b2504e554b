"""The times that the resources take are times that jitgress reads."""

import re
from datetime import datetime, timedelta
from typing import Final

from hypothesis import assume, given
from hypothesis import strategies as st

from jitgress.crds.definitions import KINDS
from jitgress.crds.schema import structural
from jitgress.domain.window import parse_time

_REVIEW: Final = next(kind for kind in KINDS if kind.name == "AccessReview")
PATTERN: Final[str] = structural(_REVIEW.spec)["properties"]["startTime"]["pattern"]


def plainly_read(text: str) -> datetime | None:
    """Return the time of day and date in `text` by their places, moved by its offset; None: there is no such day."""
    year, month, day, hour, minute, second = map(int, re.findall("[0-9]+", text[:19]))
    try:
        local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  its zone is taken off by hand
    except ValueError:
        return None
    if text.endswith("Z"):
        return local
    sign, hours, minutes = text[-6], int(text[-5:-3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return local - offset if sign == "+" else local + offset


@given(st.from_regex(PATTERN, fullmatch=True))
def test_every_time_that_is_taken_is_read_as_what_it_says(text: str) -> None:
    expected = plainly_read(text)
    assume(expected is not None)

    assert parse_time(text).replace(microsecond=0, tzinfo=None) == expected


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2199, 12, 31)), st.integers(0, 9))  # noqa: DTZ001
def test_every_time_between_1970_and_2200_can_be_written(at: datetime, digits: int) -> None:
    fraction = f".{at.microsecond:06d}000"[: digits + 1] if digits else ""

    assert re.search(PATTERN, f"{at.isoformat(timespec='seconds')}{fraction}Z")
