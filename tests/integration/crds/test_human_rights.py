"""People's roles: who asks, who answers, who declares, who rules, who looks; and who can do nothing."""

from typing import Final

import pytest

from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS, ACCESS_TARGETS
from tests.integration.crds.api import Api, As
from tests.integration.crds.rights import LOOK, OURS, bind, rights
from tests.integration.crds.whole_objects import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    MALLORY,
    OLGA,
    SYSTEM,
    Who,
    a_grant,
    a_policy,
    a_request,
    a_review,
    a_target,
)

pytestmark = pytest.mark.real

LOOKING: Final = rights(
    LOOK, *(f"{plural}{OURS}" for plural in ("accesstargets", "accesspolicies", "accessrequests", "accessreviews"))
)
CHANGE: Final = ("create", "update", "patch", "delete")
RIGHTS: Final = {
    ALICE: LOOKING | rights(["create"], f"accessrequests{OURS}", f"accessreviews{OURS}"),
    CAROL: LOOKING | rights(["create"], f"accessreviews{OURS}"),
    DAVE: LOOKING
    | rights((*LOOK, "delete"), f"accessgrants{OURS}")
    | rights(CHANGE, f"accesstargets{OURS}", f"accesspolicies{OURS}")
    | rights(["delete"], f"accessrequests{OURS}", f"accessreviews{OURS}"),
    ERIN: LOOKING | rights(LOOK, f"accessgrants{OURS}"),
}


@pytest.mark.parametrize("who", RIGHTS, ids=lambda who: who.username.partition("@")[0])
def test_a_person_has_the_rights_of_their_role_and_no_other(who: Who, callers: As, namespace: str) -> None:
    person, nobody = callers(who.username), callers(MALLORY.username)

    for where in (namespace, SYSTEM):
        assert person.rules(where) - nobody.rules(where) == RIGHTS[who]


def test_who_has_no_role_has_none_of_our_rights(callers: As, namespace: str) -> None:
    mallory = callers(MALLORY.username)

    assert [right for right in mallory.rules(namespace) if right.endswith(OURS)] == []


def test_an_owner_declares_targets_in_their_own_namespace_alone(callers: As, root: Api, namespace: str) -> None:
    bind(root, namespace, "jitgress-service-owner", OLGA)
    olga, nobody = callers(OLGA), callers(MALLORY.username)

    own = olga.rules(namespace) - nobody.rules(namespace)

    assert own == LOOKING | rights(CHANGE, f"accesstargets{OURS}")
    assert olga.rules("default") == nobody.rules("default")
    assert olga.create(ACCESS_TARGETS, a_target(), namespace).status == 201
    assert olga.create(ACCESS_TARGETS, a_target(), "default").status == 403


@pytest.mark.parametrize("who", [ALICE, BOB, CAROL, ERIN], ids=lambda who: who.username.partition("@")[0])
def test_nobody_edits_or_deletes_what_was_asked_and_answered(who: Who, callers: As, namespace: str) -> None:
    """Not even their own: a request is withdrawn by a review, so that the record knows."""
    asked = callers(ALICE.username).made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)
    answered = callers(CAROL.username).made(ACCESS_REVIEWS, a_review(who=CAROL, request=asked), namespace)
    person = callers(who.username)

    for resource, found in ((ACCESS_REQUESTS, asked), (ACCESS_REVIEWS, answered)):
        assert person.merge(resource, found, {"metadata": {"labels": {"a": "b"}}}).status == 403
        assert person.merge(resource, found, {"metadata": {"finalizers": ["a.test/b"]}}).status == 403
        assert person.replace(resource, found).status == 403
        assert person.delete(resource, found).status == 403
        assert person.apply(resource, {**found, "metadata": {"name": "made-by-applying"}}, namespace).status == 403


@pytest.mark.parametrize("who", [ALICE, CAROL, DAVE, ERIN], ids=lambda who: who.username.partition("@")[0])
def test_nobody_writes_a_status(who: Who, callers: As, root: Api, namespace: str) -> None:
    asked = callers(ALICE.username).made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)
    answered = callers(CAROL.username).made(ACCESS_REVIEWS, a_review(who=CAROL, request=asked), namespace)
    declared = root.made(ACCESS_TARGETS, a_target(), namespace)
    ruled = root.made(ACCESS_POLICIES, a_policy(f"ruled-{namespace}"), namespace)
    person = callers(who.username)
    everything = (
        (ACCESS_REQUESTS, asked),
        (ACCESS_REVIEWS, answered),
        (ACCESS_TARGETS, declared),
        (ACCESS_POLICIES, ruled),
    )

    answers = [
        answer.status
        for resource, found in everything
        for answer in (
            person.merge(resource, found, {"status": {"conditions": []}}, "status"),
            person.replace(resource, {**found, "status": {}}, "status"),
        )
    ]
    root.delete(ACCESS_POLICIES, ruled)

    assert answers == [403] * 8


def test_only_the_platform_team_stops_a_grant(callers: As, operator: Api) -> None:
    granted = operator.made(ACCESS_GRANTS, a_grant("0b7f0d52-0009"), SYSTEM)

    for who in (ALICE, CAROL, ERIN):
        assert callers(who.username).delete(ACCESS_GRANTS, granted).status == 403
    assert callers(DAVE.username).delete(ACCESS_GRANTS, granted).status == 200


def test_grants_are_seen_by_who_rules_and_who_audits(callers: As) -> None:
    """They tell addresses inside the cluster."""
    seers = [who for who in (ALICE, CAROL, DAVE, ERIN, MALLORY) if callers(who.username).may(f"get accessgrants{OURS}")]

    assert seers == [DAVE, ERIN]
