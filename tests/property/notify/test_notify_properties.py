"""Whatever is recorded, and whatever people wrote: a message is one line of title and a few lines, or there is none."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.event import EventCode, EventValue
from jitgress.domain.subject import Subject
from jitgress.notify.message import MAX_QUOTED, message_of, quoted
from tests.builders import a_request
from tests.unit.notify.news import some_news

CHARACTERS: Final = "aZ9 é漢@<>[]()`*_\n\r\t\x00\u2028\u202e\u200b"
TEXTS: Final = st.text(CHARACTERS, max_size=40) | st.sampled_from(
    ["\u2028", "a\r\nb", "<!channel>", "@everyone", "@Here now", "[x](https://evil.example)", "\u202ereversed", "`x`"]
)
VALUES: Final[st.SearchStrategy[EventValue]] = st.one_of(st.none(), st.booleans(), st.integers(), TEXTS)
DATA: Final = st.dictionaries(
    st.sampled_from(["break_glass", "review_by", "host", "not_after", "reason", "message"]), VALUES
)


@given(TEXTS | st.text(CHARACTERS, min_size=400, max_size=700))
def test_what_is_quoted_is_one_short_line_without_markup_or_a_call_to_everybody(text: str) -> None:
    told = quoted(text)

    assert len(told) <= MAX_QUOTED
    assert all(char.isprintable() for char in told)
    assert not set("<>[]`") & set(told)
    assert not any(f"@{word}" in told.lower() for word in ("everyone", "here ", "channel "))


@given(TEXTS.filter(lambda text: text.isprintable() and not set(text) & set("<>[]`@ ")))
def test_plain_words_are_told_as_they_are(text: str) -> None:
    assert quoted(text) == text


@given(st.sampled_from(EventCode), DATA, TEXTS, TEXTS, st.lists(TEXTS, max_size=2))
def test_any_event_makes_a_message_of_bounded_lines_or_none(
    code: EventCode, data: Mapping[str, EventValue], reason: str, username: str, waits_for: list[str]
) -> None:
    request = replace(a_request(reason=reason), requester=Subject(username), ticket=reason)

    message = message_of(some_news(code, *waits_for, request=request, data=data))

    if message is not None:
        assert len(message.title.splitlines()) == 1
        assert 2 <= len(message.body.splitlines()) <= 6
        assert "Request: shop/alice-orders" in message.body.splitlines()
        assert message.body.splitlines()[-1].startswith("To do: ")


@given(DATA)
def test_broken_glass_is_never_passed_over(data: Mapping[str, EventValue]) -> None:
    assert message_of(some_news(EventCode.GRANT_OPENED, data={**data, "break_glass": True})) is not None
