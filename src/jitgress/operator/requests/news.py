"""What people may have to hear of at once, of what was just recorded about a request."""

from jitgress.domain.event import Event
from jitgress.domain.ruling import Awaiting
from jitgress.operator.ports import News
from jitgress.operator.requests.decide import Plan
from jitgress.operator.requests.facts import Facts


def news_of(event: Event, facts: Facts, plan: Plan) -> News:
    """Return the news of an event that `plan` had recorded."""
    return News(event=event, request=facts.request, waits_for=_waits_for(plan))


def _waits_for(plan: Plan) -> tuple[str, ...]:
    match plan.decision.ruling:
        case Awaiting(approvers=approvers, webhook=webhook) if not plan.is_closing:
            return (*map(str, approvers), *([] if webhook is None else [f"webhook {webhook}"]))
        case _:
            return ()
