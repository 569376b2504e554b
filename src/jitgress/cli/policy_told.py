"""How an explanation is told: first what becomes of the request, then why, then every policy in its order."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from jitgress.cli.options import Format
from jitgress.cli.screen import Screen
from jitgress.cli.wording import duration_words
from jitgress.crds.grants import subject_object
from jitgress.domain.approval import Quorum
from jitgress.domain.asked import Asked
from jitgress.domain.denial import Denial
from jitgress.domain.explaining import Explanation, Outcome, Step, Walked
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.ruling import Awaiting, Denied, Permitted, Ruling, TimedOut, Unexamined
from jitgress.domain.sources import ANYWHERE
from jitgress.domain.terms import UNLIMITED
from jitgress.domain.window import format_time

_HEADLINES: Final = {
    Outcome.PERMITTED: "would be permitted",
    Outcome.SCHEDULED: "would be permitted, later",
    Outcome.AWAITING: "would wait for approval",
    Outcome.DENIED: "would be denied",
    Outcome.TIMED_OUT: "would have timed out",
    Outcome.STOPPED: "would have been ended",
    Outcome.UNEXAMINED: "would wait until the target is examined",
}
_STYLES: Final = {Outcome.PERMITTED: "green", Outcome.SCHEDULED: "green", Outcome.DENIED: "red"}
Rows = list[tuple[str, str]]


def tell(screen: Screen, explanation: Explanation, request: Request, notes: Iterable[str], *, lists_all: bool) -> None:
    """Print an explanation in the format asked for."""
    match screen.format:
        case Format.JSON | Format.YAML:
            screen.document(as_document(explanation, request, (*notes, *_uncounted(explanation))))
        case Format.NAME:
            screen.line(explanation.decision.policy or "")
        case Format.TABLE:
            _table(screen, explanation, request, (*notes, *_uncounted(explanation)), lists_all=lists_all)


def _table(
    screen: Screen, explanation: Explanation, request: Request, notes: Iterable[str], *, lists_all: bool
) -> None:
    screen.line(_HEADLINES[explanation.outcome], f"bold {_STYLES.get(explanation.outcome, 'yellow')}")
    groups = ", ".join(sorted(request.requester.groups))
    screen.fields(
        [
            ("who", f"{request.requester.username} ({groups})" if groups else request.requester.username),
            ("target", f"{request.ref.namespace}/{request.target}"),
            ("asked at", screen.time(request.created_at)),
            ("policy", _policy(explanation)),
            *_ruling(screen, explanation, explanation.decision.ruling),
            *(("also", told) for told in map(str, explanation.also)),
            *(("note", note) for note in notes),
        ]
    )
    near = [each for each in explanation.walked if lists_all or each.step is not Step.OTHER_SUBJECT or each.is_near]
    if near:
        screen.line("")
        screen.line("Policies, in the order in which they are asked", "dim")
        screen.fields([(each.policy.name, _step(each)) for each in near])
    left_out = len(explanation.walked) - len(near)
    if left_out:
        whose = "1 policy is" if left_out == 1 else f"{left_out} policies are"
        screen.line(f"{whose} about other subjects. List all with --all")


def _policy(explanation: Explanation) -> str:
    if explanation.asked is None:
        return "none matches" if explanation.walked else ""
    return f"{explanation.asked.policy.name} (priority {explanation.asked.policy.priority})"


def _step(walked: Walked) -> str:
    word = {Step.DECIDES: "decides", Step.TOO_LATE: "too late"}.get(walked.step, "no")
    return f"{walked.policy.priority:>4}  {word}: {walked.why}"


def _ruling(screen: Screen, explanation: Explanation, ruling: Ruling) -> Rows:
    match ruling:
        case Denied(denial=denial):
            return _denial(denial)
        case Permitted() | Unexamined():
            return _permitted(screen, ruling.permitted if isinstance(ruling, Unexamined) else ruling)
        case Awaiting():
            return _awaiting(screen, explanation, ruling)
        case TimedOut(at=at):
            return [("until", screen.time(at))]
        case _:
            return [("why", explanation.decision.reasons[-1])]


def _denial(denial: Denial) -> Rows:
    return [("code", denial.code.value), ("why", denial.message), ("what now", denial.remedy)]


def _permitted(screen: Screen, permitted: Permitted) -> Rows:
    window = permitted.window
    return [
        ("approval", "nobody need approve" if not permitted.approved_by else f"by {', '.join(permitted.approved_by)}"),
        ("scope", str(permitted.scope)),
        ("from", "" if permitted.sources == ANYWHERE else str(permitted.sources)),
        ("opens", screen.time(window.not_before)),
        ("closes", f"{screen.time(window.not_after)}, after {duration_words(window.duration)}"),
        ("review", f"due by {screen.time(permitted.review_by)}" if permitted.review_by else ""),
    ]


def _awaiting(screen: Screen, explanation: Explanation, ruling: Awaiting) -> Rows:
    asked = explanation.asked
    sources = None if asked is None or asked.policy.sources == ANYWHERE else asked.policy.sources
    return [
        *(("must approve", _quorum(quorum)) for quorum in ruling.missing),
        ("must approve", f"webhook {ruling.webhook}" if ruling.webhook else ""),
        ("until", f"{screen.time(ruling.until)}, {_waiting(asked, ruling)} after asking"),
        ("would get", f"{asked.scope()}" if asked is not None else ""),
        ("for", f"{duration_words(asked.duration)} from the last approval on" if asked is not None else ""),
        ("from", str(sources) if sources is not None else ""),
    ]


def _waiting(asked: Asked | None, ruling: Awaiting) -> str:
    return "" if asked is None else duration_words(ruling.until - asked.request.created_at)


def _quorum(quorum: Quorum) -> str:
    return f"{quorum.required} of {quorum}"


def _uncounted(explanation: Explanation) -> list[str]:
    """Return what the policy looks at and nobody counted here."""
    policy: Policy | None = explanation.asked.policy if explanation.asked is not None else None
    if policy is None or explanation.outcome is Outcome.DENIED:
        return []
    notes = ["its limits are not counted here"] if policy.limits != UNLIMITED else []
    glass = policy.break_glass
    if (
        glass is not None
        and glass.locks_out
        and explanation.asked is not None
        and explanation.asked.request.break_glass
    ):
        notes.append("overdue reviews of break-glass are not counted here")
    return notes


def as_document(explanation: Explanation, request: Request, notes: Sequence[str]) -> dict[str, Any]:
    """Return an explanation as JSON tells it."""
    ruling, asked = explanation.decision.ruling, explanation.asked
    return {
        "outcome": explanation.outcome.value,
        "policy": explanation.decision.policy,
        "requester": subject_object(request.requester),
        "target": f"{request.ref.namespace}/{request.target}",
        "askedAt": format_time(request.created_at),
        "message": explanation.decision.reasons[-1],
        **({"denial": _denial_document(ruling.denial)} if isinstance(ruling, Denied) else {}),
        **({"awaiting": _awaiting_document(ruling)} if isinstance(ruling, Awaiting) else {}),
        **({"permitted": _permitted_document(ruling)} if isinstance(ruling, Permitted) else {}),
        **({"permitted": _permitted_document(ruling.permitted)} if isinstance(ruling, Unexamined) else {}),
        **({"durationSeconds": int(asked.duration.total_seconds())} if asked is not None else {}),
        "also": [_denial_document(each) for each in explanation.also],
        "policies": [
            {"name": each.policy.name, "priority": each.policy.priority, "step": each.step.value, "why": each.why}
            for each in explanation.walked
        ],
        "notes": list(notes),
    }


def _denial_document(denial: Denial) -> dict[str, str]:
    return {"code": denial.code.value, "message": denial.message, "remedy": denial.remedy}


def _awaiting_document(ruling: Awaiting) -> dict[str, Any]:
    missing = [
        {"name": each.name, "required": each.required, "approvers": list(map(str, each.approvers))}
        for each in ruling.missing
    ]
    return {"missing": missing, "webhook": ruling.webhook, "until": format_time(ruling.until)}


def _permitted_document(permitted: Permitted) -> dict[str, Any]:
    review = {} if permitted.review_by is None else {"reviewBy": format_time(permitted.review_by)}
    return {
        "paths": list(permitted.scope.paths),
        "methods": list(permitted.scope.sorted_methods()),
        "notBefore": format_time(permitted.window.not_before),
        "notAfter": format_time(permitted.window.not_after),
        "sourceCIDRs": list(permitted.sources.texts()),
        **review,
    }
