"""AccessPolicy objects as policies. One that can't be understood permits nothing, and still decides in its place."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

from jitgress.crds.access_policy import MAX_AHEAD_S, MAX_REQUIRED, WEEK_S
from jitgress.crds.fields import DAY_S
from jitgress.crds.grants import scope_value
from jitgress.crds.patterns import compile_pattern
from jitgress.crds.reading import (
    flag,
    mapping,
    mappings,
    nothing_but,
    some_texts,
    some_whole_number,
    text,
    text_map,
    texts,
    whole_number,
)
from jitgress.domain.approval import Approval, Occasion, Quorum
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Expression
from jitgress.domain.policy import Effect, Policy, TargetSelector
from jitgress.domain.schedule import Schedule
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import SubjectKind, SubjectRef
from jitgress.domain.terms import UNLIMITED, BreakGlass, Extensions, Limits, Mfa, Wording

Found = Mapping[str, Any]
Value = TypeVar("Value")
_TERMS: Final = (
    "priority",
    "effect",
    "message",
    "subjects",
    "targets",
    "maxDurationSeconds",
    "defaultDurationSeconds",
    "maxStartAheadSeconds",
    "extensions",
    "schedule",
    "scope",
    "mustNamePaths",
    "reason",
    "ticket",
    "sourceCIDRs",
    "mfa",
    "limits",
    "approval",
    "breakGlass",
    "expression",
)


def policy_value(found: Found) -> Policy:
    """Return an AccessPolicy. Raises `InvalidValueError` if it can't be understood wholly."""
    spec = nothing_but(mapping(found, "spec"), *_TERMS)
    effect = _effect(spec)
    policy = Policy(
        name=text(mapping(found, "metadata"), "name"),
        priority=whole_number(spec, "priority", 0, 1000),
        effect=effect,
        message=_text_or_none(spec, "message"),
        subjects=_some_subjects(spec, "subjects"),
        targets=_selector(mapping(spec, "targets")),
        max_duration=_seconds(spec, "maxDurationSeconds", DAY_S, default=0 if effect is Effect.DENY else None),
        default_duration=_part(spec, "defaultDurationSeconds", lambda: _seconds(spec, "defaultDurationSeconds", DAY_S)),
        max_start_ahead=_seconds(spec, "maxStartAheadSeconds", MAX_AHEAD_S, default=0),
        extensions=_part(spec, "extensions", lambda: _extensions(mapping(spec, "extensions"))),
        schedule=_part(spec, "schedule", lambda: _schedule(mapping(spec, "schedule"))),
        ceiling=_part(spec, "scope", lambda: scope_value(nothing_but(mapping(spec, "scope"), "paths", "methods"))),
        must_name_paths=flag(spec, "mustNamePaths"),
        reason=_part(spec, "reason", lambda: _wording(mapping(spec, "reason"))),
        ticket=_part(spec, "ticket", lambda: _wording(mapping(spec, "ticket"))),
        sources=Sources.of(texts(spec, "sourceCIDRs")) if "sourceCIDRs" in spec else ANYWHERE,
        mfa=_part(spec, "mfa", lambda: _mfa(mapping(spec, "mfa"))),
        limits=_limits(mapping(spec, "limits")) if "limits" in spec else UNLIMITED,
        approval=_approval(mapping(spec, "approval")) if "approval" in spec or effect is Effect.ALLOW else _NONE,
        break_glass=_part(spec, "breakGlass", lambda: _break_glass(mapping(spec, "breakGlass"))),
        expression=_part(spec, "expression", lambda: _condition(text(spec, "expression"))),
    )
    if policy.break_glass is not None and not policy.approval.approvers:
        raise InvalidValueError("breakGlass without approvers who could review it", remedy="Name approvers.")
    return policy


def policy_or_defect(found: Found) -> Policy:
    """Return an AccessPolicy; one that can't be understood has a defect, and decides about those whom it names.

    Where not even these can be read, or a field is unknown that may say more of them, nobody knows whom it was to stop:
    it decides about everybody.
    """
    try:
        return policy_value(found)
    except InvalidValueError as error:
        return replace(_whom(found), defect=f"{error.message}. {error.remedy}".rstrip())


_NONE: Final = Approval(())


def _whom(found: Found) -> Policy:
    spec: object = found.get("spec")
    fields = cast("Found", spec) if isinstance(spec, Mapping) else dict[str, Any]()
    priority: object = fields.get("priority")
    try:
        nothing_but(fields, *_TERMS)
        subjects, targets = _some_subjects(fields, "subjects"), _selector(mapping(fields, "targets"))
    except InvalidValueError:
        subjects, targets = (), TargetSelector()
    return Policy(
        name=str(found["metadata"]["name"]),
        priority=priority if isinstance(priority, int) else 0,
        subjects=subjects,
        targets=targets,
        max_duration=timedelta(0),
        approval=_NONE,
    )


def _part(spec: Found, key: str, read: Callable[[], Value]) -> Value | None:
    """Return what `read` makes of a field that may be left out."""
    return read() if key in spec else None


def _condition(source: str) -> Expression:
    # Loading CEL takes longer than most commands: only who has a policy with a condition waits for it.
    from jitgress.crds.expressions import compile_expression  # noqa: PLC0415

    return compile_expression(source)


def _effect(spec: Found) -> Effect:
    effect = text(spec, "effect") if "effect" in spec else Effect.ALLOW.value
    if effect not in set(Effect):
        raise InvalidValueError(f"unknown effect {effect!r}", remedy=f"Use one of {', '.join(Effect)}.")
    return Effect(effect)


def _text_or_none(found: Found, key: str) -> str:
    return text(found, key) if key in found else ""


def _seconds(found: Found, key: str, most: int, *, least: int = 1, default: int | None = None) -> timedelta:
    if key not in found and default is not None:
        return timedelta(seconds=default)
    return timedelta(seconds=whole_number(found, key, 0 if default == 0 else least, most))


def _selector(found: Found) -> TargetSelector:
    nothing_but(found, "namespaces", "names", "labels")
    labels = text_map(found, "labels")
    if "labels" in found and not labels:
        raise InvalidValueError("field labels is stated and empty", remedy="Name a label, or leave the field out.")
    selector = TargetSelector(frozenset(some_texts(found, "namespaces")), frozenset(some_texts(found, "names")), labels)
    if not selector.is_stated:
        raise InvalidValueError("field targets states nothing", remedy="State namespaces, names or labels.")
    return selector


def _schedule(found: Found) -> Schedule:
    nothing_but(found, "timeZone", "windows")
    windows = [nothing_but(each, "days", "from", "to") for each in mappings(found, "windows")]
    spans = [(some_texts(each, "days"), text(each, "from"), text(each, "to")) for each in windows]
    return Schedule.of(text(found, "timeZone"), spans)


def _wording(found: Found) -> Wording:
    nothing_but(found, "pattern", "hint")
    return Wording(compile_pattern(text(found, "pattern")), _text_or_none(found, "hint"))


def _extensions(found: Found) -> Extensions:
    nothing_but(found, "max", "maxTotalSeconds")
    return Extensions(whole_number(found, "max", 1, 100), _seconds(found, "maxTotalSeconds", WEEK_S))


def _mfa(found: Found) -> Mfa:
    nothing_but(found, "methods", "maxAgeSeconds")
    methods = frozenset(texts(found, "methods"))
    if not methods:
        raise InvalidValueError("field mfa names no methods", remedy="Name one of those in the claim amr, such as mfa.")
    return Mfa(methods, _part(found, "maxAgeSeconds", lambda: _seconds(found, "maxAgeSeconds", WEEK_S)))


def _limits(found: Found) -> Limits:
    nothing_but(found, "concurrentPerSubject", "concurrentPerTarget", "requestsPerDay")
    return Limits(
        per_subject=some_whole_number(found, "concurrentPerSubject", 1, 1000),
        per_target=some_whole_number(found, "concurrentPerTarget", 1, 1000),
        per_day=some_whole_number(found, "requestsPerDay", 1, 10_000),
    )


def _break_glass(found: Found) -> BreakGlass:
    nothing_but(found, "subjects", "maxDurationSeconds", "reviewWithinSeconds", "lockOut")
    return BreakGlass(
        subjects=_some_subjects(found, "subjects"),
        max_duration=_seconds(found, "maxDurationSeconds", DAY_S),
        review_within=_seconds(found, "reviewWithinSeconds", MAX_AHEAD_S, least=60),
        locks_out=flag(found, "lockOut"),
    )


def _approval(found: Found) -> Approval:
    nothing_but(found, "required", "approvers", "groups", "timeoutSeconds", "webhook", "automaticWhile")
    if ("required" in found) == ("groups" in found):
        raise InvalidValueError("field approval states both required and groups, or neither", remedy="State one.")
    others = _subjects(found, "approvers")
    return Approval(
        quorums=_quorums(found, others),
        timeout=_seconds(found, "timeoutSeconds", WEEK_S, least=60),
        webhook=_part(found, "webhook", lambda: text(found, "webhook")),
        automatic_while=_part(found, "automaticWhile", lambda: _occasion(mapping(found, "automaticWhile"))),
        others=others,
    )


def _quorums(found: Found, approvers: tuple[SubjectRef, ...]) -> tuple[Quorum, ...]:
    if "groups" not in found:
        required = whole_number(found, "required", 0, MAX_REQUIRED)
        return (Quorum(required, approvers),) if required else ()
    groups = [nothing_but(each, "name", "required", "approvers") for each in mappings(found, "groups")]
    if not groups:
        raise InvalidValueError("field groups names no group", remedy="Name one, or state required.")
    return tuple(
        Quorum(whole_number(each, "required", 1, MAX_REQUIRED), _some_subjects(each, "approvers"), text(each, "name"))
        for each in groups
    )


def _occasion(found: Found) -> Occasion:
    nothing_but(found, "subjects", "schedule", "expression")
    occasion = Occasion(
        subjects=_some_subjects(found, "subjects") if "subjects" in found else (),
        schedule=_part(found, "schedule", lambda: _schedule(mapping(found, "schedule"))),
        expression=_part(found, "expression", lambda: _condition(text(found, "expression"))),
    )
    if not occasion.is_stated:
        raise InvalidValueError("field automaticWhile states nothing", remedy="State subjects, schedule or expression.")
    return occasion


def _some_subjects(found: Found, key: str) -> tuple[SubjectRef, ...]:
    """Return whom a list names. Of a policy without subjects a later one would decide, and perhaps permit more."""
    refs = _subjects(found, key)
    if not refs:
        raise InvalidValueError(f"field {key} names nobody", remedy="Name a user or a group.")
    return refs


def _subjects(found: Found, key: str) -> tuple[SubjectRef, ...]:
    return tuple(_subject(nothing_but(each, "kind", "name", "claims")) for each in mappings(found, key))


def _subject(found: Found) -> SubjectRef:
    kind = text(found, "kind")
    if kind not in set(SubjectKind):
        raise InvalidValueError(f"unknown kind of subject {kind!r}", remedy=f"Use one of {', '.join(SubjectKind)}.")
    is_workload = kind == SubjectKind.WORKLOAD
    claims = frozenset(text_map(found, "claims").items())
    if is_workload == ("name" in found) or (is_workload and not claims) or ("claims" in found and not claims):
        raise InvalidValueError(
            f"a subject of kind {kind} without what it is known by",
            remedy="A user or a group has a name, a workload has claims alone.",
        )
    return SubjectRef(SubjectKind(kind), "" if is_workload else text(found, "name"), claims)
