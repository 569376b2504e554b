"""What breaking the glass means, said before it is done."""

from collections.abc import Mapping
from typing import Any

from jitgress.cli.names import Name
from jitgress.cli.terms import policy_deciding
from jitgress.cli.wording import duration_words
from jitgress.crds.grants import subject_value
from jitgress.kube.client import KubeApi, Object


async def what_breaking_it_means(api: KubeApi, target: Name, found: Object | None, who: Mapping[str, Any]) -> str:
    """Return it in words, as far as the policies can be read from here."""
    policy = await policy_deciding(api, found, subject_value(who)) if found else None
    begin = f"break-glass: {target} opens at once, without approval"
    if policy is None or policy.break_glass is None:
        return f"{begin}, if policy lets you. It is recorded as that, and has to be reviewed afterwards."
    terms = policy.break_glass
    reviewers = " or ".join(map(str, policy.approval.approvers))
    within, most = duration_words(terms.review_within), duration_words(terms.max_duration)
    return f"{begin}, for up to {most}. It is recorded as that; {reviewers} must review it within {within}."
