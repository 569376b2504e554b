"""Approval webhooks over HTTP: one POST, one answer, bounded in size and time; no redirect, proxy or cookie."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Final

import httpx2

from jitgress.domain.clock import Clock
from jitgress.domain.errors import InvalidValueError
from jitgress.operator.consults.consultant import Reply, Trouble, Unheard
from jitgress.operator.consults.message import SigningKeys, body, headers
from jitgress.operator.consults.metrics import ConsultMetrics
from jitgress.operator.consults.reply import MAX_BODY_BYTES, retry_after, understood
from jitgress.operator.questions import Question

_MAX_SECRET_CHARACTERS: Final = 4096
_PLAIN: Final = {
    "user-agent": "jitgress",
    "accept": "application/json",
    "accept-encoding": "identity",  # a small compressed answer can be a large one
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where one external approval system is. `secret_file` is read at each question, so that it can be replaced."""

    url: str
    secret_file: Path
    timeout: timedelta
    tls: ssl.SSLContext

    def keys(self) -> SigningKeys:
        """Return the keys to sign with, or raise `InvalidValueError`."""
        try:
            with self.secret_file.open(encoding="ascii") as lines:
                text = lines.read(_MAX_SECRET_CHARACTERS)
        except (OSError, ValueError) as error:
            raise InvalidValueError(
                f"the secret in {self.secret_file} can't be read: {type(error).__name__}", remedy="Give a text file."
            ) from None
        return SigningKeys.read(text)


class HttpConsultant:
    """A `Consultant` for the webhooks of the settings, by name."""

    def __init__(self, webhooks: Mapping[str, Webhook], clock: Clock, metrics: ConsultMetrics) -> None:
        self._webhooks = dict(webhooks)
        self._clock = clock
        self._metrics = metrics
        self._clients = {name: _client(webhook) for name, webhook in self._webhooks.items()}

    @property
    def webhooks(self) -> frozenset[str]:
        """The names of those that can be asked."""
        return frozenset(self._webhooks)

    async def ask(self, question: Question) -> Reply:
        """Ask once, and say what came of it."""
        name = question.webhook
        with self._metrics.seconds.labels(name).time():
            reply = await self._ask(self._webhooks[name], self._clients[name], question)
        self._metrics.count(name, reply)
        return reply

    async def close(self) -> None:
        """Close what is open."""
        for client in self._clients.values():
            await client.aclose()

    async def _ask(self, webhook: Webhook, client: httpx2.AsyncClient, question: Question) -> Reply:
        try:
            keys = webhook.keys()
        except InvalidValueError as error:
            return Unheard(Trouble.SECRET, error.message)
        content = body(question)
        signed = headers(question, content, keys, self._clock.now())
        try:
            async with (
                asyncio.timeout(webhook.timeout.total_seconds()),
                client.stream("POST", webhook.url, content=content, headers=signed) as response,
            ):
                return await self._read(response)
        except (TimeoutError, httpx2.TimeoutException):
            return Unheard(Trouble.TIMED_OUT, f"no answer within {webhook.timeout.total_seconds():g} s")
        except httpx2.HTTPError as error:
            return Unheard(Trouble.UNREACHABLE, type(error).__name__)

    async def _read(self, response: httpx2.Response) -> Reply:
        wished = retry_after(response.headers.get("retry-after"), self._clock.now())
        if response.status_code != HTTPStatus.OK:
            return Unheard(Trouble.STATUS, f"status {response.status_code}", wished)
        if response.headers.get("content-encoding", "identity") != "identity":
            return Unheard(Trouble.NOT_UNDERSTOOD, "it is compressed", wished)
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > MAX_BODY_BYTES:
                return Unheard(Trouble.NOT_UNDERSTOOD, f"it has more than {MAX_BODY_BYTES} bytes", wished)
        try:
            return understood(bytes(content), wished)
        except InvalidValueError as error:
            return Unheard(Trouble.NOT_UNDERSTOOD, error.message, wished)


def _client(webhook: Webhook) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=webhook.tls,
        timeout=webhook.timeout.total_seconds(),
        trust_env=False,  # neither a proxy nor a .netrc of this machine
        follow_redirects=False,
        headers=_PLAIN,
        limits=httpx2.Limits(max_keepalive_connections=0),  # questions are minutes apart
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
