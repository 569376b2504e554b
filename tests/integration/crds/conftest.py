"""Callers of the shared API server, once its admission policies are in force."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    CONFIG_MAPS,
    LEASES,
    Resource,
)
from tests.integration.control_plane import ControlPlane
from tests.integration.crds.api import Api, As
from tests.integration.crds.guarding import wait_until_guarded, warned
from tests.integration.crds.rights import ROLES, bind
from tests.integration.crds.whole_objects import (
    ADMIN,
    ALICE,
    GATE,
    KINDS,
    NINA,
    OPERATOR,
    PORTAL,
    SYSTEM,
    Object,
    Who,
    a_grant,
    a_request,
    a_review,
    a_target,
)

_PATIENCE_S = 30.0


REFUSED: Final[tuple[tuple[str, Resource, Object], ...]] = (
    (ADMIN.username, ACCESS_REQUESTS, a_request(who=ALICE)),
    (ADMIN.username, ACCESS_REVIEWS, a_review(who=ALICE)),
    (ADMIN.username, ACCESS_GRANTS, a_grant()),
    (GATE, LEASES, {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": {"name": "jitgress-operator"}}),
    (PORTAL, CONFIG_MAPS, {"apiVersion": "v1", "kind": CONFIG_MAPS.kind, "metadata": {"name": "anything"}}),
)
"""By whom what is tried that only an admission policy refuses; the last one stored is among them."""


@pytest.fixture(scope="session")
def guarded_plane(control_plane: ControlPlane) -> ControlPlane:
    """The API server learns of definitions and of admission policies some moments after they were stored."""
    deadline = time.monotonic() + _PATIENCE_S
    with Api(control_plane) as admin:
        for resource in KINDS:
            while (answer := admin.get(resource.path())).status != 200:  # 429: storage is (re)initializing
                assert time.monotonic() < deadline, f"{resource.plural} can't be listed: {answer}"
                time.sleep(0.05)
    for username, resource, body in REFUSED:
        with Api(control_plane, username) as api:
            while (answer := api.create(resource, body, SYSTEM, is_dry=True)).status != 403:
                assert time.monotonic() < deadline, f"{username} may create {resource.plural}: {answer}"
                time.sleep(0.05)
    return control_plane


@pytest.fixture
def callers(guarded_plane: ControlPlane) -> Iterator[As]:
    """Return callers by their names: people and service accounts sign in themselves, a `Who` is impersonated."""
    with ExitStack() as open_clients:

        def caller(who: Who | str) -> Api:
            api = Api(guarded_plane, who) if isinstance(who, str) else Api(guarded_plane, acting_as=who)
            return open_clients.enter_context(api)

        yield caller


@pytest.fixture
def root(callers: As) -> Api:
    """The cluster's admin."""
    return callers("admin")


@pytest.fixture
def operator(callers: As) -> Api:
    return callers(OPERATOR)


@pytest.fixture
def nina(root: Api, callers: As, namespace: str) -> Api:
    """Has the run of one namespace, as teams often do: everything on everything of ours and on routes in there."""
    groups = ["jitgress.dev", "networking.k8s.io", "gateway.networking.k8s.io"]
    everything = [{"apiGroups": groups, "resources": ["*"], "verbs": ["*"]}]
    role = {"apiVersion": ROLES.api_version, "kind": ROLES.kind, "metadata": {"name": "everything"}}
    root.made(ROLES, {**role, "rules": everything}, namespace)
    bind(root, namespace, "everything", NINA, kind=ROLES.kind)
    return callers(NINA)


@pytest.fixture
def target(root: Api, namespace: str) -> Object:
    """The target orders, once the guard knows of it."""
    found = root.made(ACCESS_TARGETS, a_target(), namespace)
    wait_until_guarded(root, namespace, warned)
    return found
