"""The simulated API server at the far end of a line that is slow, cut, or dead without a word."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, Self, TypeVar

from jitgress.domain.clock import Clock
from jitgress.kube.client import Object, Page
from jitgress.kube.errors import KubeError, UnreachableError
from jitgress.kube.resources import Resource
from tests.simulators.kube_api import SimulatedApi

T = TypeVar("T")
_MOST_A_PAGE: Final = 2  # a server may send less than one asked for: so a handful of objects has several pages


class Stream:
    """One watch on a line. On a dead one nothing arrives any more, not even that it is dead."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Object | KubeError | None] = asyncio.Queue()
        self.is_dead = False

    def put(self, what: Object | KubeError | None) -> None:
        if not self.is_dead:
            self.arrived.put_nowait(what)


class Line:
    """The way from one process to the API server and back. It is changed by `cut`, `mend`, `die` and `pause`."""

    def __init__(self) -> None:
        self.there_s = 0.0
        self.back_s = 0.0
        self.sent: list[tuple[float, str]] = []
        """When each call was made, and which."""
        self._is_cut = False
        self._streams: set[Stream] = set()
        self._runs = asyncio.Event()
        self._runs.set()
        self._on_the_way: set[asyncio.Future[Any]] = set()

    def cut(self) -> None:
        """Let nothing through; who uses the line is told."""
        self._is_cut = True
        for stream in self._streams:
            stream.put(_cut_off())

    def mend(self) -> None:
        self._is_cut = False

    def die(self) -> None:
        """Let the peer of all watches vanish without a word; calls from now on go through."""
        for stream in self._streams:
            stream.is_dead = True

    def pause(self) -> None:
        """Stop the process at the near end: it sends nothing and hears nothing until `go_on`."""
        self._runs.clear()

    def go_on(self) -> None:
        self._runs.set()

    async def carry(self, verb: str, work: Callable[[], Awaitable[T]]) -> T:
        """Have `work` done at the far end. What was sent arrives, even if the sender has given up meanwhile."""
        self.sent.append((asyncio.get_running_loop().time(), verb))
        sending = asyncio.ensure_future(self._arrive(work))
        self._on_the_way.add(sending)
        sending.add_done_callback(self._forget)
        answer = await asyncio.shield(sending)
        await self._go(self.back_s)
        return answer

    async def listen(self, stream: Stream) -> AsyncGenerator[Object]:
        """Yield what arrives on `stream`, until it ends or the line is cut."""
        self._streams.add(stream)
        try:
            while (what := await stream.arrived.get()) is not None:
                if isinstance(what, KubeError):
                    raise what
                await self._go(self.back_s)
                yield what
        finally:
            self._streams.discard(stream)

    async def _arrive(self, work: Callable[[], Awaitable[T]]) -> T:
        await self._go(self.there_s)
        return await work()

    async def _go(self, delay_s: float) -> None:
        await self._runs.wait()
        await asyncio.sleep(delay_s)
        await self._runs.wait()
        if self._is_cut:
            raise _cut_off()

    def _forget(self, sending: asyncio.Future[T]) -> None:
        self._on_the_way.discard(sending)
        if not sending.cancelled():
            sending.exception()


class FarApi(SimulatedApi):
    """A `SimulatedApi` as one process reaches it over `line`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.line = Line()

    def over(self, line: Line) -> Self:
        """Return the same server as another process reaches it."""
        other = self.for_caller(self.before_call)
        other.line = line
        return other

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        return await self.line.carry("get", lambda: SimulatedApi.get(self, resource, name, namespace))

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        return await self.line.carry("create", lambda: SimulatedApi.create(self, resource, body, namespace))

    async def replace(self, resource: Resource, body: Object) -> Object:
        return await self.line.carry("replace", lambda: SimulatedApi.replace(self, resource, body))

    async def list_page(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        limit: int,
        next_page: str | None,
        is_brief: bool = False,
        name: str | None = None,
        selector: str | None = None,
    ) -> Page:
        return await self.line.carry(
            "list_page",
            lambda: SimulatedApi.list_page(
                self,
                resource,
                namespace,
                limit=min(limit, _MOST_A_PAGE),
                next_page=next_page,
                is_brief=is_brief,
                name=name,
                selector=selector,
            ),
        )

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        resource_version: str,
        timeout_s: int,
        name: str | None = None,
        selector: str | None = None,
    ) -> AsyncGenerator[Object, None]:
        events = super().watch(
            resource,
            namespace,
            resource_version=resource_version,
            timeout_s=timeout_s,
            name=name,
            selector=selector,
        )
        stream = Stream()

        async def send() -> None:
            try:
                async for event in events:
                    stream.put(event)
            except KubeError as error:
                stream.put(error)
            stream.put(None)

        await self.line.carry("watch", _nothing)
        sending = asyncio.create_task(send())
        try:
            async for event in self.line.listen(stream):
                yield event
        finally:
            sending.cancel()
            await asyncio.wait({sending})
            await events.aclose()


async def _nothing() -> None:
    """A watch is asked for before its first event is there."""


def _cut_off() -> UnreachableError:
    return UnreachableError("the line to the API server is cut")
