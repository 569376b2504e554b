"""The guard: ValidatingAdmissionPolicies that see a route which leads to a target's Service around the gate.

Everywhere it warns, and fails open: it must never stop a cluster's ingress. In a namespace labelled
`jitgress.dev/guard: refuse` it refuses, and fails closed; `ignore` is none of it. Another value refuses, too.
"""

from dataclasses import dataclass
from typing import Any, Final

from jitgress.crds.admitting import WRITTEN, Manifest, Matching, Validating, Validation, matching
from jitgress.crds.roles import SYSTEM

LABEL: Final = "jitgress.dev/guard"
_IGNORE: Final = "ignore"


def guards() -> list[Manifest]:
    """Return every policy and its binding."""
    return [each for routes in _ROUTES for policy in routes.policies() for each in policy.objects()]


def _covers(named: str) -> str:
    """Return the CEL expression: a host that a route names is the target's, or a wildcard over it.

    A wildcard stands for one label or more: Ingress says one, HTTPRoute any number, so the wider reading is taken.
    """
    return f"{named} == params.spec.host || {named}.startsWith('*.') && params.spec.host.endsWith({named}.substring(1))"


def _is_service(ref: str) -> str:
    """Return the CEL expression: a backend reference (Gateway API, BackendObjectReference) means the target's Service.

    One into another namespace means a Service there, of which the targets here say nothing.
    """
    return (
        f"(!has({ref}.group) || {ref}.group == '') && (!has({ref}.kind) || {ref}.kind == 'Service')"
        f" && (!has({ref}.namespace) || {ref}.namespace == request.namespace)"
        f" && {ref}.name == params.spec.service.name"
    )


def _mirrors(place: str) -> str:
    """Return the CEL expression: a filter at a rule or a backend sends the Service a copy of each request."""
    is_mirror = f"has(filter.requestMirror) && ({_is_service('filter.requestMirror.backendRef')})"
    return f"has({place}.filters) && {place}.filters.exists(filter, {is_mirror})"


@dataclass(frozen=True, slots=True)
class _Routes:
    """A sort of routes, and when one of them leads to the Service of a target or names its host (CEL)."""

    name: str
    matches: Matching
    leads: str
    names: str

    def policies(self) -> tuple[Validating, Validating]:
        """Return the one that warns and the one that refuses."""
        return (
            self._policy(self.name, {"key": LABEL, "operator": "DoesNotExist"}, actions=("Warn", "Audit")),
            self._policy(
                f"{self.name}-refuse",
                {"key": LABEL, "operator": "Exists"},
                {"key": LABEL, "operator": "NotIn", "values": [_IGNORE]},
                actions=("Deny",),
            ),
        )

    def _policy(self, name: str, *where: dict[str, Any], actions: tuple[str, ...]) -> Validating:
        # Never our own namespace: the rightful routes are there.
        elsewhere = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [SYSTEM]}
        return Validating(
            name,
            {"namespaceSelector": {"matchExpressions": [elsewhere, *where]}, **self.matches},
            [
                _validation(self.leads, "leads to the Service ' + params.spec.service.name + ' of"),
                _validation(self.names, "names the host ' + params.spec.host + ' of"),
            ],
            # Who labels a route, or takes its finalizer away, exposes nothing that wasn't.
            {"changes": "request.operation == 'CREATE' || object.spec != oldObject.spec"},
            {"rules": "has(object.spec.rules) ? object.spec.rules : []"},
            params="AccessTarget",
            actions=actions,
            is_closed="Deny" in actions,
        )


def _validation(wrong: str, what: str) -> Validation:
    target = "params.metadata.namespace + '/' + params.metadata.name"
    return {
        "expression": f"!({wrong})",
        "message": "spec leads around the gate of jitgress: ask for access to the target instead",
        "messageExpression": f"'spec {what} AccessTarget ' + {target} + ', around its gate:"
        f" ask with jitgress request ' + {target} + ', or have the namespace labelled {LABEL}={_IGNORE}'",
        "reason": "Forbidden",
    }


def _ingress_leads() -> str:
    is_service = "{0}.service.name == params.spec.service.name"
    default = "object.spec.defaultBackend"
    by_default = f"has({default}) && has({default}.service) && {is_service.format(default)}"
    by_path = f"has(path.backend.service) && {is_service.format('path.backend')}"
    return f"{by_default} || variables.rules.exists(rule, has(rule.http) && rule.http.paths.exists(path, {by_path}))"


def _route_leads() -> str:
    ref = f"{_is_service('ref')} || {_mirrors('ref')}"
    return (
        f"variables.rules.exists(rule, has(rule.backendRefs) && rule.backendRefs.exists(ref, {ref})"
        f" || {_mirrors('rule')})"
    )


_ROUTES: Final = (
    _Routes(
        "jitgress-guard-ingresses",
        matching("networking.k8s.io", ["ingresses"], WRITTEN),
        _ingress_leads(),
        f"variables.rules.exists(rule, has(rule.host) && ({_covers('rule.host')}))",
    ),
    _Routes(
        "jitgress-guard-routes",
        # those that aren't served are never seen; TCPRoute and UDPRoute have no hosts
        matching(
            "gateway.networking.k8s.io",
            ["httproutes", "grpcroutes", "tlsroutes", "tcproutes", "udproutes"],
            WRITTEN,
        ),
        _route_leads(),
        f"has(object.spec.hostnames) && object.spec.hostnames.exists(host, {_covers('host')})",
    ),
)
