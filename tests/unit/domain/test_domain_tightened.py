"""What is open becomes less where policy or target permit less; nothing new is opened beyond what they permit."""

import pytest

from jitgress.domain.denial import DenialCode
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.ruling import Decision, Denied, Permitted
from jitgress.domain.target import Target
from jitgress.domain.terms import Limits
from tests.builders import a_policy, a_request, a_scope, a_target, a_window, after, an_approval, decided, minutes

AUTOMATIC = an_approval(automatic=True)
LOWER = a_policy(approval=AUTOMATIC, max_duration=minutes(10))
HALF_AN_HOUR = a_request(duration=minutes(30))


def while_open(policy: Policy, request: Request, target: Target | None = None, **situation: int) -> Decision:
    return decided(target or a_target(), [policy], request, [], after(60), is_opened=True, **situation)


def test_open_access_lasts_as_long_as_a_lowered_cap() -> None:
    ruling = while_open(LOWER, HALF_AN_HOUR).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.window == a_window(duration=minutes(10))


def test_nothing_is_opened_beyond_a_lowered_cap() -> None:
    ruling = decided(a_target(), [LOWER], HALF_AN_HOUR, [], after(60)).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.DURATION_OVER_CAP


@pytest.mark.parametrize("whose", ["policy", "target"])
def test_open_access_keeps_the_paths_and_methods_that_are_still_permitted(whose: str) -> None:
    asked = a_request(paths=["/a", "/b"], methods=["GET", "POST"])
    less = a_scope("/a", methods=["GET"])
    policy = a_policy(approval=AUTOMATIC, ceiling=less if whose == "policy" else None)
    target = a_target(ceiling=less if whose == "target" else None)

    ruling = while_open(policy, asked, target).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.scope == less


def test_open_access_of_which_no_path_is_left_ends() -> None:
    policy = a_policy(approval=AUTOMATIC, ceiling=a_scope("/c"))

    ruling = while_open(policy, a_request(paths=["/a"])).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.SCOPE_EMPTY


def test_how_often_somebody_asked_ends_nothing_that_is_open() -> None:
    policy = a_policy(approval=AUTOMATIC, limits=Limits(per_day=1))

    assert isinstance(while_open(policy, a_request(), asked_within_day=5).ruling, Permitted)
