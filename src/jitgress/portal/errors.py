"""What the portal answers instead of what was asked for. Each knows its HTTP status."""

from typing import ClassVar

from jitgress.domain.errors import JitgressError


class PortalError(JitgressError):
    """The portal refuses or can't."""

    status: ClassVar[int] = 500


class MalformedError(PortalError):
    """What was sent can't be understood."""

    code = "malformed"
    status = 400


class NotSignedInError(PortalError):
    """Nobody, or somebody whom the API server doesn't know."""

    code = "not_signed_in"
    status = 401


class NoGrantError(PortalError):
    """There is no grant for the caller. Whether there is one for others is not said."""

    code = "no_grant"
    status = 404


class GroupsChangedError(PortalError):
    """The caller's grant was given for groups that the caller is in no more."""

    code = "groups_changed"
    status = 403


class ClaimsChangedError(PortalError):
    """The caller's grant was given for claims that the caller's token doesn't make any more."""

    code = "claims_changed"
    status = 403


class NotFoundError(PortalError):
    """There is no such page."""

    code = "not_found"
    status = 404


class MethodError(PortalError):
    """The page doesn't take this method."""

    code = "method_not_allowed"
    status = 405


class TooLargeError(PortalError):
    """The body is larger than anything that makes sense."""

    code = "too_large"
    status = 413


class TooManyError(PortalError):
    """The caller asks faster than anybody needs to."""

    code = "too_many"
    status = 429


class NotReadyError(PortalError):
    """A part that the answer needs is not there now."""

    code = "not_ready"
    status = 503


class AddressError(PortalError):
    """The portal can't listen where it is told to."""

    code = "address_unusable"
