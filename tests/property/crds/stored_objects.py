"""Domain values, and the objects in which they stand: written by hand from the resources' reference, not by the code.

An AccessGrant alone has a writer in the code, so its object here is the oracle for that, too.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import Narrowing, Review, ReviewDecision
from jitgress.domain.scope import Method, Scope
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import Subject
from jitgress.domain.target import NotReady, Ready, Target, TargetRef
from jitgress.domain.window import Window

Object = dict[str, Any]

names: Final = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
texts: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
uids: Final = st.uuids().map(str)
claims: Final = st.frozensets(st.tuples(texts, texts), max_size=3)
subjects: Final = st.builds(Subject, texts, st.frozensets(texts, max_size=3), claims)
hosts: Final = st.from_regex(r"([a-z0-9]{1,5}\.){1,3}[a-z]{2,5}", fullmatch=True).map(parse_host)
prefixes: Final = st.from_regex(r"/([A-Za-z0-9_]{1,4}(/[A-Za-z0-9_]{1,4}){0,2})?", fullmatch=True)
scopes: Final = st.builds(
    Scope.of, st.lists(prefixes, min_size=1, max_size=4), st.sets(st.sampled_from(Method), min_size=1)
)
whole_seconds: Final = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  hypothesis wants naive bounds
    lambda at: at.replace(microsecond=0)
)
durations: Final = st.integers(1, 86_400).map(lambda number: timedelta(seconds=number))
windows: Final = st.builds(
    lambda at, milliseconds, duration: Window.starting(at + timedelta(milliseconds=milliseconds), duration),
    whole_seconds,
    st.integers(0, 999),
    durations,
)
networks: Final = st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32", "::1/128"])
sources: Final = st.just(ANYWHERE) | st.lists(networks, min_size=1, max_size=3).map(Sources.of)
request_refs: Final = st.builds(RequestRef, names, names, uids)
target_refs: Final = st.builds(TargetRef, names, names, uids)
label_maps: Final = st.dictionaries(names, names, max_size=3)

grants: Final = st.builds(
    Grant,
    id=uids.map(GrantId),
    request=request_refs,
    target=target_refs,
    policy=names,
    subject=subjects,
    host=hosts,
    address=st.just("10.0.0.7:8080"),
    scope=scopes,
    window=windows,
    sources=sources,
    since=windows.map(lambda window: window.not_before),
    extensions=st.integers(0, 100),
    review_by=st.none() | windows.map(lambda window: window.not_after),
)
targets: Final = st.builds(
    Target,
    ref=target_refs,
    host=hosts,
    ceiling=scopes,
    labels=label_maps,
    readiness=st.none()
    | st.builds(Ready, st.just("10.0.0.7:8080"))
    | st.builds(NotReady, st.just("ServiceNotFound"), texts),
)
some_prefixes: Final = st.lists(prefixes, max_size=3, unique=True).map(tuple)
some_methods: Final = st.lists(st.sampled_from([str(each) for each in Method]), max_size=3, unique=True).map(tuple)


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    ref = draw(request_refs)
    extends = draw(st.none() | st.builds(RequestRef, st.just(ref.namespace), names, uids))
    return Request(
        ref=ref,
        target=draw(names),
        requester=draw(subjects),
        reason=draw(texts),
        duration=draw(st.none() | durations),
        created_at=draw(whole_seconds),
        paths=draw(some_prefixes),
        methods=draw(some_methods),
        ticket=draw(st.just("") | texts),
        start_at=draw(st.none() | whole_seconds),
        end_at=draw(st.none() | whole_seconds),
        extends=extends,
        break_glass=draw(st.booleans()),
    )


requests: Final = _requests()
narrowings: Final = st.builds(
    Narrowing,
    duration=st.none() | durations,
    paths=some_prefixes,
    methods=some_methods,
    start_at=st.none() | whole_seconds,
)


@st.composite
def _reviews(draw: st.DrawFn) -> Review:
    decision = draw(st.sampled_from(ReviewDecision))
    return Review(
        uid=draw(uids),
        name=draw(names),
        request_uid=draw(uids),
        decision=decision,
        reviewer=draw(subjects),
        created_at=draw(whole_seconds),
        comment=draw(st.just("") | texts),
        narrowing=draw(narrowings) if decision is ReviewDecision.APPROVE else Narrowing(),
    )


reviews: Final = _reviews()


def rfc3339(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def to_the_millisecond(at: datetime) -> str:
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S.')}{at.microsecond // 1000:03}Z"


def grant_object(grant: Grant) -> Object:
    spec: Object = {
        "request": ref_object(grant.request),
        "target": ref_object(grant.target),
        "policy": grant.policy,
        "subject": _subject(grant.subject),
        "host": grant.host,
        "address": grant.address,
        **scope_object(grant.scope),
        "notBefore": to_the_millisecond(grant.window.not_before),
        "notAfter": to_the_millisecond(grant.window.not_after),
        "since": to_the_millisecond(grant.since),
        "extensions": grant.extensions,
    }
    if grant.review_by is not None:
        spec["reviewBy"] = to_the_millisecond(grant.review_by)
    if grant.sources != ANYWHERE:
        spec["sourceCIDRs"] = [str(network) for network in grant.sources.networks]
    labels = {"app.kubernetes.io/managed-by": "jitgress"}
    return an_object("AccessGrant", {"name": grant.id, "namespace": "jitgress-system", "labels": labels}, spec)


def target_object(target: Target) -> Object:
    service = {"name": "orders", "port": "http"}
    metadata = {**ref_object(target.ref), "labels": dict(target.labels), "generation": 3}
    found = an_object(
        "AccessTarget", metadata, {"service": service, "host": target.host, **scope_object(target.ceiling)}
    )
    match target.readiness:
        case Ready(address=address):
            ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}
            return found | {"status": {"observedGeneration": 3, "address": address, "conditions": [ready]}}
        case NotReady(reason=reason, message=message):
            ready = {"type": "Ready", "status": "False", "reason": reason, "message": message}
            return found | {"status": {"observedGeneration": 3, "conditions": [ready]}}
        case None:
            return found | {"status": {"observedGeneration": 2}}


def request_object(request: Request) -> Object:
    extends = request.extends
    stated: Object = {
        "target": request.target,
        "requester": _subject(request.requester),
        "reason": request.reason,
        "ticket": request.ticket,
        "durationSeconds": None if request.duration is None else seconds(request.duration),
        "startTime": None if request.start_at is None else rfc3339(request.start_at),
        "endTime": None if request.end_at is None else rfc3339(request.end_at),
        "paths": list(request.paths),
        "methods": list(request.methods),
        "extends": None if extends is None else {"name": extends.name, "uid": extends.uid},
        "breakGlass": request.break_glass,
    }
    metadata = {**ref_object(request.ref), "creationTimestamp": rfc3339(request.created_at)}
    return an_object("AccessRequest", metadata, _stated(stated))


def review_object(review: Review) -> Object:
    narrowing = review.narrowing
    stated: Object = {
        "request": {"name": "alice-orders", "uid": review.request_uid},
        "decision": review.decision.value,
        "reviewer": _subject(review.reviewer),
        "comment": review.comment,
        "durationSeconds": None if narrowing.duration is None else seconds(narrowing.duration),
        "paths": list(narrowing.paths),
        "methods": list(narrowing.methods),
        "startTime": None if narrowing.start_at is None else rfc3339(narrowing.start_at),
    }
    metadata = {"name": review.name, "uid": review.uid, "creationTimestamp": rfc3339(review.created_at)}
    return an_object("AccessReview", {"namespace": "shop", **metadata}, _stated(stated))


def _stated(fields: Object) -> Object:
    """Leave out what is nothing: an absent field says so."""
    return {name: value for name, value in fields.items() if value}


def an_object(kind: str, metadata: Object, spec: Object) -> Object:
    return {"apiVersion": "jitgress.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def ref_object(ref: RequestRef | TargetRef) -> Object:
    return {"namespace": ref.namespace, "name": ref.name, "uid": ref.uid}


def _subject(subject: Subject) -> Object:
    found: Object = {"username": subject.username, "groups": sorted(subject.groups)}
    told: dict[str, list[str]] = {}
    for key, value in sorted(subject.claims):
        told.setdefault(key, []).append(value)
    return {**found, "claims": told} if told else found


def scope_object(scope: Scope) -> Object:
    return {"paths": sorted(scope.paths), "methods": sorted(str(each) for each in scope.methods)}


def seconds(duration: timedelta) -> int:
    return duration.days * 86_400 + duration.seconds
