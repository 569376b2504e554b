"""What is settled of a person's requests is what the plain definition says, which compares each one with each other."""

from datetime import datetime
from typing import Any, Final

from hypothesis import event, given
from hypothesis import strategies as st

from jitgress.domain.window import format_time
from jitgress.operator.caches import Object
from jitgress.operator.settling.decide import settled_of
from tests.builders import NOW, minutes
from tests.simulators.objects import a_request_object
from tests.unit.operator.held import stored

CLOSED: Final = [{"type": "Closed", "status": "True"}]
DUE: Final = "2026-01-02T10:00:00.000Z"
STATUSES: Final[dict[str, dict[str, Any]]] = {
    "undecided": {},
    "open": {"grant": "one"},
    "denied": {"conditions": CLOSED},
    "closed": {"conditions": CLOSED, "grant": "one"},
    "hidden": {"conditions": CLOSED, "grant": "one", "hiddenAt": DUE},
    "unreviewed": {"conditions": CLOSED, "grant": "one", "hiddenAt": DUE, "breakGlass": {"reviewDueAt": DUE}},
}
HOURS: Final = st.integers(0, 4)


@st.composite
def requests(draw: st.DrawFn) -> list[Object]:
    kinds = st.sampled_from(["hidden", "hidden", "denied", *STATUSES])
    found = draw(st.lists(st.tuples(kinds, HOURS), max_size=6))
    return [a_request(f"request-{number}", kind, hour) for number, (kind, hour) in enumerate(found)]


def a_request(name: str, kind: str, hour: int) -> Object:
    created = format_time(NOW + minutes(60 * hour))[:19] + "Z"
    return stored(a_request_object(name), created=created, status=STATUSES[kind])


def is_settled_plainly(request: Object, others: list[Object], now: datetime) -> bool:
    kind, made_at = kind_of(request), created_at(request)
    if kind not in {"denied", "hidden"} or (now - made_at).total_seconds() < 25 * 3600:
        return False
    return all(
        kind_of(other) != "undecided" and (kind_of(other) != "open" or created_at(other) > made_at) for other in others
    )


def kind_of(request: Object) -> str:
    return next(kind for kind, status in STATUSES.items() if status == request["status"])


def created_at(request: Object) -> datetime:
    return datetime.fromisoformat(request["metadata"]["creationTimestamp"])


@given(requests(), st.integers(24, 30))
def test_what_is_settled_is_what_the_plain_definition_says(found: list[Object], hours: int) -> None:
    now = NOW + minutes(60 * hours)
    expected = [
        each for each in found if is_settled_plainly(each, [other for other in found if other is not each], now)
    ]
    event(f"settled: {bool(expected)}, of all: {len(expected) == len(found)}")

    assert settled_of(found, now) == expected
