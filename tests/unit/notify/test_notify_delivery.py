"""Messages are delivered beside everything else: nobody waits, what fails fails alone, and what is lost is counted."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from jitgress.domain.event import EventCode
from jitgress.notify.delivery import MAX_WAITING, TRIES, Notifications
from jitgress.notify.message import Message, Moment
from jitgress.notify.metrics import NotifyMetrics
from jitgress.notify.service import NotDeliveredError
from tests.builders import a_request
from tests.simulators.virtual_time import VirtualTimeLoop
from tests.unit.notify.news import broken_glass, some_news


@dataclass(slots=True)
class SimulatedService:
    """Takes a message after `slowness_s`, unless it is one of the next `failures`."""

    name: str
    slowness_s: float = 0.0
    failures: int = 0
    taken: list[Message] = field(default_factory=list)
    tried_at: list[float] = field(default_factory=list)

    async def deliver(self, message: Message) -> None:
        self.tried_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.slowness_s)
        if self.failures > 0:
            self.failures -= 1
            raise NotDeliveredError("the service took no message")
        self.taken.append(message)


@dataclass(slots=True)
class Told:
    """Notifications, with their figures."""

    notifications: Notifications
    registry: CollectorRegistry

    def count(self, service: str, outcome: str) -> float:
        labels = {"service": service, "outcome": outcome}
        return self.registry.get_sample_value("jitgress_notifications_total", labels) or 0.0


def telling(
    story: Callable[[Told], Awaitable[None]], *services: SimulatedService, on: Collection[Moment] = tuple(Moment)
) -> Told:
    """Run a story in virtual time, and end the delivery."""
    registry = CollectorRegistry()
    told = Told(Notifications(services, on, NotifyMetrics(registry), randomness=lambda: 0.0), registry)

    async def whole() -> None:
        running = asyncio.get_running_loop().create_task(told.notifications.run())
        await asyncio.sleep(0)
        try:
            await story(told)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()
    return told


def test_a_message_goes_to_every_service() -> None:
    chat, mail = SimulatedService("1-chat"), SimulatedService("2-mail")

    async def story(told: Told) -> None:
        told.notifications.tell(broken_glass())
        await asyncio.sleep(1)

    told = telling(story, chat, mail)

    assert [message.title for message in chat.taken] == ["Break-glass: alice opened shop/orders"]
    assert mail.taken == chat.taken
    assert (told.count("1-chat", "delivered"), told.count("2-mail", "delivered")) == (1, 1)


def test_only_the_chosen_moments_are_told_and_broken_glass_always() -> None:
    chat = SimulatedService("1-chat")

    async def story(told: Told) -> None:
        for news in (
            broken_glass(),
            some_news(EventCode.BREAK_GLASS_OVERDUE),
            some_news(EventCode.REQUEST_RECEIVED, "group approvers"),
            some_news(EventCode.REQUEST_CLOSED, data={"reason": "Denied"}),
        ):
            told.notifications.tell(news)
        await asyncio.sleep(1)

    telling(story, chat, on=[Moment.DENIED])

    assert [message.moment for message in chat.taken] == [Moment.BREAK_GLASS, Moment.DENIED]


def test_what_is_nothing_to_tell_is_not_told() -> None:
    chat = SimulatedService("1-chat")

    async def story(told: Told) -> None:
        told.notifications.tell(some_news(EventCode.GRANT_ACTIVE))
        await asyncio.sleep(1)

    telling(story, chat)

    assert chat.taken == []


def test_a_failed_delivery_is_tried_again_after_a_while() -> None:
    chat = SimulatedService("1-chat", failures=TRIES - 1)

    async def story(told: Told) -> None:
        told.notifications.tell(broken_glass())
        await asyncio.sleep(60)

    told = telling(story, chat)

    assert len(chat.taken) == 1
    assert chat.tried_at == [0, 1, 3]
    assert (told.count("1-chat", "delivered"), told.count("1-chat", "failed")) == (1, 0)


def test_a_message_that_never_gets_through_is_counted_and_the_next_one_tried() -> None:
    chat = SimulatedService("1-chat", failures=TRIES)

    async def story(told: Told) -> None:
        told.notifications.tell(broken_glass())
        told.notifications.tell(some_news(EventCode.REQUEST_CLOSED, data={"reason": "Denied"}))
        await asyncio.sleep(60)

    told = telling(story, chat)

    assert [message.moment for message in chat.taken] == [Moment.DENIED]
    assert (told.count("1-chat", "delivered"), told.count("1-chat", "failed")) == (1, 1)


def test_a_slow_service_delays_no_other() -> None:
    slow, quick = SimulatedService("1-slow", slowness_s=1000), SimulatedService("2-quick")

    async def story(told: Told) -> None:
        for _ in range(3):
            told.notifications.tell(broken_glass())
        await asyncio.sleep(1)

    telling(story, slow, quick)

    assert (len(slow.taken), len(quick.taken)) == (0, 3)


def test_what_a_full_queue_has_no_room_for_is_lost_and_counted_and_nobody_waits() -> None:
    slow = SimulatedService("1-slow", slowness_s=1)

    async def story(told: Told) -> None:
        for number in range(MAX_WAITING + 10):
            told.notifications.tell(broken_glass(a_request(uid=str(number))))
        assert told.count("1-slow", "lost") == 10
        await asyncio.sleep(3600)

    told = telling(story, slow)

    assert len(slow.taken) == MAX_WAITING
    assert told.count("1-slow", "delivered") == MAX_WAITING


def test_what_is_left_at_the_end_of_the_process_is_counted_as_lost() -> None:
    slow = SimulatedService("1-slow", slowness_s=10)

    async def story(told: Told) -> None:
        for _ in range(5):
            told.notifications.tell(broken_glass())
        await asyncio.sleep(15)

    told = telling(story, slow)

    assert (told.count("1-slow", "delivered"), told.count("1-slow", "lost")) == (1, 4)


def test_without_services_telling_does_nothing() -> None:
    async def story(told: Told) -> None:
        told.notifications.tell(broken_glass())
        await asyncio.sleep(1)

    assert [metric.samples for metric in telling(story).registry.collect()] == [[]]
