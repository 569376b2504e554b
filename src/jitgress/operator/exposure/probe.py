"""Looking at a host through the ingress, as a stranger would: real HTTPS, no credential, no redirect followed."""

import asyncio
import ssl
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx2

from jitgress.domain.clock import Clock
from jitgress.domain.host import Host
from jitgress.domain.scope import PathPrefix
from jitgress.operator.ports import Probe, Sighting

GATE_HEADER: Final = "Jitgress-Gate"
_TIMEOUT_S: Final = 2.0  # an ingress that needs longer than this for a refusal is looked at again
_LONGEST_S: Final = 5.0  # connecting, TLS and an answer in drops, together


class IngressProber:
    """Connects to the ingress at `ingress_url`, or to the host itself where that is None."""

    def __init__(self, clock: Clock, ingress_url: str | None, tls: ssl.SSLContext) -> None:
        self._clock = clock
        self._ingress_url = ingress_url
        # One connection a look: a kept one would tell about the route as it was when it was opened.
        self._client = httpx2.AsyncClient(
            verify=tls,
            timeout=_TIMEOUT_S,
            trust_env=False,
            follow_redirects=False,
            limits=httpx2.Limits(max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # a stranger comes for the first time
        )

    async def probe(self, host: Host, path: PathPrefix) -> Probe:
        """Ask for `path` on `host` without a credential, and say what answered."""
        url = f"{self._ingress_url or f'https://{host}'}{path}"
        try:
            # The head of the answer says all; a body may never end.
            async with (
                asyncio.timeout(_LONGEST_S),
                self._client.stream("GET", url, headers={"Host": host}, extensions={"sni_hostname": host}) as response,
            ):
                status, gate = response.status_code, response.headers.get(GATE_HEADER)
        except (httpx2.HTTPError, TimeoutError) as error:
            return Probe(Sighting.UNREACHABLE, self._clock.now(), type(error).__name__)
        seen = sighting(status, is_from_gate=gate is not None)
        return Probe(seen, self._clock.now(), f"{status} {gate or 'without the gate'}")

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def sighting(status: int, *, is_from_gate: bool) -> Sighting:
    """Return what an answer means. Anything that is not known to be a refusal counts as exposed."""
    if is_from_gate:
        return Sighting.REFUSED if status == HTTPStatus.UNAUTHORIZED else Sighting.DENIED
    if status == HTTPStatus.NOT_FOUND:
        return Sighting.HIDDEN
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}:
        return Sighting.UNREACHABLE  # the ingress has the route and no gate behind it yet
    return Sighting.EXPOSED
