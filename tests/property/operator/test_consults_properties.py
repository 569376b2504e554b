"""Whatever an external system sends, only an exact decision decides; and what it said is read back as it was said."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from jitgress.audit.canonical import canonical, read
from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.errors import InvalidValueError
from jitgress.operator.answers import answer_event, answers
from jitgress.operator.consults.consultant import Decided, Trouble, Undecided, Unheard
from jitgress.operator.consults.decide import LATEST, SOONEST, pause
from jitgress.operator.consults.reply import MAX_COMMENT, understood
from tests.builders import a_request, after

WORDS: Final = st.sampled_from(["approve", "deny", "pending", "Approve", "approved", "", "allow"])
TIMES: Final = st.sampled_from(["2026-01-01T18:00:00Z", "2026-01-01T18:00:00.5+01:00", "2026-01-01", "", "never"])
CHARACTERS: Final = 'aprovedny {}[]":,é漢😀\n\x00\u2028\ufeff'
SCALARS: Final = st.none() | st.booleans() | st.integers(-5, 5) | st.text(CHARACTERS, max_size=5)
VALUES: Final = SCALARS | st.lists(SCALARS, max_size=2)
DOCUMENTS: Final = st.fixed_dictionaries(
    {"decision": st.one_of(WORDS, WORDS, VALUES)},
    optional={
        "comment": st.one_of(st.text(CHARACTERS, max_size=20), st.text(CHARACTERS, max_size=20), VALUES),
        "not_after": st.one_of(TIMES, TIMES, VALUES),
        "condition": VALUES,
    },
)


def sent(body: bytes) -> Decided | Undecided | None:
    """Return what was understood, or None."""
    try:
        return understood(body, None)
    except InvalidValueError:
        return None


def meant(document: dict[str, Any]) -> Decided | Undecided | None:
    """Return what a document says, field by field; None for nothing."""
    comment, end = document.get("comment", ""), document.get("not_after")
    times = {
        None: None,
        "2026-01-01T18:00:00Z": datetime(2026, 1, 1, 18, tzinfo=UTC),
        "2026-01-01T18:00:00.5+01:00": datetime(2026, 1, 1, 17, 0, 0, 500_000, tzinfo=UTC),
    }
    is_known = "condition" not in document and isinstance(comment, str)
    if not is_known or not isinstance(end, str | None) or end not in times:
        return None
    by_word: dict[str, Decided | Undecided] = {
        "approve": Decided(AnswerVerdict.APPROVE, comment, times[end]),
        "deny": Decided(AnswerVerdict.DENY, comment, times[end]),
        "pending": Undecided(None),
    }
    return by_word.get(document["decision"] if isinstance(document["decision"], str) else "")


@given(DOCUMENTS)
def test_a_document_says_what_its_fields_say_or_nothing(document: dict[str, Any]) -> None:
    assert sent(json.dumps(document).encode()) == meant(document)


@given(st.binary(max_size=200) | st.text(CHARACTERS, max_size=100).map(str.encode))
def test_noise_decides_nothing(body: bytes) -> None:
    assert sent(body) is None


@given(DOCUMENTS, st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_a_damaged_document_never_turns_a_denial_into_an_approval(
    document: dict[str, Any], at: int, noise: bytes
) -> None:
    body = json.dumps({**document, "decision": "deny"}).encode()
    at = min(at, len(body))

    damaged = sent(body[:at] + noise + body[at:])

    assert not (isinstance(damaged, Decided) and damaged.verdict is AnswerVerdict.APPROVE)


@given(
    st.sampled_from(AnswerVerdict),
    st.text(CHARACTERS, max_size=MAX_COMMENT),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 10**12),
)
def test_an_answer_is_read_back_from_the_ledger_to_the_millisecond(
    verdict: AnswerVerdict, comment: str, at_us: int, end_us: int | None
) -> None:
    at = after(at_us / 1e6)
    end = None if end_us is None else after(0) + timedelta(microseconds=end_us)

    (back,) = answers([read(canonical(answer_event(a_request(), Answer("change", verdict, at, comment, end), at)))])

    assert (back.webhook, back.verdict, back.comment) == ("change", verdict, comment)
    assert timedelta(0) <= at - back.at < timedelta(milliseconds=1)
    if end is None or back.not_after is None:
        assert end is back.not_after
    else:
        assert timedelta(0) <= end - back.not_after < timedelta(milliseconds=1)


@given(
    st.builds(Undecided, st.none() | st.timedeltas())
    | st.builds(Unheard, st.just(Trouble.STATUS), st.just("status 503"), st.none() | st.timedeltas()),
    st.integers(1, 10**6),
    st.floats(0, 1, exclude_max=True),
)
def test_nobody_is_asked_again_sooner_than_in_5_seconds_or_later_than_in_5_minutes(
    reply: Undecided | Unheard, asked: int, random: float
) -> None:
    assert SOONEST <= pause(reply, asked, lambda: random) <= LATEST
