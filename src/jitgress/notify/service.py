"""The port to one place where messages go: a chat, a mailbox."""

from typing import Protocol

from jitgress.domain.errors import JitgressError
from jitgress.notify.message import Message


class NotDeliveredError(JitgressError):
    """A message didn't get through to where it should go."""

    code = "not_delivered"


class Service(Protocol):
    """One place. `name` is for logs and metrics, and holds no credential."""

    @property
    def name(self) -> str:
        """How it is called in logs and metrics."""
        ...

    async def deliver(self, message: Message) -> None:
        """Deliver one message, in bounded time. Raises `NotDeliveredError`, which tells nothing secret."""
        ...
