"""The checks of a request against its target and its deciding policy, in order: the first denial stands.

Invariant 4: no window exceeds its policy's cap. None of them looks at the time: what they say of a request stays
(invariant 10), unless policy or target change.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from jitgress.domain.asked import Asked
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.extension_checks import extension_is_possible, extension_within_sum
from jitgress.domain.phrasing import describe_duration, plain
from jitgress.domain.policy import Effect
from jitgress.domain.scope_checks import (
    paths_are_named,
    scope_is_well_formed,
    scope_within_extended,
    scope_within_policy,
    scope_within_target,
)
from jitgress.domain.subject import any_names
from jitgress.domain.target import NotReady
from jitgress.domain.terms import Wording
from jitgress.domain.window import parse_epoch

AMR: Final = "jitgress.dev/amr"  # the claims `amr` and `auth_time` of an ID token (OpenID Connect Core, 2)
AUTH_TIME: Final = "jitgress.dev/auth-time"
CLOCK_LEEWAY: Final = timedelta(minutes=1)
"""How far an identity provider's clock may be ahead of the API server's."""
_MEND: Final = "Ask the platform team to mend it."


def policy_is_understood(asked: Asked) -> Denial | None:
    """A policy that can't be understood permits nothing."""
    if asked.policy.defect is None:
        return None
    message = f"policy {asked.policy.name} can't be understood: {asked.policy.defect}"
    return Denial(DenialCode.POLICY_DEFECTIVE, message, _MEND)


def policy_allows(asked: Asked) -> Denial | None:
    """A policy can also say no."""
    if asked.policy.effect is Effect.ALLOW:
        return None
    told = plain(asked.policy.message)
    message = f"policy {asked.policy.name} denies it" + (f": {told}" if told else "")
    return Denial(DenialCode.POLICY_DENIES, message, "Ask the platform team whether there is another way.")


def target_is_ready(asked: Asked) -> Denial | None:
    """A target that isn't Ready can't be opened."""
    match asked.target.readiness:
        case NotReady(message=message):
            return Denial(
                DenialCode.TARGET_NOT_READY,
                f"target {asked.target.ref} is not ready: {message}",
                "Ask its owner to mend it, then ask again.",
            )
        case _:
            return None


def reason_is_given(asked: Asked) -> Denial | None:
    """Every request says what it is for."""
    if plain(asked.request.reason):
        return None
    return Denial(DenialCode.REASON_MISSING, "the request gives no reason", "Ask again and say what for.")


def reason_is_fit(asked: Asked) -> Denial | None:
    """The reason says what the policy wants to read in it."""
    wanted = asked.policy.reason
    if wanted is None or wanted.pattern.is_found_in(asked.request.reason):
        return None
    return _unfit(DenialCode.REASON_UNFIT, asked, "the reason doesn't say", wanted)


def ticket_is_fit(asked: Asked) -> Denial | None:
    """The ticket is one, where the policy wants one. Who breaks the glass may have none yet."""
    wanted = asked.policy.ticket
    if wanted is None or asked.request.break_glass or wanted.pattern.is_whole(asked.request.ticket):
        return None
    what = "the ticket isn't" if asked.request.ticket else "the request names no ticket;"
    return _unfit(DenialCode.TICKET_UNFIT, asked, what, wanted)


def sign_in_is_strong(asked: Asked) -> Denial | None:
    """The requester signed in with a second factor, and lately, where the policy wants that."""
    wanted = asked.policy.mfa
    if wanted is None:
        return None
    if not wanted.methods & asked.request.requester.values_of(AMR):
        told = f"policy {asked.policy.name} wants a sign-in with one of {', '.join(sorted(wanted.methods))}"
        return Denial(DenialCode.MFA_MISSING, told, "Sign in with it, then ask again.")
    if wanted.max_age is None or _is_fresh(asked, wanted.max_age):
        return None
    told = f"policy {asked.policy.name} wants a sign-in no older than {describe_duration(wanted.max_age)}"
    return Denial(DenialCode.MFA_MISSING, told, "Sign in anew, then ask again.")


def glass_can_be_broken(asked: Asked) -> Denial | None:
    """Only those break the glass whom the policy names for it, and nothing else goes with it."""
    request, terms = asked.request, asked.policy.break_glass
    if not request.break_glass:
        return None
    if terms is None or not any_names(terms.subjects, request.requester):
        message = f"policy {asked.policy.name} doesn't let you break the glass"
        return Denial(DenialCode.BREAK_GLASS_IMPOSSIBLE, message, "Ask without break-glass, and somebody to approve.")
    if request.extends is not None or request.start_at is not None:
        message = "break-glass opens at once, and extends nothing"
        return Denial(DenialCode.BREAK_GLASS_IMPOSSIBLE, message, "Leave start and extension out.")
    return None


def reviews_are_done(asked: Asked) -> Denial | None:
    """Whose break-glass wasn't reviewed in time doesn't break it again, where the policy says so."""
    terms, overdue = asked.policy.break_glass, asked.situation.overdue_reviews
    if not (asked.request.break_glass and terms is not None and terms.locks_out) or overdue == 0:
        return None
    if asked.situation.is_opened:
        return None
    message = f"{overdue} of your break-glass grants should have been reviewed by now"
    return Denial(
        DenialCode.REVIEW_OVERDUE, message, "Ask one of the approvers to review them: jitgress list --unreviewed"
    )


def duration_within_cap(asked: Asked) -> Denial | None:
    """A window has a length, and is never longer than the policy's cap."""
    if timedelta(0) < asked.duration <= asked.cap:
        return None
    duration, cap = describe_duration(asked.duration), describe_duration(asked.cap)
    return Denial(
        DenialCode.DURATION_OVER_CAP,
        f"asked for {duration}, policy {asked.policy.name} permits up to {cap}",
        f"Ask for 1 s to {cap}.",
    )


def start_within_reach(asked: Asked) -> Denial | None:
    """Nobody books further ahead than the policy permits."""
    ahead, most = asked.request.earliest_start - asked.request.created_at, asked.policy.max_start_ahead
    if ahead <= most:
        return None
    permitted = f"up to {describe_duration(most)} ahead" if most else "only from now on"
    message = f"asked for a start {describe_duration(ahead)} ahead, policy {asked.policy.name} permits {permitted}"
    return Denial(DenialCode.START_TOO_FAR, message, "Ask for an earlier start, or later.")


def end_follows_start(asked: Asked) -> Denial | None:
    """What would end before it begins is never open."""
    end = asked.request.end_at
    if end is None or end > asked.request.earliest_start:
        return None
    return Denial(DenialCode.WINDOW_EMPTY, "it would end before it begins", "Ask for a later end.")


def start_within_schedule(asked: Asked) -> Denial | None:
    """Access begins within the policy's weekly hours; breaking the glass knows none."""
    if asked.request.break_glass:
        return None
    return outside_schedule(asked, asked.request.earliest_start)


def outside_schedule(asked: Asked, at: datetime) -> Denial | None:
    """Return the denial of a window that begins at `at`, outside the policy's weekly hours."""
    schedule = asked.policy.schedule
    if schedule is None or schedule.is_open(at):
        return None
    opens_at = schedule.opens_at(at)
    again = f"Ask again from {opens_at:%A %Y-%m-%d %H:%M} UTC" if opens_at is not None else _MEND.rstrip(".")
    glass = ", or use --break-glass" if asked.policy.break_glass is not None else ""
    message = f"policy {asked.policy.name} permits {schedule} alone"
    return Denial(DenialCode.OUTSIDE_SCHEDULE, message, f"{again}{glass}.")


def expression_holds(asked: Asked) -> Denial | None:
    """The policy's condition is true; one that can't be evaluated isn't."""
    return unmet_expression(asked, asked.request.earliest_start)


def unmet_expression(asked: Asked, opens_at: datetime) -> Denial | None:
    """Return the denial of access that begins at `opens_at` without the policy's condition being true then."""
    expression = asked.policy.expression
    if expression is None:
        return None
    try:
        if expression.holds(asked.circumstances(opens_at)):
            return None
        why = f"the condition of policy {asked.policy.name} is not met: {plain(expression.text)}"
    except InvalidValueError as error:
        why = f"the condition of policy {asked.policy.name} can't be evaluated: {error.message}"
    return Denial(DenialCode.EXPRESSION_UNMET, why, "Ask the platform team what it wants.")


def few_enough_today(asked: Asked) -> Denial | None:
    """Nobody asks more often within 24 hours than the policy permits."""
    most = asked.policy.limits.per_day
    if most is None or asked.request.break_glass or asked.situation.is_opened:
        return None
    if asked.situation.asked_within_day < most:
        return None
    message = (
        f"you asked {asked.situation.asked_within_day} times within 24 hours, policy {asked.policy.name} permits {most}"
    )
    return Denial(DenialCode.LIMIT_REACHED, message, "Ask again tomorrow.")


def approvers_are_named(asked: Asked) -> Denial | None:
    """A policy that wants approvals, or a review after, and names nobody who could give them permits nothing."""
    approval = asked.policy.approval
    lacks_reviewers = asked.request.break_glass and not approval.approvers
    if not lacks_reviewers and all(quorum.required > 0 and quorum.approvers for quorum in approval.quorums):
        return None
    wanted = f"{approval.required} approvals" if not lacks_reviewers else "a review after"
    message = f"policy {asked.policy.name} asks for {wanted} and names nobody who could give them"
    return Denial(DenialCode.APPROVERS_MISSING, message, _MEND)


Check = Callable[[Asked], Denial | None]
CHECKS: Final[tuple[Check, ...]] = (
    policy_is_understood,
    policy_allows,
    target_is_ready,
    reason_is_given,
    reason_is_fit,
    ticket_is_fit,
    sign_in_is_strong,
    glass_can_be_broken,
    reviews_are_done,
    duration_within_cap,
    start_within_reach,
    end_follows_start,
    start_within_schedule,
    extension_is_possible,
    extension_within_sum,
    paths_are_named,
    scope_is_well_formed,
    scope_within_target,
    scope_within_policy,
    scope_within_extended,
    expression_holds,
    few_enough_today,
    approvers_are_named,
)


def first_denial(asked: Asked) -> Denial | None:
    """Return the first denial of the checks, in their order, or None if all let the request pass."""
    return next((denial for check in CHECKS if (denial := check(asked)) is not None), None)


def full(asked: Asked) -> Denial | None:
    """Return the denial of what would be one open grant too many; it is looked at when access is about to open."""
    limits, situation = asked.policy.limits, asked.situation
    if situation.is_opened or asked.request.break_glass:
        return None
    own = 0 if asked.request.extends is None else 1  # what it takes over doesn't count
    if limits.per_subject is not None and situation.open_of_subject - own >= limits.per_subject:
        return _full(asked, "you have", situation.open_of_subject, limits.per_subject)
    if limits.per_target is not None and situation.open_on_target - own >= limits.per_target:
        return _full(asked, f"target {asked.target.ref} has", situation.open_on_target, limits.per_target)
    return None


def _full(asked: Asked, whose: str, number: int, most: int) -> Denial:
    message = f"{whose} {number} open grants, policy {asked.policy.name} permits {most} at a time"
    return Denial(DenialCode.LIMIT_REACHED, message, "Wait until one ends, or give one back: jitgress withdraw")


def _unfit(code: DenialCode, asked: Asked, what: str, wanted: Wording) -> Denial:
    hint = plain(str(wanted))
    return Denial(code, f"{what} what policy {asked.policy.name} wants: {hint}", "Ask again with it.")


def _is_fresh(asked: Asked, max_age: timedelta) -> bool:
    """Tell whether the sign-in is known to be no older than `max_age`; one in the future is not."""
    times = [parse_epoch(text) for text in asked.request.requester.values_of(AUTH_TIME)]
    asked_at = asked.request.created_at
    return len(times) == 1 and times[0] is not None and asked_at - max_age <= times[0] <= asked_at + CLOCK_LEEWAY
