"""The objects of admissionregistration.k8s.io as we write them: a policy with its binding, and what it looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jitgress.crds.roles import SYSTEM

API: Final = "admissionregistration.k8s.io/v1"
CALLER: Final = "request.userInfo.username"
OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:jitgress-operator"
PORTAL: Final = f"system:serviceaccount:{SYSTEM}:jitgress-portal"
GATE: Final = f"system:serviceaccount:{SYSTEM}:jitgress-gate"

Validation = dict[str, Any]
Matching = dict[str, Any]
Manifest = dict[str, Any]
CREATED: Final = ("CREATE",)
WRITTEN: Final = ("CREATE", "UPDATE")


def validation(expression: str, message: str) -> Validation:
    """Return one validation; `message` says what is wrong and what to do."""
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def ours(*resources: str, operations: Sequence[str] = CREATED) -> Matching:
    """Match resources of our own."""
    return matching("jitgress.dev", resources, operations)


def here(group: str, *resources: str, operations: Sequence[str] = CREATED) -> Matching:
    """Match in jitgress's own namespace alone: what fails closed must not stop anybody else."""
    only = {"matchLabels": {"kubernetes.io/metadata.name": SYSTEM}}
    return {"namespaceSelector": only, **matching(group, resources, operations)}


def matching(group: str, resources: Sequence[str], operations: Sequence[str]) -> Matching:
    """Match writes of resources, in every version of their API."""
    rule = {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": list(operations),
        "resources": list(resources),
    }
    return {"resourceRules": [rule]}


def or_empty(field: str) -> str:
    """Return the CEL expression for a map that may not be there: then the empty one."""
    return f"(has({field}) ? {field} : {{}})"


@dataclass(frozen=True, slots=True)
class Validating:
    """A ValidatingAdmissionPolicy: of what `matches` and meets every one of the `conditions`, all `validations` hold.

    It fails closed unless it says otherwise: where it can't be evaluated, the object is refused.
    """

    name: str
    matches: Matching
    validations: Sequence[Validation]
    conditions: Mapping[str, str] | None = None
    variables: Mapping[str, str] | None = None
    params: str | None = None
    actions: Sequence[str] = ("Deny",)
    is_closed: bool = True

    def objects(self) -> list[Manifest]:
        """Return the policy and its binding."""
        parameters = {"apiVersion": "jitgress.dev/v1alpha1", "kind": self.params}
        spec = {
            "failurePolicy": "Fail" if self.is_closed else "Ignore",
            **({"paramKind": parameters} if self.params else {}),
            "matchConstraints": self.matches,
            **_named("matchConditions", self.conditions),
            **_named("variables", self.variables),
            "validations": list(self.validations),
        }
        # No namespace stated: the parameters are those in the namespace of the object that is looked at.
        everything: dict[str, Any] = {"selector": {}, "parameterNotFoundAction": "Allow"}
        chosen = {"paramRef": everything} if self.params else {}
        binding = {"policyName": self.name, **chosen, "validationActions": list(self.actions)}
        return _pair("ValidatingAdmissionPolicy", self.name, spec, binding)


@dataclass(frozen=True, slots=True)
class Mutating:
    """A MutatingAdmissionPolicy: of what `matches` and meets the `conditions`, the JSON patch `expression` is applied.

    Where it can't be evaluated nothing is filled in, and what checks the object says what is missing.
    """

    name: str
    matches: Matching
    expression: str
    conditions: Mapping[str, str] | None = None
    variables: Mapping[str, str] | None = None

    def objects(self) -> list[Manifest]:
        """Return the policy and its binding."""
        spec = {
            "failurePolicy": "Ignore",
            # what a webhook changes afterwards is seen as well
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": self.matches,
            **_named("matchConditions", self.conditions),
            **_named("variables", self.variables),
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": self.expression}}],
        }
        return _pair("MutatingAdmissionPolicy", self.name, spec, {"policyName": self.name})


def _named(field: str, expressions: Mapping[str, str] | None) -> dict[str, Any]:
    if not expressions:
        return {}
    return {field: [{"name": name, "expression": expression} for name, expression in expressions.items()]}


def _pair(kind: str, name: str, spec: dict[str, Any], binding: dict[str, Any]) -> list[Manifest]:
    return [
        {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec},
        {"apiVersion": API, "kind": f"{kind}Binding", "metadata": {"name": name}, "spec": binding},
    ]
