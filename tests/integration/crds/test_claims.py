"""What somebody's sign-in said of them, such as a second factor, stands in what they say: all of it, and no more."""

from typing import Final

import pytest

from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS
from tests.integration.crds.api import Answer, Api, As
from tests.integration.crds.whole_objects import ALICE, Object, Who, a_request, a_review, with_field

pytestmark = pytest.mark.real

AMR: Final = "jitgress.dev/amr"
AUTH_TIME: Final = "jitgress.dev/auth-time"
ROLES_OF_ALL: Final = ("dev", "approvers", "system:authenticated")
PLAIN: Final = Who("paula@example.test", ROLES_OF_ALL)
WITH_PASSWORD: Final = Who("paula@example.test", ROLES_OF_ALL, ((AMR, ("pwd", "otp")), (AUTH_TIME, ("1000",))))
MANY: Final = Who(
    "paula@example.test",
    ROLES_OF_ALL,
    tuple((f"example.test/{key:02}", tuple(f"{value:03}" for value in range(64))) for key in range(32)),
)
REFUSED: Final = "claims must be all that is said of you as you sign in, and no more; leave it to jitgress, or ask:"

both = pytest.mark.parametrize("field", ["requester", "reviewer"])


def said(api: Api, field: str, body: Object, namespace: str) -> Answer:
    return api.create(ACCESS_REQUESTS if field == "requester" else ACCESS_REVIEWS, body, namespace, is_dry=True)


def object_of(field: str, who: Who) -> Object:
    return a_request(who=who) if field == "requester" else a_review(who=who)


@both
@pytest.mark.parametrize("who", [PLAIN, WITH_PASSWORD, MANY], ids=["none", "some", "as many as the resource takes"])
def test_who_states_the_claims_that_they_have_is_heard(who: Who, field: str, callers: As, namespace: str) -> None:
    answer = said(callers(who), field, object_of(field, who), namespace)

    assert answer.status == 201, answer.message
    assert answer.body["spec"][field].get("claims", {}) == {key: list(values) for key, values in who.claims}


@both
@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({AMR: ["pwd", "otp", "hwk"], AUTH_TIME: ["1000"]}, id="a factor more"),
        pytest.param({AMR: ["hwk", "otp"], AUTH_TIME: ["1000"]}, id="another factor"),
        pytest.param({AMR: ["otp", "pwd"], AUTH_TIME: ["1000"]}, id="another order"),
        pytest.param({AMR: ["PWD", "otp"], AUTH_TIME: ["1000"]}, id="upper case"),
        pytest.param({AMR: ["pwd", "\u043etp"], AUTH_TIME: ["1000"]}, id="a Cyrillic letter"),
        pytest.param({AMR: ["pwd", "otp"], AUTH_TIME: ["2000"]}, id="a later time"),
        pytest.param({AMR: ["pwd", "otp"], AUTH_TIME: ["1000", "2000"]}, id="a second time"),
        pytest.param({AMR: ["pwd", "otp"], AUTH_TIME: ["1000"], "example.test/env": ["prod"]}, id="a key more"),
        pytest.param({AMR: ["pwd", "otp"]}, id="a key less"),
        pytest.param({AMR.upper(): ["pwd", "otp"], AUTH_TIME: ["1000"]}, id="a key in upper case"),
        pytest.param({AMR: [], AUTH_TIME: ["1000"]}, id="a key without values"),
        pytest.param({}, id="none"),
    ],
)
def test_nobody_says_more_less_or_other_than_their_sign_in(
    claims: dict[str, list[str]], field: str, callers: As, namespace: str
) -> None:
    body = with_field(object_of(field, WITH_PASSWORD), f"spec.{field}.claims", claims)

    answer = said(callers(WITH_PASSWORD), field, body, namespace)

    assert answer.status == 403
    assert f"spec.{field}.{REFUSED}" in answer.message


@both
def test_who_has_no_second_factor_claims_none(field: str, callers: As, namespace: str) -> None:
    body = with_field(object_of(field, PLAIN), f"spec.{field}.claims", {AMR: ["mfa"]})

    answer = said(callers(PLAIN), field, body, namespace)

    assert answer.status == 403
    assert f"spec.{field}.{REFUSED}" in answer.message


@both
def test_that_somebody_has_no_claims_can_be_said(field: str, callers: As, namespace: str) -> None:
    body = with_field(object_of(field, PLAIN), f"spec.{field}.claims", {})

    answer = said(callers(PLAIN), field, body, namespace)

    assert answer.status == 201, answer.message


def test_a_person_of_the_cluster_takes_no_claims_of_another(callers: As, namespace: str) -> None:
    """Alice signs in herself here, with a token that says nothing of a second factor."""
    body = with_field(a_request(who=ALICE), "spec.requester.claims", {AMR: ["mfa"], AUTH_TIME: ["9999999999"]})

    answer = callers(ALICE.username).create(ACCESS_REQUESTS, body, namespace)

    assert answer.status == 403
    assert f"spec.requester.{REFUSED}" in answer.message
