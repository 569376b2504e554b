"""`jitgress gate`: the agent that has HAProxy follow the grants. It stays small: no ledger, no portal."""

import asyncio
import socket

import typer

from jitgress.cli import log
from jitgress.cli.command import Session, commands
from jitgress.cli.process import until_told
from jitgress.cli.service import ConfigOption, ServiceCommand, client_of
from jitgress.cli.settings import Settings, load
from jitgress.domain.clock import Clock
from jitgress.gate.following import KubeSource
from jitgress.gate.lease import KubeStatus
from jitgress.gate.run import run_gate
from jitgress.gate.settings import GateSettings
from jitgress.kube.client import KubeClient

app = commands()


@app.command("gate", cls=ServiceCommand, epilog="jitgress gate --config /etc/jitgress/settings.yaml")
def gate(ctx: typer.Context, config: ConfigOption = None) -> None:
    """Run the gate's agent beside HAProxy, until told to stop.

    It has HAProxy follow the grants; HAProxy itself runs beside it, on its own.
    """
    session: Session = ctx.obj
    settings = load(config, session.outside.environ)
    log.configure(no_color=bool(session.outside.environ.get("NO_COLOR")))
    client = client_of(session.options)
    asyncio.run(_follow(settings, client, session.outside.clock))


async def _follow(settings: Settings, client: KubeClient, clock: Clock) -> None:
    gate_settings = settings_of_gate(settings)
    async with client as api:
        source = KubeSource(api, clock, gate_settings.staleness, settings.namespace)
        status = KubeStatus(api, gate_settings, settings.namespace)
        await until_told([source.run(), run_gate(gate_settings, source, status, clock=clock)])


def settings_of_gate(settings: Settings) -> GateSettings:
    """Return the gate's part of the settings; its id is the host's name (in a cluster: the pod's) unless it is set."""
    section = settings.gate
    return GateSettings(
        gate_id=section.id or socket.gethostname().lower(),
        folder=section.folder,
        issuer=settings.require_issuer(),
        bind=section.bind,
        staleness=section.staleness,
        max_connections=section.max_connections,
        socket_path=section.socket_path,
        trusted_proxies=section.trusted_proxies,
    )
