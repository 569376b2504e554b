"""Objects of the API as domain values. What can't be understood raises `InvalidValueError`, and permits nothing.

A field that this version does not know may be a restriction, so an object that has one isn't understood either.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from jitgress.crds.grants import grant_object, grant_value, subject_value
from jitgress.crds.reading import mapping, mappings, nothing_but, some_texts, text, text_map, texts, whole_number
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.host import parse_host
from jitgress.domain.policy import Approval, Policy, TargetSelector
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import Review, ReviewDecision
from jitgress.domain.scope import Scope
from jitgress.domain.subject import SubjectKind, SubjectRef
from jitgress.domain.target import NotReady, Ready, Target, TargetRef
from jitgress.domain.window import parse_time

__all__ = ["grant_object", "grant_value", "policy_value", "request_value", "review_value", "target_value"]

_DAY_S = 86_400
_WEEK_S = 604_800


def target_value(found: Mapping[str, Any]) -> Target:
    """Return an AccessTarget; its readiness is None unless its present generation was examined."""
    metadata = mapping(found, "metadata")
    spec = nothing_but(mapping(found, "spec"), "service", "host", "paths", "methods")
    return Target(
        ref=TargetRef(text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid")),
        host=parse_host(text(spec, "host")),
        ceiling=_scope(spec),
        labels=text_map(metadata, "labels"),
        readiness=_readiness(metadata, found.get("status")),
    )


def policy_value(found: Mapping[str, Any]) -> Policy:
    """Return an AccessPolicy."""
    spec = nothing_but(
        mapping(found, "spec"), "priority", "subjects", "targets", "maxDurationSeconds", "scope", "approval"
    )
    return Policy(
        name=text(mapping(found, "metadata"), "name"),
        priority=whole_number(spec, "priority", 0, 1000),
        subjects=_subjects(spec),
        targets=_selector(mapping(spec, "targets")),
        max_duration=timedelta(seconds=whole_number(spec, "maxDurationSeconds", 1, _DAY_S)),
        approval=_approval(mapping(spec, "approval")),
        ceiling=_scope(nothing_but(mapping(spec, "scope"), "paths", "methods")) if "scope" in spec else None,
    )


def request_value(found: Mapping[str, Any]) -> Request:
    """Return an AccessRequest."""
    metadata = mapping(found, "metadata")
    spec = nothing_but(mapping(found, "spec"), "target", "requester", "reason", "durationSeconds", "paths", "methods")
    return Request(
        ref=RequestRef(text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid")),
        target=text(spec, "target"),
        requester=subject_value(nothing_but(mapping(spec, "requester"), "username", "groups")),
        reason=text(spec, "reason"),
        duration=timedelta(seconds=whole_number(spec, "durationSeconds", 1, _DAY_S)),
        created_at=parse_time(text(metadata, "creationTimestamp")),
        paths=some_texts(spec, "paths"),
        methods=some_texts(spec, "methods"),
    )


def review_value(found: Mapping[str, Any]) -> Review:
    """Return an AccessReview. A Deny or Revoke holds even with a field that we don't know: closing is never wrong."""
    metadata, spec = mapping(found, "metadata"), mapping(found, "spec")
    decision = text(spec, "decision")
    if decision not in set(ReviewDecision):
        raise InvalidValueError(f"unknown decision {decision!r}", remedy=f"Use one of {', '.join(ReviewDecision)}.")
    if decision == ReviewDecision.APPROVE:
        nothing_but(spec, "request", "decision", "reviewer", "comment")
        nothing_but(mapping(spec, "request"), "name", "uid")
        nothing_but(mapping(spec, "reviewer"), "username", "groups")
    return Review(
        uid=text(metadata, "uid"),
        name=text(metadata, "name"),
        request_uid=text(mapping(spec, "request"), "uid"),
        decision=ReviewDecision(decision),
        reviewer=subject_value(mapping(spec, "reviewer")),
        created_at=parse_time(text(metadata, "creationTimestamp")),
        comment=text(spec, "comment") if spec.get("comment", "") != "" else "",
    )


def _selector(found: Mapping[str, Any]) -> TargetSelector:
    nothing_but(found, "namespaces", "names", "labels")
    labels = text_map(found, "labels")
    if "labels" in found and not labels:
        raise InvalidValueError("field labels is stated and empty", remedy="Name a label, or leave the field out.")
    return TargetSelector(frozenset(some_texts(found, "namespaces")), frozenset(some_texts(found, "names")), labels)


def _approval(found: Mapping[str, Any]) -> Approval:
    nothing_but(found, "required", "approvers", "timeoutSeconds")
    return Approval(
        required=whole_number(found, "required", 0, 10),
        approvers=_subject_refs(found, "approvers"),
        timeout=timedelta(seconds=whole_number(found, "timeoutSeconds", 60, _WEEK_S)),
    )


def _subjects(spec: Mapping[str, Any]) -> tuple[SubjectRef, ...]:
    """Return whom a policy is about. Without anybody a later one would decide, and perhaps permit more."""
    refs = _subject_refs(spec, "subjects")
    if not refs:
        raise InvalidValueError("field subjects names nobody", remedy="Name a user or a group.")
    return refs


def _subject_refs(found: Mapping[str, Any], key: str) -> tuple[SubjectRef, ...]:
    refs = (nothing_but(each, "kind", "name") for each in mappings(found, key))
    return tuple(SubjectRef(_subject_kind(each), text(each, "name")) for each in refs)


def _subject_kind(found: Mapping[str, Any]) -> SubjectKind:
    kind = text(found, "kind")
    if kind not in set(SubjectKind):
        raise InvalidValueError(f"unknown kind of subject {kind!r}", remedy=f"Use one of {', '.join(SubjectKind)}.")
    return SubjectKind(kind)


def _scope(found: Mapping[str, Any]) -> Scope:
    return Scope.of(texts(found, "paths"), texts(found, "methods"))


def _readiness(metadata: Mapping[str, Any], status: object) -> Ready | NotReady | None:
    """Return what was found out about the present generation; a status that can't be read says nothing."""
    try:
        return _readiness_of(metadata, mapping({"status": status}, "status"))
    except InvalidValueError:
        return None


def _readiness_of(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> Ready | NotReady | None:
    generation = cast("object", metadata.get("generation"))
    if not isinstance(generation, int) or status.get("observedGeneration") != generation:
        return None
    ready = next((each for each in mappings(status, "conditions") if each.get("type") == "Ready"), None)
    if ready is None:
        return None
    if ready.get("status") == "True":
        return Ready(text(status, "address"))
    return NotReady(str(ready.get("reason", "Unknown")), str(ready.get("message", "")))
