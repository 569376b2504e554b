"""What the cluster itself fills in and refuses, as somebody meets it who uses nothing but kubectl."""

from typing import Any
from uuid import uuid4

import pytest

from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_TARGETS, INGRESSES, NAMESPACES
from tests.e2e.place import NAMESPACE, Place
from tests.e2e.stack import Stack

pytestmark = pytest.mark.real


def a_request(place: Place, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "jitgress.dev/v1alpha1",
        "kind": "AccessRequest",
        "metadata": {"generateName": f"{place.name}-"},
        "spec": {"target": place.name, "reason": "end-to-end test", "durationSeconds": 30, **spec},
    }


def an_ingress(name: str, service: str) -> dict[str, Any]:
    """A route around the gate, under a host that is nobody's."""
    backend = {"service": {"name": service, "port": {"number": 80}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {
            "rules": [
                {
                    "host": f"{name}.jit.localhost",
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ]
        },
    }


def test_nobody_has_to_say_who_they_are(stack: Stack, place: Place) -> None:
    place.allow()

    made = stack.tell("alice", "POST", ACCESS_REQUESTS.path(NAMESPACE), a_request(place))

    request = f"{NAMESPACE}/{made['metadata']['name']}"
    alice = {"username": "alice@example.test", "groups": ["dev", "system:authenticated"]}
    assert made["spec"]["requester"] == alice
    place.wait_for(request, "Active")
    assert place.grant(request)["spec"]["subject"] == alice
    assert place.get("/echo", place.token("alice", request)) == 200


def test_nobody_says_that_they_are_somebody_else(stack: Stack, place: Place) -> None:
    bob = {"username": "bob@example.test", "groups": ["dev", "system:authenticated"]}

    answer = stack.send("alice", "POST", ACCESS_REQUESTS.path(NAMESPACE), a_request(place, requester=bob))

    assert answer.status_code == 403
    assert "spec.requester.username must be your own user name" in answer.json()["message"]


def test_who_makes_a_way_around_the_gate_is_warned(stack: Stack, place: Place) -> None:
    around = an_ingress(f"around-{place.name}", "orders")
    path = INGRESSES.path(NAMESPACE)
    stack.wait(  # the API server learns of a new target some moments later
        lambda: stack.send("admin", "POST", f"{path}?dryRun=All", around).headers.get("Warning", ""),
        lambda warning: place.target in warning,
    )

    made = stack.send("admin", "POST", path, around)

    stack.tell("admin", "DELETE", INGRESSES.path(NAMESPACE, around["metadata"]["name"]))
    assert made.status_code == 201
    assert f"of AccessTarget {place.target}, around its gate" in made.headers["Warning"]
    assert f"jitgress request {place.target}" in made.headers["Warning"]


def test_where_the_namespace_says_so_a_way_around_the_gate_is_refused(stack: Stack) -> None:
    name = f"guarded-{uuid4().hex[:8]}"
    labelled = {"name": name, "labels": {"jitgress.dev/guard": "refuse"}}
    stack.tell("admin", "POST", NAMESPACES.path(), {"apiVersion": "v1", "kind": "Namespace", "metadata": labelled})
    target = {
        "apiVersion": "jitgress.dev/v1alpha1",
        "kind": "AccessTarget",
        "metadata": {"name": "till"},
        "spec": {
            "service": {"name": "till", "port": 80},
            "host": f"{name}.jit.localhost",
            "paths": ["/"],
            "methods": ["GET"],
        },
    }
    stack.tell("dave", "POST", ACCESS_TARGETS.path(name), target)
    try:
        elsewhere = stack.send("admin", "POST", f"{INGRESSES.path(name)}?dryRun=All", an_ingress("elsewhere", "wiki"))
        said = stack.wait(  # the API server learns of a new target some moments later
            lambda: stack.send("admin", "POST", f"{INGRESSES.path(name)}?dryRun=All", an_ingress("around", "till")),
            lambda answer: answer.status_code != 201,
        )
    finally:
        stack.tell("dave", "DELETE", ACCESS_TARGETS.path(name, "till"))

    assert elsewhere.status_code == 201
    assert said.status_code == 403
    assert f"spec leads to the Service till of AccessTarget {name}/till, around its gate" in said.json()["message"]
