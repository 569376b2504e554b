"""Policies and targets of the cluster, as far as the caller may read them."""

from jitgress.cli.connection import Connection
from jitgress.cli.exits import CliError
from jitgress.cli.names import Name
from jitgress.cli.reading import everything
from jitgress.crds.policies import policy_or_defect
from jitgress.crds.values import target_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Policy
from jitgress.domain.target import Target
from jitgress.kube.client import Object
from jitgress.kube.errors import ForbiddenError
from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_TARGETS


class PoliciesUnreadableError(CliError):
    """The caller has no right to read what the policies, or their targets, are."""

    code = "policies_unreadable"


async def every_policy(connection: Connection) -> tuple[Policy, ...]:
    """Return every policy, as the operator understands it. Raises `PoliciesUnreadableError`."""
    try:
        return tuple([policy_or_defect(each) async for each in everything(connection.api, ACCESS_POLICIES, None)])
    except ForbiddenError as error:
        raise _unreadable("the policies of this cluster") from error


async def every_target(connection: Connection) -> tuple[Target, ...]:
    """Return every target that can be understood; none where the caller may not read them."""
    try:
        found = [_understood(each) async for each in everything(connection.api, ACCESS_TARGETS, None)]
    except ForbiddenError:
        return ()
    return tuple(target for target in found if target is not None)


async def the_target(connection: Connection, name: Name) -> Target | None:
    """Return one target, or None where there is none. Raises `PoliciesUnreadableError`."""
    try:
        found = await connection.api.find(ACCESS_TARGETS, name.name, name.namespace)
    except ForbiddenError as error:
        raise _unreadable(f"the targets in namespace {name.namespace}") from error
    return None if found is None else target_value(found)


def _understood(found: Object) -> Target | None:
    try:
        return target_value(found)
    except InvalidValueError:
        return None


def _unreadable(what: str) -> PoliciesUnreadableError:
    remedy = "Ask the platform team, or name the files that hold them: -f FILE."
    return PoliciesUnreadableError(f"you may not read {what}", remedy=remedy)
