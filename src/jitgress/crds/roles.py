"""Who may do what: least privilege for the components, and roles for people to be bound to."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

SYSTEM: Final = "jitgress-system"
RBAC: Final = "rbac.authorization.k8s.io"
_OURS: Final = "jitgress.dev"
_READ: Final = ("get", "list", "watch")
KEYS: Final = ("jitgress-signing-keys", "jitgress-gate-keys")
"""The Secret with which tokens are signed, and the ConfigMap with which gates check them."""
LEADER_LEASE: Final = "jitgress-operator"
"""The Lease of the operator that acts."""

Rule = dict[str, Any]


def rule(group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()) -> Rule:
    """Return one rule; with `names` for these objects alone."""
    only = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs), **only}


OPERATOR_EVERYWHERE: Final = (
    rule(_OURS, ("accesstargets", "accesspolicies", "accessrequests", "accessreviews"), _READ),
    rule(
        _OURS,
        ("accesstargets/status", "accesspolicies/status", "accessrequests/status", "accessreviews/status"),
        ("patch",),
    ),
    # what is over and in the ledger isn't kept for ever
    rule(_OURS, ("accessrequests", "accessreviews"), ("delete",)),
    rule("", ("services",), _READ),
    rule("networking.k8s.io", ("ingresses",), _READ),
    rule("gateway.networking.k8s.io", ("httproutes",), _READ),
    rule("events.k8s.io", ("events",), ("create",)),
)
OPERATOR_HERE: Final = (
    rule(_OURS, ("accessgrants",), (*_READ, "create", "update", "delete")),
    rule(_OURS, ("accessgrants/status",), ("patch",)),
    rule("networking.k8s.io", ("ingresses",), ("create", "patch", "delete")),
    rule("gateway.networking.k8s.io", ("httproutes",), ("create", "patch", "delete")),
    # the gates' are read, its own is written; create can't be limited by name
    rule("coordination.k8s.io", ("leases",), ("list", "watch", "create")),
    rule("coordination.k8s.io", ("leases",), ("get", "update"), (LEADER_LEASE,)),
)
PORTAL_EVERYWHERE: Final = (rule("authentication.k8s.io", ("tokenreviews",), ("create",)),)
PORTAL_HERE: Final = (
    rule(_OURS, ("accessgrants",), _READ),
    # create can't be limited by name here; admission does that
    rule("", ("secrets", "configmaps"), ("create",)),
    rule("", ("secrets",), ("get", "update"), KEYS[:1]),
    rule("", ("configmaps",), ("get", "update"), KEYS[1:]),
)
GATE_HERE: Final = (
    rule(_OURS, ("accessgrants",), _READ),
    rule("", ("configmaps",), _READ, KEYS[1:]),
    # each gate writes its own, which is named for it; admission sees to that
    rule("coordination.k8s.io", ("leases",), ("create", "patch")),
)

_LOOK: Final = rule(_OURS, ("accesstargets", "accesspolicies", "accessrequests", "accessreviews"), _READ)
PEOPLE: Final[dict[str, tuple[Rule, ...]]] = {
    # A requester reviews, too: withdrawing and giving back is a Revoke of one's own request.
    "jitgress-requester": (_LOOK, rule(_OURS, ("accessrequests", "accessreviews"), ("create",))),
    "jitgress-approver": (_LOOK, rule(_OURS, ("accessreviews",), ("create",))),
    "jitgress-service-owner": (
        _LOOK,
        rule(_OURS, ("accesstargets",), ("create", "update", "patch", "delete")),
    ),
    "jitgress-platform-admin": (
        _LOOK,
        rule(_OURS, ("accessgrants",), (*_READ, "delete")),
        rule(_OURS, ("accesstargets", "accesspolicies"), ("create", "update", "patch", "delete")),
        rule(_OURS, ("accessrequests", "accessreviews"), ("delete",)),
    ),
    "jitgress-auditor": (_LOOK, rule(_OURS, ("accessgrants",), _READ)),
}


def roles() -> list[dict[str, Any]]:
    """Return every role and the bindings of the components."""
    accounts = {
        "jitgress-operator": ((*OPERATOR_EVERYWHERE,), (*OPERATOR_HERE,)),
        "jitgress-portal": (PORTAL_EVERYWHERE, PORTAL_HERE),
        "jitgress-gate": ((), GATE_HERE),
    }
    objects = [object_ for name, (everywhere, here) in accounts.items() for object_ in _account(name, everywhere, here)]
    # `jitgress serve` is operator and portal in one process, under the operator's account.
    objects += [
        _binding(
            "ClusterRoleBinding", "jitgress-operator-as-portal", "ClusterRole", "jitgress-portal", "jitgress-operator"
        ),
        _binding("RoleBinding", "jitgress-operator-as-portal", "Role", "jitgress-portal", "jitgress-operator"),
    ]
    return objects + [_role("ClusterRole", name, rules) for name, rules in PEOPLE.items()]


def _account(name: str, everywhere: Iterable[Rule], here: Iterable[Rule]) -> list[dict[str, Any]]:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": SYSTEM}}
    objects = [account, _role("Role", name, here), _binding("RoleBinding", name, "Role", name, name)]
    everywhere = tuple(everywhere)
    if everywhere:
        objects += [
            _role("ClusterRole", name, everywhere),
            _binding("ClusterRoleBinding", name, "ClusterRole", name, name),
        ]
    return objects


def _role(kind: str, name: str, rules: Iterable[Rule]) -> dict[str, Any]:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": _metadata(kind, name), "rules": list(rules)}


def _binding(kind: str, name: str, role_kind: str, role: str, account: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": _metadata(kind, name),
        "roleRef": {"apiGroup": RBAC, "kind": role_kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": SYSTEM}],
    }


def _metadata(kind: str, name: str) -> dict[str, Any]:
    return {"name": name} | ({} if kind.startswith("Cluster") else {"namespace": SYSTEM})
