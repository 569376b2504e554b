"""ValidatingAdmissionPolicies: who says who they are, and who may touch what the operator made.

Requests and reviews name the person who makes them, exactly as the API server authenticated them. All of them fail
closed: where one can't be evaluated, the object is refused.
"""

from collections.abc import Iterable
from typing import Any, Final

from jitgress.crds.roles import SYSTEM

OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:jitgress-operator"
PORTAL: Final = f"system:serviceaccount:{SYSTEM}:jitgress-portal"
_API: Final = "admissionregistration.k8s.io/v1"

Validation = dict[str, Any]


def validation(expression: str, message: str) -> Validation:
    """Return one validation; `message` says what is wrong and what to do."""
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def identity(field: str) -> list[Validation]:
    """Return the validations by which spec.`field` is the caller."""
    who = f"object.spec.{field}"
    return [
        validation(
            f"{who}.username == request.userInfo.username",
            f"spec.{field}.username must be your own user name; leave it to jitgress, or ask: kubectl auth whoami",
        ),
        validation(
            f"!has({who}.groups) || {who}.groups.all(group, group in request.userInfo.groups)",
            f"spec.{field}.groups must be groups that you are in; leave it to jitgress, or ask: kubectl auth whoami",
        ),
        validation(
            "!has(object.metadata.finalizers) && !has(object.metadata.ownerReferences)",
            "metadata must have no finalizers or ownerReferences: who asks or answers doesn't decide how long it stays",
        ),
    ]


def policies() -> list[dict[str, Any]]:
    """Return every policy and its binding."""
    only_operator = validation(
        f"request.userInfo.username == '{OPERATOR}'",
        "grants are made by the operator alone; make an AccessRequest, or delete the grant to end it",
    )
    return [
        *_policy("jitgress-requester-identity", "accessrequests", ("CREATE",), identity("requester"), PORTAL),
        *_policy("jitgress-reviewer-identity", "accessreviews", ("CREATE",), identity("reviewer"), PORTAL),
        *_policy("jitgress-grants-by-operator", "accessgrants", ("CREATE", "UPDATE"), [only_operator]),
        *_policy("jitgress-grant-status-by-operator", "accessgrants/status", ("UPDATE",), [only_operator]),
    ]


def _policy(
    name: str, resource: str, operations: Iterable[str], validations: list[Validation], exempt: str | None = None
) -> list[dict[str, Any]]:
    conditions = (
        [{"name": "not-the-portal", "expression": f"request.userInfo.username != '{exempt}'"}] if exempt else []
    )
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["jitgress.dev"],
                    "apiVersions": ["*"],
                    "operations": list(operations),
                    "resources": [resource],
                }
            ]
        },
        "validations": validations,
    }
    if conditions:
        spec["matchConditions"] = conditions
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {"apiVersion": _API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {"apiVersion": _API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": binding},
    ]
