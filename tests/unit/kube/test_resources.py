"""Where resources are in the API (Kubernetes API concepts, "Resource URIs")."""

import pytest

from jitgress.kube import resources
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, HTTP_ROUTES, NAMESPACES, SECRETS, Resource


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (SECRETS.path(), "/api/v1/secrets"),
        (SECRETS.path("shop"), "/api/v1/namespaces/shop/secrets"),
        (SECRETS.path("shop", "keys"), "/api/v1/namespaces/shop/secrets/keys"),
        (NAMESPACES.path(None, "shop"), "/api/v1/namespaces/shop"),
        (NAMESPACES.path("ignored", "shop"), "/api/v1/namespaces/shop"),
        (ACCESS_GRANTS.path(), "/apis/jitgress.dev/v1alpha1/accessgrants"),
        (
            ACCESS_GRANTS.path("jitgress-system", "one", "status"),
            "/apis/jitgress.dev/v1alpha1/namespaces/jitgress-system/accessgrants/one/status",
        ),
        (ACCESS_POLICIES.path(None, "standard"), "/apis/jitgress.dev/v1alpha1/accesspolicies/standard"),
        (
            HTTP_ROUTES.path("shop", "orders"),
            "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/orders",
        ),
    ],
)
def test_a_path_names_group_version_namespace_resource_and_object(path: str, expected: str) -> None:
    assert path == expected


def test_the_core_group_has_no_name_in_an_api_version() -> None:
    assert (SECRETS.api_version, ACCESS_GRANTS.api_version) == ("v1", "jitgress.dev/v1alpha1")


def test_no_two_resources_have_the_same_path() -> None:
    every = [value for value in vars(resources).values() if isinstance(value, Resource)]
    assert len(every) > 10
    assert len({resource.path() for resource in every}) == len(every)
