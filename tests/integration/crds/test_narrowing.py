"""A grant becomes shorter and narrower by the operator alone, and nobody makes it longer, wider or another one."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from jitgress.domain.scope import Scope
from jitgress.domain.sources import Sources
from jitgress.kube.resources import ACCESS_GRANTS
from tests.integration.crds.api import Api, As
from tests.integration.crds.rights import ROLES, bind
from tests.integration.crds.whole_objects import (
    ALICE,
    CAROL,
    DAVE,
    ERIN,
    GATE,
    MALLORY,
    NINA,
    PORTAL,
    SYSTEM,
    Who,
    a_grant,
    with_field,
    without_field,
)

pytestmark = pytest.mark.real

Body = dict[str, Any]
BY_OPERATOR: Final = "grants are made by the operator alone"
NARROWER: Final = (
    ("notAfter", "2026-01-01T10:20:00.000Z"),
    ("notAfter", "2026-01-01T10:00:00.001Z"),
    ("paths", ["/api"]),
    ("paths", ["/api/v1", "/health"]),
    ("methods", ["GET"]),
    ("sourceCIDRs", ["10.0.0.0/8"]),
    ("sourceCIDRs", ["10.1.0.0/16", "2001:db8::/48"]),
)
OTHER: Final = (
    ("notAfter", "2026-01-01T10:30:00.001Z"),
    ("notAfter", "2126-01-01T10:00:00.000Z"),
    ("notBefore", "2026-01-01T09:59:59.999Z"),
    ("notBefore", "2026-01-01T10:10:00.000Z"),
    ("since", "2026-01-01T09:40:00.000Z"),
    ("extensions", 0),
    ("extensions", 2),
    ("paths", ["/"]),
    ("paths", ["/apix"]),
    ("paths", ["/api", "/health", "/admin"]),
    ("methods", ["GET", "HEAD", "DELETE"]),
    ("methods", ["POST"]),
    ("sourceCIDRs", ["0.0.0.0/0"]),
    ("sourceCIDRs", ["10.0.0.0/8", "192.168.0.0/16"]),
    ("sourceCIDRs", ["10.0.0.0/7"]),
    ("sourceCIDRs", None),
    ("address", "10.0.0.8:80"),
    ("host", "grafana.example.com"),
    ("policy", "laxer"),
    ("subject", {"username": "bob@example.test", "groups": ["dev"]}),
    ("subject.groups", ["dev", "system:authenticated", "approvers"]),
    ("subject.claims", {"jitgress.dev/amr": ["mfa"]}),
    ("request.uid", "0b7f0d52-9999"),
    ("target.uid", "1c7f0d52-9999"),
    ("reviewBy", "2036-01-01T10:00:00.000Z"),
)


def named(change: tuple[str, object]) -> str:
    return f"{change[0]} {change[1]}"[:60]


@pytest.fixture
def granted(operator: Api, root: Api, namespace: str) -> Iterator[Body]:
    body = a_grant(f"0b7f0d52-{namespace}")
    for field, value in (
        ("paths", ["/api", "/health"]),
        ("methods", ["GET", "HEAD"]),
        ("sourceCIDRs", ["10.0.0.0/8", "2001:db8::/32"]),
    ):
        body = with_field(body, f"spec.{field}", value)
    found = operator.made(ACCESS_GRANTS, body, SYSTEM)
    yield found
    root.delete(ACCESS_GRANTS, found)


def changed(found: Body, change: tuple[str, object]) -> Body:
    field, value = change
    return without_field(found, f"spec.{field}") if value is None else with_field(found, f"spec.{field}", value)


@pytest.mark.parametrize("change", NARROWER, ids=named)
def test_the_operator_narrows_a_grant(change: tuple[str, object], granted: Body, operator: Api) -> None:
    answer = operator.replace(ACCESS_GRANTS, changed(granted, change))

    assert answer.status == 200, answer.message
    assert answer.body["spec"] == changed(granted, change)["spec"]


LONG: Final = "/" + "p" * 240
TARGETS: Final = Scope.of(["/a", *(f"/b/{number}" for number in range(31))], ["GET"])
POLICYS: Final = Scope.of(["/b", *(f"/a/{number}" for number in range(31))], ["GET"])


def of_both(one: Sources, other: Sources) -> list[str]:
    shared = one.meet(other)
    assert shared is not None
    return list(shared.texts())


def test_a_grant_takes_all_that_two_full_lists_share(operator: Api, root: Api, namespace: str) -> None:
    """What a target declares and a policy permits can have more prefixes and networks in common than each names."""
    shared = TARGETS.meet(POLICYS)
    assert shared is not None
    mine = Sources.of([*(f"10.{number}.0.0/16" for number in range(0, 64, 2)), *(f"11.{n}.8.0/24" for n in range(32))])
    theirs = Sources.of(
        [*(f"11.{number}.0.0/16" for number in range(32)), *(f"10.{n}.8.0/24" for n in range(0, 64, 2))]
    )
    both = of_both(mine, theirs)
    assert (len(shared.paths), len(both)) == (62, 64)
    body = with_field(a_grant(f"0b7f0d52-{namespace}"), "spec.paths", list(TARGETS.paths))
    found = operator.made(ACCESS_GRANTS, with_field(body, "spec.sourceCIDRs", list(mine.texts())), SYSTEM)

    narrower = {"paths": list(shared.paths), "sourceCIDRs": both}
    answer = operator.replace(ACCESS_GRANTS, {**found, "spec": {**found["spec"], **narrower}})
    root.delete(ACCESS_GRANTS, found)

    assert answer.status == 200, answer.message
    assert answer.body["spec"]["paths"] == list(shared.paths)


def test_the_longest_lists_are_still_compared(operator: Api, root: Api, namespace: str) -> None:
    """The API server bounds what the rules of a schema may cost; here they cost the most."""
    body = a_grant(f"0b7f0d52-{namespace}")
    networks = [f"2001:db8:ffff:ffff:ffff:ffff:{number:x}:0/112" for number in range(128)]
    body = with_field(body, "spec.paths", [f"{LONG}{number:02}" for number in range(64)])
    found = operator.made(ACCESS_GRANTS, with_field(body, "spec.sourceCIDRs", networks), SYSTEM)
    narrower = {
        "paths": [f"{LONG}63/{number}" for number in range(64)],
        "sourceCIDRs": [f"2001:db8:ffff:ffff:ffff:ffff:7f:{number:x}/128" for number in range(128)],
    }
    too_many = {"paths": [*narrower["paths"], f"{LONG}63/64"]}
    wider = {"paths": [*narrower["paths"][1:], f"{LONG}6"]}

    answers = [
        operator.replace(ACCESS_GRANTS, {**found, "spec": {**found["spec"], **change}})
        for change in (too_many, wider, narrower)
    ]
    root.delete(ACCESS_GRANTS, found)

    assert [answer.status for answer in answers] == [422, 422, 200], answers[-1].message
    assert "at most 64 items" in answers[0].message
    assert "a grant never gets further paths" in answers[1].message


def test_the_operator_narrows_everything_at_once_and_again(granted: Body, operator: Api) -> None:
    steps = (
        {"notAfter": "2026-01-01T10:20:00.000Z", "paths": ["/api"], "methods": ["GET"], "sourceCIDRs": ["10.0.0.0/9"]},
        {"notAfter": "2026-01-01T10:10:00.000Z", "paths": ["/api/v1"], "sourceCIDRs": ["10.0.0.1/32"]},
    )

    for step in steps:
        answer = operator.replace(ACCESS_GRANTS, {**granted, "spec": {**granted["spec"], **step}})
        assert answer.status == 200, answer.message
        granted = answer.body
    back = operator.replace(ACCESS_GRANTS, {**granted, "spec": {**granted["spec"], **steps[0]}})

    assert back.status == 422


@pytest.mark.parametrize("change", OTHER, ids=named)
def test_not_even_the_operator_changes_anything_else(change: tuple[str, object], granted: Body, operator: Api) -> None:
    answer = operator.replace(ACCESS_GRANTS, changed(granted, change))

    assert answer.status == 422
    assert "a grant never " in answer.message
    assert "make a new AccessRequest instead" in answer.message


@pytest.mark.parametrize("who", [ALICE, CAROL, DAVE, ERIN, MALLORY], ids=lambda who: who.username.partition("@")[0])
def test_people_change_no_grant(who: Who, granted: Body, callers: As) -> None:
    person, change = callers(who.username), changed(granted, NARROWER[0])

    answers = [person.replace(ACCESS_GRANTS, change), person.merge(ACCESS_GRANTS, granted, {"spec": change["spec"]})]

    assert [answer.status for answer in answers] == [403, 403]


@pytest.mark.parametrize("account", [PORTAL, GATE], ids=["portal", "gate"])
def test_other_components_change_no_grant(account: str, granted: Body, callers: As) -> None:
    answer = callers(account).replace(ACCESS_GRANTS, changed(granted, NARROWER[0]))

    assert answer.status == 403


def test_the_admin_narrows_no_grant_but_deletes_it(granted: Body, root: Api) -> None:
    answer = root.replace(ACCESS_GRANTS, changed(granted, NARROWER[0]))

    assert answer.status == 403
    assert BY_OPERATOR in answer.message


def test_the_run_of_the_namespace_of_grants_widens_none(granted: Body, root: Api, callers: As) -> None:
    """Who may write everything there by RBAC is held by admission."""
    role: Body = {"apiVersion": ROLES.api_version, "kind": ROLES.kind, "metadata": {"name": "everything-of-ours"}}
    rules = [{"apiGroups": ["jitgress.dev"], "resources": ["*"], "verbs": ["*"]}]
    made = root.made(ROLES, {**role, "rules": rules}, SYSTEM)
    bind(root, SYSTEM, "everything-of-ours", NINA, kind=ROLES.kind)

    answers = [
        callers(NINA).replace(ACCESS_GRANTS, changed(granted, change)) for change in (NARROWER[0], OTHER[0], OTHER[2])
    ]
    root.delete(ROLES, made)

    assert [answer.status for answer in answers] == [403, 422, 422]
    assert BY_OPERATOR in answers[0].message
