"""Waiting for an object to be as wanted, with a live line on a terminal and plain ones elsewhere."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from jitgress.cli.exits import WaitTimedOutError
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
    """When it is enough, what to say meanwhile, and what keeps standing if it doesn't come."""

    is_enough: Callable[[Object], bool]
    progress: Callable[[Object], str] | None = None
    standing: str = ""

    def timed_out(self, patience: timedelta) -> WaitTimedOutError:
        """Return the error for what didn't come within `patience`."""
        return WaitTimedOutError(f"nothing more came within {duration_words(patience)}", remedy=self.standing)


async def wait_for(
    api: KubeApi,
    resource: Resource,
    name: Name,
    wanted: Wanted,
    patience: timedelta,
    *,
    screen: Screen | None = None,
) -> Object | None:
    """Return the object as soon as it is as wanted, or None when `patience` is over."""
    progress = _Progress(screen, wanted)
    try:
        async with asyncio.timeout(patience.total_seconds()), aclosing(follow(api, resource, name)) as versions:
            async for found in versions:
                if wanted.is_enough(found):
                    return found
                progress.say(found)
    except TimeoutError:
        return None
    finally:
        progress.end()
    return None


class _Progress:
    """One line that changes on a terminal; elsewhere a line for each change. Always on the error stream."""

    def __init__(self, screen: Screen | None, wanted: Wanted) -> None:
        self._screen = screen
        self._wanted = wanted
        self._last = ""
        self._status: Status | None = None

    def say(self, found: Object) -> None:
        """Show how it stands, if that is news."""
        if self._screen is None or self._wanted.progress is None:
            return
        text = plain(self._wanted.progress(found))
        if text == self._last:
            return
        self._last = text
        if not self._screen.err.is_terminal:
            self._screen.note(text)
        elif self._status is None:
            self._status = self._screen.err.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def end(self) -> None:
        """Take the live line away."""
        if self._status is not None:
            self._status.stop()
