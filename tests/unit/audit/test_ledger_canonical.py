"""The canonical form of events, against the examples of RFC 8785."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from jitgress.audit.canonical import MAX_EVENT_BYTES, canonical, read
from jitgress.audit.errors import EventRefusedError, LedgerDamagedError, LedgerNewerError
from jitgress.domain.event import Event, EventCode
from jitgress.domain.request import RequestRef

AT = datetime(2026, 1, 1, 10, 0, 0, 123_999, tzinfo=UTC)


def an_event(**data: Any) -> Event:
    return Event(id="e1", code=EventCode.GRANT_OPENED, at=AT, actor="operator", data=data)


def data_of(content: bytes) -> bytes:
    return content.split(b'"data":', 1)[1].split(b',"format"', 1)[0]


def test_an_event_has_exactly_this_form() -> None:
    event = Event(
        id="e1",
        code=EventCode.GRANT_OPENED,
        at=AT,
        actor="operator",
        subject="alice",
        request=RequestRef("shop", "r1", "u1"),
        data={"paths": ("/",), "count": 2},
    )
    assert canonical(event) == (
        b'{"actor":"operator","at":"2026-01-01T10:00:00.123Z","code":"grant.opened","data":{"count":2,"paths":["/"]},'
        b'"format":1,"id":"e1","request":{"name":"r1","namespace":"shop","uid":"u1"},"subject":"alice"}'
    )


def test_texts_are_escaped_as_in_rfc_8785_section_3_2_2() -> None:
    content = canonical(an_event(string='\u20ac$\u000f\nA\'B"\\\\"/', literals=[None, True, False]))
    assert data_of(content) == (b'{"literals":[null,true,false],"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}')


def test_members_are_sorted_by_utf_16_as_in_rfc_8785_section_3_2_3() -> None:
    names = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(data_of(canonical(an_event(**names)))).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_what_is_read_back_is_what_was_written_with_time_in_whole_milliseconds() -> None:
    event = read(canonical(an_event(host="a.example.com", n=2**53 - 1)))
    assert event.at == AT.replace(microsecond=123_000)
    assert event.data == {"host": "a.example.com", "n": 2**53 - 1}
    assert canonical(event) == canonical(an_event(host="a.example.com", n=2**53 - 1))


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), 1.5, float("nan"), b"bytes", {1: "key"}, object(), "\ud800", "x" * MAX_EVENT_BYTES],
    ids=["2^53", "-2^53", "fraction", "nan", "bytes", "number as key", "object", "lone surrogate", "too long"],
)
def test_data_that_readers_could_read_differently_are_refused(value: Any) -> None:
    with pytest.raises(EventRefusedError):
        canonical(an_event(value=value))


def test_data_nested_without_end_are_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EventRefusedError, match="deep"):
        canonical(an_event(value=endless))


def test_a_time_without_a_zone_is_refused() -> None:
    event = Event(id="e", code=EventCode.GRANT_OPENED, at=AT.replace(tzinfo=None), actor="operator")
    with pytest.raises(EventRefusedError, match="zone"):
        canonical(event)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"id":1}'])
def test_bytes_that_are_no_event_are_damage(content: bytes) -> None:
    with pytest.raises(LedgerDamagedError):
        read(content)


@pytest.mark.parametrize("change", [(b'"format":1', b'"format":2'), (b"grant.opened", b"grant.melted")])
def test_an_event_of_a_newer_version_says_so(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(LedgerNewerError):
        read(canonical(an_event()).replace(*change))
