"""What an approval webhook may answer; whatever isn't exactly that decides nothing."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from jitgress.domain.answer import AnswerVerdict
from jitgress.domain.errors import InvalidValueError
from jitgress.operator.consults.consultant import Decided, Undecided
from jitgress.operator.consults.reply import retry_after, understood
from tests.builders import NOW, seconds

END: Final = datetime(2026, 1, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"decision": "approve"}', Decided(AnswerVerdict.APPROVE)),
        (b'{"decision": "deny"}', Decided(AnswerVerdict.DENY)),
        (b'{"decision": "pending"}', Undecided(seconds(7))),
        (b' {"comment": "CHG-7", "decision": "approve"}\n', Decided(AnswerVerdict.APPROVE, "CHG-7")),
        (
            b'{"decision": "approve", "not_after": "2026-01-01T18:00:00+01:00"}',
            Decided(AnswerVerdict.APPROVE, "", END),
        ),
        (b'{"decision": "approve", "not_after": null}', Decided(AnswerVerdict.APPROVE)),
        (
            '{"decision": "deny", "comment": "geschlossen bis März"}'.encode(),
            Decided(AnswerVerdict.DENY, "geschlossen bis März"),
        ),
        (b'{"decision": "pending", "comment": "board meets at 3"}', Undecided(seconds(7))),
    ],
    ids=["approve", "deny", "pending", "comment", "end", "no end", "unicode", "pending with a comment"],
)
def test_a_decision_is_understood(body: bytes, expected: Decided | Undecided) -> None:
    assert understood(body, seconds(7)) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"approve",
        b"null",
        b'"approve"',
        b'["approve"]',
        b"{}",
        b'{"decision": null}',
        b'{"decision": true}',
        b'{"decision": 1}',
        b'{"decision": ["approve"]}',
        b'{"decision": "Approve"}',
        b'{"decision": "approved"}',
        b'{"decision": "approve "}',
        b'{"decision": "yes"}',
        b'{"Decision": "approve"}',
        b'{"decision": "approve", "comment": null}',
        b'{"decision": "approve", "comment": 7}',
        b'{"decision": "approve", "comment": "\\ud800"}',
        b'{"decision": "approve", "not_after": ""}',
        b'{"decision": "approve", "not_after": "tomorrow"}',
        b'{"decision": "approve", "not_after": "2026-01-01"}',
        b'{"decision": "approve", "not_after": "2026-01-01T18:00:00"}',
        b'{"decision": "approve", "not_after": "2026-02-30T18:00:00Z"}',
        b'{"decision": "approve", "not_after": 1767286800}',
        b'{"decision": "approve", "not_before": "2026-01-01T18:00:00Z"}',
        b'{"decision": "approve", "paths": ["/api"]}',
        b'{"decision": "deny", "decision": "approve"}',
        b'{"decision": "approve", "comment": "a", "comment": "b"}',
        b'{"decision": "approve"} {"decision": "approve"}',
        b'{"decision": "approve", "not_after": NaN}',
        b'{"decision": "approve"',
        b"\xff\xfe",
        '{"decision": "approve"}'.encode("utf-16"),
        b"\xef\xbb\xbf" + b'{"decision": "approve"}',
        b"[" * 60_000,
        b'{"decision": ' + b"9" * 10_000 + b"}",
        b"<html>approve</html>",
    ],
    ids=lambda body: repr(body[:60]),
)
def test_anything_else_decides_nothing(body: bytes) -> None:
    with pytest.raises(InvalidValueError) as unclear:
        understood(body, None)

    assert "approve" not in unclear.value.message


def test_a_long_comment_is_cut_and_the_decision_holds() -> None:
    said = understood(b'{"decision": "deny", "comment": "' + b"x" * 5000 + b'"}', None)

    assert said == Decided(AnswerVerdict.DENY, "x" * 1024)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("0", timedelta(0)),
        ("120", seconds(120)),
        (" 120 ", seconds(120)),
        ("Thu, 01 Jan 2026 10:02:00 GMT", seconds(120)),
        ("Thu, 01 Jan 2026 09:59:00 GMT", seconds(-60)),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 30, None),
        ("9" * 5000, None),
    ],
    ids=[
        "none",
        "now",
        "seconds",
        "blanks",
        "date",
        "past",
        "word",
        "empty",
        "negative",
        "float",
        "arabic",
        "far",
        "huge",
    ],
)
def test_when_to_ask_again_is_read_in_both_forms(value: str | None, expected: timedelta | None) -> None:
    assert retry_after(value, NOW) == expected
