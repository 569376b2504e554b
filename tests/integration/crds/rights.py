"""Rights as lines, `get secrets keys`, and how somebody is given a role."""

from collections.abc import Iterable
from typing import Any, Final

from jitgress.kube.resources import Resource
from tests.integration.crds.api import Api
from tests.integration.crds.whole_objects import Who

OURS: Final = ".jitgress.dev"
LOOK: Final = ("get", "list", "watch")
ROLE_BINDINGS: Final = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")


def rights(verbs: Iterable[str], *resources: str) -> set[str]:
    return {f"{verb} {resource}" for verb in verbs for resource in resources}


def bind(root: Api, namespace: str, role: str, who: Who, kind: str = "ClusterRole") -> None:
    """Give somebody a role in one namespace."""
    binding: dict[str, Any] = {
        "apiVersion": ROLE_BINDINGS.api_version,
        "kind": ROLE_BINDINGS.kind,
        "metadata": {"name": role},
        "roleRef": {"apiGroup": ROLE_BINDINGS.group, "kind": kind, "name": role},
        "subjects": [{"apiGroup": ROLE_BINDINGS.group, "kind": "User", "name": who.username}],
    }
    root.made(ROLE_BINDINGS, binding, namespace)
