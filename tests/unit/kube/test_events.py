"""What `kubectl describe` shows: told once, and never in the way of what it tells about."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitgress.kube.errors import ForbiddenError, KubeError, UnreachableError
from jitgress.kube.events import EventRecorder, event_object
from jitgress.kube.resources import ACCESS_REQUESTS, EVENTS
from tests.builders import NOW
from tests.simulators.kube_api import Call, SimulatedApi
from tests.simulators.objects import a_request_object
from tests.simulators.virtual_time import VirtualClock

RFC_1123_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def an_event(uid: str = "uid-1", reason: str = "Opened", discriminator: str = "", **metadata: str) -> dict[str, Any]:
    regarding = {
        "apiVersion": ACCESS_REQUESTS.api_version,
        "kind": ACCESS_REQUESTS.kind,
        "metadata": {"name": "alice-orders", "namespace": "shop", "uid": uid} | metadata,
    }
    return event_object(regarding, reason, "a note", discriminator=discriminator, controller="jitgress.dev/x", now=NOW)


def all_events(api: SimulatedApi) -> list[Any]:
    return [found for key, found in api.versions.objects.items() if key.resource == EVENTS]


async def test_the_same_happening_is_recorded_once_however_often_it_is_told(
    api: SimulatedApi, clock: VirtualClock
) -> None:
    request = await api.create(ACCESS_REQUESTS, a_request_object())
    for recorder in (EventRecorder(api, clock), EventRecorder(api, clock)):
        await recorder.record(request, reason="Opened", note="open until 11:00", discriminator="grant-1")
        await recorder.record(request, reason="Opened", note="said otherwise", discriminator="grant-1")
    (event,) = all_events(api)
    assert event["note"] == "open until 11:00"
    assert event["regarding"]["uid"] == request["metadata"]["uid"]


@pytest.mark.parametrize("error", [UnreachableError("gone"), ForbiddenError("no")], ids=lambda error: error.code)
async def test_an_event_that_cant_be_recorded_stops_nothing(
    api: SimulatedApi, clock: VirtualClock, error: KubeError
) -> None:
    request = await api.create(ACCESS_REQUESTS, a_request_object())

    def refuse(call: Call) -> None:
        if call.resource == EVENTS:
            raise error

    api.before_call = refuse
    recorder = EventRecorder(api, clock)
    await recorder.record(request, reason="Opened", note="lost", discriminator="1")
    api.before_call = lambda _: None
    await recorder.record(request, reason="Closed", note="kept", discriminator="1")
    assert [event["note"] for event in all_events(api)] == ["kept"]


@pytest.mark.parametrize(
    "other",
    [an_event(uid="uid-2"), an_event(reason="Closed"), an_event(discriminator="2"), an_event(name="bob-orders")],
    ids=["another object", "another reason", "another time", "another name"],
)
def test_what_differs_has_another_name(other: dict[str, Any]) -> None:
    assert other["metadata"]["name"] != an_event()["metadata"]["name"]


@given(reason=st.text(), discriminator=st.text())
def test_parts_are_not_run_together(reason: str, discriminator: str) -> None:
    joined = an_event(uid="uid", reason=reason + "1", discriminator=discriminator)
    apart = an_event(uid="uid", reason=reason, discriminator="1" + discriminator)
    assert joined["metadata"]["name"] != apart["metadata"]["name"]


@pytest.mark.parametrize("length", [1, 63, 200, 253])
def test_a_name_is_one_that_the_api_server_takes(length: int) -> None:
    name = an_event(name="a" * length)["metadata"]["name"]
    assert len(name) <= 253
    assert RFC_1123_SUBDOMAIN.fullmatch(name)


@pytest.mark.parametrize("cut_at", [".b", "-b", "-.-b"], ids=str)
def test_a_name_is_not_cut_so_that_the_api_server_refuses_it(cut_at: str) -> None:
    name = an_event(name="a" * (201 - len(cut_at)) + cut_at)["metadata"]["name"]
    assert RFC_1123_SUBDOMAIN.fullmatch(name)


def test_a_long_note_is_cut_to_what_an_event_may_hold() -> None:
    regarding = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "uid": "u"}}
    event = event_object(regarding, "Opened", "ö" * 5000, discriminator="", controller="jitgress.dev/x", now=NOW)
    assert 0 < len(event["note"].encode()) <= 1024


def test_an_event_about_something_without_a_namespace_is_in_default() -> None:
    regarding = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a", "uid": "u"}}
    event = event_object(regarding, "Opened", "", discriminator="", controller="jitgress.dev/x", now=NOW)
    assert (event["metadata"]["namespace"], event["regarding"]["namespace"]) == ("default", "")


def test_an_event_says_when_with_microseconds() -> None:
    assert an_event()["eventTime"] == "2026-01-01T10:00:00.000000Z"
