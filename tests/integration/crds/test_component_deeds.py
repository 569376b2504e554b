"""The components' own code under their accounts, by the real API server; and what admission keeps them to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from jitgress.domain.clock import SystemClock
from jitgress.gate.lease import KubeStatus
from jitgress.gate.settings import GateSettings
from jitgress.identity.keeper import DocumentConflictError, DocumentKind
from jitgress.identity.key_objects import KeyObjects
from jitgress.identity.secret import Secret
from jitgress.kube.client import KubeClient
from jitgress.kube.errors import ForbiddenError
from jitgress.kube.events import event_object
from jitgress.kube.lease import Elector, LeaseSettings
from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    CONFIG_MAPS,
    EVENTS,
    INGRESSES,
    LEASES,
    SECRETS,
    SERVICES,
    Resource,
)
from jitgress.portal.token_review import TokenReviewAuthenticator
from tests.integration.control_plane import ControlPlane
from tests.integration.crds.whole_objects import ALICE, GATE, OPERATOR, PORTAL, SYSTEM, WHOLE, a_grant, with_field

pytestmark = pytest.mark.real

NOW: Final = datetime(2026, 1, 1, 10, tzinfo=UTC)
SignIn = Callable[[str], KubeClient]


@pytest.fixture
async def sign_in(guarded_plane: ControlPlane) -> AsyncIterator[SignIn]:
    """Return clients as the components have them, by their accounts."""
    clients = {account: guarded_plane.client(account) for account in (OPERATOR, PORTAL, GATE)}
    async with AsyncExitStack() as open_clients:
        for client in clients.values():
            await open_clients.enter_async_context(client)
        yield clients.__getitem__


async def follow(api: KubeClient, resource: Resource, namespace: str | None, name: str | None = None) -> None:
    """List and watch as a reflector does."""
    page = await api.list_page(resource, namespace, limit=500, next_page=None, name=name)
    async for _ in api.watch(resource, namespace, resource_version=page.resource_version, timeout_s=1, name=name):
        break


async def test_components_follow_what_they_decide_on(sign_in: SignIn) -> None:
    """A right that is missing raises `ForbiddenError`. Together, because a watch without news takes its second."""
    everywhere = (
        ACCESS_TARGETS,
        ACCESS_POLICIES,
        ACCESS_REQUESTS,
        ACCESS_REVIEWS,
        SERVICES,
        INGRESSES,
    )
    async with asyncio.TaskGroup() as tasks:
        for resource in everywhere:
            tasks.create_task(follow(sign_in(OPERATOR), resource, None))
        for account, resource in ((OPERATOR, ACCESS_GRANTS), (OPERATOR, LEASES), (PORTAL, ACCESS_GRANTS)):
            tasks.create_task(follow(sign_in(account), resource, SYSTEM))
        tasks.create_task(follow(sign_in(GATE), ACCESS_GRANTS, SYSTEM))
        tasks.create_task(follow(sign_in(GATE), CONFIG_MAPS, SYSTEM, "jitgress-gate-keys"))


async def test_a_gate_follows_no_other_configuration(sign_in: SignIn) -> None:
    with pytest.raises(ForbiddenError):
        await follow(sign_in(GATE), CONFIG_MAPS, SYSTEM)
    with pytest.raises(ForbiddenError):
        await follow(sign_in(GATE), ACCESS_GRANTS, None)


@pytest.mark.parametrize("resource", [ACCESS_TARGETS, ACCESS_REQUESTS, ACCESS_REVIEWS], ids=lambda each: each.kind)
async def test_the_operator_tells_what_it_found_out(
    resource: Resource, admin: KubeClient, sign_in: SignIn, namespace: str
) -> None:
    body = WHOLE[resource]
    await admin.create(resource, body, namespace)
    status = {"conditions": [{"type": "Ready", "status": "False", "reason": "Because", "message": "of that"}]}

    for _ in range(2):
        told = await sign_in(OPERATOR).apply_status(resource, body["metadata"]["name"], namespace, status)

        assert told["status"]["conditions"][0]["reason"] == "Because"


async def test_the_operator_tells_whether_a_policy_is_sound(admin: KubeClient, sign_in: SignIn, namespace: str) -> None:
    name = f"sound-{namespace}"
    await admin.create(ACCESS_POLICIES, with_field(WHOLE[ACCESS_POLICIES], "metadata.name", name))
    status = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "reason": "Understood"}]}

    told = await sign_in(OPERATOR).apply_status(ACCESS_POLICIES, name, None, status)
    await admin.delete(ACCESS_POLICIES, name)

    assert told["status"]["conditions"][0]["reason"] == "Understood"
    assert told["metadata"]["annotations"]["jitgress.dev/changed-by"] == "admin"


async def test_the_operator_narrows_a_grant(sign_in: SignIn, namespace: str) -> None:
    operator, name = sign_in(OPERATOR), f"0b7f0d52-{namespace}"
    granted = await operator.create(ACCESS_GRANTS, a_grant(name), SYSTEM)

    narrowed = await operator.replace(ACCESS_GRANTS, with_field(granted, "spec.paths", ["/api/v1"]))
    await operator.delete(ACCESS_GRANTS, name, SYSTEM)

    assert narrowed["spec"]["paths"] == ["/api/v1"]


async def test_the_operator_removes_what_is_over(admin: KubeClient, sign_in: SignIn, namespace: str) -> None:
    for resource in (ACCESS_REQUESTS, ACCESS_REVIEWS):
        found = await admin.create(resource, WHOLE[resource], namespace)
        name = found["metadata"]["name"]

        await sign_in(OPERATOR).delete(resource, name, namespace, uid=found["metadata"]["uid"])

        assert await admin.find(resource, name, namespace) is None


async def test_the_operator_opens_and_closes(sign_in: SignIn, namespace: str) -> None:
    operator, name = sign_in(OPERATOR), f"0b7f0d52-{namespace}"
    backend = {"service": {"name": "jitgress-gate", "port": {"number": 8080}}}
    route: dict[str, Any] = {
        "apiVersion": INGRESSES.api_version,
        "kind": INGRESSES.kind,
        "metadata": {"name": f"route-{namespace}", "namespace": SYSTEM},
        "spec": {"defaultBackend": backend},
    }

    grant = await operator.create(ACCESS_GRANTS, a_grant(name), SYSTEM)
    await operator.apply_status(ACCESS_GRANTS, name, SYSTEM, {"conditions": []})
    await operator.apply(INGRESSES, route)
    await operator.apply(INGRESSES, with_field(route, "metadata.labels.a", "b"))
    await operator.delete(INGRESSES, f"route-{namespace}", SYSTEM)
    await operator.delete(ACCESS_GRANTS, name, SYSTEM, uid=grant["metadata"]["uid"])

    assert await operator.find(ACCESS_GRANTS, name, SYSTEM) is None
    assert await operator.find(INGRESSES, f"route-{namespace}", SYSTEM) is None


async def test_the_operator_tells_people_by_events(admin: KubeClient, sign_in: SignIn, namespace: str) -> None:
    found = await admin.create(ACCESS_REQUESTS, WHOLE[ACCESS_REQUESTS], namespace)
    event = event_object(found, "Opened", "a note", discriminator="1", controller="jitgress.dev/operator", now=NOW)

    made = await sign_in(OPERATOR).create(EVENTS, event)

    assert made["regarding"]["uid"] == found["metadata"]["uid"]


async def test_the_operator_leads_by_its_own_lease(admin: KubeClient, sign_in: SignIn, namespace: str) -> None:
    if await admin.find(LEASES, "jitgress-operator", SYSTEM) is not None:
        await admin.delete(LEASES, "jitgress-operator", SYSTEM)
    settings = LeaseSettings(name="jitgress-operator", namespace=SYSTEM, identity=f"operator-{namespace}")
    elector = Elector(sign_in(OPERATOR), settings, SystemClock())

    taken, renewed = await elector.try_once(), await elector.try_once()
    await elector.release()

    assert (taken, renewed) == (True, True)
    assert (await sign_in(OPERATOR).get(LEASES, "jitgress-operator", SYSTEM))["spec"].get("holderIdentity", "") == ""


async def test_a_gate_says_that_it_lives_and_cannot_lead(
    admin: KubeClient, sign_in: SignIn, namespace: str, tmp_path: Path
) -> None:
    """Who held the operator's Lease would keep every operator from acting."""
    settings = GateSettings(gate_id=namespace, folder=tmp_path, issuer="https://portal.example.test")
    status = KubeStatus(sign_in(GATE), settings, SYSTEM)
    usurped = LeaseSettings(name="jitgress-operator", namespace=SYSTEM, identity="gate")

    for seconds in range(2):
        await status.publish("7", NOW, NOW + timedelta(seconds=seconds))
    lease = await admin.get(LEASES, f"jitgress-gate-{namespace}", SYSTEM)
    body = {**lease, "metadata": {"name": usurped.name, "namespace": SYSTEM}}

    assert lease["spec"]["renewTime"] == "2026-01-01T10:00:01.000000Z"
    with pytest.raises(ForbiddenError, match="a gate writes its own Lease and not the operator's"):
        await sign_in(GATE).create(LEASES, body, SYSTEM)
    with pytest.raises(ForbiddenError, match="a gate writes its own Lease and not the operator's"):
        await sign_in(GATE).apply(LEASES, {key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")})
    with pytest.raises(ForbiddenError):
        await Elector(sign_in(GATE), usurped, SystemClock()).try_once()


@pytest.mark.parametrize("account", [PORTAL, OPERATOR], ids=["portal", "serve"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(DocumentKind.SECRET, "jitgress-signing-keys"), (DocumentKind.CONFIG_MAP, "jitgress-gate-keys")],
    ids=["signing", "checking"],
)
async def test_the_keeper_of_keys_makes_reads_and_turns_them(
    account: str, kind: DocumentKind, name: str, admin: KubeClient, sign_in: SignIn
) -> None:
    resource = SECRETS if kind is DocumentKind.SECRET else CONFIG_MAPS
    if await admin.find(resource, name, SYSTEM) is not None:
        await admin.delete(resource, name, SYSTEM)
    documents = KeyObjects(sign_in(account), SYSTEM)

    await documents.create(kind, name, {"keys": "first"})
    first = await documents.read(kind, name)
    assert first is not None
    await documents.replace(kind, name, {"keys": "second"}, first.version)
    second = await documents.read(kind, name)
    with pytest.raises(DocumentConflictError):
        await documents.create(kind, name, {"keys": "third"})
    await admin.delete(resource, name, SYSTEM)

    assert first.data == {"keys": "first"}
    assert second is not None
    assert second.data == {"keys": "second"}


@pytest.mark.parametrize("account", [PORTAL, OPERATOR], ids=["portal", "serve"])
@pytest.mark.parametrize("resource", [SECRETS, CONFIG_MAPS], ids=lambda each: each.kind)
async def test_the_keeper_of_keys_keeps_nothing_else(account: str, resource: Resource, sign_in: SignIn) -> None:
    body = {"apiVersion": "v1", "kind": resource.kind, "metadata": {"name": "anything", "namespace": SYSTEM}}

    with pytest.raises(ForbiddenError, match="must be one of jitgress-signing-keys, jitgress-gate-keys"):
        await sign_in(account).create(resource, body)


async def test_the_portal_has_nobodys_token_written_into_its_secret(sign_in: SignIn) -> None:
    """Kubernetes fills a Secret of this type with a token of the account that it names."""
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": "jitgress-signing-keys",
            "namespace": SYSTEM,
            "annotations": {"kubernetes.io/service-account.name": "jitgress-operator"},
        },
    }

    with pytest.raises(ForbiddenError, match="type must be Opaque"):
        await sign_in(PORTAL).create(SECRETS, body)


@pytest.mark.parametrize("account", [PORTAL, OPERATOR], ids=["portal", "serve"])
async def test_the_portal_learns_whose_a_token_is(account: str, guarded_plane: ControlPlane, sign_in: SignIn) -> None:
    token = next(person.token for person in guarded_plane.people if person.username == ALICE.username)

    found = await TokenReviewAuthenticator(sign_in(account)).authenticate(Secret(token))

    assert found is not None
    assert (found.username, found.groups) == (ALICE.username, frozenset(ALICE.groups))
