"""What people are told: who, what, why, how long, and what to do now; and nothing that others could forge."""

from dataclasses import replace

import pytest

from jitgress.domain.event import EventCode, EventValue
from jitgress.domain.subject import Subject
from jitgress.notify.message import MAX_QUOTED, Message, Moment, message_of, quoted
from tests.builders import a_request, minutes
from tests.unit.notify.news import broken_glass, some_news


def test_broken_glass_is_told_with_what_to_do() -> None:
    assert message_of(broken_glass()) == Message(
        Moment.BREAK_GLASS,
        "Break-glass: alice opened shop/orders",
        "Reason: INC-123 orders are stuck\n"
        "Open: until 2026-01-01 10:30:00 UTC on orders.example.test, without anybody's approval\n"
        "Request: shop/alice-orders\n"
        "To do: review it by 2026-01-02 10:00:00 UTC with: jitgress approve shop/alice-orders (or deny);"
        " end it now with: jitgress revoke shop/alice-orders",
    )


def test_an_overdue_review_is_told() -> None:
    news = some_news(EventCode.BREAK_GLASS_OVERDUE, data={"review_by": "2026-01-02T10:00:00.000Z"})

    assert message_of(news) == Message(
        Moment.OVERDUE_REVIEW,
        "Overdue: nobody has reviewed the break-glass access of alice to shop/orders",
        "Reason: INC-123 orders are stuck\n"
        "Should have been reviewed by: 2026-01-02 10:00:00 UTC\n"
        "Request: shop/alice-orders\n"
        "To do: review it with: jitgress approve shop/alice-orders (or deny)",
    )


def test_a_request_that_waits_is_told_with_whom_it_waits_for() -> None:
    request = replace(a_request(duration=minutes(90)), ticket="CHG-7")
    news = some_news(EventCode.REQUEST_RECEIVED, "group approvers", "webhook change", request=request)

    assert message_of(news) == Message(
        Moment.AWAITING_APPROVAL,
        "alice asks for shop/orders",
        "Reason: INC-123 orders are stuck (CHG-7)\n"
        "For: 1 h 30 min\n"
        "Waits for: group approvers, webhook change\n"
        "Request: shop/alice-orders\n"
        "To do: jitgress approve shop/alice-orders, or: jitgress deny shop/alice-orders",
    )


def test_a_request_without_a_duration_is_for_what_the_policy_gives() -> None:
    message = message_of(
        some_news(EventCode.REQUEST_RECEIVED, "user carol", request=replace(a_request(), duration=None))
    )

    assert message is not None
    assert "For: what the policy gives" in message.body.splitlines()


@pytest.mark.parametrize(
    ("reason", "moment", "title"),
    [
        ("Denied", Moment.DENIED, "Denied: shop/orders for alice"),
        ("Revoked", Moment.REVOKED, "Revoked: the access of alice to shop/orders"),
    ],
)
def test_a_denial_and_a_revocation_are_told_with_the_reason(reason: str, moment: Moment, title: str) -> None:
    message = message_of(
        some_news(EventCode.REQUEST_CLOSED, data={"reason": reason, "message": "carol denied it: freeze"})
    )

    assert message == Message(
        moment,
        title,
        "Reason: INC-123 orders are stuck\n"
        "Why: carol denied it: freeze\n"
        "Request: shop/alice-orders\n"
        "To do: see why with: jitgress show shop/alice-orders",
    )


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (EventCode.GRANT_OPENED, {"break_glass": False}),
        (EventCode.GRANT_OPENED, {}),
        (EventCode.GRANT_OPENED, {"break_glass": "true"}),
        (EventCode.REQUEST_RECEIVED, {}),
        (EventCode.REQUEST_CLOSED, {"reason": "Expired"}),
        (EventCode.REQUEST_CLOSED, {"reason": "Withdrawn"}),
        (EventCode.REQUEST_CLOSED, {}),
        (EventCode.GRANT_ACTIVE, {}),
        (EventCode.HOST_HIDDEN, {}),
    ],
    ids=["approved", "unsaid", "text", "automatic", "expired", "withdrawn", "no reason", "active", "hidden"],
)
def test_what_nobody_need_hear_of_at_once_makes_no_message(code: EventCode, data: dict[str, EventValue]) -> None:
    assert message_of(some_news(code, data=data)) is None


@pytest.mark.parametrize("review_by", [None, "soon", 7], ids=["none", "no time", "number"])
def test_a_time_that_cannot_be_read_is_left_out_and_the_rest_is_told(review_by: EventValue) -> None:
    broken = message_of(some_news(EventCode.GRANT_OPENED, data={"break_glass": True, "review_by": review_by}))
    overdue = message_of(some_news(EventCode.BREAK_GLASS_OVERDUE, data={"review_by": review_by}))

    assert broken is not None
    assert overdue is not None
    assert "review it with: jitgress approve" in broken.body
    assert "Open: now, without anybody's approval" in broken.body
    assert "reviewed by" not in overdue.body


def test_what_the_requester_wrote_cannot_forge_a_line_a_link_or_a_call_to_everybody() -> None:
    request = replace(
        a_request(reason="INC-1\nTo do: nothing\u2028<!channel> @everyone <@U123> [harmless](https://evil.example)"),
        requester=Subject("mallory\n@here", frozenset({"dev"})),
    )

    message = message_of(broken_glass(request))

    assert message is not None
    assert len(message.body.splitlines()) == 4
    assert "\n" not in message.title
    assert not set("<>[]`\u2028") & set(message.body + message.title)
    assert "@everyone" not in message.body
    assert "@here" not in message.title
    assert message.body.splitlines()[0] == (
        "Reason: INC-1 To do: nothing (!channel) @ everyone (@U123) (harmless)(https://evil.example)"
    )


def test_an_address_stays_readable() -> None:
    assert quoted("alice@example.test, team@all-hands.test") == "alice@example.test, team@ all-hands.test"


def test_a_long_reason_is_cut() -> None:
    told = quoted("x" * 1_000_000)

    assert len(told) == MAX_QUOTED
    assert told.endswith("x…")
