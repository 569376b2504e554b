"""A time that is taken can be read by everybody, the rules of the resources among them; every other one is refused."""

from typing import Final

import pytest

from jitgress.domain.window import parse_time
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS, Resource
from tests.integration.crds.api import Api
from tests.integration.crds.malformed import Case, assert_refused
from tests.integration.crds.whole_objects import WHOLE, with_field

pytestmark = pytest.mark.real

REFUSED: Final = {
    "a lower-case t": "2026-11-26t10:00:00Z",
    "a lower-case z": "2026-11-26T10:00:00z",
    "both in lower case": "2026-11-26t10:00:00z",
    "an offset beyond all clocks": "2026-11-25T10:00:00+99:99",
    "60 minutes of offset": "2026-11-25T10:00:00+01:60",
    "an offset just above the highest": "2026-11-25T10:00:00+14:01",
    "an offset just below the lowest": "2026-11-25T10:00:00-14:01",
    "a comma before the fraction": "2026-11-25T10:00:00,5Z",
    "any sign before the fraction": "2026-11-25T10:00:00x5Z",
    "10 digits of a fraction": "2026-11-25T10:00:00.1234567890Z",
    "a fraction without digits": "2026-11-25T10:00:00.Z",
    "before the year 1 in UTC": "0001-01-01T00:00:00+23:00",
    "before the epoch": "1969-12-31T23:59:59Z",
    "beyond the years": "2200-01-01T00:00:00Z",
    "the 24th hour": "2026-11-25T24:00:00Z",
    "a leap second": "2026-12-31T23:59:60Z",
    "something behind it": "2026-11-25T10:00:00ZTZ",
    "a line break behind it": "2026-11-25T10:00:00Z\n",
    "a space for the T": "2026-11-25 10:00:00Z",
    "digits of another script": "2026-11-25T10:00:0\u0661Z",
    "the 30th of February": "2026-02-30T10:00:00Z",
}
TAKEN: Final = (
    "2026-11-25T10:00:00Z",
    "2026-11-25T10:00:00.5Z",
    "2026-11-25T10:00:00.123Z",
    "2026-11-25T10:00:00.123456Z",
    "2026-11-25T10:00:00.123456789Z",
    "2026-11-25T10:00:00+02:00",
    "2026-11-25T10:00:00-00:00",
    "2026-11-25T10:00:00.123456789+05:45",
    "2026-11-25T10:00:00+13:59",
    "2026-11-25T10:00:00+14:00",
    "2026-11-25T10:00:00-14:00",
    "2028-02-29T23:59:59Z",
    "1970-01-01T00:00:00+14:00",
    "2199-12-31T23:59:59.999999999-14:00",
)
FIELDS: Final = (
    (ACCESS_REQUESTS, "spec.startTime"),
    (ACCESS_REQUESTS, "spec.endTime"),
    (ACCESS_REVIEWS, "spec.startTime"),
    (ACCESS_GRANTS, "spec.notAfter"),
)
every_field = pytest.mark.parametrize("place", FIELDS, ids=lambda place: f"{place[0].kind} {place[1]}")
Place = tuple[Resource, str]


@every_field
@pytest.mark.parametrize("about", REFUSED)
def test_a_time_that_somebody_cant_read_is_refused(
    about: str, place: Place, root: Api, operator: Api, namespace: str
) -> None:
    resource, field = place
    api = operator if resource == ACCESS_GRANTS else root

    assert_refused(api, resource, namespace, Case(about, field, REFUSED[about], f"{field} in body "))


@every_field
@pytest.mark.parametrize("time", TAKEN)
def test_the_status_can_be_written_whatever_time_was_taken(
    time: str, place: Place, root: Api, operator: Api, namespace: str
) -> None:
    """The rule that a spec is kept runs then, too, and has to understand the time."""
    resource, field = place
    api = operator if resource == ACCESS_GRANTS else root
    whole = with_field(with_field(WHOLE[resource], "metadata.name", f"time-{namespace}"), field, time)
    made = api.made(resource, whole, namespace)
    condition = {"type": "Seen", "status": "True", "lastTransitionTime": time}

    answer = operator.merge(resource, made, {"status": {"conditions": [condition]}}, "status")

    api.delete(resource, made)
    assert answer.status == 200, answer.message
    assert answer.body["status"]["conditions"] == [{**condition, "reason": "", "message": ""}]
    assert answer.body["spec"][field.removeprefix("spec.")] == time
    assert parse_time(time).tzinfo is not None
