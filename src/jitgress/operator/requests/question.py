"""What an external approval system has to be asked about one request, by the same decision that its status tells."""

from datetime import datetime

from jitgress.domain.course import Wait
from jitgress.domain.event import EventCode
from jitgress.domain.ruling import Awaiting
from jitgress.operator.caches import Key
from jitgress.operator.questions import Question
from jitgress.operator.requests.decide import next_plan
from jitgress.operator.requests.facts import Facts
from jitgress.operator.requests.gather import gather
from jitgress.operator.world import World


async def open_question(key: Key, world: World) -> Question | None:
    """Return what has to be asked about the request `key` as things stand, or None."""
    facts = await gather(key, world)
    return None if facts is None else question_of(facts, world.clock.now())


def question_of(facts: Facts, now: datetime) -> Question | None:
    """Return what has to be asked. Pure. Nobody outside hears of a request that isn't in the ledger (invariant 7)."""
    if not any(event.code is EventCode.REQUEST_RECEIVED for event in facts.history):
        return None
    plan = next_plan(facts, now)
    match plan.course, plan.decision.ruling:
        case Wait(), Awaiting(webhook=str(webhook), until=until) if facts.target and plan.decision.policy:
            return Question(
                webhook=webhook, request=facts.request, target=facts.target, policy=plan.decision.policy, until=until
            )
        case _:
            return None
