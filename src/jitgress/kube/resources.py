"""The resources that we speak to, each one as a value: where it is in the API, and what it is called."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the Kubernetes API. `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    is_namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What stands in `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The path of the group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of the collection or of one object; without a namespace: of all namespaces."""
        scope = f"/namespaces/{namespace}" if self.is_namespaced and namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{self.root}{scope}/{self.plural}{tail}"


def _ours(plural: str, kind: str, *, is_namespaced: bool = True) -> Resource:
    return Resource("jitgress.dev", "v1alpha1", plural, kind, is_namespaced)


ACCESS_TARGETS: Final = _ours("accesstargets", "AccessTarget")
ACCESS_POLICIES: Final = _ours("accesspolicies", "AccessPolicy", is_namespaced=False)
ACCESS_REQUESTS: Final = _ours("accessrequests", "AccessRequest")
ACCESS_REVIEWS: Final = _ours("accessreviews", "AccessReview")
ACCESS_GRANTS: Final = _ours("accessgrants", "AccessGrant")

NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", is_namespaced=False)
SERVICES: Final = Resource("", "v1", "services", "Service")
SECRETS: Final = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")
INGRESSES: Final = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
HTTP_ROUTES: Final = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")
TOKEN_REVIEWS: Final = Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", is_namespaced=False)
SELF_SUBJECT_REVIEWS: Final = Resource(
    "authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", is_namespaced=False
)
