"""Waiting for an object to be as wanted, with a live line on a terminal and plain ones elsewhere."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.text import Text

from jitgress.cli.exits import InterruptedByUserError, WaitTimedOutError
from jitgress.cli.follow import follow
from jitgress.cli.names import Name
from jitgress.cli.screen import Screen
from jitgress.cli.wording import duration_words, plain
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.resources import Resource

if TYPE_CHECKING:
    from rich.status import Status


@dataclass(frozen=True, slots=True)
class Wanted:
    """When it is enough, how it stands until then, in words, and what keeps standing if it doesn't come."""

    is_enough: Callable[[Object], bool]
    progress: Callable[[Object], str]
    standing: str


async def wait_for(
    api: KubeApi,
    resource: Resource,
    name: Name,
    wanted: Wanted,
    patience: timedelta,
    *,
    screen: Screen | None = None,
) -> Object:
    """Return the object as soon as it is as wanted. Raises `WaitTimedOutError` and `InterruptedByUserError`.

    With a `screen` it is told there how the object stands.
    """
    progress = _Progress(screen)
    stand = f"nobody has looked at {name}"
    try:
        async with asyncio.timeout(patience.total_seconds()), aclosing(follow(api, resource, name)) as versions:
            async for found in versions:
                if wanted.is_enough(found):
                    return found
                stand = wanted.progress(found)
                progress.say(stand)
    except TimeoutError:
        pass
    except asyncio.CancelledError:  # Ctrl-C reaches the task as its cancellation
        raise InterruptedByUserError(stand, remedy=wanted.standing) from None
    finally:
        progress.end()
    raise WaitTimedOutError(f"waited {duration_words(patience)}, and {stand}", remedy=wanted.standing)


class _Progress:
    """One line that changes on a terminal; elsewhere a line for each change. Always on the error stream."""

    def __init__(self, screen: Screen | None) -> None:
        self._screen = screen
        self._last = ""
        self._status: Status | None = None

    def say(self, text: str) -> None:
        """Show how it stands, if that is news."""
        text = plain(text)
        if self._screen is None or text == self._last:
            return
        self._last = text
        if not self._screen.err.is_terminal:
            self._screen.note(text)
        elif self._status is None:
            self._status = self._screen.err.status(Text(text))
            self._status.start()
        else:
            self._status.update(Text(text))

    def end(self) -> None:
        """Take the live line away."""
        if self._status is not None:
            self._status.stop()
