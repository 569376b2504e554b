"""What a requester, an approver or somebody with the run of a namespace would try, and doesn't get."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from jitgress.crds.values import request_value, review_value
from jitgress.domain.asked import Asked
from jitgress.domain.judging import Verdict, judge
from jitgress.domain.review import ReviewStanding
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    Resource,
)
from tests.builders import a_policy as a_policy_value
from tests.builders import a_situation
from tests.builders import a_target as a_target_value
from tests.integration.crds.api import Api, As
from tests.integration.crds.guarding import wait_until
from tests.integration.crds.rights import CLUSTER_ROLES, OURS
from tests.integration.crds.whole_objects import (
    ALICE,
    BOB,
    CAROL,
    EVERYBODY,
    SYSTEM,
    Object,
    Who,
    a_grant,
    a_policy,
    a_request,
    a_review,
    a_target,
    with_field,
)

pytestmark = pytest.mark.real

WIDE: Final = Who("walter@example.test", (EVERYBODY,))
CLUSTER_ROLE_BINDINGS: Final = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", is_namespaced=False
)
STAY: Final = "who asks or answers doesn't decide how long it stays"
OWNER: Final = {"apiVersion": "v1", "kind": "ConfigMap", "name": "mine", "uid": "0b7f0d52-0000"}


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody, and the kind of object in which they speak."""

    who: Who
    resource: Resource
    make: Callable[..., Object]

    def body(self) -> Object:
        return self.make(who=self.who)


def verdict_on(asked: Object, review: Object) -> Verdict:
    """Return what a review by somebody counts, of who it is that asked."""
    facts = Asked(request_value(asked), a_target_value(), a_policy_value(), a_situation())
    return judge(facts, [review_value(review)])


asked_and_answered = pytest.mark.parametrize(
    "voice",
    [
        pytest.param(Voice(ALICE, ACCESS_REQUESTS, a_request), id="request"),
        pytest.param(Voice(CAROL, ACCESS_REVIEWS, a_review), id="review"),
    ],
)


@asked_and_answered
@pytest.mark.parametrize(
    ("field", "value"),
    [("finalizers", ["alice.test/never"]), ("finalizers", ["foregroundDeletion"]), ("ownerReferences", [OWNER])],
    ids=["a finalizer", "Kubernetes' own finalizer", "an owner"],
)
def test_nobody_decides_how_long_their_object_stays(
    voice: Voice, field: str, value: object, callers: As, namespace: str
) -> None:
    """A finalizer would keep what was deleted; an owner that is gone would have it collected."""
    body = with_field(voice.body(), f"metadata.{field}", value)

    answer = callers(voice.who.username).create(voice.resource, body, namespace)

    assert answer.status == 403
    assert f"metadata must have no finalizers or ownerReferences: {STAY}" in answer.message


@asked_and_answered
@pytest.mark.parametrize("year", ["1999", "2199"])
def test_nobody_dates_their_object(voice: Voice, year: str, callers: As, namespace: str) -> None:
    """The time of a request and of an approval decides whether it is late."""
    moment = f"{year}-01-01T00:00:00Z"
    body = with_field(voice.body(), "metadata.creationTimestamp", moment)

    made = callers(voice.who.username).made(
        voice.resource, with_field(body, "metadata.deletionTimestamp", moment), namespace
    )

    assert made["metadata"]["creationTimestamp"][:4] != year
    assert "deletionTimestamp" not in made["metadata"]


def test_a_megabyte_is_refused_by_the_name_of_its_field(callers: As, namespace: str) -> None:
    """And isn't sent back: what refuses it must not be a megabyte, too."""
    megabyte = "INC-1 " + "a" * 2**20
    alice, carol = callers(ALICE.username), callers(CAROL.username)

    asked = alice.create(ACCESS_REQUESTS, with_field(a_request(who=ALICE), "spec.reason", megabyte), namespace)
    ticket = alice.create(ACCESS_REQUESTS, with_field(a_request(who=ALICE), "spec.ticket", megabyte), namespace)
    answered = carol.create(ACCESS_REVIEWS, with_field(a_review(who=CAROL), "spec.comment", megabyte), namespace)

    for answer, field in ((asked, "reason"), (ticket, "ticket"), (answered, "comment")):
        assert answer.status == 422
        assert f"spec.{field}: Too long: may not be more than" in answer.message
        assert len(answer.message) < 1000


@asked_and_answered
def test_nobody_chooses_a_uid(voice: Voice, callers: As, namespace: str) -> None:
    """A request under the UID of an approved one would inherit its approvals."""
    body = with_field(voice.body(), "metadata.uid", "0b7f0d52-1111-4222-8333-444455556666")

    made = callers(voice.who.username).made(voice.resource, with_field(body, "metadata.generation", 7), namespace)

    assert made["metadata"]["uid"] != "0b7f0d52-1111-4222-8333-444455556666"
    assert made["metadata"]["generation"] == 1


@pytest.mark.parametrize("resource", [ACCESS_REQUESTS, ACCESS_TARGETS], ids=lambda resource: resource.kind)
def test_no_object_is_born_with_a_status(resource: Resource, root: Api, namespace: str) -> None:
    body = a_request() if resource == ACCESS_REQUESTS else with_field(a_target(), "status.address", "10.0.0.1:443")
    active = [{"type": "Active", "status": "True", "reason": "Active"}]

    made = root.made(resource, with_field(body, "status.conditions", active), namespace)

    assert "status" not in made


@pytest.mark.parametrize(
    "prefix",
    ["../orders-", "Orders-", "orders/", "orders%2f", "\u0430lice-"],
    ids=["up", "upper", "/", "%", "look-alike"],
)
def test_a_name_is_a_name_even_when_the_server_ends_it(prefix: str, callers: As, namespace: str) -> None:
    body = {**a_request(who=ALICE), "metadata": {"generateName": prefix}}

    answer = callers(ALICE.username).create(ACCESS_REQUESTS, body, namespace)

    assert answer.status in {400, 422}
    assert "metadata.name" in answer.message or "metadata.generateName" in answer.message


@pytest.mark.parametrize(("first", "last", "status"), [(ALICE, BOB, 403), (BOB, ALICE, 201)], ids=["bob", "alice"])
def test_what_is_said_twice_counts_once_for_admission_and_store(
    first: Who, last: Who, status: int, callers: As, namespace: str
) -> None:
    """JSON may hold a key twice; were the first checked and the last kept, alice could ask as bob."""
    text = json.dumps(with_field(a_request(who=ALICE), "spec.requester.username", "NAME"))
    twice = text.replace('"username": "NAME"', f'"username": "{first.username}", "username": "{last.username}"')

    answer = callers(ALICE.username).create_from(ACCESS_REQUESTS, twice, namespace)

    assert text != twice
    assert answer.status == status
    assert answer.body.get("spec", {}).get("requester", {}).get("username") in {None, ALICE.username}


@pytest.mark.parametrize(
    "name",
    ["ALICE@example.test", "\uff41lice@example.test", "alice@example.test\u200b", "alice@EXAMPLE.test"],
    ids=["upper case", "a wide letter", "what nobody can see", "the domain in upper case"],
)
def test_another_spelling_of_the_requester_does_not_approve(name: str, callers: As, namespace: str) -> None:
    """An identity provider may let one person sign in under both; admission can't know, the count of reviews does."""
    asked = callers(ALICE.username).made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)
    other = Who(name, ("approvers", EVERYBODY))

    review = callers(other).made(ACCESS_REVIEWS, a_review(who=other, request=asked), namespace)
    verdict = verdict_on(asked, review)

    assert [each.standing for each in verdict.judged] == [ReviewStanding.SELF_REVIEW]
    assert verdict.approved_at is None


def test_somebody_else_does(callers: As, namespace: str) -> None:
    """The same way as above, and it counts: what is refused there is the spelling."""
    asked = callers(ALICE.username).made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)

    review = callers(CAROL.username).made(ACCESS_REVIEWS, a_review(who=CAROL, request=asked), namespace)
    verdict = verdict_on(asked, review)

    assert [each.standing for each in verdict.judged] == [ReviewStanding.COUNTED]


def test_the_run_of_a_namespace_is_not_anybodys_voice(nina: Api, namespace: str) -> None:
    for resource, body in ((ACCESS_REQUESTS, a_request(who=ALICE)), (ACCESS_REVIEWS, a_review(who=CAROL))):
        answer = nina.create(resource, body, namespace)

        assert answer.status == 403
        assert "must be your own user name" in answer.message


def test_the_run_of_a_namespace_aims_the_gate_nowhere(nina: Api, namespace: str) -> None:
    """The address in a target's status is where the gate connects to."""
    target = nina.made(ACCESS_TARGETS, a_target(), namespace)
    ready = {"type": "Ready", "status": "True", "reason": "Ready"}
    elsewhere = {"observedGeneration": 1, "address": "10.0.0.1:443", "conditions": [ready]}

    answers = [
        nina.merge(ACCESS_TARGETS, target, {"status": elsewhere}, "status"),
        nina.replace(ACCESS_TARGETS, {**target, "status": elsewhere}, "status"),
    ]

    assert [answer.status for answer in answers] == [403, 403]
    assert all("status is what the operator found out, and written by it alone" in each.message for each in answers)


def test_who_stands_above_every_role_can_repair_what_is_told_of_a_target(root: Api, namespace: str) -> None:
    """Members of system:masters could remove the admission policy as well."""
    target = root.made(ACCESS_TARGETS, a_target(), namespace)

    assert root.merge(ACCESS_TARGETS, target, {"status": {"conditions": []}}, "status").status == 200


def test_who_may_write_policies_does_not_say_that_one_is_sound(root: Api, callers: As, namespace: str) -> None:
    """Even by a role that somebody made too wide: everything on everything of ours, everywhere."""
    everything = [{"apiGroups": ["jitgress.dev"], "resources": ["*"], "verbs": ["*"]}]
    name = f"everything-{namespace}"
    role = {"apiVersion": CLUSTER_ROLES.api_version, "kind": CLUSTER_ROLES.kind, "metadata": {"name": name}}
    bound = {"roleRef": {"apiGroup": CLUSTER_ROLES.group, "kind": CLUSTER_ROLES.kind, "name": name}}
    subjects = [{"apiGroup": CLUSTER_ROLES.group, "kind": "User", "name": WIDE.username}]
    binding = {**role, "kind": CLUSTER_ROLE_BINDINGS.kind, **bound, "subjects": subjects}
    policy = root.made(ACCESS_POLICIES, a_policy(f"sound-{namespace}"), namespace)
    made = [
        (CLUSTER_ROLES, root.made(CLUSTER_ROLES, {**role, "rules": everything}, namespace)),
        (CLUSTER_ROLE_BINDINGS, root.made(CLUSTER_ROLE_BINDINGS, binding, namespace)),
        (ACCESS_POLICIES, policy),
    ]
    wait_until(lambda: root.tells_whether(WIDE, f"patch accesspolicies{OURS}", ""))

    answers = [
        callers(WIDE).merge(ACCESS_POLICIES, policy, {"status": {"conditions": []}}, "status"),
        callers(WIDE).merge(ACCESS_POLICIES, policy, {"spec": {"priority": 3}}),
    ]
    for resource, found in made:
        root.delete(resource, found)

    assert [answer.status for answer in answers] == [403, 200]
    assert "status is what the operator found out, and written by it alone" in answers[0].message


@asked_and_answered
def test_the_run_of_a_namespace_tells_nothing_untrue(voice: Voice, callers: As, nina: Api, namespace: str) -> None:
    made = callers(voice.who.username).made(voice.resource, voice.body(), namespace)

    answer = nina.merge(voice.resource, made, {"status": {"conditions": []}}, "status")

    assert answer.status == 403
    assert "change the spec, or make an AccessReview" in answer.message


def test_the_run_of_a_namespace_makes_no_grants(nina: Api, namespace: str) -> None:
    answer = nina.create_right_there(ACCESS_GRANTS, a_grant(), namespace)

    assert answer.status == 403
    assert "grants are made by the operator alone; make an AccessRequest" in answer.message


def test_not_even_the_admin_makes_or_changes_a_grant(root: Api, operator: Api) -> None:
    granted = operator.made(ACCESS_GRANTS, a_grant("0b7f0d52-0010"), SYSTEM)
    changes: tuple[dict[str, Any], ...] = (
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"finalizers": ["a.test/never"]}},
        {"metadata": {"annotations": {"a": "b"}}},
    )

    answers = [root.create(ACCESS_GRANTS, a_grant("0b7f0d52-0011"), SYSTEM)]
    answers += [root.merge(ACCESS_GRANTS, granted, change) for change in changes]
    answers += [root.merge(ACCESS_GRANTS, granted, {"status": {"conditions": []}}, "status")]
    root.delete(ACCESS_GRANTS, granted)

    assert [answer.status for answer in answers] == [403] * 5
    assert all("grants are made by the operator alone" in answer.message for answer in answers)
