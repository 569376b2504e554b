"""MutatingAdmissionPolicies, for clusters that have them: what nobody should have to write is filled in.

What is stated is never replaced, but for who changed a target or policy last: a copy of that is no statement. What is
filled in is checked like anything else (`jitgress.crds.admission`), so nothing depends on these.
"""

from typing import Final

from jitgress.crds.admitting import CALLER, PORTAL, WRITTEN, Manifest, Mutating, ours
from jitgress.crds.changed_by import ANNOTATION, VARIABLES

_USER: Final = "request.userInfo"
_HAS_CLAIMS: Final = f"has({_USER}.extra) && size({_USER}.extra) > 0"
# A list as it stands in the request is nothing that the API server can make JSON of; and a set names nobody twice.
_GROUPS: Final = f"{_USER}.groups.distinct()"
_CLAIMS: Final = f"{_USER}.extra.transformMap(key, values, values.map(value, value))"
_ANNOTATIONS: Final = "/metadata/annotations"
_CHANGED_BY: Final = f"{_ANNOTATIONS}/{ANNOTATION.replace('/', '~1')}"  # RFC 6901, 3


def fillings() -> list[Manifest]:
    """Return every policy and its binding. The one that people wait for is last: then all are in force."""
    policies = (
        Mutating(
            "jitgress-fill-in-changed-by",
            ours("accesstargets", "accesspolicies", operations=WRITTEN),
            _changed_by(),
            variables=VARIABLES,
        ),
        _identity("jitgress-fill-in-reviewer", "accessreviews", "reviewer"),
        _identity("jitgress-fill-in-requester", "accessrequests", "requester"),
    )
    return [each for policy in policies for each in policy.objects()]


def _identity(name: str, resource: str, field: str) -> Mutating:
    """Fill in what is missing of spec.`field`. Who states all of it doesn't depend on this policy at all."""
    who = f"object.spec.{field}"
    missing = {part: f"!has({who}) || !has({who}.{part})" for part in ("username", "groups", "claims")}
    missing["claims"] = f"({missing['claims']}) && {_HAS_CLAIMS}"
    value = {"username": CALLER, "groups": _GROUPS, "claims": _CLAIMS}
    patches = [_add(f"!has({who})", f"/spec/{field}", "{}")]
    patches += [_add(missing[part], f"/spec/{field}/{part}", value[part]) for part in missing]
    conditions = {
        "who": f"{CALLER} != '{PORTAL}'",
        "incomplete": " || ".join(f"({each})" for each in missing.values()),
    }
    return Mutating(name, ours(resource), " + ".join(patches), conditions)


def _changed_by() -> str:
    """Return the patch by which the annotation says what it rightfully says."""
    put = "size(variables.rightful) > 0"
    wrong = "variables.stated != variables.rightful"
    return " + ".join(
        (
            _add(f"{put} && !has(object.metadata.annotations)", _ANNOTATIONS, "{}"),
            _add(f"{put} && {wrong}", _CHANGED_BY, "variables.rightful[0]"),
            f"(!({put}) && {wrong} ? [JSONPatch{{op: 'remove', path: '{_CHANGED_BY}'}}] : [])",
        )
    )


def _add(condition: str, path: str, value: str) -> str:
    return f"({condition} ? [JSONPatch{{op: 'add', path: '{path}', value: {value}}}] : [])"
