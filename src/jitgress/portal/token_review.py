"""Asks the API server whose a Kubernetes token is (TokenReview)."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, Field, StrictBool, ValidationError

from jitgress.domain.subject import Subject
from jitgress.identity.secret import Secret
from jitgress.kube.resources import TOKEN_REVIEWS, Resource


class Creates(Protocol):
    """The one thing needed of `jitgress.kube.client.KubeApi`."""

    async def create(
        self, resource: Resource, body: Mapping[str, Any], namespace: str | None = None
    ) -> Mapping[str, Any]:
        """Send an object and return what the API server made of it."""
        ...


class TokenReviewAuthenticator:
    """An `Authenticator` for the tokens that the API server itself takes."""

    def __init__(self, api: Creates) -> None:
        self._api = api

    async def authenticate(self, credential: Secret[str]) -> Subject | None:
        """Return whose token it is, None if nobody's; raise `KubeError` if the API server can't be asked."""
        review = {
            "apiVersion": TOKEN_REVIEWS.api_version,
            "kind": TOKEN_REVIEWS.kind,
            "spec": {"token": credential.reveal()},
        }
        answer = await self._api.create(TOKEN_REVIEWS, review)
        try:
            status = _Status.model_validate(answer.get("status"))
        except ValidationError:  # anything but a clear yes is nobody
            return None
        if not status.authenticated or status.error:
            return None
        claims = frozenset((key, value) for key, values in status.user.extra.items() for value in values)
        return Subject(status.user.username, frozenset(status.user.groups), claims)


class _User(BaseModel):
    username: str = Field(min_length=1)
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])


class _Status(BaseModel):
    """TokenReviewStatus of authentication.k8s.io/v1, as far as it says yes."""

    authenticated: StrictBool
    error: str = ""
    user: _User
