"""An approval of less than was asked for: what would be more, or leave nothing, is refused before it is sent.

The second matters as much as the first: an approval that leaves nothing denies the request for good.
"""

from datetime import datetime

from jitgress.cli.exits import UsageError
from jitgress.cli.glance import Around
from jitgress.cli.narrowing import Narrowed, WiderError, left_of, narrowed_by, refuse_more
from jitgress.cli.screen import Screen
from jitgress.cli.view import RequestView
from jitgress.cli.wording import duration_words


class NothingLeftError(UsageError):
    """An approval like this would leave nothing that could be opened."""

    code = "nothing_left"


def refuse_what_is_not_less(screen: Screen, view: RequestView, less: Narrowed, seen: Around) -> None:
    """Raise `WiderError`, or `NothingLeftError`, for an approval that isn't of less."""
    if not less:
        return
    if view.is_break_glass:
        raise UsageError(
            "what break-glass opened can't become less by a review",
            remedy=f"Review it as it was, or end it with: {screen.command(f'revoke {view.name}')}",
        )
    asked, most = view.duration or seen.default_duration(view), seen.most
    if less.duration and asked and less.duration > asked:
        raise WiderError(
            f"--for {duration_words(less.duration)} is longer than was asked for",
            remedy=f"The most is {duration_words(asked)}.",
        )
    paths = view.paths or (tuple(most.paths) if most else ())
    methods = view.methods or (most.sorted_methods() if most else ())
    refuse_more(less.paths, less.methods, paths, methods, "was asked for")
    if left_of(view, [*map(narrowed_by, seen.approvals), less]) is None:
        raise NothingLeftError(
            "with what others approved no path or no method would be left",
            remedy=f"See what they approved: {screen.command(f'show {view.name}')}",
        )
    if less.start_at is not None:
        _refuse_start(screen, view, less.start_at, seen)


def _refuse_start(screen: Screen, view: RequestView, start: datetime, seen: Around) -> None:
    when = f"--at {screen.time(start)}"
    if view.start_at is not None and start < view.start_at:
        raise WiderError(
            f"{when} is earlier than was asked for", remedy=f"The earliest is {screen.time(view.start_at)}."
        )
    ends = [view.end_at, seen.extended.window.not_after if seen.extended and seen.extended.window else None]
    end = min((at for at in ends if at is not None), default=None)
    if end is not None and start >= end:
        raise NothingLeftError(
            f"{when} is not before {screen.time(end)}, when it has to end", remedy="Choose an earlier time."
        )
    if seen.policy is None:
        return
    most = max(seen.policy.max_start_ahead, screen.now - view.created_at)
    if start - view.created_at > most:
        ahead = duration_words(seen.policy.max_start_ahead)
        raise NothingLeftError(
            f"{when} is further ahead than policy {seen.policy.name} permits ({ahead} from when it was asked for)",
            remedy="Approve it without --at, or have it asked for again later.",
        )
    if seen.policy.schedule is not None and not seen.policy.schedule.is_open(start):
        raise NothingLeftError(
            f"{when} is outside the hours of policy {seen.policy.name} ({seen.policy.schedule})",
            remedy="Choose a time within them.",
        )
