"""What an API server does with which resource (its strategies), for the resources that jitgress speaks to."""

from typing import Final

from jitgress.kube.resources import (
    ACCESS_GRANTS,
    ACCESS_POLICIES,
    ACCESS_REQUESTS,
    ACCESS_REVIEWS,
    ACCESS_TARGETS,
    CONFIG_MAPS,
    HTTP_ROUTES,
    INGRESSES,
    LEASES,
    NAMESPACES,
    SECRETS,
    SERVICES,
)

_OURS: Final = frozenset({ACCESS_TARGETS, ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS, ACCESS_GRANTS})

IMMUTABLE: Final = frozenset({ACCESS_REQUESTS, ACCESS_REVIEWS})
"""Resources whose schema says that the spec never changes."""
NARROWS: Final = frozenset({ACCESS_GRANTS})
"""Resources whose schema says that the spec never becomes wider."""
HAS_STATUS: Final = _OURS | {INGRESSES, HTTP_ROUTES, SERVICES, NAMESPACES}
"""Resources with a status of their own."""
DROPS_STATUS: Final = HAS_STATUS | _OURS
"""Resources whose status is not written with the object: by the subresource, or not at all."""
HAS_GENERATION: Final = _OURS | {INGRESSES, HTTP_ROUTES}
"""Resources whose changes of what is wanted are counted."""
REPLACED_BLINDLY: Final = frozenset({SERVICES, SECRETS, CONFIG_MAPS, INGRESSES, NAMESPACES})
"""Resources that are replaced without a version as well (AllowUnconditionalUpdate)."""
MADE_BY_REPLACING: Final = frozenset({LEASES})
"""Resources that are made by a replacement where there is none (AllowCreateOnUpdate)."""
