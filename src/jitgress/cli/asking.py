"""What a request says, and what can be told at once: that its target is unknown, not ready, or doesn't permit it.

The server is the authority: whatever can't be read here is left to it.
"""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Final

from jitgress.cli.exits import CliError, DeniedError, ExitCode, UsageError
from jitgress.cli.names import Name, name_prefix
from jitgress.cli.view import condition_of
from jitgress.cli.wording import duration_words
from jitgress.domain.denial import DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.scope import Scope
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.errors import ForbiddenError
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_TARGETS

LONGEST: Final = timedelta(days=1)  # the schema of AccessRequests refuses more, and longer reasons
MAX_REASON_LENGTH: Final = 1024
MAX_TICKET_LENGTH: Final = 128
_SUGGESTIONS_FROM = 200  # targets of one namespace; more than anybody declares by hand


class UnknownTargetError(DeniedError):
    """There is no such target."""

    code = DenialCode.TARGET_UNKNOWN.value


class TargetNotReadyError(DeniedError):
    """The target can't be opened now."""

    code = DenialCode.TARGET_NOT_READY.value


class OutsideTargetError(DeniedError):
    """More is asked for than the target's owner declared."""

    code = DenialCode.SCOPE_OVER_TARGET.value


class MissingReasonError(UsageError):
    """A request has to say what it is for."""

    code = DenialCode.REASON_MISSING.value


class MalformedScopeError(CliError):
    """A path or a method isn't one."""

    exit_code = ExitCode.WRONG_USAGE
    code = DenialCode.SCOPE_MALFORMED.value


def ask_object(target: Name, asked: Mapping[str, Any], requester: Mapping[str, Any]) -> dict[str, Any]:
    """Return the AccessRequest to create. What is empty is left out: it means all that is permitted, or the default."""
    return {
        "apiVersion": ACCESS_REQUESTS.api_version,
        "kind": ACCESS_REQUESTS.kind,
        "metadata": {"generateName": name_prefix(target.name), "namespace": target.namespace},
        "spec": {name: value for name, value in asked.items() if value} | {"requester": dict(requester)},
    }


def refuse_what_cannot_be_asked(reason: str, duration: timedelta | None, ticket: str | None = None) -> None:
    """Raise `UsageError` for what no cluster would take, before anything is sent."""
    if not any(character.isalnum() for character in reason):
        raise MissingReasonError(
            "--reason doesn't say what the access is for", remedy="Name the incident, ticket or task."
        )
    if len(reason) > MAX_REASON_LENGTH:
        raise UsageError(f"--reason has more than {MAX_REASON_LENGTH} characters", remedy="Say it in fewer words.")
    if ticket is not None and not 0 < len(ticket) <= MAX_TICKET_LENGTH:
        raise UsageError(
            f"--ticket has {len(ticket)} characters, not 1 to {MAX_TICKET_LENGTH}",
            remedy="Give the ticket's name alone; the story goes into --reason.",
        )
    if duration is not None and duration > LONGEST:
        raise UsageError(
            f"nobody can ask for {duration_words(duration)}",
            remedy=f"The longest is {duration_words(LONGEST)}, and a policy may permit less.",
        )


async def refuse_what_is_hopeless(api: KubeApi, target: Name, asked: Mapping[str, Any]) -> Object | None:
    """Raise what the server would say anyhow, at once and in words about what was typed.

    Returns the target, or None where the caller may not read it.
    """
    _scope(asked["paths"] or ["/"], asked["methods"] or ["GET"])
    try:
        found = await api.find(ACCESS_TARGETS, target.name, target.namespace)
        if found is None:
            raise await _unknown(api, target)
    except ForbiddenError:
        return None
    ready = condition_of(found, "Ready")
    if ready.get("status") == "False":
        raise TargetNotReadyError(
            f"target {target} is not ready: {ready.get('message', ready.get('reason', ''))}",
            remedy="Ask its owner to mend it, then ask again.",
        )
    spec = found["spec"]
    ceiling = _scope(spec["paths"], spec["methods"])
    scope = _scope(asked["paths"] or spec["paths"], asked["methods"] or spec["methods"])
    if not scope.within(ceiling):
        most = f"{', '.join(ceiling.sorted_methods())} on {', '.join(ceiling.paths)}"
        outside = [*scope.paths_outside(ceiling), *scope.methods_outside(ceiling)]
        raise OutsideTargetError(
            f"target {target} doesn't permit {', '.join(outside)}", remedy=f"The most it permits is {most}."
        )
    return found


def _scope(paths: list[str], methods: list[str]) -> Scope:
    try:
        return Scope.of(paths, methods)
    except InvalidValueError as error:
        raise MalformedScopeError(error.message, remedy=error.remedy) from error


async def _unknown(api: KubeApi, target: Name) -> UnknownTargetError:
    page = await api.list_page(ACCESS_TARGETS, target.namespace, limit=_SUGGESTIONS_FROM, next_page=None)
    near = get_close_matches(target.name, [_name_of(each) for each in page.items], n=1)
    hint = f"Did you mean {target.namespace}/{near[0]}? " if near else ""
    return UnknownTargetError(f"there is no target {target}", remedy=f"{hint}List them with: jitgress targets")


def _name_of(found: Object) -> str:
    return str(found["metadata"]["name"])
