"""What a request and its reviews say of themselves: derived from the plan and the ledger's own times."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import pytest

from jitgress.crds.access_request import AccessRequestStatus
from jitgress.domain.event import Event, EventCode
from jitgress.domain.policy import PolicyList
from jitgress.domain.review import Review
from jitgress.operator.conditions import find_condition
from jitgress.operator.requests.facts import Facts
from jitgress.operator.requests.status import request_status, review_statuses
from jitgress.operator.settings import OperatorSettings
from tests.builders import (
    ALICE,
    CAROL,
    CHRIS,
    MALLORY,
    NOW,
    a_policy,
    a_request,
    a_review,
    a_scope,
    a_target,
    after,
    an_approval,
    group,
    minutes,
    user,
)
from tests.unit.operator.request_facts import a_sight, settled, some_facts

APPROVED: Final = some_facts(a_review())
OPEN: Final = replace(settled(APPROVED, after(60))[0], sight=a_sight(), was_created=True)
ACTIVE: Final = replace(OPEN, sight=a_sight(is_probed=True))


def status_of(facts: Facts, now: datetime, settings: OperatorSettings | None = None) -> dict[str, Any]:
    facts, plan = settled(facts, now)
    return request_status(facts, plan, settings or OperatorSettings(), now)


def state_of(facts: Facts, now: datetime) -> tuple[str, str, str | None]:
    """Return the state word, whether it is active, and the word with which it was closed."""
    status = status_of(facts, now)
    active, closed = find_condition(status, "Active"), find_condition(status, "Closed")
    assert active is not None
    return active["reason"], active["status"], None if closed is None else closed["reason"]


def with_reviews(facts: Facts, *reviews: Review) -> Facts:
    return replace(facts, reviews=(*facts.reviews, *reviews))


@pytest.mark.parametrize(
    ("facts", "later_s", "state"),
    [
        (some_facts(), 1, ("Pending", "False", None)),
        (some_facts(a_review(), target=a_target(readiness="unexamined")), 60, ("Pending", "False", None)),
        (OPEN, 61, ("Opening", "False", None)),
        (ACTIVE, 61, ("Active", "True", None)),
        (some_facts(policies=()), 1, ("Denied", "False", "Denied")),
        (some_facts(a_review("Deny")), 61, ("Denied", "False", "Denied")),
        (some_facts(), 3600, ("ApprovalTimedOut", "False", "ApprovalTimedOut")),
        (some_facts(a_review("Revoke", ALICE)), 61, ("Withdrawn", "False", "Withdrawn")),
        (ACTIVE, 60 + 1800, ("Expired", "False", "Expired")),
        (with_reviews(ACTIVE, a_review("Revoke", at=after(90))), 91, ("Revoked", "False", "Revoked")),
        (with_reviews(ACTIVE, a_review("Revoke", ALICE, at=after(90))), 91, ("Revoked", "False", "Revoked")),
        (replace(ACTIVE, policies=PolicyList(())), 91, ("Denied", "False", "Denied")),
        (replace(ACTIVE, sight=None), 91, ("Revoked", "False", "Revoked")),
        (replace(OPEN, sight=a_sight(failure="a stranger gets 200")), 91, ("Failed", "False", "Failed")),
        (replace(ACTIVE, target=a_target(uid="another")), 91, ("TargetGone", "False", "TargetGone")),
    ],
    ids=[
        "waits for approval",
        "waits for the target",
        "opens",
        "active",
        "no policy",
        "an approver denied",
        "nobody approved",
        "withdrawn",
        "expired",
        "revoked",
        "given back",
        "policy removed",
        "grant deleted",
        "exposed",
        "target made again",
    ],
)
def test_one_word_tells_the_state(facts: Facts, later_s: float, state: tuple[str, str, str | None]) -> None:
    assert state_of(facts, after(later_s)) == state


def test_a_request_is_not_active_because_it_was_probed_but_because_that_is_recorded_and_open() -> None:
    assert state_of(ACTIVE, after(60 + 1800))[1] == "False"


def test_the_message_is_the_same_in_status_and_conditions() -> None:
    status = status_of(some_facts(a_review("Deny", comment="not today")), after(61))

    assert "not today" in status["message"]
    assert {each["message"] for each in status["conditions"]} == {status["message"]}


def test_a_waiting_request_says_how_many_approvals_it_has_and_whom_it_waits_for() -> None:
    policy = a_policy(approval=an_approval(2, group("approvers"), user("dora")))
    status = status_of(some_facts(a_review(), policies=[policy]), after(61))

    assert status["approvals"] == {"required": 2, "counted": 1, "by": ["carol"]}
    assert status["waitingFor"] == ["group approvers", "user dora"]
    assert status["policy"] == "standard"
    assert not {"window", "url", "grant", "closedAt"} & status.keys()


def test_a_request_that_timed_out_waits_for_nobody() -> None:
    assert status_of(some_facts(), after(3600)).get("waitingFor", []) == []


def test_an_approved_request_names_its_approvers() -> None:
    policy = a_policy(approval=an_approval(2))
    status = status_of(some_facts(a_review(), a_review(reviewer=CHRIS), policies=[policy]), after(61))

    assert status["approvals"] == {"required": 2, "counted": 2, "by": ["carol", "chris"]}


def test_a_request_without_a_policy_names_none() -> None:
    assert not {"policy", "approvals", "waitingFor"} & status_of(some_facts(policies=()), NOW).keys()


def test_an_open_request_says_where_and_until_when() -> None:
    status = status_of(ACTIVE, after(61), OperatorSettings(url_port=8443))

    assert status["window"] == {"notBefore": "2026-01-01T10:01:00.000Z", "notAfter": "2026-01-01T10:31:00.000Z"}
    assert status["url"] == "https://orders.example.test:8443"
    assert (status["policy"], status["grant"]) == ("standard", "request-1")
    assert status["message"] == "open until 2026-01-01T10:31:00.000Z"


def test_a_closed_request_still_says_what_was_open() -> None:
    status = status_of(replace(ACTIVE, policies=PolicyList(())), after(91))

    assert status["grant"] == "request-1"
    assert status["window"]["notAfter"] == "2026-01-01T10:31:00.000Z"


@pytest.mark.parametrize("port", [None, 443])
def test_the_usual_port_is_left_out_of_the_url(port: int | None) -> None:
    assert OperatorSettings(url_port=port).url("a.example.test") == "https://a.example.test"


def hidden(at: datetime) -> Event:
    return Event(
        id="hidden",
        code=EventCode.HOST_HIDDEN,
        at=at,
        actor="jitgress-operator",
        data={"hidden_at": "2026-01-01T10:31:00.250Z", "lateness_ms": 250},
    )


def times(facts: Facts, now: datetime) -> dict[str, Any]:
    status = status_of(facts, now)
    return {key: status[key] for key in ("activeAt", "closedAt", "hiddenAt", "latenessMilliseconds") if key in status}


def with_history(facts: Facts, events: Iterable[Event]) -> Facts:
    return replace(facts, history=(*facts.history, *events))


def test_times_are_those_of_the_ledger_whoever_looks_and_when() -> None:
    active, _ = settled(ACTIVE, after(61))
    closed, _ = settled(active, after(60 + 1800))

    assert times(OPEN, after(61)) == {}
    assert times(active, after(70)) == {"activeAt": "2026-01-01T10:01:01.000Z"}
    assert times(closed, after(4000)) == {
        "activeAt": "2026-01-01T10:01:01.000Z",
        "closedAt": "2026-01-01T10:31:00.000Z",
    }
    assert times(with_history(closed, [hidden(after(1860))]), after(4000)) == {
        "activeAt": "2026-01-01T10:01:01.000Z",
        "closedAt": "2026-01-01T10:31:00.000Z",
        "hiddenAt": "2026-01-01T10:31:00.250Z",
        "latenessMilliseconds": 250,
    }


def test_a_condition_keeps_its_time_while_it_says_the_same() -> None:
    first = status_of(some_facts(), after(1))
    again = status_of(replace(some_facts(), status=first), after(100))

    assert again == first


def test_a_review_says_whether_it_counts_and_if_not_why() -> None:
    facts, plan = settled(some_facts(a_review(), a_review(reviewer=MALLORY), a_review(reviewer=ALICE)), after(61))

    told = {name: status["conditions"][0] for name, status in review_statuses(facts, plan, after(61)).items()}

    assert {name: (each["type"], each["status"], each["reason"]) for name, each in told.items()} == {
        "carol-approve": ("Counted", "True", "Counted"),
        "mallory-approve": ("Counted", "False", "NotEntitled"),
        "alice-approve": ("Counted", "False", "SelfReview"),
    }
    assert all(each["message"] for each in told.values())


def test_a_review_keeps_the_time_of_its_condition() -> None:
    facts, plan = settled(some_facts(a_review()), after(61))
    first = review_statuses(facts, plan, after(61))

    again = review_statuses(replace(facts, review_statuses=first), plan, after(300))

    assert again == first


def test_a_review_after_the_end_changes_nothing_and_its_status_says_so() -> None:
    open_, _ = settled(some_facts(a_review()), after(60))
    active = replace(open_, sight=a_sight(is_probed=True), was_created=True)
    closed, _ = settled(active, after(60 + 1800))
    late = replace(closed, reviews=(*closed.reviews, a_review("Revoke", CAROL, at=after(2000), uid="late")))
    facts, plan = settled(late, after(2001))

    told = review_statuses(facts, plan, after(2001))["late"]["conditions"][0]

    assert facts.history[-1].data["standing"] == "NotNeeded"
    assert (told["status"], told["reason"]) == ("False", "NotNeeded")


def test_a_policy_with_64_approvers_leaves_the_status_valid() -> None:
    approvers = [user(f"firstname.lastname{number:02d}@department.example.com") for number in range(64)]
    facts, plan = settled(some_facts(policies=[a_policy(approval=an_approval(1, *approvers))]), after(1))

    AccessRequestStatus.model_validate(request_status(facts, plan, OperatorSettings(), after(1)))


def test_a_denial_that_lists_32_long_paths_leaves_the_status_valid() -> None:
    paths = [f"/{'x' * 240}{number}" for number in range(32)]
    facts = replace(some_facts(target=a_target(ceiling=a_scope("/api"))), request=a_request(paths=paths))
    facts, plan = settled(facts, after(1))

    AccessRequestStatus.model_validate(request_status(facts, plan, OperatorSettings(), after(1)))


def test_a_denial_is_told_to_programs_with_its_code_and_what_to_ask_for_instead() -> None:
    asked = replace(some_facts(), request=a_request(duration=minutes(180)))

    status = status_of(asked, after(1))

    assert status["denial"]["code"] == "duration_over_cap"
    assert status["message"] == f"{status['denial']['message']}. {status['denial']['remedy']}"
    AccessRequestStatus.model_validate(status)


def test_what_was_not_denied_tells_of_no_denial() -> None:
    assert all("denial" not in status_of(facts, after(120)) for facts in (some_facts(), ACTIVE))
