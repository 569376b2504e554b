"""What happened to a request, and what will: each with its time, in order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from jitgress.cli.narrowing import narrowed_by
from jitgress.cli.screen import Screen
from jitgress.cli.view import VERDICTS, RequestView, condition_of
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.window import parse_time
from jitgress.kube.client import Object

_VERBS: Final = {"Approve": "approved", "Deny": "denied", "Revoke": "revoked"}
Moment = tuple[datetime, str]


def timeline(
    screen: Screen, view: RequestView, reviews: Sequence[Object], extensions: Sequence[RequestView]
) -> list[Moment]:
    """Return the moments of a request, the earliest first."""
    moments = [
        (view.created_at, _asking(screen, view)),
        *(_review(screen, view, each) for each in reviews),
        *((each.created_at, f"extended by {each.name} ({each.state})") for each in extensions),
        *_window(view),
        *_course(view),
        *_glass(screen, view, reviews),
    ]
    # Reviews carry whole seconds: they come before what they brought about.
    return sorted(moments, key=lambda moment: moment[0].replace(microsecond=0))


def _asking(screen: Screen, view: RequestView) -> str:
    bounds = [
        f"from {screen.time(view.start_at)}" if view.start_at else "",
        f"not after {screen.time(view.end_at)}" if view.end_at else "",
    ]
    how = "broke the glass" if view.is_break_glass else f"asked to extend {view.extends}" if view.extends else "asked"
    return ", ".join([f"{view.requester} {how}", *filter(None, bounds)])


def _window(view: RequestView) -> list[Moment]:
    if view.window is None:
        return []
    begin, end = view.window.not_before, view.window.not_after
    if view.state == "Scheduled":
        return [(begin, "it will open by itself"), (end, "it will close by itself")]
    begins = (begin, "the window begins")
    return [begins] if view.is_closed else [begins, (end, "it will close by itself")]


def _course(view: RequestView) -> list[Moment]:
    late = "" if view.lateness_ms is None else f", {view.lateness_ms} ms after the end at the latest"
    words = {
        "activeAt": "seen open: strangers are refused at the address",
        "closedAt": f"closed: {view.state}. {view.message}",
        "hiddenAt": f"seen hidden{late}",
    }
    return [(at, words[name]) for name, at in view.times.items()]


def _glass(screen: Screen, view: RequestView, reviews: Sequence[Object]) -> list[Moment]:
    due = view.glass_review
    if due is None:
        return []
    if due.reviewed_at is not None:
        is_told = any(each["spec"]["reviewer"]["username"] == due.reviewed_by for each in reviews)
        return [] if is_told else [(due.reviewed_at, f"{due.reviewed_by} reviewed it: {due.verdict}")]
    if due.is_overdue(screen.now):
        return [(due.due_at, f"its review was due, and nobody has reviewed it ({due.words(screen.now)})")]
    return [(due.due_at, "its review is due")]


def _review(screen: Screen, view: RequestView, found: Object) -> Moment:
    spec, counted = found["spec"], condition_of(found, "Counted")
    decision = str(spec["decision"])
    verb = (
        f"reviewed it: {VERDICTS[decision]}"
        if view.is_break_glass and decision in VERDICTS
        else _VERBS.get(decision, decision)
    )
    less = f" ({words})" if (words := _less(screen, found)) else ""
    comment = f" “{spec['comment']}”" if spec.get("comment") else ""
    match counted.get("status"):
        case "True":
            standing = ""
        case "False":
            standing = f": does not count ({counted.get('reason')}): {counted.get('message')}"
        case _:
            standing = ": not judged yet"
    return parse_time(
        found["metadata"]["creationTimestamp"]
    ), f"{spec['reviewer']['username']} {verb}{less}{comment}{standing}"


def _less(screen: Screen, found: Object) -> str:
    try:
        return narrowed_by(found).words(screen)
    except InvalidValueError as error:
        return f"not understood: {error.message}"
