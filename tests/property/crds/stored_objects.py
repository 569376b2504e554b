"""Domain values, and the objects in which they stand: written by hand from the resources' reference, not by the code.

An AccessGrant alone has a writer in the code, so its object here is the oracle for that, too.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.policy import Approval, Policy, TargetSelector
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import Review, ReviewDecision
from jitgress.domain.scope import Method, Scope
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import NotReady, Ready, Target, TargetRef
from jitgress.domain.window import Window

Object = dict[str, Any]

names: Final = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
texts: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
uids: Final = st.uuids().map(str)
subjects: Final = st.builds(Subject, texts, st.frozensets(texts, max_size=3))
refs: Final = st.builds(SubjectRef, st.sampled_from(SubjectKind), texts)
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
selectors: Final = st.builds(
    TargetSelector, st.frozensets(names, max_size=3), st.frozensets(names, max_size=3), label_maps
).filter(lambda selector: bool(selector.namespaces or selector.names or selector.labels))
approvals: Final = st.builds(
    Approval,
    st.integers(0, 10),
    st.lists(refs, max_size=3).map(tuple),
    st.integers(60, 604_800).map(lambda number: timedelta(seconds=number)),
)
policies: Final = st.builds(
    Policy,
    name=names,
    priority=st.integers(0, 1000),
    subjects=st.lists(refs, min_size=1, max_size=3).map(tuple),
    targets=selectors,
    max_duration=durations,
    approval=approvals,
    ceiling=st.none() | scopes,
    defect=st.none(),
)
requests: Final = st.builds(
    Request,
    ref=request_refs,
    target=names,
    requester=subjects,
    reason=texts,
    duration=durations,
    created_at=whole_seconds,
    paths=st.lists(prefixes, max_size=3, unique=True).map(tuple),
    methods=st.lists(st.sampled_from([str(each) for each in Method]), max_size=3, unique=True).map(tuple),
)
reviews: Final = st.builds(
    Review,
    uid=uids,
    name=names,
    request_uid=uids,
    decision=st.sampled_from(ReviewDecision),
    reviewer=subjects,
    created_at=whole_seconds,
    comment=st.just("") | texts,
    is_barred=st.just(False),  # noqa: FBT003  the ledger's, never the object's
)


def rfc3339(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def grant_object(grant: Grant) -> Object:
    milliseconds = "%Y-%m-%dT%H:%M:%S."
    start, end = grant.window.not_before, grant.window.not_after
    return _object(
        "AccessGrant",
        {"name": grant.id, "namespace": "jitgress-system", "labels": {"app.kubernetes.io/managed-by": "jitgress"}},
        {
            "request": _ref(grant.request),
            "target": _ref(grant.target),
            "policy": grant.policy,
            "subject": _subject(grant.subject),
            "host": grant.host,
            "address": grant.address,
            **_scope(grant.scope),
            "notBefore": f"{start.strftime(milliseconds)}{start.microsecond // 1000:03}Z",
            "notAfter": f"{end.strftime(milliseconds)}{end.microsecond // 1000:03}Z",
        },
    )


def target_object(target: Target) -> Object:
    service = {"name": "orders", "port": "http"}
    metadata = {**_ref(target.ref), "labels": dict(target.labels), "generation": 3}
    found = _object("AccessTarget", metadata, {"service": service, "host": target.host, **_scope(target.ceiling)})
    match target.readiness:
        case Ready(address=address):
            ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}
            return found | {"status": {"observedGeneration": 3, "address": address, "conditions": [ready]}}
        case NotReady(reason=reason, message=message):
            ready = {"type": "Ready", "status": "False", "reason": reason, "message": message}
            return found | {"status": {"observedGeneration": 3, "conditions": [ready]}}
        case None:
            return found | {"status": {"observedGeneration": 2}}


def policy_object(policy: Policy) -> Object:
    selector = policy.targets
    stated: Object = {
        "namespaces": sorted(selector.namespaces),
        "names": sorted(selector.names),
        "labels": dict(selector.labels),
    }
    spec: Object = {
        "priority": policy.priority,
        "subjects": [_subject_ref(each) for each in policy.subjects],
        "targets": {key: value for key, value in stated.items() if value},
        "maxDurationSeconds": _seconds(policy.max_duration),
        "approval": {
            "required": policy.approval.required,
            "approvers": [_subject_ref(each) for each in policy.approval.approvers],
            "timeoutSeconds": _seconds(policy.approval.timeout),
        },
    }
    if policy.ceiling is not None:
        spec["scope"] = _scope(policy.ceiling)
    return _object("AccessPolicy", {"name": policy.name}, spec)


def request_object(request: Request) -> Object:
    spec: Object = {
        "target": request.target,
        "requester": _subject(request.requester),
        "reason": request.reason,
        "durationSeconds": _seconds(request.duration),
    }
    narrower = {"paths": list(request.paths), "methods": list(request.methods)}
    spec |= {key: value for key, value in narrower.items() if value}
    return _object("AccessRequest", {**_ref(request.ref), "creationTimestamp": rfc3339(request.created_at)}, spec)


def review_object(review: Review) -> Object:
    spec: Object = {
        "request": {"name": "alice-orders", "uid": review.request_uid},
        "decision": review.decision.value,
        "reviewer": _subject(review.reviewer),
    }
    if review.comment:
        spec["comment"] = review.comment
    metadata = {"name": review.name, "uid": review.uid, "creationTimestamp": rfc3339(review.created_at)}
    return _object("AccessReview", {"namespace": "shop", **metadata}, spec)


def _object(kind: str, metadata: Object, spec: Object) -> Object:
    return {"apiVersion": "jitgress.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _ref(ref: RequestRef | TargetRef) -> Object:
    return {"namespace": ref.namespace, "name": ref.name, "uid": ref.uid}


def _subject(subject: Subject) -> Object:
    return {"username": subject.username, "groups": sorted(subject.groups)}


def _subject_ref(ref: SubjectRef) -> Object:
    return {"kind": ref.kind.value, "name": ref.name}


def _scope(scope: Scope) -> Object:
    return {"paths": sorted(scope.paths), "methods": sorted(str(each) for each in scope.methods)}


def _seconds(duration: timedelta) -> int:
    return duration.days * 86_400 + duration.seconds
