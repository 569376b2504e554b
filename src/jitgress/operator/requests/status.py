"""What an AccessRequest's and its reviews' status say. All of it is derived; nothing is ever read back as truth.

Source: Kubernetes API conventions, "typical status properties".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jitgress.domain.course import Close, Open, Scheduled, Wait
from jitgress.domain.denial import Denial
from jitgress.domain.event import EventCode
from jitgress.domain.ruling import Awaiting, Permitted
from jitgress.domain.window import Window, format_time
from jitgress.operator.conditions import MAX_MESSAGE_LENGTH, condition
from jitgress.operator.requests.decide import Plan
from jitgress.operator.requests.facts import Facts
from jitgress.operator.settings import OperatorSettings


def request_status(facts: Facts, plan: Plan, settings: OperatorSettings, now: datetime) -> dict[str, Any]:
    """Return the status of the request, whole."""
    state, message = _state(plan)
    present = facts.status.get("conditions", ())
    status: dict[str, Any] = {
        "observedGeneration": facts.generation,
        "message": message[:MAX_MESSAGE_LENGTH],
        "conditions": [
            condition(
                "Active",
                is_true=plan.is_active,
                reason=state,
                message=message,
                generation=facts.generation,
                now=now,
                present=present,
            )
        ],
        **_approvals(plan),
        **_times(facts, plan),
    }
    if plan.is_closing:
        status["conditions"].append(
            condition(
                "Closed",
                is_true=True,
                reason=state,
                message=message,
                generation=facts.generation,
                now=now,
                present=present,
            )
        )
    if isinstance(plan.course, Close) and plan.course.denial is not None:
        status["denial"] = _denial(plan.course.denial)
    if isinstance(plan.course, Scheduled):
        status["window"] = _window(plan.course.window)
    grant = plan.grant or plan.opened
    if grant is not None:
        status["window"] = _window(grant.window)
        status["policy"] = grant.policy
        status["url"] = settings.url(grant.host)
        status["grant"] = grant.id
        status |= {"extensions": grant.extensions} if grant.extensions else {}
        if grant.review_by is not None:
            _tell_of_the_review(status, facts, grant.review_by, now)
    elif plan.decision.policy is not None:
        status["policy"] = plan.decision.policy
    return status


def review_statuses(facts: Facts, plan: Plan, now: datetime) -> dict[str, dict[str, Any]]:
    """Return the status of each review by its name: whether it counts, and if not, why."""
    return {
        judged.review.name: {
            "conditions": [
                condition(
                    "Counted",
                    is_true=judged.counts,
                    reason=judged.standing.value,
                    message=judged.message,
                    generation=1,  # a review's spec is immutable
                    now=now,
                    present=facts.review_statuses.get(judged.review.name, {}).get("conditions", ()),
                )
            ]
        }
        for judged in plan.reviews
    }


def _tell_of_the_review(status: dict[str, Any], facts: Facts, review_by: datetime, now: datetime) -> None:
    """Say of a break-glass grant by when it has to be reviewed, or who did so."""
    event = next((each for each in facts.history if each.code is EventCode.BREAK_GLASS_REVIEWED), None)
    told = {"reviewDueAt": format_time(review_by)}
    reason, message = ("Due", "one of the approvers has to review it, with: jitgress approve or jitgress deny")
    if event is not None:
        told |= {"reviewedBy": event.actor, "reviewedAt": format_time(event.at), "verdict": str(event.data["decision"])}
        reason, message = "Reviewed", f"reviewed by {event.actor}"
    elif now >= review_by:
        reason, message = "Overdue", f"it should have been reviewed by {format_time(review_by)}"
    status["breakGlass"] = told
    status["conditions"].append(
        condition(
            "Reviewed",
            is_true=event is not None,
            reason=reason,
            message=message,
            generation=facts.generation,
            now=now,
            present=facts.status.get("conditions", ()),
        )
    )


def _window(window: Window) -> dict[str, str]:
    return {"notBefore": format_time(window.not_before), "notAfter": format_time(window.not_after)}


def _denial(denial: Denial) -> dict[str, str]:
    told = {"code": denial.code.value, "message": denial.message[:MAX_MESSAGE_LENGTH], "remedy": denial.remedy}
    return {name: text for name, text in told.items() if text}


def _state(plan: Plan) -> tuple[str, str]:
    match plan.course:
        case Close(reason=reason, message=message):
            return reason.value, message
        case Open(grant=grant):
            if plan.is_active:
                return "Active", f"open until {format_time(grant.window.not_after)}"
            return "Opening", "the gates and the route are being programmed and probed"
        case Scheduled(window=window):
            return "Scheduled", f"opens at {format_time(window.not_before)}, until {format_time(window.not_after)}"
        case Wait():
            return "Pending", plan.decision.reasons[-1]


def _approvals(plan: Plan) -> Mapping[str, Any]:
    match plan.decision.ruling:
        case Awaiting(required=required, approved_by=by, approvers=approvers, webhook=webhook):
            webhooks = [f"webhook {webhook}"] if webhook is not None else []
            waiting = [] if plan.is_closing else [*map(str, approvers), *webhooks]
            return {"approvals": {"required": required, "counted": len(by), "by": list(by)}, "waitingFor": waiting}
        case Permitted(approved_by=by):
            return {"approvals": {"required": len(by), "counted": len(by), "by": list(by)}}
        case _:
            return {}


def _times(facts: Facts, plan: Plan) -> Mapping[str, Any]:
    """Return when things happened, from the ledger's own times."""
    at = {event.code: format_time(event.at) for event in reversed(facts.history)}
    times: dict[str, Any] = {}
    if EventCode.GRANT_ACTIVE in at:
        times["activeAt"] = at[EventCode.GRANT_ACTIVE]
    if plan.is_closing and EventCode.REQUEST_CLOSED in at:
        times["closedAt"] = at[EventCode.REQUEST_CLOSED]
    for event in facts.history:
        if event.code is EventCode.HOST_HIDDEN:
            times["hiddenAt"] = event.data.get("hidden_at")
            times["latenessMilliseconds"] = event.data.get("lateness_ms")
    return times
