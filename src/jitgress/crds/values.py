"""Objects of the API as domain values. What can't be understood raises `InvalidValueError`, and permits nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jitgress.crds.grants import grant_object, grant_value
from jitgress.crds.reading import mapping, text, texts, whole_number
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.host import parse_host
from jitgress.domain.policy import Approval, Policy, TargetSelector
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import Review, ReviewDecision
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import NotReady, Ready, Target, TargetRef
from jitgress.domain.window import parse_time

__all__ = ["grant_object", "grant_value", "policy_value", "request_value", "review_value", "target_value"]

_POLICY_FIELDS = frozenset({"priority", "subjects", "targets", "maxDurationSeconds", "scope", "approval"})


def target_value(found: Mapping[str, Any]) -> Target:
    """Return an AccessTarget; its readiness is None unless its present generation was examined."""
    metadata, spec = mapping(found, "metadata"), mapping(found, "spec")
    return Target(
        ref=TargetRef(text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid")),
        host=parse_host(text(spec, "host")),
        ceiling=_scope(spec),
        labels=dict(metadata.get("labels") or {}),
        readiness=_readiness(metadata, found.get("status") or {}),
    )


def policy_value(found: Mapping[str, Any]) -> Policy:
    """Return an AccessPolicy. One with a field that we don't know isn't understood: it may be a restriction."""
    spec = mapping(found, "spec")
    unknown = set(spec) - _POLICY_FIELDS
    if unknown:
        raise InvalidValueError(f"unknown fields {', '.join(sorted(unknown))}", remedy="Upgrade the operator.")
    targets, approval = mapping(spec, "targets"), mapping(spec, "approval")
    return Policy(
        name=text(mapping(found, "metadata"), "name"),
        priority=whole_number(spec, "priority"),
        subjects=_subject_refs(spec, "subjects"),
        targets=TargetSelector(
            frozenset(texts(targets, "namespaces")),
            frozenset(texts(targets, "names")),
            dict(targets.get("labels") or {}),
        ),
        max_duration=timedelta(seconds=whole_number(spec, "maxDurationSeconds")),
        approval=Approval(
            required=whole_number(approval, "required"),
            approvers=_subject_refs(approval, "approvers"),
            timeout=timedelta(seconds=whole_number(approval, "timeoutSeconds")),
        ),
        ceiling=_scope(mapping(spec, "scope")) if spec.get("scope") is not None else None,
    )


def request_value(found: Mapping[str, Any]) -> Request:
    """Return an AccessRequest."""
    metadata, spec = mapping(found, "metadata"), mapping(found, "spec")
    return Request(
        ref=RequestRef(text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid")),
        target=text(spec, "target"),
        requester=_subject(mapping(spec, "requester")),
        reason=text(spec, "reason"),
        duration=timedelta(seconds=whole_number(spec, "durationSeconds")),
        created_at=parse_time(text(metadata, "creationTimestamp")),
        paths=texts(spec, "paths"),
        methods=texts(spec, "methods"),
    )


def review_value(found: Mapping[str, Any]) -> Review:
    """Return an AccessReview."""
    metadata, spec = mapping(found, "metadata"), mapping(found, "spec")
    decision = text(spec, "decision")
    if decision not in set(ReviewDecision):
        raise InvalidValueError(f"unknown decision {decision!r}", remedy=f"Use one of {', '.join(ReviewDecision)}.")
    return Review(
        uid=text(metadata, "uid"),
        name=text(metadata, "name"),
        request_uid=text(mapping(spec, "request"), "uid"),
        decision=ReviewDecision(decision),
        reviewer=_subject(mapping(spec, "reviewer")),
        created_at=parse_time(text(metadata, "creationTimestamp")),
        comment=spec.get("comment") or "",
    )


def _subject(found: Mapping[str, Any]) -> Subject:
    return Subject(text(found, "username"), frozenset(texts(found, "groups")))


def _subject_refs(found: Mapping[str, Any], key: str) -> tuple[SubjectRef, ...]:
    refs = found.get(key) or ()
    return tuple(SubjectRef(_subject_kind(each), text(each, "name")) for each in refs)


def _subject_kind(found: Mapping[str, Any]) -> SubjectKind:
    kind = text(found, "kind")
    if kind not in set(SubjectKind):
        raise InvalidValueError(f"unknown kind of subject {kind!r}", remedy=f"Use one of {', '.join(SubjectKind)}.")
    return SubjectKind(kind)


def _scope(found: Mapping[str, Any]) -> Scope:
    return Scope.of(texts(found, "paths"), texts(found, "methods"))


def _readiness(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> Ready | NotReady | None:
    if status.get("observedGeneration") != metadata.get("generation"):
        return None
    ready = next((each for each in status.get("conditions") or () if each.get("type") == "Ready"), None)
    if ready is None:
        return None
    if ready.get("status") == "True" and status.get("address"):
        return Ready(str(status["address"]))
    return NotReady(str(ready.get("reason", "Unknown")), str(ready.get("message", "")))
