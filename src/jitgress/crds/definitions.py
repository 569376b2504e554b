"""The CustomResourceDefinitions of the five kinds."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from jitgress.crds.access_grant import AccessGrantSpec, AccessGrantStatus
from jitgress.crds.access_policy import AccessPolicySpec, AccessPolicyStatus
from jitgress.crds.access_request import AccessRequestSpec, AccessRequestStatus
from jitgress.crds.access_review import AccessReviewSpec, AccessReviewStatus
from jitgress.crds.access_target import AccessTargetSpec, AccessTargetStatus
from jitgress.crds.schema import structural

GROUP: Final = "jitgress.dev"
VERSION: Final = "v1alpha1"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; `priority` 1 is shown with -o wide."""

    name: str
    path: str
    kind: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource and its models."""

    name: str
    plural: str
    short: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    is_namespaced: bool = True
    selectable: tuple[str, ...] = ()
    """What a list can be narrowed by (field selectors)."""


_AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

KINDS: Final = (
    Kind(
        "AccessTarget",
        "accesstargets",
        "at",
        AccessTargetSpec,
        AccessTargetStatus,
        (
            Column("Host", ".spec.host"),
            Column("Service", ".spec.service.name"),
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            Column("Address", ".status.address", priority=1),
            _AGE,
        ),
    ),
    Kind(
        "AccessPolicy",
        "accesspolicies",
        "apol",
        AccessPolicySpec,
        AccessPolicyStatus,
        (
            Column("Priority", ".spec.priority", "integer"),
            Column("Effect", ".spec.effect"),
            Column("Subjects", ".spec.subjects"),  # whole: of a path to many values the first alone is shown
            Column("Approvals", ".spec.approval.required", "integer"),
            Column("Max-Seconds", ".spec.maxDurationSeconds", "integer"),
            Column("Glass-Seconds", ".spec.breakGlass.maxDurationSeconds", "integer", priority=1),
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            _AGE,
        ),
        is_namespaced=False,
    ),
    Kind(
        "AccessRequest",
        "accessrequests",
        "areq",
        AccessRequestSpec,
        AccessRequestStatus,
        (
            Column("State", ".status.conditions[?(@.type=='Active')].reason"),
            Column("Target", ".spec.target"),
            Column("Requester", ".spec.requester.username"),
            Column("Closes", ".status.window.notAfter"),
            Column("Break-Glass", ".spec.breakGlass", "boolean"),
            Column("Opens", ".status.window.notBefore", priority=1),
            Column("Policy", ".status.policy", priority=1),
            Column("Waits-For", ".status.waitingFor", priority=1),
            Column("Reason", ".spec.reason", priority=1),
            _AGE,
        ),
        selectable=(".status.settled",),
    ),
    Kind(
        "AccessReview",
        "accessreviews",
        "arev",
        AccessReviewSpec,
        AccessReviewStatus,
        (
            Column("Request", ".spec.request.name"),
            Column("Decision", ".spec.decision"),
            Column("Reviewer", ".spec.reviewer.username"),
            Column("Counted", ".status.conditions[?(@.type=='Counted')].status"),
            Column("Why", ".status.conditions[?(@.type=='Counted')].reason"),
            _AGE,
        ),
    ),
    Kind(
        "AccessGrant",
        "accessgrants",
        "ag",
        AccessGrantSpec,
        AccessGrantStatus,
        (
            Column("Host", ".spec.host"),
            Column("Subject", ".spec.subject.username"),
            Column("Request", ".spec.request.name"),
            Column("Closes", ".spec.notAfter"),
            Column("Review-By", ".spec.reviewBy"),
            Column("Probed", ".status.conditions[?(@.type=='Probed')].status"),
            Column("Paths", ".spec.paths", priority=1),
            Column("Methods", ".spec.methods", priority=1),
            _AGE,
        ),
    ),
)


def definition(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind."""
    properties: dict[str, Any] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": structural(kind.spec),
        "status": structural(kind.status),
    }
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {
                "description": (kind.spec.__doc__ or "").strip(),
                "type": "object",
                "required": ["spec"],
                "properties": properties,
            }
        },
        "additionalPrinterColumns": [_column(each) for each in kind.columns],
        "subresources": {"status": {}},
    }
    if kind.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in kind.selectable]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.is_namespaced else "Cluster",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": [kind.short],
                "categories": ["jitgress"],
            },
            "versions": [version],
        },
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.kind,
        "jsonPath": column.path,
        **({"priority": column.priority} if column.priority else {}),
    }
