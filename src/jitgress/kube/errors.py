"""What the API server can answer instead of the thing asked for."""

from jitgress.domain.errors import JitgressError


class KubeError(JitgressError):
    """The API server refused, or could not be asked. `status` is the HTTP status, None without an answer."""

    code = "kube_error"

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class NotFoundError(KubeError):
    """There is no such object, or no such resource."""

    code = "not_found"


class AlreadyExistsError(KubeError):
    """An object of that name is there already."""

    code = "already_exists"


class ConflictError(KubeError):
    """Somebody else changed the object in between."""

    code = "conflict"


class ForbiddenError(KubeError):
    """The caller has no right to do this."""

    code = "forbidden"


class UnauthorizedError(KubeError):
    """The API server doesn't know the caller."""

    code = "not_signed_in"


class InvalidObjectError(KubeError):
    """Admission refused the object; the message names the field."""

    code = "invalid"


class GoneError(KubeError):
    """The resourceVersion is too old to be continued (410)."""

    code = "gone"


class UnreachableError(KubeError):
    """The API server gave no answer."""

    code = "unreachable"


_BY_STATUS: dict[int, tuple[type[KubeError], str]] = {
    401: (UnauthorizedError, "Sign in again, or name another kubeconfig."),
    403: (ForbiddenError, "Ask the platform team for the right, or act as somebody who has it."),
    404: (NotFoundError, "Check name and namespace, and that jitgress is installed."),
    409: (ConflictError, "Look at the object again and repeat."),
    410: (GoneError, "List again."),
    422: (InvalidObjectError, "Correct the field that the message names."),
}


def error_of(status: int, reason: str, message: str) -> KubeError:
    """Return the error that an answer of the API server means (Kubernetes API conventions, "Status")."""
    if reason == "AlreadyExists":
        return AlreadyExistsError(message, remedy="Choose another name.", status=status)
    if reason == "Expired":
        return GoneError(message, remedy="List again.", status=status)
    kind, remedy = _BY_STATUS.get(status, (KubeError, "Try again; if it stays, look at the API server's log."))
    return kind(message, remedy=remedy, status=status)
