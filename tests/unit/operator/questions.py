"""Questions to external approval systems, with defaults that tell the story of `tests.builders`."""

from datetime import datetime

from jitgress.domain.request import Request
from jitgress.domain.target import Target
from jitgress.operator.questions import Question
from tests.builders import a_request, a_target, after


def a_question(
    *,
    webhook: str = "change",
    request: Request | None = None,
    target: Target | None = None,
    policy: str = "standard",
    until: datetime | None = None,
) -> Question:
    """Return what `change` is asked about alice's request, to be answered within an hour."""
    return Question(
        webhook=webhook,
        request=request or a_request(),
        target=target or a_target(),
        policy=policy,
        until=until or after(3600),
    )
