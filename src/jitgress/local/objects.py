"""What the local stack puts into its cluster: sample services, targets, policies, and who may do what."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from jitgress.local.people import NAMESPACE

DOMAIN: Final = "jit.localhost"
PORTAL_HOST: Final = f"portal.{DOMAIN}"
EVERY_METHOD: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ROLES: Final = {
    "dev": "jitgress-requester",
    "approvers": "jitgress-approver",
    "platform-admins": "jitgress-platform-admin",
    "auditors": "jitgress-auditor",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample service, which can be opened as a target of the same name."""

    namespace: str
    name: str

    @property
    def host(self) -> str:
        """Where it is published."""
        return f"{self.name}.{DOMAIN}"


SAMPLES: Final = (Sample("shop", "orders"), Sample("monitoring", "grafana"))


def namespaces() -> list[dict[str, Any]]:
    """Return the namespaces that the sample services are in."""
    names = sorted({sample.namespace for sample in SAMPLES})
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]


def services() -> list[dict[str, Any]]:
    """Return the Services. Their ClusterIPs are loopback addresses, which the processes behind them bind."""
    return [
        *[_service(sample.namespace, sample.name, 80) for sample in SAMPLES],
        _service(NAMESPACE, "jitgress-gate", 8080),
        _service(NAMESPACE, "jitgress-portal", 8081),
    ]


def targets() -> list[dict[str, Any]]:
    """Return one AccessTarget a sample service."""
    return [
        _ours(
            "AccessTarget",
            {"name": sample.name, "namespace": sample.namespace, "labels": {"tier": "internal"}},
            {
                "service": {"name": sample.name, "port": "http"},
                "host": sample.host,
                "paths": ["/"],
                "methods": list(EVERY_METHOD),
            },
        )
        for sample in SAMPLES
    ]


def policies() -> list[dict[str, Any]]:
    """Return two policies: orders after one approval, grafana automatically."""
    developers = [{"kind": "Group", "name": "dev"}]
    approvers = [{"kind": "Group", "name": "approvers"}]
    return [
        _ours(
            "AccessPolicy",
            {"name": "orders-with-approval"},
            {
                "priority": 100,
                "subjects": developers,
                "targets": {"namespaces": ["shop"], "names": ["orders"]},
                "maxDurationSeconds": 3600,
                "approval": {"required": 1, "approvers": approvers},
            },
        ),
        _ours(
            "AccessPolicy",
            {"name": "grafana-automatic"},
            {
                "priority": 200,
                "subjects": developers,
                "targets": {"namespaces": ["monitoring"], "names": ["grafana"]},
                "maxDurationSeconds": 1800,
                "approval": {"required": 0, "approvers": approvers},
            },
        ),
    ]


def bindings() -> list[dict[str, Any]]:
    """Return who has which role: people by their groups, Traefik what its documentation asks for."""
    people = [_binding(f"{role}-{group}", role, group) for group, role in _ROLES.items()]
    return [*people, _traefik_role(), _binding("traefik", "traefik", "traefik")]


def portal_route() -> dict[str, Any]:
    """Return the portal's own Ingress, the one that is always there: for its API, not for its figures and health."""
    backend = {"service": {"name": "jitgress-portal", "port": {"number": 8081}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "jitgress-portal", "namespace": NAMESPACE},
        "spec": {
            "tls": [{"hosts": [PORTAL_HOST]}],
            "rules": [
                {"host": PORTAL_HOST, "http": {"paths": [{"path": "/api", "pathType": "Prefix", "backend": backend}]}}
            ],
        },
    }


def gateway(port: int) -> list[dict[str, Any]]:
    """Return the Gateway that HTTPRoutes attach to, on Traefik's TLS entry point."""
    api_version = "gateway.networking.k8s.io/v1"
    listener = {
        "name": "https",
        "protocol": "HTTPS",
        "port": port,
        "allowedRoutes": {"namespaces": {"from": "Same"}},
        "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "local-tls"}]},
    }
    return [
        {
            "apiVersion": api_version,
            "kind": "GatewayClass",
            "metadata": {"name": "traefik"},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": api_version,
            "kind": "Gateway",
            "metadata": {"name": "local", "namespace": NAMESPACE},
            "spec": {"gatewayClassName": "traefik", "listeners": [listener]},
        },
    ]


def tls_secret(certificate: str, key: str) -> dict[str, Any]:
    """Return the certificate of the Gateway's listener."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "local-tls", "namespace": NAMESPACE},
        "stringData": {"tls.crt": certificate, "tls.key": key},
    }


def _service(namespace: str, name: str, port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": [{"name": "http", "port": port, "protocol": "TCP"}]},
    }


def _ours(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "jitgress.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _binding(name: str, role: str, group: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"local-{name}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    }


def _traefik_role() -> dict[str, Any]:
    look = ["get", "list", "watch"]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "traefik"},
        "rules": [
            _rule("", ("services", "secrets", "nodes", "namespaces", "configmaps"), look),
            _rule("discovery.k8s.io", ("endpointslices",), look),
            _rule("networking.k8s.io", ("ingresses", "ingressclasses"), look),
            _rule("networking.k8s.io", ("ingresses/status",), ["update", "patch"]),
            _rule("gateway.networking.k8s.io", ("*",), [*look, "update", "patch"]),
        ],
    }


def _rule(group: str, resources: Iterable[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": verbs}
