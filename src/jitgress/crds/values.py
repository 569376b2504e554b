"""Objects of the API as domain values. What can't be understood raises `InvalidValueError`, and permits nothing.

A field that this version does not know may be a restriction, so an object that has one isn't understood either.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from jitgress.crds.fields import DAY_S
from jitgress.crds.grants import IDENTITY, grant_object, grant_value, scope_value, subject_value
from jitgress.crds.reading import (
    flag,
    mapping,
    mappings,
    nothing_but,
    some_texts,
    some_whole_number,
    text,
    text_map,
)
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.host import parse_host
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import Narrowing, Review, ReviewDecision
from jitgress.domain.target import NotReady, Ready, Target, TargetRef
from jitgress.domain.window import parse_time

__all__ = ["grant_object", "grant_value", "request_value", "review_value", "target_value"]

_ASKED = (
    "target",
    "requester",
    "reason",
    "ticket",
    "durationSeconds",
    "startTime",
    "endTime",
    "paths",
    "methods",
    "extends",
    "breakGlass",
)
_NARROWED = ("durationSeconds", "startTime", "paths", "methods")


def target_value(found: Mapping[str, Any]) -> Target:
    """Return an AccessTarget; its readiness is None unless its present generation was examined."""
    metadata = mapping(found, "metadata")
    spec = nothing_but(mapping(found, "spec"), "service", "host", "paths", "methods")
    return Target(
        ref=TargetRef(text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid")),
        host=parse_host(text(spec, "host")),
        ceiling=scope_value(spec),
        labels=text_map(metadata, "labels"),
        readiness=_readiness(metadata, found.get("status")),
    )


def request_value(found: Mapping[str, Any]) -> Request:
    """Return an AccessRequest."""
    metadata = mapping(found, "metadata")
    spec = nothing_but(mapping(found, "spec"), *_ASKED)
    namespace = text(metadata, "namespace")
    duration = some_whole_number(spec, "durationSeconds", 1, DAY_S)
    return Request(
        ref=RequestRef(namespace, text(metadata, "name"), text(metadata, "uid")),
        target=text(spec, "target"),
        requester=subject_value(nothing_but(mapping(spec, "requester"), *IDENTITY)),
        reason=text(spec, "reason"),
        ticket=text(spec, "ticket") if "ticket" in spec else "",
        duration=None if duration is None else timedelta(seconds=duration),
        created_at=parse_time(text(metadata, "creationTimestamp")),
        start_at=_some_time(spec, "startTime"),
        end_at=_some_time(spec, "endTime"),
        paths=some_texts(spec, "paths"),
        methods=some_texts(spec, "methods"),
        extends=_extended(namespace, mapping(spec, "extends")) if "extends" in spec else None,
        break_glass=flag(spec, "breakGlass"),
    )


def review_value(found: Mapping[str, Any]) -> Review:
    """Return an AccessReview. A Deny or Revoke holds even with a field that we don't know: closing is never wrong."""
    metadata, spec = mapping(found, "metadata"), mapping(found, "spec")
    decision = text(spec, "decision")
    if decision not in set(ReviewDecision):
        raise InvalidValueError(f"unknown decision {decision!r}", remedy=f"Use one of {', '.join(ReviewDecision)}.")
    if decision == ReviewDecision.APPROVE:
        nothing_but(spec, "request", "decision", "reviewer", "comment", *_NARROWED)
        nothing_but(mapping(spec, "request"), "name", "uid")
        nothing_but(mapping(spec, "reviewer"), *IDENTITY)
    return Review(
        uid=text(metadata, "uid"),
        name=text(metadata, "name"),
        request_uid=text(mapping(spec, "request"), "uid"),
        decision=ReviewDecision(decision),
        reviewer=subject_value(mapping(spec, "reviewer")),
        created_at=parse_time(text(metadata, "creationTimestamp")),
        comment=text(spec, "comment") if spec.get("comment", "") != "" else "",
        narrowing=_narrowing(spec) if decision == ReviewDecision.APPROVE else Narrowing(),
    )


def _narrowing(spec: Mapping[str, Any]) -> Narrowing:
    duration = some_whole_number(spec, "durationSeconds", 1, DAY_S)
    return Narrowing(
        duration=None if duration is None else timedelta(seconds=duration),
        paths=some_texts(spec, "paths"),
        methods=some_texts(spec, "methods"),
        start_at=_some_time(spec, "startTime"),
    )


def _some_time(spec: Mapping[str, Any], key: str) -> datetime | None:
    return parse_time(text(spec, key)) if key in spec else None


def _extended(namespace: str, found: Mapping[str, Any]) -> RequestRef:
    nothing_but(found, "name", "uid")
    return RequestRef(namespace, text(found, "name"), text(found, "uid"))


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
