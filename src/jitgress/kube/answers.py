"""What comes back over HTTP, as values or as errors.

Whatever a cut connection or a proxy in between may send, it gets past here as nothing but a `KubeError`: who follows
the API server catches those and tries again.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final, cast

import httpx2
from lightkube.core.exceptions import ConfigError

from jitgress.kube.errors import KubeError, UnauthorizedError, UnreachableError, error_of

NO_ANSWER: Final = (httpx2.HTTPError, ConfigError)
"""What a call raises without an answer; the second: there is nothing to sign in with, such as a token's file."""


def failure_of(error: Exception) -> KubeError:
    """Return what it means that a call raised one of `NO_ANSWER`."""
    if isinstance(error, ConfigError):
        return UnauthorizedError(
            f"there is nothing to sign in with: {error}", remedy="Sign in again, or name another kubeconfig."
        )
    return UnreachableError(
        f"the API server gave no answer ({type(error).__name__})",
        remedy="Check the cluster and the network, then repeat.",
    )


def refusal_of(response: httpx2.Response) -> KubeError:
    """Return what an answer with an error's status means."""
    try:
        status: dict[str, Any] = dict(response.json())
    except (ValueError, TypeError):
        return error_of(response.status_code, "", f"the API server answered {response.status_code}")
    return error_of(response.status_code, str(status.get("reason", "")), str(status.get("message", "")))


def body_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the JSON object that was answered. Raises `UnreachableError` where it is none."""
    try:
        answer: object = response.json()
    except ValueError as error:
        raise _not_kubernetes() from error
    if not isinstance(answer, dict):
        raise _not_kubernetes()
    return cast("dict[str, Any]", answer)


def version_of(answer: Mapping[str, Any]) -> str:
    """Return the resourceVersion of an object or list. Raises `UnreachableError` where there is none."""
    try:
        return str(answer["metadata"]["resourceVersion"])
    except (KeyError, TypeError) as error:
        raise _not_kubernetes() from error


async def events_in(response: httpx2.Response) -> AsyncGenerator[dict[str, Any]]:
    """Yield the events of a watch. Raises the error that the server sends in one, `UnreachableError` for half a one."""
    async with aclosing(_lines_in(response)) as lines:
        async for line in lines:
            yield _event_of(line)


async def _lines_in(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """Yield what is between line feeds. `aiter_lines` also splits at U+0085, which JSON has in the midst of a text."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


def _event_of(line: bytes) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
        kind, found = event["type"], dict(event["object"])
    except (ValueError, KeyError, TypeError) as error:
        raise _not_kubernetes() from error
    if kind == "ERROR":
        raise error_of(found.get("code", 500), found.get("reason", ""), found.get("message", ""))
    version_of(found)
    return event


def _not_kubernetes() -> UnreachableError:
    return UnreachableError(
        "what answered for the API server broke off, or is none",
        remedy="Check the cluster's address and what is between, then repeat.",
    )
