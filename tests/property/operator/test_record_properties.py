"""Invariant 7: the grant that is recorded is the grant that is read back, also after the ledger's canonical JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from jitgress.domain.course import Close, CloseReason, Recorded
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.event import Event
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import Request
from jitgress.domain.scope import Method, Scope
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window
from jitgress.operator import history as past
from jitgress.operator import record
from tests.builders import NOW, a_grant, a_request

TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES: Final = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
PATHS: Final = st.from_regex(r"/([A-Za-z0-9_~@:+=,-]{1,4}(/[A-Za-z0-9_~@:+=,-]{1,4}){0,2})?", fullmatch=True)
SCOPES: Final = st.builds(
    Scope.of, st.lists(PATHS, min_size=1, max_size=4), st.sets(st.sampled_from(list(Method)), min_size=1)
)
MOMENTS: Final = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  zone is given
WINDOWS: Final = st.builds(Window.starting, MOMENTS, st.timedeltas(timedelta(milliseconds=1), timedelta(days=1)))
CLAIMS: Final = st.tuples(NAMES | st.just("example.test/a=b") | TEXT, TEXT)
SUBJECTS: Final = st.builds(Subject, TEXT, st.frozensets(TEXT, max_size=3), st.frozensets(CLAIMS, max_size=3))
NETWORKS: Final = st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32", "::1/128"])
SOURCES: Final = st.just(ANYWHERE) | st.lists(NETWORKS, min_size=1, max_size=3).map(Sources.of)
WHOLE: Final = MOMENTS.map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
REQUESTS: Final = st.builds(
    lambda subject, uid, namespace, name: a_request(requester=subject, uid=uid, namespace=namespace, name=name),
    SUBJECTS,
    NAMES,
    NAMES,
    NAMES,
)


@st.composite
def openings(draw: st.DrawFn) -> tuple[Request, Grant]:
    request = draw(REQUESTS)
    return request, Grant(
        id=GrantId(request.ref.uid),
        request=request.ref,
        target=TargetRef(request.ref.namespace, draw(NAMES), draw(NAMES)),
        policy=draw(TEXT),
        subject=request.requester,
        host=parse_host(f"{draw(NAMES)}.example.test"),
        address=draw(st.sampled_from(["10.0.0.7:80", "[fd00::7]:8080"])),
        scope=draw(SCOPES),
        window=draw(WINDOWS),
        sources=draw(SOURCES),
        since=draw(WHOLE),
        extensions=draw(st.integers(0, 100)),
        review_by=draw(st.none() | WHOLE),
    )


def as_kept(event: Event) -> Event:
    """Return the event as it comes out of a ledger that keeps JSON."""
    return replace(event, data=json.loads(json.dumps(event.data)))


@given(openings(), st.lists(TEXT, max_size=2), MOMENTS)
def test_the_recorded_grant_is_the_grant(opening: tuple[Request, Grant], people: list[str], now: datetime) -> None:
    request, grant = opening

    event = as_kept(record.opened(request, grant, people, people, now))

    assert past.recorded_grant(event) == grant
    assert past.recorded([event]) == Recorded(grant, None)


@given(openings(), openings(), MOMENTS)
def test_the_grant_that_was_narrowed_last_counts(
    opening: tuple[Request, Grant], other: tuple[Request, Grant], now: datetime
) -> None:
    request, grant = opening
    less = replace(grant, scope=other[1].scope, window=other[1].window, sources=other[1].sources)
    events = [record.opened(request, grant, [], [], now), record.narrowed(request, less, [], now)]

    assert past.recorded(map(as_kept, events)) == Recorded(less, None, (grant,))
    assert past.recorded(map(as_kept, events[1:])) == Recorded(None, None)


@given(
    openings(),
    st.sampled_from(list(CloseReason)),
    TEXT,
    st.none() | TEXT.filter(lambda who: who not in ("", record.OPERATOR)),
    st.none() | st.builds(Denial, st.sampled_from(list(DenialCode)), TEXT, TEXT),
)
def test_the_recorded_end_is_the_end(
    opening: tuple[Request, Grant], reason: CloseReason, message: str, by: str | None, denial: Denial | None
) -> None:
    request, grant = opening
    close = Close(reason, message, by, denial)

    for opened in (None, grant):
        assert past.recorded([as_kept(record.closed(request, close, opened, NOW))]).closed == close


@given(openings(), MOMENTS, MOMENTS)
def test_ids_depend_on_the_transition_and_never_on_the_time(
    opening: tuple[Request, Grant], first: datetime, second: datetime
) -> None:
    request, grant = opening

    assert record.opened(request, grant, [], [], first).id == record.opened(request, grant, ["x"], [], second).id
    assert record.active(request, grant, first).id == record.active(request, grant, second).id


JUNK: Final[st.SearchStrategy[Any]] = st.one_of(
    st.none(), st.booleans(), st.integers(), TEXT, st.lists(TEXT, max_size=2), st.dictionaries(TEXT, TEXT, max_size=1)
)
OPENED: Final = record.opened(a_request(), a_grant(), [], [], NOW)


@given(st.sampled_from(sorted(OPENED.data)), JUNK)
def test_whatever_stands_in_a_recorded_opening_it_is_read_or_it_is_an_error_of_ours(field: str, junk: Any) -> None:
    try:
        found = past.recorded_grant(replace(OPENED, data={**OPENED.data, field: junk}))
    except InvalidValueError:
        return
    assert found.window.not_before < found.window.not_after
    assert found.scope.paths
