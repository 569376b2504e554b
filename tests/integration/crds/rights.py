"""Rights as lines, `get secrets keys`, and how somebody is given a role."""

from collections.abc import Iterable
from typing import Any, Final

from jitgress.kube.resources import Resource
from tests.integration.crds.api import Api
from tests.integration.crds.guarding import wait_until
from tests.integration.crds.whole_objects import Who

OURS: Final = ".jitgress.dev"
LOOK: Final = ("get", "list", "watch")
ROLES: Final = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
CLUSTER_ROLES: Final = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", is_namespaced=False)
ROLE_BINDINGS: Final = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")


def rights(verbs: Iterable[str], *resources: str) -> set[str]:
    return {f"{verb} {resource}" for verb in verbs for resource in resources}


def bind(root: Api, namespace: str, role: str, who: Who, kind: str = "ClusterRole") -> None:
    """Give somebody a role in one namespace, and wait until the API server knows."""
    binding: dict[str, Any] = {
        "apiVersion": ROLE_BINDINGS.api_version,
        "kind": ROLE_BINDINGS.kind,
        "metadata": {"name": role},
        "roleRef": {"apiGroup": ROLE_BINDINGS.group, "kind": kind, "name": role},
        "subjects": [{"apiGroup": ROLE_BINDINGS.group, "kind": "User", "name": who.username}],
    }
    root.made(ROLE_BINDINGS, binding, namespace)
    resource = ROLES if kind == ROLES.kind else CLUSTER_ROLES
    first = root.get(resource.path(namespace, role)).body["rules"][0]
    right = f"{first['verbs'][0]} {first['resources'][0]}.{first['apiGroups'][0]}"
    wait_until(lambda: root.tells_whether(who, right, namespace))
