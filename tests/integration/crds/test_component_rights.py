"""Operator, portal and gate may do what their code does, each right of it, and nothing else."""

import json
from typing import Final

import pytest

from jitgress.crds.manifests import all_manifests
from tests.integration.crds.api import As
from tests.integration.crds.rights import LOOK, OURS, rights
from tests.integration.crds.whole_objects import ALICE, CAROL, DAVE, ERIN, GATE, OPERATOR, PORTAL, SYSTEM, Who

pytestmark = pytest.mark.real

NOBODY: Final = Who("system:serviceaccount:default:nobody", ("system:serviceaccounts", "system:authenticated"))
COMPONENTS: Final = (OPERATOR, PORTAL, GATE)


# operator/run.py follows these in all namespaces, and asks for some of them by name
FOLLOWED: Final = rights(
    LOOK,
    *(f"{plural}{OURS}" for plural in ("accesstargets", "accesspolicies", "accessrequests", "accessreviews")),
    "services",
    "ingresses.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
)
STATUSES: Final = ("accesstargets", "accesspolicies", "accessrequests", "accessreviews")
OPERATOR_EVERYWHERE: Final = (
    FOLLOWED
    # operator/requests/apply.py, operator/targets/reconcile.py: a status is applied, which is a patch
    | rights(["patch"], *(f"{each}/status{OURS}" for each in STATUSES))
    # operator/retention: what is over and in the ledger
    | rights(["delete"], f"accessrequests{OURS}", f"accessreviews{OURS}")
    # kube/events.py
    | {"create events.events.k8s.io"}
)
OPERATOR_HERE: Final = (
    # operator/requests/apply.py, operator/grants/reconcile.py, operator/exposure/reconcile.py
    rights((*LOOK, "create", "update", "delete"), f"accessgrants{OURS}")
    | {f"patch accessgrants/status{OURS}"}
    # operator/routes/reconcile.py: applying makes what isn't there
    | rights(("create", "patch", "delete"), "ingresses.networking.k8s.io", "httproutes.gateway.networking.k8s.io")
    # kube/lease.py has a Lease of its own; operator/exposure/gates.py reads those of the gates
    | rights(("list", "watch", "create"), "leases.coordination.k8s.io")
    | rights(("get", "update"), "leases.coordination.k8s.io jitgress-operator")
)
PORTAL_EVERYWHERE: Final = {"create tokenreviews.authentication.k8s.io"}  # portal/token_review.py
PORTAL_HERE: Final = (
    rights(LOOK, f"accessgrants{OURS}")  # portal/reflected_grants.py
    # identity/key_objects.py
    | {"create secrets", "create configmaps"}
    | rights(("get", "update"), "secrets jitgress-signing-keys", "configmaps jitgress-gate-keys")
)
GATE_HERE: Final = (
    # gate/following.py
    rights(LOOK, f"accessgrants{OURS}", "configmaps jitgress-gate-keys")
    # gate/lease.py
    | rights(("create", "patch"), "leases.coordination.k8s.io")
)

EVERYWHERE: Final[dict[str, set[str]]] = {
    # `jitgress serve` is both, under the operator's account
    OPERATOR: OPERATOR_EVERYWHERE | PORTAL_EVERYWHERE,
    PORTAL: PORTAL_EVERYWHERE,
    GATE: set(),
}
HERE: Final[dict[str, set[str]]] = {
    OPERATOR: EVERYWHERE[OPERATOR] | OPERATOR_HERE | PORTAL_HERE,
    PORTAL: EVERYWHERE[PORTAL] | PORTAL_HERE,
    GATE: GATE_HERE,
}
HARMFUL: Final = (
    "list secrets",
    "watch secrets",
    "get secrets local-tls",
    "delete secrets jitgress-signing-keys",
    "create serviceaccounts/token jitgress-operator",
    "impersonate users",
    "impersonate groups",
    "impersonate serviceaccounts",
    "create pods",
    "create pods/exec",
    "get nodes/proxy",
    "patch services",
    "patch endpointslices.discovery.k8s.io",
    "delete namespaces",
    "patch namespaces",
    "escalate clusterroles.rbac.authorization.k8s.io",
    "bind clusterroles.rbac.authorization.k8s.io",
    "create clusterrolebindings.rbac.authorization.k8s.io",
    "create rolebindings.rbac.authorization.k8s.io",
    "patch customresourcedefinitions.apiextensions.k8s.io",
    "delete validatingadmissionpolicies.admissionregistration.k8s.io",
    "patch mutatingadmissionpolicies.admissionregistration.k8s.io",
    "create mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "patch validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "create mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "approve certificatesigningrequests.certificates.k8s.io",
    f"create accessrequests{OURS}",
    f"create accessreviews{OURS}",
    f"patch accessrequests{OURS}",
    f"update accessrequests{OURS}",
    f"patch accessreviews{OURS}",
    f"deletecollection accessrequests{OURS}",
    f"deletecollection accessreviews{OURS}",
    f"patch accesspolicies{OURS}",
    f"create accesspolicies{OURS}",
    f"patch accesstargets{OURS}",
    f"delete accesspolicies{OURS}",
    f"delete accesstargets{OURS}",
    f"patch accessgrants{OURS}",
    f"deletecollection accessgrants{OURS}",
)

every_component = pytest.mark.parametrize("account", COMPONENTS, ids=lambda name: name.rpartition(":")[2])


@every_component
def test_a_component_has_the_rights_that_its_code_uses_and_no_other(account: str, callers: As, namespace: str) -> None:
    component, nobody = callers(account), callers(NOBODY)

    assert component.rules(SYSTEM) - nobody.rules(SYSTEM) == HERE[account]
    assert component.rules(namespace) - nobody.rules(namespace) == EVERYWHERE[account]


@every_component
def test_no_component_may_do_what_would_hurt(account: str, callers: As) -> None:
    component = callers(account)

    assert [right for right in HARMFUL if component.may(right, SYSTEM) or component.may(right)] == []


@pytest.mark.parametrize("account", [PORTAL, GATE], ids=["portal", "gate"])
def test_only_the_operator_ends_or_narrows_what_is_there(account: str, callers: As) -> None:
    rest = (
        f"delete accessrequests{OURS}",
        f"delete accessreviews{OURS}",
        f"update accessgrants{OURS}",
        f"delete accessgrants{OURS}",
    )
    component = callers(account)

    assert [right for right in rest if component.may(right, SYSTEM) or component.may(right)] == []
    assert callers(OPERATOR).may(rest[0])


def test_the_gate_reads_no_secret_at_all(callers: As) -> None:
    gate = callers(GATE)

    assert not any(gate.may(f"{verb} secrets jitgress-signing-keys", SYSTEM) for verb in (*LOOK, "update", "patch"))


def test_the_operators_own_roles_reach_no_secret() -> None:
    """What its account can do with the signing key comes from the portal's roles, because `serve` is both in one."""
    own = [each for each in all_manifests() if each["metadata"]["name"] == "jitgress-operator" and "rules" in each]

    reached = {resource for role in own for rule in role["rules"] for resource in rule["resources"]}

    assert len(own) == 2
    assert reached & {"secrets", "configmaps", "serviceaccounts/token", "tokenreviews"} == set()


def test_nobody_but_the_operator_makes_grants(callers: As, namespace: str) -> None:
    everybody = (*COMPONENTS, *(who.username for who in (ALICE, CAROL, DAVE, ERIN)))

    makers = [
        name
        for name in everybody
        if any(callers(name).may(f"create accessgrants{OURS}", where) for where in (SYSTEM, namespace, ""))
    ]

    assert makers == [OPERATOR]


def test_no_role_has_a_wildcard_or_grows_by_itself() -> None:
    roles = [each for each in all_manifests() if each["kind"] in {"Role", "ClusterRole"}]

    assert len(roles) == 10
    assert "*" not in json.dumps([role["rules"] for role in roles])
    assert [role["metadata"]["name"] for role in roles if "aggregationRule" in role] == []
    assert [role["metadata"]["name"] for role in roles if "labels" in role["metadata"]] == []
