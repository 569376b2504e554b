"""What the stack puts into its cluster: each object goes to the resource that it is of."""

from typing import Any, Final

import pytest

from jitgress.crds.manifests import all_manifests
from jitgress.crds.policies import policy_value
from jitgress.crds.values import target_value
from jitgress.domain.decide import decide
from jitgress.domain.policy import PolicyList
from jitgress.domain.request import Request
from jitgress.domain.ruling import Awaiting, Denied, Permitted
from jitgress.domain.subject import Subject
from jitgress.kube import resources
from jitgress.kube.resources import Resource
from jitgress.local import cluster, objects
from jitgress.local.people import everybody
from tests.builders import NOW, a_request, a_situation
from tests.unit.operator.held import stored

KNOWN: Final = {each.kind: each for each in vars(resources).values() if isinstance(each, Resource)}
PUT: Final = [
    *all_manifests(),
    *objects.namespaces(),
    *objects.services(),
    *objects.bindings(),
    objects.portal_route(),
    objects.tls_secret("certificate", "key"),
    *objects.gateway(28443),
    *objects.targets(),
    *objects.policies(),
]
PLURALS: Final = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "CustomResourceDefinition": "customresourcedefinitions",
    "Gateway": "gateways",
    "GatewayClass": "gatewayclasses",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ServiceAccount": "serviceaccounts",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
NAMESPACELESS: Final = PLURALS.keys() - {"Gateway", "Role", "RoleBinding", "ServiceAccount"}


@pytest.mark.parametrize("kind", sorted({each["kind"] for each in PUT}))
def test_each_kind_goes_to_its_own_resource(kind: str) -> None:
    body = next(each for each in PUT if each["kind"] == kind)

    found = cluster.resource_of(body)

    if kind in KNOWN:
        assert found == KNOWN[kind]
    else:
        assert (found.plural, found.is_namespaced) == (PLURALS[kind], kind not in NAMESPACELESS)
    assert ("namespace" in body["metadata"]) == found.is_namespaced


def test_of_the_portal_strangers_see_its_api_alone() -> None:
    """Its figures and its health are the platform team's."""
    (rule,) = objects.portal_route()["spec"]["rules"]

    assert [(path["path"], path["pathType"]) for path in rule["http"]["paths"]] == [("/api", "Prefix")]


def sample(name: str) -> dict[str, Any]:
    found = next(each for each in objects.targets() if each["metadata"]["name"] == name)
    ready = {"type": "Ready", "status": "True"}
    return stored(found, status={"observedGeneration": 1, "conditions": [ready], "address": "127.64.0.7:80"})


def asking(who: str, target: dict[str, Any]) -> Request:
    person = next(each for each in everybody() if each.username.startswith(f"{who}@"))
    metadata = target["metadata"]
    subject = Subject(person.username, frozenset(person.groups))
    return a_request(requester=subject, namespace=metadata["namespace"], target=metadata["name"])


@pytest.mark.parametrize(
    ("who", "name", "ruling"),
    [
        ("alice", "orders", Awaiting),
        ("bob", "grafana", Permitted),
        ("carol", "orders", Denied),
        ("dave", "orders", Denied),
        ("erin", "grafana", Denied),
        ("mallory", "grafana", Denied),
    ],
)
def test_the_stacks_policies_treat_its_people_as_the_readme_says(who: str, name: str, ruling: type) -> None:
    target = sample(name)
    policies = [policy_value(stored(with_defaults(each))) for each in objects.policies()]

    decision = decide(
        target_value(target), PolicyList(tuple(policies)), asking(who, target), (), situation=a_situation(), now=NOW
    )

    assert isinstance(decision.ruling, ruling)


def with_defaults(policy: dict[str, Any]) -> dict[str, Any]:
    """Return the policy with what the API server fills in."""
    spec = policy["spec"]
    return {**policy, "spec": {**spec, "approval": {"timeoutSeconds": 3600, **spec["approval"]}}}
