"""Who may answer in one namespace decides nothing in another, though UIDs are the same everywhere."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pytest

from jitgress.domain.clock import SystemClock
from jitgress.kube.client import KubeClient
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS, NAMESPACES, Resource
from jitgress.kube.store import Trait
from jitgress.operator.caches import Caches
from jitgress.operator.requests.facts import Facts
from jitgress.operator.requests.gather import gather
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.world import World
from tests.integration.crds.api import As
from tests.integration.crds.rights import bind
from tests.integration.crds.whole_objects import ALICE, CAROL, EVERYBODY, Who, a_request, a_review
from tests.simulators.ledger import SimulatedLedger

pytestmark = pytest.mark.real

OSCAR: Final = Who("oscar@example.test", (EVERYBODY,))
"""Approver of one namespace, by a RoleBinding there."""


class Listed:
    """A cache that holds what the API server listed."""

    def __init__(self, found: Iterable[Mapping[str, Any]] = ()) -> None:
        self._found = {(each["metadata"].get("namespace"), each["metadata"]["name"]): each for each in found}

    def get(self, namespace: str | None, name: str) -> Mapping[str, Any] | None:
        return self._found.get((namespace, name))

    def values(self) -> Iterator[Mapping[str, Any]]:
        return iter(self._found.values())

    def where(self, trait: Trait, value: str) -> list[Mapping[str, Any]]:
        return [each for each in self._found.values() if value in trait(each)]

    def count(self, trait: Trait, value: str) -> int:
        return len(self.where(trait, value))


@pytest.fixture
async def elsewhere(admin: KubeClient, namespace: str) -> str:
    """A second namespace of the test's own."""
    name = f"{namespace}-other"
    await admin.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


async def what_the_operator_sees(admin: KubeClient, namespace: str, name: str) -> Facts:
    """Gather the facts of a request from all that the API server has."""

    async def listed(resource: Resource) -> Listed:
        return Listed((await admin.list_page(resource, None, limit=500, next_page=None)).items)

    nothing = Listed()
    caches = Caches(
        requests=await listed(ACCESS_REQUESTS),
        reviews=await listed(ACCESS_REVIEWS),
        targets=nothing,
        policies=nothing,
        grants=nothing,
        services=nothing,
        ingresses=None,
        http_routes=None,
        leases=nothing,
    )
    world = World(api=admin, caches=caches, ledger=SimulatedLedger(), settings=OperatorSettings(), clock=SystemClock())
    facts = await gather((namespace, name), world)
    assert facts is not None
    return facts


async def test_a_review_counts_beside_its_request_alone(
    callers: As, admin: KubeClient, namespace: str, elsewhere: str
) -> None:
    asked = callers(ALICE.username).made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)
    carol = callers(CAROL.username)

    carol.made(ACCESS_REVIEWS, a_review("aimed-from-afar", who=CAROL, request=asked), elsewhere)
    from_afar = await what_the_operator_sees(admin, namespace, "orders-1")
    carol.made(ACCESS_REVIEWS, a_review("beside", who=CAROL, request=asked), namespace)
    beside = await what_the_operator_sees(admin, namespace, "orders-1")

    assert [review.name for review in from_afar.reviews] == []
    assert [review.name for review in beside.reviews] == ["beside"]


def test_who_answers_in_one_namespace_does_not_in_another(callers: As, namespace: str, elsewhere: str) -> None:
    asked = callers(ALICE.username).made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)
    bind(callers("admin"), elsewhere, "jitgress-approver", OSCAR)
    oscar = callers(OSCAR)
    review = a_review(who=OSCAR, request=asked)

    assert oscar.create(ACCESS_REVIEWS, review, elsewhere).status == 201
    refused = oscar.create(ACCESS_REVIEWS, review, namespace)

    assert refused.status == 403
    assert "cannot create resource" in refused.message


async def test_a_request_made_again_under_its_name_inherits_no_answer(
    callers: As, admin: KubeClient, namespace: str
) -> None:
    alice, root = callers(ALICE.username), callers("admin")
    first = alice.made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)
    callers(CAROL.username).made(ACCESS_REVIEWS, a_review(who=CAROL, request=first), namespace)
    root.delete(ACCESS_REQUESTS, first)

    alice.made(ACCESS_REQUESTS, a_request(who=ALICE), namespace)
    seen = await what_the_operator_sees(admin, namespace, "orders-1")

    assert [review.name for review in seen.reviews] == []
