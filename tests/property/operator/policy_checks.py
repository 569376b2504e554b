"""What must hold whenever everything has settled: invariants 4, 5, 7 and 10."""

from collections import Counter
from datetime import timedelta
from typing import Final

from jitgress.domain.event import Event, EventCode
from jitgress.kube.resources import ACCESS_GRANTS
from tests.property.operator.decisions import Decisions
from tests.property.operator.policy_book import PolicyBook
from tests.property.operator.policy_facts import Object, more_than_asked, time_of, widened
from tests.property.operator.policy_watchers import PolicyWatchers

_ONCE: Final = (
    EventCode.REQUEST_RECEIVED,
    EventCode.GRANT_OPENED,
    EventCode.GRANT_ACTIVE,
    EventCode.REQUEST_CLOSED,
    EventCode.BREAK_GLASS_REVIEWED,
    EventCode.BREAK_GLASS_OVERDUE,
    EventCode.REQUEST_REMOVED,
)
_SLACK: Final = timedelta(seconds=1)


def check(watchers: PolicyWatchers, decisions: Decisions, *, is_at_work: bool) -> None:
    book = watchers.book
    assert not watchers.wrong, watchers.wrong
    check_decisions(decisions)
    check_the_ledger(book)
    check_versions(watchers)
    if is_at_work and not book.ledger.is_down:
        check_grants(watchers)


def check_decisions(decisions: Decisions) -> None:
    """Invariant 10."""
    wrong = decisions.wrong()
    assert not wrong, wrong


def check_the_ledger(book: PolicyBook) -> None:
    """Invariant 7: each transition once, and nothing opens after the end."""
    transitions = Counter(_transition(event) for event in book.ledger.entries if event.request is not None)
    assert all(number == 1 for key, number in transitions.items() if key[0] is not None), transitions


def _transition(event: Event) -> tuple[EventCode | str | None, str, str]:
    """Return what happens once at most; None for what may come again."""
    uid = event.request.uid if event.request is not None else ""
    if event.code in _ONCE:
        return event.code, uid, ""
    if event.code in (EventCode.REVIEW_COUNTED, EventCode.REVIEW_IGNORED):
        return "judged", uid, str(event.data["review"])
    if event.code is EventCode.REQUEST_SCHEDULED:
        return event.code, uid, f"{event.data['not_before']} {event.data['not_after']}"
    return None, "", ""


def check_versions(watchers: PolicyWatchers) -> None:
    """Invariant 4: no version of a grant was ever wider or longer than one before."""
    for change in watchers.book.api.versions.since(watchers.seen_revision):
        watchers.seen_revision = change.revision
        if change.key.resource is ACCESS_GRANTS and change.kind != "DELETED":
            spec: Object = change.found["spec"]
            before = watchers.narrowest.get(change.key.name, spec)
            assert not widened(before, spec), (change.key.name, widened(before, spec))
            watchers.narrowest[change.key.name] = spec


def check_grants(watchers: PolicyWatchers) -> None:
    """Invariants 4 and 5: what is open is permitted as policies and targets are now; what was recorded is there."""
    book, now = watchers.book, watchers.book.clock.now()
    grants = {each["metadata"]["name"]: each for each in book.all_of(ACCESS_GRANTS)}
    for uid, grant in grants.items():
        request = book.request(uid)
        assert request is not None, f"nobody asked for grant {uid}"
        assert now - _SLACK < time_of(grant["spec"]["notAfter"]), f"{uid} is open after its end"
        assert not book.is_closed(uid), f"{uid} is open and closed"
        opening = book.opening(grant["spec"], request, None)
        wrong = watchers.against(book.present, opening)
        assert not wrong, (request["metadata"]["name"], wrong, grant["spec"])
        by = book.events(uid, EventCode.GRANT_OPENED)[0].data["approved_by"]
        approved = book.opening(grant["spec"], request, by if isinstance(by, list | tuple) else ())
        assert not more_than_asked(approved), more_than_asked(approved)
    missing = [uid for uid in book.open_ones() if uid not in grants and _lasts(book, uid)]
    assert not [uid for uid in missing if uid not in watchers.stopped], missing


def _lasts(book: PolicyBook, uid: str) -> bool:
    recorded = book.recorded(uid)
    return recorded is not None and book.clock.now() + _SLACK < time_of(recorded["notAfter"])
