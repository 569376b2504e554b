"""Everything that an installation puts into a cluster before anything runs, in the order in which it is applied."""

from typing import Any

from jitgress.crds.admission import policies
from jitgress.crds.definitions import KINDS, definition
from jitgress.crds.filling import fillings
from jitgress.crds.guard import guards
from jitgress.crds.roles import SYSTEM, roles


def all_manifests() -> list[dict[str, Any]]:
    """Return every object."""
    return [namespace(), *definitions(), *policies(), *guards(), *fillings(), *roles()]


def namespace() -> dict[str, Any]:
    """Return the namespace of the components, the grants and the routes."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}}


def definitions() -> list[dict[str, Any]]:
    """Return the five CustomResourceDefinitions."""
    return [definition(kind) for kind in KINDS]
