"""AccessGrant objects and grants. Apart from the other kinds, because the gate's agent needs this one alone."""

from collections.abc import Mapping
from typing import Any, Final

from jitgress.crds.reading import mapping, nothing_but, text, texts
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window, format_time, parse_time

_FIELDS: Final = (
    "request",
    "target",
    "policy",
    "subject",
    "host",
    "address",
    "paths",
    "methods",
    "notBefore",
    "notAfter",
)


def grant_value(found: Mapping[str, Any]) -> Grant:
    """Return an AccessGrant object as a value. Raises `InvalidValueError` if it has no form that we know."""
    spec = nothing_but(mapping(found, "spec"), *_FIELDS)
    return Grant(
        id=GrantId(text(mapping(found, "metadata"), "name")),
        request=RequestRef(*_object_name(mapping(spec, "request"))),
        target=TargetRef(*_object_name(mapping(spec, "target"))),
        policy=text(spec, "policy"),
        subject=subject_value(nothing_but(mapping(spec, "subject"), "username", "groups")),
        host=parse_host(text(spec, "host")),
        address=text(spec, "address"),
        scope=Scope.of(texts(spec, "paths"), texts(spec, "methods")),
        window=Window(parse_time(text(spec, "notBefore")), parse_time(text(spec, "notAfter"))),
    )


def subject_value(found: Mapping[str, Any]) -> Subject:
    """Return somebody as an object of ours names them. Raises `InvalidValueError`."""
    return Subject(text(found, "username"), frozenset(texts(found, "groups")))


def grant_object(grant: Grant, namespace: str) -> dict[str, Any]:
    """Return the AccessGrant object of a grant."""
    return {
        "apiVersion": "jitgress.dev/v1alpha1",
        "kind": "AccessGrant",
        "metadata": {
            "name": grant.id,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "jitgress"},
        },
        "spec": {
            "request": {
                "namespace": grant.request.namespace,
                "name": grant.request.name,
                "uid": grant.request.uid,
            },
            "target": {"namespace": grant.target.namespace, "name": grant.target.name, "uid": grant.target.uid},
            "policy": grant.policy,
            "subject": {"username": grant.subject.username, "groups": sorted(grant.subject.groups)},
            "host": grant.host,
            "address": grant.address,
            "paths": list(grant.scope.paths),
            "methods": list(grant.scope.sorted_methods()),
            "notBefore": format_time(grant.window.not_before),
            "notAfter": format_time(grant.window.not_after),
        },
    }


def _object_name(found: Mapping[str, Any]) -> tuple[str, str, str]:
    nothing_but(found, "namespace", "name", "uid")
    return text(found, "namespace"), text(found, "name"), text(found, "uid")
