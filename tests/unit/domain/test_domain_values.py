"""The small values: hosts, paths, scopes, windows, times, durations, events, errors."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from jitgress.domain.clock import SystemClock
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError, JitgressError
from jitgress.domain.event import Event, EventCode, event_id
from jitgress.domain.host import MAX_HOST_LENGTH, parse_host
from jitgress.domain.phrasing import describe_duration, plain, sentences, with_comment
from jitgress.domain.subject import Subject, SubjectRef, any_names
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window, format_time, parse_time, to_milliseconds
from tests.builders import (
    ALICE,
    NOW,
    a_policy,
    a_request,
    a_target,
    a_window,
    after,
    an_approval,
    decided,
    group,
    minutes,
    user,
)

LONGEST_HOST = f"{'a.' * 126}a"


@pytest.mark.parametrize(
    "text", ["a.b", "orders.example.test", "xn--bcher-kva.example", "1.a", f"{'a' * 63}.b", LONGEST_HOST]
)
def test_an_exact_host_is_taken_as_it_is(text: str) -> None:
    assert parse_host(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "*.example.test",
        "Orders.example.test",
        "orders.example.test.",
        ".example.test",
        "orders..test",
        "orders.example.test:443",
        "orders.example.test\n",
        "-a.test",
        "a-.test",
        "a_b.test",
        "10.0.0.1",
        "a.1",
        "b\u00fccher.test",
        f"{'a' * 64}.b",
        f"a.{LONGEST_HOST}",
        "a b.test",
    ],
)
def test_what_is_not_one_exact_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is not an exact host name") as caught:
        parse_host(text)
    assert caught.value.remedy.startswith("Name one host in lower case")


def test_the_longest_host_is_that_of_the_dns() -> None:
    assert len(LONGEST_HOST) == MAX_HOST_LENGTH == 253


def test_a_refused_text_is_told_short() -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_host("A" * 1000)
    assert caught.value.message == f"'{'A' * 80}' is not an exact host name"


def test_a_window_is_half_open_to_the_millisecond() -> None:
    window, tick = a_window(NOW, minutes(1)), timedelta(milliseconds=1)

    assert [window.contains(at) for at in (NOW - tick, NOW, after(60) - tick, after(60))] == [False, True, True, False]
    assert [window.has_ended(at) for at in (NOW, after(60) - tick, after(60), after(61))] == [False, False, True, True]
    assert window.duration == minutes(1)


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(microseconds=999), minutes(-1)])
def test_a_window_without_length_cannot_be_made(duration: timedelta) -> None:
    with pytest.raises(InvalidValueError, match=r"^a window ends after it begins$") as caught:
        Window.starting(NOW, duration)
    assert caught.value.remedy == "Give a duration above zero."


def test_a_window_within_another_shares_its_ends_at_most() -> None:
    outer = a_window(NOW, minutes(10))

    assert outer.within(outer)
    assert a_window(after(1), minutes(1)).within(outer)
    assert not a_window(after(-1), minutes(1)).within(outer)
    assert not a_window(after(1), minutes(10)).within(outer)


def test_times_are_written_in_utc_with_milliseconds_rounded_down() -> None:
    at = datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))

    assert format_time(at) == "2026-01-01T10:00:00.999Z"
    assert format_time(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000Z"
    assert to_milliseconds(at) == to_milliseconds(NOW) + 999
    assert to_milliseconds(datetime(1969, 12, 31, 23, 59, 59, 999_001, tzinfo=UTC)) == -1


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T10:00:00Z", "2026-01-01t10:00:00z", "2026-01-01T12:00:00+02:00", "2026-01-01T10:00:00.000000999Z"],
)
def test_every_spelling_of_a_time_is_read_as_utc(text: str) -> None:
    assert parse_time(text) == NOW
    assert parse_time(text).tzinfo is UTC


def test_a_wrong_time_is_told_short_and_with_an_example() -> None:
    with pytest.raises(InvalidValueError, match="2026-02-31T00:00:00Z") as caught:
        parse_time("2026-02-31T00:00:00Z")
    assert caught.value.remedy == "Write it like 2026-01-01T10:00:00Z."
    with pytest.raises(InvalidValueError) as caught:
        parse_time("x" * 1000)
    assert caught.value.message == f"'{'x' * 40}' is not an RFC 3339 time"


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (minutes(60), "1 h"),
        (minutes(90), "1 h 30 min"),
        (timedelta(hours=24), "24 h"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=900), "0 s"),
        (minutes(-90), "-1 h 30 min"),
        (timedelta(hours=1, seconds=1), "1 h 1 s"),
    ],
)
def test_a_duration_is_told_in_words(duration: timedelta, words: str) -> None:
    assert describe_duration(duration) == words


def test_texts_by_others_are_told_on_one_plain_line() -> None:
    assert plain(" a\x1b[2J\r\nb\u202ec\u200b  d ") == "a [2J b c d"
    assert plain("B\u00fccher \u2713") == "B\u00fccher \u2713"
    assert with_comment("revoked", " \n") == "revoked"
    assert with_comment("revoked", "done\n") == "revoked: done"


def test_sentences_end_once() -> None:
    assert sentences("a", "", "b.", "c!", "d?") == "a. b. c! d?"
    assert str(Denial(DenialCode.NO_POLICY, "no")) == "no."
    assert str(Denial(DenialCode.NO_POLICY, "no.", "Ask")) == "no. Ask."


def test_people_are_named_by_user_or_by_group() -> None:
    assert any_names((user("bob"), user("alice")), ALICE)
    assert any_names((group("dev"),), ALICE)
    assert not any_names((user("dev"), group("alice")), ALICE)
    assert not any_names((), ALICE)
    assert [str(ref) for ref in (user("alice"), group("dev"))] == ["user alice", "group dev"]


@pytest.mark.parametrize("ref", [user("alice"), group("dev")])
def test_groups_are_nothing_without_a_user(ref: SubjectRef) -> None:
    assert not ref.names(Subject("", frozenset({"dev", "alice"})))


def test_different_people_are_told_apart() -> None:
    assert not Subject("alice").is_same_person(Subject("alicia"))
    assert Subject("stra\u00dfe").is_same_person(Subject("STRASSE"))


def test_references_are_told_as_namespace_and_name() -> None:
    assert str(a_request().ref) == "shop/alice-orders"
    assert str(TargetRef("shop", "orders")) == "shop/orders"


def test_an_event_has_an_id_of_its_own_for_each_transition() -> None:
    ids = {
        event_id(uid, code, discriminator) for uid in ("1", "2") for code in EventCode for discriminator in ("", "1")
    }

    assert len(ids) == 2 * 2 * len(EventCode)
    assert event_id("u", EventCode.GRANT_OPENED) == "83d332d3ccab9de96344f3e68b999f86"


def test_an_event_without_data_holds_none() -> None:
    assert Event(id="1", code=EventCode.KEY_ROTATED, at=NOW, actor="operator").data == {}


def test_an_error_says_what_is_wrong_and_what_to_do() -> None:
    error = JitgressError("it broke", remedy="Mend it.")

    assert (str(error), error.message, error.remedy, error.code) == ("it broke", "it broke", "Mend it.", "internal")
    assert JitgressError("it broke").remedy == ""
    assert InvalidValueError("x").code == "invalid_value"


def test_the_machines_clock_is_aware_and_never_goes_back() -> None:
    clock = SystemClock()

    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_time_in_which_the_machine_was_suspended_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 7, raising=False)
    monkeypatch.setattr(time, "clock_gettime", {7: 123.5}.__getitem__, raising=False)

    assert SystemClock().monotonic() == 123.5


def test_a_machine_without_such_a_clock_has_the_ordinary_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    before = time.monotonic()
    seen = SystemClock().monotonic()

    assert before <= seen <= time.monotonic()


def test_the_machines_own_zone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=3)))
    try:
        monkeypatch.setenv("TZ", "XXX+5")
        time.tzset()

        assert format_time(elsewhere) == "2026-01-01T10:00:00.000Z"
        assert Window.starting(elsewhere, minutes(1)).not_before.tzinfo is UTC
        assert an_approval().deadline(elsewhere).tzinfo is UTC
        assert "2026-01-01 11:00:00 UTC" in decided(a_target(), [a_policy()], a_request(), [], NOW).reasons[-1]
    finally:
        monkeypatch.undo()
        time.tzset()
