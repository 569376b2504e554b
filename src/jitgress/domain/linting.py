"""What is probably not meant in a set of policies: named checks of one policy, and of two beside each other.

A finding is sure of what it says, or it is a note. What a group's members are, nobody knows here.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from jitgress.domain.approval import Approval
from jitgress.domain.finding import Finding, Severity
from jitgress.domain.overlapping import overlaps, unreachable
from jitgress.domain.pattern import Pattern
from jitgress.domain.phrasing import describe_duration, plain
from jitgress.domain.policy import Effect, Policy
from jitgress.domain.schedule import Schedule
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import Target

_WEEK: Final = timedelta(weeks=1)
_HALF_A_YEAR: Final = timedelta(weeks=26)
_SHORT: Final = timedelta(minutes=5)
"""Nobody signs in and does something in less."""
_ANY_TEXTS: Final = ("", "x", "7", " ", "INC-1 é")
Found: TypeAlias = Iterator[Finding]


def lint(policies: Iterable[Policy], targets: Iterable[Target] = (), *, now: datetime) -> tuple[Finding, ...]:
    """Return every finding, the worst first. Where there are `targets`, policies are compared with these, too."""
    in_order = sorted(policies, key=lambda policy: policy.order)
    known = tuple(targets)
    understood = [policy for policy in in_order if policy.defect is None]
    found = [finding for policy in in_order if policy.defect is not None for finding in _not_understood(policy)]
    found += [finding for policy in understood for check in CHECKS for finding in check(policy)]
    found += [finding for policy in understood for check in SCHEDULE_CHECKS for finding in check(policy, now)]
    found += [finding for policy in understood if known for finding in _beside(policy, known)]
    hidden = {finding.policy: finding for finding in unreachable(understood)}
    found += [*hidden.values(), *overlaps([policy for policy in understood if policy.name not in hidden])]
    return tuple(sorted(found, key=lambda finding: (list(Severity).index(finding.severity), finding.policy)))


def _not_understood(policy: Policy) -> Found:
    whom = "everybody" if policy.is_about_everybody else "those whom it names"
    message = f"it can't be understood, and permits nothing to {whom}: {policy.defect}"
    yield Finding(Severity.ERROR, "not-understood", policy.name, message, "Mend it.")


def approvers_are_somebody(policy: Policy) -> Found:
    """Who wants approvals names people who can give them."""
    if any(not quorum.approvers or quorum.required < 1 for quorum in policy.approval.quorums):
        message = "it wants approvals and names nobody who could give them, so it denies everything"
        yield Finding(Severity.ERROR, "no-approvers", policy.name, message, "Name approvers.")


def quorums_can_be_reached(policy: Policy) -> Found:
    """As many distinct people as must approve are there, without the requester."""
    approval = _of_named_users(policy.approval)
    people = _people(approval.approvers)
    if not approval.quorums or not all(quorum.approvers for quorum in approval.quorums):
        return
    if not approval.is_reached(people):
        message = f"it wants {approval.required} distinct people and names {len(people)}"
        yield Finding(Severity.ERROR, "quorum-unreachable", policy.name, message, "Name more, or require fewer.")
        return
    alone = [each for each in _users(policy.subjects) if not approval.is_reached(_without(people, each))]
    if alone:
        message = f"nobody approves their own request, so {', '.join(alone)} can never be approved"
        yield Finding(Severity.ERROR, "only-themselves", policy.name, message, "Name another approver.")


def glass_is_reviewed(policy: Policy) -> Found:
    """Who breaks the glass is reviewed by somebody else."""
    glass, approvers = policy.break_glass, policy.approval.approvers
    if glass is None:
        return
    if not approvers:
        message = "nobody is named who could review broken glass, so nobody can break it"
        yield Finding(Severity.ERROR, "glass-unreviewed", policy.name, message, "Name approvers.")
    elif all(ref.kind is SubjectKind.USER for ref in approvers):
        alone = [each for each in _users(glass.subjects) if not _without(_people(approvers), each)]
        if alone:
            message = f"nobody but {', '.join(alone)} could review what they opened"
            yield Finding(Severity.ERROR, "glass-unreviewed", policy.name, message, "Name another approver.")
    if policy.effect is Effect.DENY:
        message = "it denies, so nobody can break the glass"
        yield Finding(Severity.WARNING, "terms-unused", policy.name, message, "State it in a policy that allows.")


def caps_agree(policy: Policy) -> Found:
    """What is given by default, and extended, has room."""
    default, cap, extensions = policy.default_duration, policy.max_duration, policy.extensions
    if policy.effect is Effect.DENY:
        return
    if default is not None and default > cap:
        message = f"by default it gives {describe_duration(default)}, and permits {describe_duration(cap)}"
        yield Finding(Severity.ERROR, "default-over-cap", policy.name, message, "Lower the default.")
    if extensions is not None and extensions.max_total <= cap:
        message = f"an extension ends {describe_duration(extensions.max_total)} after the first opening, which is"
        message = f"{message} not more than a window may last: {describe_duration(cap)}"
        remedy = "Raise extensions.maxTotalSeconds."
        yield Finding(Severity.ERROR, "extensions-impossible", policy.name, message, remedy)


def limits_agree(policy: Policy) -> Found:
    """No limit is hidden behind a lower one."""
    mine, all_of_them = policy.limits.per_subject, policy.limits.per_target
    if mine is not None and all_of_them is not None and mine > all_of_them and len(policy.targets.names) == 1:
        message = f"one person may have {mine} open grants, and all together {all_of_them}"
        yield Finding(Severity.NOTE, "limits-disagree", policy.name, message, "Lower concurrentPerSubject.")


def workloads_have_no_second_factor(policy: Policy) -> Found:
    """What signs in with a token of its own has no second factor."""
    of_workloads = [ref for ref in policy.subjects if ref.kind is SubjectKind.WORKLOAD]
    if policy.mfa is None or not of_workloads:
        return
    is_all = len(of_workloads) == len(policy.subjects)
    message = f"it wants a second factor of {', '.join(map(str, of_workloads))}"
    remedy = "Give workloads a policy without mfa."
    yield Finding(Severity.ERROR if is_all else Severity.WARNING, "mfa-of-workload", policy.name, message, remedy)


def patterns_say_something(policy: Policy) -> Found:
    """A pattern that takes any text asks for nothing."""
    if policy.reason is not None and _takes_all(policy.reason.pattern.is_found_in):
        yield _takes_anything(policy, "reason", policy.reason.pattern)
    if policy.ticket is not None and _takes_all(policy.ticket.pattern.is_whole):
        yield _takes_anything(policy, "ticket", policy.ticket.pattern)
    elif policy.ticket is not None and policy.ticket.pattern.is_whole(""):
        message = f"its ticket pattern {plain(policy.ticket.pattern.text)} takes no ticket for one"
        yield Finding(Severity.WARNING, "ticket-optional", policy.name, message, "Have it want a character at least.")


def conditions_can_differ(policy: Policy) -> Found:
    """A condition that is always the same is none."""
    text = policy.expression.text.strip() if policy.expression is not None else ""
    if text == "false":
        message = "its expression is never true, so it denies everything"
        yield Finding(Severity.ERROR, "never-true", policy.name, message, "Use effect: Deny, and say why in message.")
    if text == "true":
        yield Finding(Severity.NOTE, "always-true", policy.name, "its expression is always true", "Leave it out.")


def hours_come(policy: Policy, now: datetime) -> Found:
    """Its weekly hours come, and are long enough to do something in."""
    schedule = policy.schedule
    if schedule is None or policy.effect is Effect.DENY:
        return
    longest = max((end - begin for begin, end in _stretches(schedule, now)), default=timedelta(0))
    if not longest:
        message = f"its schedule never opens: {schedule}"
        yield Finding(Severity.ERROR, "never-open", policy.name, message, "Mend days, times or zone.")
        return
    wanted = max(policy.default_duration or _SHORT, _SHORT)
    if longest < wanted:
        message = f"its hours last {describe_duration(longest)} at most, so nobody gets {describe_duration(wanted)}"
        yield Finding(Severity.WARNING, "hours-too-short", policy.name, message, "Permit more, or lower the default.")


def occasion_comes(policy: Policy, now: datetime) -> Found:
    """It can be automatic at a time at which it permits anything."""
    occasion = policy.approval.automatic_while
    if occasion is None:
        return
    ours, theirs = policy.schedule, occasion.schedule
    if ours is not None and theirs is not None and not _have_in_common(ours, theirs, now):
        message = f"it would be automatic {theirs} alone, and permits nothing then ({ours})"
        yield Finding(Severity.WARNING, "never-automatic", policy.name, message, "Have both hours overlap.")
    if policy.approval.is_automatic:
        message = "nobody ever need approve, so automaticWhile says nothing"
        yield Finding(Severity.WARNING, "always-automatic", policy.name, message, "Leave it out, or require approvals.")


Check = Callable[[Policy], Found]
CHECKS: Final[tuple[Check, ...]] = (
    approvers_are_somebody,
    quorums_can_be_reached,
    glass_is_reviewed,
    caps_agree,
    limits_agree,
    workloads_have_no_second_factor,
    patterns_say_something,
    conditions_can_differ,
)
SCHEDULE_CHECKS: Final[tuple[Callable[[Policy, datetime], Found], ...]] = (hours_come, occasion_comes)


def _beside(policy: Policy, targets: tuple[Target, ...]) -> Found:
    """Compare a policy with the targets that there are."""
    meant = [target for target in targets if policy.targets.matches(target)]
    if not meant:
        message = "no target is what it states"
        yield Finding(Severity.WARNING, "no-target", policy.name, message, "Mend targets, or declare the target.")
    apart = [str(target.ref) for target in meant if not _share(policy.ceiling, target.ceiling)]
    if apart:
        message = f"it permits none of the paths and methods of {', '.join(apart)}"
        yield Finding(Severity.ERROR, "scope-empty", policy.name, message, "Mend scope.")


def _share(ceiling: Scope | None, other: Scope) -> bool:
    return ceiling is None or ceiling.meet(other) is not None


def _of_named_users(approval: Approval) -> Approval:
    """Return the quorums that name users alone: how many people those are, is known."""
    named = (each for each in approval.quorums if all(ref.kind is SubjectKind.USER for ref in each.approvers))
    return Approval(tuple(named))


def _people(refs: Iterable[SubjectRef]) -> tuple[Subject, ...]:
    """Return the users that are named, each once, with all the claims that are wanted of them."""
    claims = dict[str, frozenset[tuple[str, str]]]()
    for ref in refs:
        claims[ref.name] = claims.get(ref.name, frozenset()) | ref.claims
    people = list[Subject]()
    for name, wanted in claims.items():
        if not any(Subject(name).is_same_person(other) for other in people):
            people.append(Subject(name, claims=wanted))
    return tuple(people)


def _users(refs: Iterable[SubjectRef]) -> list[str]:
    return [ref.name for ref in refs if ref.kind is SubjectKind.USER]


def _without(people: tuple[Subject, ...], username: str) -> tuple[Subject, ...]:
    return tuple(each for each in people if not each.is_same_person(Subject(username)))


def _takes_all(matches: Callable[[str], bool]) -> bool:
    return all(matches(text) for text in _ANY_TEXTS)


def _takes_anything(policy: Policy, what: str, pattern: Pattern) -> Finding:
    message = f"its {what} pattern {plain(pattern.text)} seems to take any text"
    return Finding(Severity.WARNING, "pattern-takes-all", policy.name, message, "Ask for more, or leave it out.")


def _stretches(schedule: Schedule, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return when it opens and closes within two weeks: in one of them the clocks may skip its only hour."""
    found, at = list[tuple[datetime, datetime]](), now
    while (begin := schedule.opens_at(at)) is not None and begin < now + 2 * _WEEK:
        end = schedule.closes_at(begin)
        found.append((begin, end))
        at = end
    return found


def _have_in_common(one: Schedule, other: Schedule, now: datetime) -> bool:
    """Tell whether both are open at some time, in summer or in winter: not all zones change their clocks alike."""
    return any(
        begin < their_end and their_begin < end
        for at in (now, now + _HALF_A_YEAR)
        for begin, end in _stretches(one, at)
        for their_begin, their_end in _stretches(other, at)
    )
