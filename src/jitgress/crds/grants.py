"""AccessGrant objects and grants. Apart from the other kinds, because the gate's agent needs this one alone."""

from collections.abc import Mapping
from typing import Any, Final

from jitgress.crds.reading import mapping, nothing_but, text, text_lists, texts, whole_number
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.sources import ANYWHERE, Sources
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
    "since",
    "extensions",
    "reviewBy",
    "sourceCIDRs",
)

IDENTITY: Final = ("username", "groups", "claims")


def grant_value(found: Mapping[str, Any]) -> Grant:
    """Return an AccessGrant object as a value. Raises `InvalidValueError` if it has no form that we know."""
    spec = nothing_but(mapping(found, "spec"), *_FIELDS)
    return Grant(
        id=GrantId(text(mapping(found, "metadata"), "name")),
        request=RequestRef(*_object_name(mapping(spec, "request"))),
        target=TargetRef(*_object_name(mapping(spec, "target"))),
        policy=text(spec, "policy"),
        subject=subject_value(nothing_but(mapping(spec, "subject"), *IDENTITY)),
        host=parse_host(text(spec, "host")),
        address=text(spec, "address"),
        scope=scope_value(spec),
        window=Window(parse_time(text(spec, "notBefore")), parse_time(text(spec, "notAfter"))),
        since=parse_time(text(spec, "since")),
        extensions=whole_number(spec, "extensions", 0, 100),
        review_by=parse_time(text(spec, "reviewBy")) if "reviewBy" in spec else None,
        sources=Sources.of(texts(spec, "sourceCIDRs")) if "sourceCIDRs" in spec else ANYWHERE,
    )


def scope_value(found: Mapping[str, Any]) -> Scope:
    """Return the paths and methods that an object of ours states. Raises `InvalidValueError`."""
    return Scope.of(texts(found, "paths"), texts(found, "methods"))


def subject_value(found: Mapping[str, Any]) -> Subject:
    """Return somebody as an object of ours names them. Raises `InvalidValueError`."""
    claims = ((key, value) for key, values in text_lists(found, "claims").items() for value in values)
    return Subject(text(found, "username"), frozenset(texts(found, "groups")), frozenset(claims))


def subject_object(subject: Subject) -> dict[str, Any]:
    """Return somebody as they stand in an object of ours; claims are left out where there are none."""
    claims = {key: sorted(subject.values_of(key)) for key, _ in sorted(subject.claims)}
    named = {"username": subject.username, "groups": sorted(subject.groups)}
    return named | ({"claims": claims} if claims else {})


def grant_object(grant: Grant, namespace: str) -> dict[str, Any]:
    """Return the AccessGrant object of a grant."""
    sources = {} if grant.sources == ANYWHERE else {"sourceCIDRs": list(grant.sources.texts())}
    review_by = {} if grant.review_by is None else {"reviewBy": format_time(grant.review_by)}
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
            "subject": subject_object(grant.subject),
            "host": grant.host,
            "address": grant.address,
            "paths": list(grant.scope.paths),
            "methods": list(grant.scope.sorted_methods()),
            "notBefore": format_time(grant.window.not_before),
            "notAfter": format_time(grant.window.not_after),
            "since": format_time(grant.since),
            "extensions": grant.extensions,
            **review_by,
            **sources,
        },
    }


def _object_name(found: Mapping[str, Any]) -> tuple[str, str, str]:
    nothing_but(found, "namespace", "name", "uid")
    return text(found, "namespace"), text(found, "name"), text(found, "uid")
