"""ValidatingAdmissionPolicies: who says who they are, and who may touch what the operator made.

Requests and reviews name the person who makes them, exactly as the API server authenticated them. All of them fail
closed: where one can't be evaluated, the object is refused.
"""

from collections.abc import Sequence
from typing import Any, Final

from jitgress.crds.roles import KEYS, SYSTEM

OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:jitgress-operator"
PORTAL: Final = f"system:serviceaccount:{SYSTEM}:jitgress-portal"
GATE: Final = f"system:serviceaccount:{SYSTEM}:jitgress-gate"
_API: Final = "admissionregistration.k8s.io/v1"
_CALLER: Final = "request.userInfo.username"

Validation = dict[str, Any]
Matching = dict[str, Any]


def validation(expression: str, message: str) -> Validation:
    """Return one validation; `message` says what is wrong and what to do."""
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def identity(field: str) -> list[Validation]:
    """Return the validations by which spec.`field` is the caller.

    All groups are stated: the first policy that matches decides, so a group left out could slip past a stricter one.
    """
    who, groups = f"object.spec.{field}", "request.userInfo.groups"
    return [
        validation(
            f"{who}.username == {_CALLER}",
            f"spec.{field}.username must be your own user name; leave it to jitgress, or ask: kubectl auth whoami",
        ),
        validation(
            f"has({who}.groups) && {who}.groups.all(group, group in {groups})"
            f" && {groups}.all(group, group in {who}.groups)",
            f"spec.{field}.groups must be all of your groups and no other; "
            "leave it to jitgress, or ask: kubectl auth whoami",
        ),
        validation(
            "!has(object.metadata.finalizers) && !has(object.metadata.ownerReferences)",
            "metadata must have no finalizers or ownerReferences: who asks or answers doesn't decide how long it stays",
        ),
    ]


def policies() -> list[dict[str, Any]]:
    """Return every policy and its binding."""
    return [
        *_policy("jitgress-requester-identity", _ours("accessrequests"), identity("requester"), _NOT_THE_PORTAL),
        *_policy("jitgress-reviewer-identity", _ours("accessreviews"), identity("reviewer"), _NOT_THE_PORTAL),
        *_policy("jitgress-grants-by-operator", _ours("accessgrants", operations=("CREATE", "UPDATE")), [_GRANTED]),
        *_policy("jitgress-grant-status-by-operator", _ours("accessgrants/status", operations=("UPDATE",)), [_GRANTED]),
        *_policy("jitgress-status-by-operator", _ours(*_STATUSES, operations=("UPDATE",)), [_FOUND_OUT]),
        *_policy(
            "jitgress-leases-of-gates",
            _here("coordination.k8s.io", "leases", operations=("CREATE", "UPDATE")),
            [_NAMED_FOR_A_GATE],
            f"{_CALLER} == '{GATE}'",
        ),
        *_policy("jitgress-keys-by-name", _here("", "secrets", "configmaps"), _KEYS_ALONE, _KEEPS_KEYS),
    ]


_NOT_THE_PORTAL: Final = f"{_CALLER} != '{PORTAL}'"
_KEEPS_KEYS: Final = f"{_CALLER} in {[PORTAL, OPERATOR]}"
_STATUSES: Final = ("accesstargets/status", "accessrequests/status", "accessreviews/status")
_GRANTED: Final = validation(
    f"{_CALLER} == '{OPERATOR}'",
    "grants are made by the operator alone; make an AccessRequest, or delete the grant to end it",
)
# The address in a target's status is read back: whoever has the run of a namespace could aim the gate anywhere with it.
# Members of system:masters stand above RBAC, and could remove this policy: they may repair a status by hand.
_FOUND_OUT: Final = validation(
    f"{_CALLER} == '{OPERATOR}' || 'system:masters' in request.userInfo.groups",
    "status is what the operator found out, and written by it alone; change the spec, or make an AccessReview",
)
_NAMED_FOR_A_GATE: Final = validation(
    "object.metadata.name.startsWith('jitgress-gate-')",
    "metadata.name must begin with jitgress-gate-: a gate writes its own Lease and not the operator's",
)
_KEYS_ALONE: Final = [
    validation(
        f"object.metadata.name in {list(KEYS)}",
        f"metadata.name must be one of {', '.join(KEYS)}: jitgress keeps nothing else in Secrets and ConfigMaps",
    ),
    validation(
        "request.resource.resource != 'secrets' || object.type == 'Opaque'",
        "type must be Opaque: a Secret of another type could be filled with somebody's token",
    ),
]


def _ours(*resources: str, operations: Sequence[str] = ("CREATE",)) -> Matching:
    return {"resourceRules": [_resources("jitgress.dev", resources, operations)]}


def _here(group: str, *resources: str, operations: Sequence[str] = ("CREATE",)) -> Matching:
    """Match in jitgress's own namespace alone: what fails closed must not stop anybody else."""
    only = {"matchLabels": {"kubernetes.io/metadata.name": SYSTEM}}
    return {"namespaceSelector": only, "resourceRules": [_resources(group, resources, operations)]}


def _resources(group: str, resources: Sequence[str], operations: Sequence[str]) -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": list(operations),
        "resources": list(resources),
    }


def _policy(
    name: str, matching: Matching, validations: list[Validation], condition: str | None = None
) -> list[dict[str, Any]]:
    """Return a policy and its binding. It looks at what `matching` names, of callers who meet the `condition`."""
    spec: dict[str, Any] = {"failurePolicy": "Fail", "matchConstraints": matching, "validations": validations}
    if condition is not None:
        spec["matchConditions"] = [{"name": "who", "expression": condition}]
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {"apiVersion": _API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {"apiVersion": _API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": binding},
    ]
