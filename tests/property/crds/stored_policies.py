"""Policies with any of their terms, and the objects in which they stand: by hand, from the resource's reference."""

from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st

from jitgress.crds.expressions import compile_expression
from jitgress.crds.patterns import compile_pattern
from jitgress.domain.approval import Approval, Occasion, Quorum
from jitgress.domain.policy import Effect, Policy, TargetSelector
from jitgress.domain.schedule import Schedule, Weekday
from jitgress.domain.sources import ANYWHERE
from jitgress.domain.subject import SubjectKind, SubjectRef
from jitgress.domain.terms import UNLIMITED, BreakGlass, Extensions, Limits, Mfa, Wording
from tests.property.crds.stored_objects import (
    Object,
    an_object,
    durations,
    label_maps,
    names,
    scope_object,
    scopes,
    seconds,
    sources,
    texts,
)

claim_maps: Final = st.dictionaries(texts, texts, min_size=1, max_size=2).map(lambda told: frozenset(told.items()))
refs: Final = st.builds(
    SubjectRef, st.sampled_from([SubjectKind.USER, SubjectKind.GROUP]), texts, st.just(frozenset()) | claim_maps
) | st.builds(SubjectRef, st.just(SubjectKind.WORKLOAD), st.just(""), claim_maps)
some_refs: Final = st.lists(refs, min_size=1, max_size=2).map(tuple)
selectors: Final = st.builds(
    TargetSelector, st.frozensets(names, max_size=3), st.frozensets(names, max_size=3), label_maps
).filter(lambda selector: selector.is_stated)
spans: Final = st.tuples(
    st.lists(st.sampled_from([day.value for day in Weekday]), min_size=1, max_size=3, unique=True),
    st.sampled_from(["00:00", "08:00", "22:30"]),
    st.sampled_from(["06:00", "18:30", "24:00"]),
)
zones: Final = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])
stated_schedules: Final = st.tuples(zones, st.lists(spans, min_size=1, max_size=2))
schedules: Final = stated_schedules.map(lambda stated: Schedule.of(*stated))
expressions: Final = st.sampled_from(["true", "request.reason != ''", "'dev' in subject.groups"]).map(
    compile_expression
)
wordings: Final = st.builds(
    Wording, st.sampled_from(["INC-[0-9]+", "^.{4,}$"]).map(compile_pattern), st.just("") | texts
)
occasions: Final = st.builds(Occasion, st.just(()) | some_refs, st.none() | schedules, st.none() | expressions).filter(
    lambda occasion: occasion.is_stated
)
quorums: Final = st.builds(Quorum, st.integers(1, 10), some_refs, names)
waits: Final = st.integers(60, 604_800).map(lambda number: timedelta(seconds=number))
limits: Final = st.builds(Limits, *[st.none() | st.integers(1, 1000)] * 3)
glasses: Final = st.builds(BreakGlass, some_refs, durations, waits, st.booleans())


@st.composite
def approvals(draw: st.DrawFn) -> Approval:
    """One of both ways: a number out of some people, or groups that each have their own."""
    approvers = draw(some_refs)
    counted = st.integers(0, 10).map(lambda number: (Quorum(number, approvers),) if number else ())
    return Approval(
        draw(counted | st.lists(quorums, min_size=1, max_size=2).map(tuple)),
        draw(waits),
        draw(st.none() | names),
        draw(st.none() | occasions),
        approvers,
    )


policies: Final = st.builds(
    Policy,
    name=names,
    priority=st.integers(0, 1000),
    subjects=some_refs,
    targets=selectors,
    max_duration=durations,
    approval=approvals(),
    effect=st.sampled_from(Effect),
    message=st.just("") | texts,
    default_duration=st.none() | durations,
    max_start_ahead=st.just(timedelta(0)) | durations,
    extensions=st.none() | st.builds(Extensions, st.integers(1, 100), durations),
    schedule=st.none() | schedules,
    ceiling=st.none() | scopes,
    must_name_paths=st.booleans(),
    reason=st.none() | wordings,
    ticket=st.none() | wordings,
    sources=sources,
    mfa=st.none() | st.builds(Mfa, st.frozensets(texts, min_size=1, max_size=2), st.none() | durations),
    limits=st.just(UNLIMITED) | limits,
    break_glass=st.none() | glasses,
    expression=st.none() | expressions,
    defect=st.none(),
)


def policy_object(policy: Policy) -> Object:
    selector, extensions, sign_in = policy.targets, policy.extensions, policy.mfa
    spec: Object = {
        "priority": policy.priority,
        "effect": policy.effect.value,
        "subjects": _subjects(policy.subjects),
        "targets": _stated(
            namespaces=sorted(selector.namespaces), names=sorted(selector.names), labels=dict(selector.labels)
        ),
        "maxDurationSeconds": seconds(policy.max_duration),
        "approval": _approval(policy.approval),
    }
    return an_object(
        "AccessPolicy",
        {"name": policy.name},
        spec
        | _stated(
            message=policy.message,
            defaultDurationSeconds=policy.default_duration and seconds(policy.default_duration),
            maxStartAheadSeconds=seconds(policy.max_start_ahead),
            extensions=extensions and {"max": extensions.most, "maxTotalSeconds": seconds(extensions.max_total)},
            schedule=policy.schedule and _schedule(policy.schedule),
            scope=policy.ceiling and scope_object(policy.ceiling),
            mustNamePaths=policy.must_name_paths,
            reason=policy.reason and _wording(policy.reason),
            ticket=policy.ticket and _wording(policy.ticket),
            sourceCIDRs=[] if policy.sources == ANYWHERE else [str(each) for each in policy.sources.networks],
            mfa=sign_in and {"methods": sorted(sign_in.methods)} | _stated(maxAgeSeconds=_maybe(sign_in.max_age)),
            limits=_stated(
                concurrentPerSubject=policy.limits.per_subject,
                concurrentPerTarget=policy.limits.per_target,
                requestsPerDay=policy.limits.per_day,
            ),
            breakGlass=policy.break_glass and _break_glass(policy.break_glass),
            expression=policy.expression and policy.expression.text,
        ),
    )


def _stated(**fields: Any) -> Object:
    """Leave out what is nothing: an absent field says so."""
    return {name: value for name, value in fields.items() if value}


def _maybe(duration: timedelta | None) -> int | None:
    return None if duration is None else seconds(duration)


def _approval(approval: Approval) -> Object:
    occasion = approval.automatic_while
    named = [
        {"name": each.name, "required": each.required, "approvers": _subjects(each.approvers)}
        for each in approval.quorums
        if each.name
    ]
    counted: Object = {"groups": named} if named else {"required": sum(each.required for each in approval.quorums)}
    return counted | {
        "approvers": _subjects(approval.others),
        "timeoutSeconds": seconds(approval.timeout),
        **_stated(
            webhook=approval.webhook,
            automaticWhile=occasion
            and _stated(
                subjects=_subjects(occasion.subjects),
                schedule=occasion.schedule and _schedule(occasion.schedule),
                expression=occasion.expression and occasion.expression.text,
            ),
        ),
    }


def _break_glass(terms: BreakGlass) -> Object:
    return {
        "subjects": _subjects(terms.subjects),
        "maxDurationSeconds": seconds(terms.max_duration),
        "reviewWithinSeconds": seconds(terms.review_within),
        "lockOut": terms.locks_out,
    }


def _schedule(schedule: Schedule) -> Object:
    windows = [
        {"days": sorted(day.value for day in span.days), "from": str(span.begins), "to": str(span.ends)}
        for span in schedule.spans
    ]
    return {"timeZone": schedule.zone, "windows": windows}


def _wording(wording: Wording) -> Object:
    return {"pattern": wording.pattern.text} | _stated(hint=wording.hint)


def _subjects(named: tuple[SubjectRef, ...]) -> list[Object]:
    return [{"kind": each.kind.value} | _stated(name=each.name, claims=dict(each.claims)) for each in named]
