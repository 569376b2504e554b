"""The checks of a request that extends what is open: whose it is, how often, and for how long in all."""

from datetime import timedelta

from jitgress.domain.asked import Asked
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.phrasing import describe_duration


def extension_is_possible(asked: Asked) -> Denial | None:
    """Only one's own open access to the same target is extended, as often as the policy permits."""
    if asked.request.extends is None:
        return None
    why = _against_extension(asked)
    return None if why is None else Denial(DenialCode.EXTENSION_IMPOSSIBLE, why, "Make a request of its own.")


def extension_within_sum(asked: Asked) -> Denial | None:
    """From its first opening on access never lasts longer than the policy's sum, however often it is extended."""
    extended, terms = asked.situation.extended, asked.policy.extensions
    if asked.request.extends is None or extended is None or terms is None or asked.situation.is_opened:
        return None  # what is open already ends where the sum does
    left = extended.grant.since + terms.max_total - extended.grant.window.not_after
    if asked.duration <= left:
        return None
    message = (
        f"asked for {describe_duration(asked.duration)} more, policy {asked.policy.name} permits "
        f"{describe_duration(terms.max_total)} in all"
    )
    most = f"Ask for up to {describe_duration(left)}." if left >= timedelta(seconds=1) else "Make a request of its own."
    return Denial(DenialCode.EXTENSION_OVER_SUM, message, most)


def _against_extension(asked: Asked) -> str | None:
    extended, terms = asked.situation.extended, asked.policy.extensions
    if terms is None:
        return f"policy {asked.policy.name} permits no extension"
    if extended is not None and extended.is_stopped:
        return "what it extends was revoked"
    if extended is None or (extended.is_over and not asked.situation.is_opened):
        return "what it extends isn't open any more"
    grant = extended.grant
    if grant.subject.username != asked.request.requester.username or grant.target != asked.target.ref:
        return "it extends somebody else's access, or access to another target"
    if grant.is_break_glass:
        return "break-glass can't be extended"
    if grant.extensions >= terms.most:
        return f"policy {asked.policy.name} permits {terms.most} extensions"
    return None
