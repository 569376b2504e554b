"""The checks of what is asked for against what target, policy and extended access permit: paths and methods."""

from jitgress.domain.asked import Asked
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.scope import Scope


def paths_are_named(asked: Asked) -> Denial | None:
    """Who must name paths asks for no more than they need."""
    paths = asked.request.paths
    if not asked.policy.must_name_paths or (paths and "/" not in paths):
        return None
    message = f"policy {asked.policy.name} wants paths named, such as --path /api"
    return Denial(DenialCode.PATHS_NOT_NAMED, message, "Ask for the paths that you need.")


def scope_is_well_formed(asked: Asked) -> Denial | None:
    """Paths are prefixes without wildcards, methods are known ones."""
    try:
        scope = asked.scope()
    except InvalidValueError as error:
        return Denial(DenialCode.SCOPE_MALFORMED, error.message, error.remedy)
    return _nothing_in_common(asked) if scope is None else None


def scope_within_target(asked: Asked) -> Denial | None:
    """Nothing is opened that the owner of the target didn't declare."""
    return _outside(asked, asked.target.ceiling, DenialCode.SCOPE_OVER_TARGET, f"target {asked.target.ref}")


def scope_within_policy(asked: Asked) -> Denial | None:
    """Nothing is opened beyond the policy's own ceiling."""
    if asked.policy.ceiling is None:
        return None
    return _outside(asked, asked.policy.ceiling, DenialCode.SCOPE_OVER_POLICY, f"policy {asked.policy.name}")


def scope_within_extended(asked: Asked) -> Denial | None:
    """An extension lasts longer, and reaches no further, than what it extends."""
    if asked.extended is None:
        return None
    return _outside(asked, asked.extended.grant.scope, DenialCode.EXTENSION_IMPOSSIBLE, "the extended access")


def _outside(asked: Asked, ceiling: Scope, code: DenialCode, whose: str) -> Denial | None:
    scope = asked.scope()
    if scope is None:
        return _nothing_in_common(asked)
    outside = (*scope.methods_outside(ceiling), *scope.paths_outside(ceiling))
    if not outside:
        return None
    return Denial(
        code,
        f"asked for {', '.join(outside)}, which is outside what {whose} permits: {ceiling}",
        "Ask for no more than that.",
    )


def _nothing_in_common(asked: Asked) -> Denial:
    return Denial(
        DenialCode.SCOPE_EMPTY,
        f"policy {asked.policy.name} permits none of the paths and methods of {asked.target.ref}",
        "Ask the platform team to look at the policy's scope.",
    )
