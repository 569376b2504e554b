"""Break-glass: it opens at once for those who may, and is reviewed after."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from jitgress.domain.approval import Approval
from jitgress.domain.course import Open, Recorded, course
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.expression import Circumstances
from jitgress.domain.policy import Effect
from jitgress.domain.review import Review, ReviewStanding
from jitgress.domain.ruling import Decision, Denied, Permitted, StopKind, Stopped
from jitgress.domain.subject import Subject
from jitgress.domain.target import NotReady
from jitgress.domain.terms import Limits, Mfa, Wording
from tests.builders import (
    ALICE,
    BOB,
    CAROL,
    CHRIS,
    NOW,
    Condition,
    Words,
    a_glass,
    a_policy,
    a_request,
    a_review,
    a_schedule,
    a_target,
    a_window,
    after,
    decided,
    minutes,
    seconds,
    user,
)

CLOSED: Final = a_schedule("22:00", "23:00")


def broken(
    *reviews: Review, request: dict[str, Any] | None = None, situation: dict[str, Any] | None = None, **terms: Any
) -> Decision:
    """Return what is decided a minute after alice broke the glass."""
    return decided(
        a_target(),
        [a_policy(**{"break_glass": a_glass(), **terms})],
        a_request(break_glass=True, **request or {}),
        reviews,
        after(60),
        **situation or {},
    )


def permitted(decision: Decision) -> Permitted:
    assert isinstance(decision.ruling, Permitted), decision.reasons
    return decision.ruling


def denial(decision: Decision) -> Denial:
    assert isinstance(decision.ruling, Denied)
    return decision.ruling.denial


def test_it_opens_at_once_and_is_to_be_reviewed() -> None:
    decision = broken()

    assert permitted(decision).window == a_window(NOW)
    assert permitted(decision).review_by == NOW + timedelta(days=1)
    assert permitted(decision).approved_by == ()
    assert decision.reasons[-1] == "permitted: GET, POST on /, approved by broken glass, to be reviewed"


def test_the_grant_says_that_it_is_to_be_reviewed() -> None:
    way = course(broken(), a_target(), a_request(break_glass=True), Recorded(), successor=None, now=after(60))

    assert isinstance(way, Open)
    assert way.grant.review_by == NOW + timedelta(days=1)
    assert way.grant.is_break_glass


def test_who_breaks_the_glass_needs_no_hours_no_ticket_no_system_and_no_free_place() -> None:
    decision = broken(
        schedule=CLOSED,
        ticket=Wording(Words("CHG-1")),
        approval=Approval((), webhook="change", others=(user("carol"),)),
        limits=Limits(1, 1, 1),
        situation={"open_of_subject": 5, "open_on_target": 5, "asked_within_day": 5},
    )

    assert permitted(decision).window == a_window(NOW)


@pytest.mark.parametrize(
    ("request_", "terms", "code"),
    [
        ({"reason": " "}, {}, DenialCode.REASON_MISSING),
        ({}, {"reason": Wording(Words("CHG"))}, DenialCode.REASON_UNFIT),
        ({}, {"mfa": Mfa(frozenset({"otp"}))}, DenialCode.MFA_MISSING),
        ({}, {"effect": Effect.DENY}, DenialCode.POLICY_DENIES),
        ({}, {"defect": "broken"}, DenialCode.POLICY_DEFECTIVE),
        ({"paths": ("/*",)}, {}, DenialCode.SCOPE_MALFORMED),
        ({}, {"must_name_paths": True}, DenialCode.PATHS_NOT_NAMED),
        ({}, {"expression": Condition("false", lambda _: False)}, DenialCode.EXPRESSION_UNMET),
        ({"end_at": NOW}, {}, DenialCode.WINDOW_EMPTY),
    ],
    ids=["reason", "words", "sign-in", "denying policy", "defect", "paths", "no paths", "expression", "end"],
)
def test_everything_else_is_asked_of_it_too(request_: dict[str, Any], terms: dict[str, Any], code: DenialCode) -> None:
    assert denial(broken(request=request_, **terms)).code is code


def test_a_target_that_is_not_ready_stays_shut() -> None:
    gone = a_target(readiness=NotReady("Gone", "gone"))

    decision = decided(gone, [a_policy(break_glass=a_glass())], a_request(break_glass=True))

    assert denial(decision).code is DenialCode.TARGET_NOT_READY


def test_it_has_a_cap_of_its_own() -> None:
    longer: dict[str, Any] = {"max_duration": minutes(10), "break_glass": a_glass(max_duration=minutes(40))}

    assert permitted(broken(request={"duration": minutes(40)}, **longer)).window.duration == minutes(40)
    assert denial(broken(request={"duration": minutes(41)}, **longer)).code is DenialCode.DURATION_OVER_CAP


def test_its_cap_is_not_for_other_requests() -> None:
    policy = a_policy(break_glass=a_glass())

    decision = decided(a_target(), [policy], a_request(duration=minutes(90)))

    assert denial(decision).code is DenialCode.DURATION_OVER_CAP


@pytest.mark.parametrize(
    "terms", [None, a_glass(user("bob")), replace(a_glass(), subjects=())], ids=["no terms", "another", "nobody"]
)
def test_only_those_who_are_named_for_it_break_it(terms: object) -> None:
    assert denial(broken(break_glass=terms)).code is DenialCode.BREAK_GLASS_IMPOSSIBLE


@pytest.mark.parametrize("request_", [{"start_at": NOW}, {"extends": a_request().ref}], ids=["a start", "an extension"])
def test_nothing_else_goes_with_it(request_: dict[str, Any]) -> None:
    told = denial(broken(request=request_))

    assert told.code is DenialCode.BREAK_GLASS_IMPOSSIBLE
    assert str(told) == ("break-glass opens at once, and extends nothing. Leave start and extension out.")


def test_nobody_breaks_the_glass_where_nobody_could_review_it() -> None:
    told = denial(broken(approval=Approval(())))

    assert told.code is DenialCode.APPROVERS_MISSING
    assert told.message == "policy standard asks for a review after and names nobody who could give them"


def test_an_end_that_is_stated_bounds_it() -> None:
    assert permitted(broken(request={"end_at": after(600)})).window == a_window(NOW, minutes(10))


# The review after.


@pytest.mark.parametrize("seconds_after", [30, 60, 86_400 * 30], ids=["at once", "soon", "late"])
def test_an_approving_review_is_recorded_and_changes_nothing(seconds_after: int) -> None:
    review = a_review(at=after(seconds_after))

    decision = broken(review)

    assert decision.reviewed == review
    assert decision.reviews[0].standing is ReviewStanding.COUNTED
    assert permitted(decision) == permitted(broken())


def test_a_denying_review_ends_it() -> None:
    decision = broken(a_review("Deny", comment="not an emergency"))

    assert decision.reviewed == a_review("Deny", comment="not an emergency")
    assert denial(decision).code is DenialCode.APPROVER_DENIED


def test_a_revoke_by_an_approver_is_a_review() -> None:
    review = a_review("Revoke")

    decision = broken(review, situation={"is_opened": True})

    assert decision.ruling == Stopped(StopKind.REVOKED, review)
    assert decision.reviewed == review


def test_giving_it_back_is_no_review_and_one_may_follow() -> None:
    given_back, review = a_review("Revoke", ALICE), a_review("Approve", at=after(90))

    decision = broken(given_back, review, situation={"is_opened": True})

    assert decision.ruling == Stopped(StopKind.GIVEN_BACK, given_back)
    assert decision.reviewed == review
    assert [judged.counts for judged in decision.reviews] == [True, True]
    assert broken(given_back).reviewed is None


def test_the_first_who_ended_it_is_named() -> None:
    given_back = a_review("Revoke", ALICE)

    decision = broken(given_back, a_review("Revoke", CHRIS, at=after(90)), situation={"is_opened": True})

    assert decision.ruling == Stopped(StopKind.GIVEN_BACK, given_back)


@pytest.mark.parametrize("decision", ["Approve", "Deny"])
@pytest.mark.parametrize("name", ["alice", "Alice", "\uff41lice"], ids=["same", "other case", "other width"])
def test_nobody_reviews_their_own(decision: str, name: str) -> None:
    outcome = broken(a_review(decision, Subject(name, CAROL.groups)))

    assert outcome.reviews[0].standing is ReviewStanding.SELF_REVIEW
    assert outcome.reviewed is None
    assert isinstance(outcome.ruling, Permitted)


def test_who_is_not_an_approver_reviews_nothing() -> None:
    decision = broken(a_review("Approve", BOB))

    assert decision.reviews[0].standing is ReviewStanding.NOT_ENTITLED
    assert decision.reviewed is None


def test_the_first_review_stands_and_another_approval_is_not_needed() -> None:
    decision = broken(a_review(), a_review("Approve", CHRIS, at=after(90)))

    assert decision.reviewed == a_review()
    assert decision.reviews[1].standing is ReviewStanding.NOT_NEEDED
    assert decision.reviews[1].message == "it was reviewed already; revoke it to end it"


def test_a_denial_after_an_approving_review_still_ends_it() -> None:
    decision = broken(a_review(), a_review("Deny", CHRIS, at=after(90)))

    assert decision.reviewed == a_review()
    assert denial(decision).message == "chris denied it"


def test_after_the_review_that_ended_it_nothing_is_needed() -> None:
    decision = broken(a_review("Deny"), a_review("Revoke", CHRIS, at=after(90)))

    assert decision.reviews[1].message == "the request was ended by an earlier review"
    assert denial(decision).message == "carol denied it"


# Reviews that are overdue.


@pytest.mark.parametrize(
    ("locks_out", "overdue", "is_opened", "is_denied"),
    [(True, 1, False, True), (True, 0, False, False), (False, 1, False, False), (True, 1, True, False)],
    ids=["overdue", "none overdue", "a lenient policy", "opened already"],
)
def test_whose_review_is_overdue_does_not_break_it_again(
    *, locks_out: bool, overdue: int, is_opened: bool, is_denied: bool
) -> None:
    decision = broken(
        break_glass=a_glass(locks_out=locks_out), situation={"overdue_reviews": overdue, "is_opened": is_opened}
    )

    assert isinstance(decision.ruling, Denied if is_denied else Permitted)


def test_an_overdue_review_stands_against_no_other_request() -> None:
    policy = a_policy(break_glass=a_glass(locks_out=True))

    decision = decided(a_target(), [policy], a_request(), [a_review()], after(60), overdue_reviews=3)

    assert permitted(decision).review_by is None
    assert permitted(decision).window == a_window(after(60))


def test_what_an_expression_sees_is_that_the_glass_is_broken() -> None:
    def is_emergency(circumstances: Circumstances) -> bool:
        return circumstances.request.break_glass

    assert permitted(broken(expression=Condition("request.breakGlass", is_emergency))).window == a_window(NOW)


def test_a_review_is_due_after_the_time_that_the_policy_gives() -> None:
    assert permitted(broken(break_glass=a_glass(review_within=seconds(90)))).review_by == after(90)
