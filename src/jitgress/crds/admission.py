"""ValidatingAdmissionPolicies: who says who they are, and who may touch what the operator made.

Requests and reviews name the person who makes them, exactly as the API server authenticated them. All of them fail
closed: where one can't be evaluated, the object is refused.
"""

from typing import Final

from jitgress.crds.admitting import (
    CALLER,
    GATE,
    OPERATOR,
    PORTAL,
    WRITTEN,
    Manifest,
    Validating,
    Validation,
    here,
    or_empty,
    ours,
    validation,
)
from jitgress.crds.changed_by import ANNOTATION, VARIABLES
from jitgress.crds.roles import KEYS

_WHOAMI: Final = "leave it to jitgress, or ask: kubectl auth whoami"
_EXTRA: Final = "request.userInfo.extra"


def identity(field: str) -> list[Validation]:
    """Return the validations by which spec.`field` is the caller.

    All groups are stated: the first policy that matches decides, so a group left out could slip past a stricter one.
    All claims are, too, with their values in their order: they tell of the second factor, and of the workload.
    """
    who, groups = f"object.spec.{field}", "request.userInfo.groups"
    return [
        validation(
            f"{who}.username == {CALLER}",
            f"spec.{field}.username must be your own user name; {_WHOAMI}",
        ),
        validation(
            f"has({who}.groups) && {who}.groups.all(group, group in {groups})"
            f" && {groups}.all(group, group in {who}.groups)",
            f"spec.{field}.groups must be all of your groups and no other; {_WHOAMI}",
        ),
        validation(
            f"{or_empty(f'{who}.claims')} == {or_empty(_EXTRA)}",
            f"spec.{field}.claims must be all that is said of you as you sign in, and no more; {_WHOAMI}",
        ),
        validation(
            "!has(object.metadata.finalizers) && !has(object.metadata.ownerReferences)",
            "metadata must have no finalizers or ownerReferences: who asks or answers doesn't decide how long it stays",
        ),
    ]


def policies() -> list[Manifest]:
    """Return every policy and its binding."""
    return [each for policy in _POLICIES for each in policy.objects()]


_NOT_THE_PORTAL: Final = {"who": f"{CALLER} != '{PORTAL}'"}
_STATUSES: Final = ("accesstargets/status", "accesspolicies/status", "accessrequests/status", "accessreviews/status")
_GRANTED: Final = validation(
    f"{CALLER} == '{OPERATOR}'",
    "grants are made by the operator alone; make an AccessRequest, or delete the grant to end it",
)
# The address in a target's status is read back: whoever has the run of a namespace could aim the gate anywhere with it.
# Members of system:masters stand above RBAC, and could remove this policy: they may repair a status by hand.
_FOUND_OUT: Final = validation(
    f"{CALLER} == '{OPERATOR}' || 'system:masters' in request.userInfo.groups",
    "status is what the operator found out, and written by it alone; change the spec, or make an AccessReview",
)
_CHANGED_BY: Final = validation(
    "variables.stated == [] || variables.stated == variables.rightful",
    f"metadata.annotations: {ANNOTATION} must be who made the last change: your own user name if you change "
    "spec or labels, else what it was; leave it out",
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
_POLICIES: Final = (
    Validating("jitgress-requester-identity", ours("accessrequests"), identity("requester"), _NOT_THE_PORTAL),
    Validating("jitgress-reviewer-identity", ours("accessreviews"), identity("reviewer"), _NOT_THE_PORTAL),
    Validating("jitgress-grants-by-operator", ours("accessgrants", operations=WRITTEN), [_GRANTED]),
    Validating("jitgress-grant-status-by-operator", ours("accessgrants/status", operations=("UPDATE",)), [_GRANTED]),
    Validating("jitgress-status-by-operator", ours(*_STATUSES, operations=("UPDATE",)), [_FOUND_OUT]),
    Validating(
        "jitgress-changed-by",
        ours("accesstargets", "accesspolicies", operations=WRITTEN),
        [_CHANGED_BY],
        variables=VARIABLES,
    ),
    Validating(
        "jitgress-leases-of-gates",
        here("coordination.k8s.io", "leases", operations=WRITTEN),
        [_NAMED_FOR_A_GATE],
        {"who": f"{CALLER} == '{GATE}'"},
    ),
    Validating(
        "jitgress-keys-by-name",
        here("", "secrets", "configmaps"),
        _KEYS_ALONE,
        {"who": f"{CALLER} in {[PORTAL, OPERATOR]}"},
    ),
)
