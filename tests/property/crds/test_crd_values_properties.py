"""Objects and domain values say the same, and an object that nobody can have meant gives no value at all.

Invariant 4 and style, "fail closed": whatever stands in a stored object, it never becomes a wider permission.
"""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitgress.crds.policies import policy_value
from jitgress.crds.values import grant_object, grant_value, request_value, review_value, target_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.grant import Grant
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.review import Review, ReviewDecision
from jitgress.domain.target import Ready, Target
from tests.property.crds import stored_objects as stored
from tests.property.crds import stored_policies

Object = dict[str, Any]
Path = tuple[str | int, ...]
Convert = Callable[[Object], Any]

anything: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
OBJECTS: Final[dict[str, tuple[Convert, st.SearchStrategy[Object]]]] = {
    "AccessGrant": (grant_value, stored.grants.map(stored.grant_object)),
    "AccessTarget": (target_value, stored.targets.map(stored.target_object)),
    "AccessPolicy": (policy_value, stored_policies.policies.map(stored_policies.policy_object)),
    "AccessRequest": (request_value, stored.requests.map(stored.request_object)),
    "AccessReview": (review_value, stored.reviews.map(stored.review_object)),
}
MAY_BE_LEFT_OUT: Final[dict[str, set[str]]] = {
    "AccessGrant": {"subject.groups", "subject.claims", "reviewBy", "sourceCIDRs"},
    "AccessTarget": {"service", "service.name", "service.port"},
    "AccessPolicy": {
        *("effect", "message", "defaultDurationSeconds", "maxStartAheadSeconds", "extensions", "schedule", "scope"),
        *("mustNamePaths", "reason", "reason.hint", "ticket", "ticket.hint", "sourceCIDRs", "mfa", "mfa.maxAgeSeconds"),
        *("limits", "limits.concurrentPerSubject", "limits.concurrentPerTarget", "limits.requestsPerDay"),
        *("breakGlass", "breakGlass.lockOut", "expression", "targets.namespaces", "targets.names", "targets.labels"),
        *("approval", "approval.approvers", "approval.webhook", "approval.automaticWhile"),
        *(f"approval.automaticWhile.{each}" for each in ("subjects", "schedule", "expression")),
    },
    "AccessRequest": {
        *("requester.groups", "requester.claims", "paths", "methods", "ticket", "durationSeconds", "startTime"),
        *("endTime", "extends", "breakGlass"),
    },
    "AccessReview": {
        *("reviewer.groups", "reviewer.claims", "request.name", "comment", "durationSeconds", "startTime"),
        *("paths", "methods"),
    },
}
every_kind = pytest.mark.parametrize("kind", OBJECTS)


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every field and item below `value`."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from paths_in(each, (*path, key))


def at(found: Any, path: Path) -> Any:
    for key in path:
        found = found[key]
    return found


def changed(found: Object, path: Path, value: Any) -> Object:
    result = copy.deepcopy(found)
    at(result, path[:-1])[path[-1]] = value
    return result


def without(found: Object, path: Path) -> Object:
    result = copy.deepcopy(found)
    del at(result, path[:-1])[path[-1]]
    return result


def fields_of_spec(found: Object) -> list[Path]:
    return [("spec",), *(path for path in paths_in(found["spec"], ("spec",)))]


def may_be_left_out(kind: str, path: Path) -> bool:
    """Tell whether a field's absence has a meaning. Labels and claims have names of their authors' own."""
    names = [each for each in path[1:] if isinstance(each, str)]
    return ".".join(names) in MAY_BE_LEFT_OUT[kind] or "claims" in names or names[:2] == ["targets", "labels"]


def is_left_to_others(path: Path) -> bool:
    """Tell whether the value doesn't come from there: a target's Service is examined, a review's request has a UID."""
    return path[:2] == ("spec", "service") or path == ("spec", "request", "name")


def json_type(value: Any) -> str:
    """Tell the JSON type; booleans are no numbers."""
    return (
        "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else type(value).__name__
    )


def with_a_field_of_tomorrow(found: Object, data: st.DataObject) -> Object:
    places = [path for path in fields_of_spec(found) if isinstance(at(found, path), dict)]
    place = data.draw(st.sampled_from([each for each in places if each != ("spec", "service")]))
    return changed(found, (*place, "tomorrow"), "2030-01-01T00:00:00Z")


@given(grant=stored.grants)
def test_a_grant_comes_back_from_its_object(grant: Grant) -> None:
    assert grant_value(json.loads(json.dumps(grant_object(grant, "jitgress-system")))) == grant


@given(grant=stored.grants)
def test_a_grant_is_written_as_the_reference_says(grant: Grant) -> None:
    assert grant_object(grant, "jitgress-system") == stored.grant_object(grant)


@given(target=stored.targets)
def test_a_target_comes_back_from_its_object(target: Target) -> None:
    assert target_value(stored.target_object(target)) == target


@given(policy=stored_policies.policies)
def test_a_policy_comes_back_from_its_object(policy: Policy) -> None:
    assert policy_value(stored_policies.policy_object(policy)) == policy


@given(request=stored.requests)
def test_a_request_comes_back_from_its_object(request: Request) -> None:
    assert request_value(stored.request_object(request)) == request


@given(review=stored.reviews)
def test_a_review_comes_back_from_its_object(review: Review) -> None:
    assert review_value(stored.review_object(review)) == review


@every_kind
@given(data=st.data())
def test_any_json_gives_a_value_or_the_one_error(kind: str, data: st.DataObject) -> None:
    convert, objects = OBJECTS[kind]
    found = data.draw(objects)

    try:
        convert(found | {"spec": data.draw(anything)})
    except InvalidValueError as error:
        assert error.message  # noqa: PT017  no value is fine, too
        assert error.remedy  # noqa: PT017


@every_kind
@given(data=st.data())
def test_a_field_of_another_type_is_never_taken_for_something_else(kind: str, data: st.DataObject) -> None:
    """Above all not for one that is absent: absent is often the widest."""
    convert, objects = OBJECTS[kind]
    found = data.draw(objects)
    path = data.draw(st.sampled_from([each for each in fields_of_spec(found) if not is_left_to_others(each)]))
    instead = data.draw(anything.filter(lambda value: json_type(value) != json_type(at(found, path))))

    with pytest.raises(InvalidValueError):
        convert(changed(found, path, instead))


@every_kind
@given(data=st.data())
def test_a_field_may_only_be_left_out_where_that_has_a_meaning(kind: str, data: st.DataObject) -> None:
    convert, objects = OBJECTS[kind]
    found = data.draw(objects)
    fields = [each for each in fields_of_spec(found) if isinstance(each[-1], str) and not may_be_left_out(kind, each)]
    path = data.draw(st.sampled_from(fields))

    with pytest.raises(InvalidValueError):
        convert(without(found, path))


@given(data=st.data(), name=st.sampled_from(["notBefore", "except", "sourceCidrs", "zz"]))
def test_a_policy_with_a_field_of_tomorrow_is_not_understood(data: st.DataObject, name: str) -> None:
    """It may be a restriction, wherever it stands. Labels alone have names of the author's own."""
    found = data.draw(OBJECTS["AccessPolicy"][1])
    places = [("spec",), *(path for path in fields_of_spec(found) if isinstance(at(found, path), dict))]
    place = data.draw(st.sampled_from([each for each in places if each[-1] not in {"labels", "claims"}]))

    with pytest.raises(InvalidValueError, match=name):
        policy_value(changed(found, (*place, name), ["anything"]))


@pytest.mark.parametrize("kind", ["AccessTarget", "AccessRequest", "AccessGrant"])
@given(data=st.data())
def test_an_object_with_a_field_of_tomorrow_is_not_understood(kind: str, data: st.DataObject) -> None:
    convert, objects = OBJECTS[kind]
    found = data.draw(objects)

    with pytest.raises(InvalidValueError, match="tomorrow"):
        convert(with_a_field_of_tomorrow(found, data))


@given(review=stored.reviews, data=st.data())
def test_of_reviews_with_a_field_of_tomorrow_only_those_that_close_count(review: Review, data: st.DataObject) -> None:
    found = stored.review_object(review)
    place = data.draw(st.sampled_from([("spec",), ("spec", "request"), ("spec", "reviewer")]))
    altered = changed(found, (*place, "shortenToSeconds"), data.draw(anything))

    if review.decision is ReviewDecision.APPROVE:
        with pytest.raises(InvalidValueError, match="shortenToSeconds"):
            review_value(altered)
    else:
        assert review_value(altered) == review


@given(found=OBJECTS["AccessPolicy"][1], name=st.sampled_from(["namespaces", "names", "labels"]))
def test_a_selector_that_is_stated_and_empty_does_not_select_everything(found: Object, name: str) -> None:
    empty: Any = {} if name == "labels" else []

    with pytest.raises(InvalidValueError, match=name):
        policy_value(changed(found, ("spec", "targets", name), empty))


@given(found=OBJECTS["AccessRequest"][1], name=st.sampled_from(["paths", "methods"]))
def test_a_scope_that_is_stated_and_empty_does_not_ask_for_everything(found: Object, name: str) -> None:
    with pytest.raises(InvalidValueError, match=name):
        request_value(changed(found, ("spec", name), []))


BOUNDS: Final[dict[tuple[str, Path], tuple[int, int]]] = {
    ("AccessPolicy", ("spec", "priority")): (0, 1000),
    ("AccessPolicy", ("spec", "maxDurationSeconds")): (1, 86_400),
    ("AccessPolicy", ("spec", "approval", "required")): (0, 10),
    ("AccessPolicy", ("spec", "approval", "timeoutSeconds")): (60, 604_800),
    ("AccessRequest", ("spec", "durationSeconds")): (1, 86_400),
}


@pytest.mark.parametrize(("kind", "path"), BOUNDS)
@given(data=st.data())
def test_a_number_out_of_bounds_is_not_understood(kind: str, path: Path, data: st.DataObject) -> None:
    lowest, highest = BOUNDS[kind, path]
    convert, objects = OBJECTS[kind]
    number = data.draw(st.integers(max_value=lowest - 1) | st.integers(min_value=highest + 1))

    found = data.draw(objects)
    if kind == "AccessPolicy":
        found = changed(found, ("spec", "effect"), "Allow")  # one that denies needs no time, so it may say 0

    with pytest.raises(InvalidValueError, match=str(path[-1])):
        convert(changed(found, path, number))


@given(found=OBJECTS["AccessGrant"][1], data=st.data())
def test_a_grant_permits_nothing_that_its_object_does_not_spell_out(found: Object, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(fields_of_spec(found)))
    altered = changed(found, path, data.draw(anything | stored.prefixes | stored.texts | st.just(at(found, path))))
    try:
        grant = grant_value(altered)
    except InvalidValueError:
        return

    spec = altered["spec"]
    assert {path.rstrip("/") or "/" for path in spec["paths"]} == set(grant.scope.paths)
    assert set(spec["methods"]) == {str(method) for method in grant.scope.methods}
    assert grant.subject.username == spec["subject"]["username"]
    assert grant.host == spec["host"]
    assert grant.window.not_after.tzinfo is UTC
    assert stored.grant_object(grant)["spec"]["notAfter"] == spec["notAfter"]


@given(found=OBJECTS["AccessTarget"][1], status=anything)
def test_a_target_is_ready_only_by_a_status_that_says_so_in_full(found: Object, status: Any) -> None:
    assert target_value(found | {"status": status}).readiness is None


@given(found=OBJECTS["AccessTarget"][1], data=st.data())
def test_a_damaged_status_never_makes_a_target_ready(found: Object, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths_in(found["status"], ("status",)))))
    altered = changed(found, path, data.draw(anything))

    now = target_value(altered).readiness

    if isinstance(now, Ready):
        assert isinstance(target_value(found).readiness, Ready)
        assert now.address == altered["status"]["address"]
