"""One address of Apprise as a service: Slack, Teams, mail and many others, each by a URL that holds its credential.

Apprise waits in the thread that calls it, sometimes for long, so each message gets a thread, of which there is one a
service, and which nobody waits for at the end of the process.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import Any, Final, cast

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

from jitgress.domain.errors import InvalidValueError
from jitgress.identity.secret import Secret
from jitgress.notify.message import Message, Moment
from jitgress.notify.service import NotDeliveredError

TIME_LIMIT: Final = timedelta(seconds=20)  # Apprise gives a connection 4 s and an answer 4 s; some services need two
_URGENT: Final = frozenset({Moment.BREAK_GLASS, Moment.OVERDUE_REVIEW})


class AppriseService:
    """A `Service`. `number` is its URL's place in the settings. Raises `InvalidValueError` for one that is none."""

    def __init__(self, url: Secret[str], number: int, time_limit: timedelta = TIME_LIMIT) -> None:
        logging.getLogger("apprise").disabled = True  # it tells of addresses; what matters is logged by who calls us
        asset = AppriseAsset(
            app_id="jitgress",
            app_desc="jitgress",
            async_mode=False,
            interpret_emojis=False,
            service_timeout=0,  # it would wait in threads of its own, which the end of the process waits for
        )
        self._apprise = cast("Any", Apprise(asset=asset))  # its own annotations leave some of it unknown
        if not self._apprise.add(url.reveal()):
            raise InvalidValueError(
                f"address {number} of notify.urls is none that Apprise understands",
                remedy="Write it as Apprise's documentation says for the service, such as slack://…, mailtos://….",
            )
        self._name = f"{number}-{_scheme(url)}"
        self._time_limit = time_limit
        self._stuck: Thread | None = None

    @property
    def name(self) -> str:
        """The place in the settings, and the kind of service."""
        return self._name

    async def deliver(self, message: Message) -> None:
        """Deliver one message within the time limit."""
        if self._stuck is not None and self._stuck.is_alive():
            raise _failed("an earlier message is still on its way")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[str | None] = loop.create_future()
        thread = Thread(target=self._notify, args=(message, loop, outcome), name="notify", daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(self._time_limit.total_seconds()):
                trouble = await outcome
        except TimeoutError:
            self._stuck = thread
            raise _failed(f"no answer within {self._time_limit.total_seconds():g} s") from None
        if trouble is not None:
            raise _failed(trouble)

    def _notify(self, message: Message, loop: asyncio.AbstractEventLoop, outcome: "asyncio.Future[str | None]") -> None:
        """Send it, in a thread."""
        try:
            is_sent = self._apprise.notify(
                title=message.title,
                body=message.body,
                body_format=NotifyFormat.TEXT,
                notify_type=NotifyType.WARNING if message.moment in _URGENT else NotifyType.INFO,
            )
            trouble = None if is_sent else "the service took no message"
        except Exception as error:  # noqa: BLE001  the outermost frame of a thread that runs what others wrote
            trouble = type(error).__name__  # its words may hold the address
        with suppress(RuntimeError):  # the process is ending, and its loop is closed
            loop.call_soon_threadsafe(_settle, outcome, trouble)


def _settle(outcome: "asyncio.Future[str | None]", trouble: str | None) -> None:
    if not outcome.done():
        outcome.set_result(trouble)


def _failed(why: str) -> NotDeliveredError:
    return NotDeliveredError(why, remedy="Look at the address in notify.urls, and at the service behind it.")


def _scheme(url: Secret[str]) -> str:
    """Return the kind of service, which is no secret."""
    return url.reveal().partition(":")[0].lower()
