"""Policies as far as the caller may read them, to say beforehand what they mean for a request.

The server is the authority: whatever can't be read or understood here is None, and left to it.
"""

from collections.abc import Mapping
from typing import Any, Final

from jitgress.cli.reading import found_or_none
from jitgress.crds.policies import policy_or_defect, policy_value
from jitgress.crds.values import target_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Policy, deciding_policy
from jitgress.domain.subject import Subject
from jitgress.kube.client import KubeApi
from jitgress.kube.errors import ForbiddenError
from jitgress.kube.resources import ACCESS_POLICIES

_AT_ONCE: Final = 500  # one page, as kubectl: where there are more, nobody in a hurry is kept waiting for them


async def policy_named(api: KubeApi, name: str) -> Policy | None:
    """Return the policy called `name`."""
    found = await found_or_none(api, ACCESS_POLICIES, name) if name else None
    try:
        return policy_value(found) if found else None
    except InvalidValueError:
        return None


async def policy_deciding(api: KubeApi, target: Mapping[str, Any], who: Subject) -> Policy | None:
    """Return the policy that decides about `who` and the AccessTarget `target`."""
    try:
        page = await api.list_page(ACCESS_POLICIES, None, limit=_AT_ONCE, next_page=None)
        wanted = target_value(target)
    except (ForbiddenError, InvalidValueError):
        return None
    return None if page.next else deciding_policy(map(policy_or_defect, page.items), who, wanted)
