"""News about alice's request, as the operator records it."""

from collections.abc import Mapping

from jitgress.domain.event import Event, EventCode, EventValue
from jitgress.domain.request import Request
from jitgress.operator.ports import News
from tests.builders import NOW, a_request


def some_news(
    code: EventCode, *waits_for: str, request: Request | None = None, data: Mapping[str, EventValue] | None = None
) -> News:
    request = request or a_request()
    event = Event(
        id="1",
        code=code,
        at=NOW,
        actor="jitgress-operator",
        subject=request.requester.username,
        request=request.ref,
        data=data or {},
    )
    return News(event=event, request=request, waits_for=waits_for)


def broken_glass(request: Request | None = None) -> News:
    """Return the news that alice broke the glass."""
    data: dict[str, EventValue] = {
        "break_glass": True,
        "review_by": "2026-01-02T10:00:00.000Z",
        "host": "orders.example.test",
        "not_after": "2026-01-01T10:30:00.000Z",
    }
    return some_news(EventCode.GRANT_OPENED, request=request, data=data)
