"""Whether a policy is Ready: named checks in order, each answers with why not.

A policy that isn't Ready still decides about those whom it names, and permits them nothing that it can't decide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jitgress.domain.policy import Effect, Policy


@dataclass(frozen=True, slots=True)
class Trouble:
    """`reason` is a CamelCase word for the condition, `message` says what is wrong and what to do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One policy, and the external approval systems that the settings name."""

    policy: Policy
    webhooks: frozenset[str]


def is_understood(facts: Facts) -> Trouble | None:
    """Every field has a form that this version knows."""
    policy = facts.policy
    if policy.defect is None:
        return None
    whom = "everybody" if policy.is_about_everybody else "those whom it names"
    return Trouble("NotUnderstood", f"{policy.defect} Until then it permits nothing to {whom}.")


def its_webhook_is_known(facts: Facts) -> Trouble | None:
    """The external system that has to approve is one that the operator can ask."""
    webhook = facts.policy.approval.webhook
    if webhook is None or webhook in facts.webhooks:
        return None
    return Trouble(
        "WebhookUnknown",
        f"the settings know no approval webhook {webhook}, so requests wait until they time out. Name it there.",
    )


def its_time_can_pass(facts: Facts) -> Trouble | None:
    """What it permits isn't less than nothing: an extension beyond the cap has room."""
    extensions, cap = facts.policy.extensions, facts.policy.max_duration
    if extensions is None or extensions.max_total > cap or facts.policy.effect is Effect.DENY:
        return None
    return Trouble(
        "ExtensionsImpossible",
        "extensions.maxTotalSeconds is not more than maxDurationSeconds, so nothing can be extended. Raise it.",
    )


Check = Callable[[Facts], Trouble | None]
CHECKS: Final[tuple[Check, ...]] = (is_understood, its_webhook_is_known, its_time_can_pass)


def trouble(facts: Facts) -> Trouble | None:
    """Return what is wrong with the policy, or None if it is Ready."""
    return next((found for check in CHECKS if (found := check(facts)) is not None), None)
