"""`jitgress serve`: operator and portal in one process, with the ledger between them."""

import asyncio
import gc
import socket
from typing import Final
from uuid import uuid4

import typer
from prometheus_client import REGISTRY

from jitgress.audit.grouped import GroupedLedger, grouped
from jitgress.audit.ledger import Ledger
from jitgress.cli import log
from jitgress.cli.command import Session, commands
from jitgress.cli.outgoing import consultant, notifications, tls_context
from jitgress.cli.process import until_told
from jitgress.cli.service import ConfigOption, ServiceCommand, client_of
from jitgress.cli.settings import Settings, load
from jitgress.crds.values import grant_value
from jitgress.domain.clock import Clock
from jitgress.identity.keeper import KeyKeeper
from jitgress.identity.key_objects import KeyObjects
from jitgress.identity.rotation import RotationTerms
from jitgress.kube.client import KubeApi, KubeClient
from jitgress.kube.controller import ControllerMetrics
from jitgress.kube.lease import Elector, LeaseSettings
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import ACCESS_GRANTS
from jitgress.operator.exposure.probe import IngressProber
from jitgress.operator.metrics import ReviewMetrics
from jitgress.operator.run import Operator
from jitgress.operator.settings import GatewayRef, OperatorSettings
from jitgress.operator.traits import TRAITS
from jitgress.portal.app import Parts, create_app
from jitgress.portal.metrics import PortalMetrics
from jitgress.portal.reflected_grants import ReflectedGrants
from jitgress.portal.server import server
from jitgress.portal.token_review import TokenReviewAuthenticator

_WHILE_READING: Final = 200_000
"""New objects until Python looks for cycles. With its own 700 such looks are two thirds of the time of a large list."""
_LATER: Final = 10_000

app = commands()


@app.command("serve", cls=ServiceCommand, epilog="jitgress serve --config /etc/jitgress/settings.yaml")
def serve(ctx: typer.Context, config: ConfigOption = None) -> None:
    """Run operator and portal in one process, until told to stop.

    Several may run: one acts as operator, all of them answer as portal.
    """
    session: Session = ctx.obj
    settings = load(config, session.outside.environ)
    log.configure(no_color=bool(session.outside.environ.get("NO_COLOR")))
    gc.set_threshold(_WHILE_READING)
    client = client_of(session.options)
    asyncio.run(_serve(settings, client, session.outside.clock))


async def _serve(settings: Settings, client: KubeClient, clock: Clock) -> None:
    # What may be wrong, before a file is made.
    issuer, tls = settings.require_issuer(), tls_context("operator.ca_file", settings.operator.ca_file)
    approvals, messages = consultant(settings, clock, REGISTRY), notifications(settings.notify, REGISTRY)
    ledger = Ledger.open(settings.ledger)
    prober = IngressProber(clock, settings.operator.ingress_url, tls)
    try:
        async with client as api, grouped(ledger) as shared:
            keeper = KeyKeeper(
                KeyObjects(api, settings.namespace), shared, clock, RotationTerms(max_age=settings.keys.max_age)
            )
            # A portal that lost the API without noticing must not hand out tokens of grants that were revoked.
            confirm_every = settings.gate.staleness / 3
            grants = Reflector(
                api,
                ACCESS_GRANTS,
                clock,
                namespace=settings.namespace,
                traits=TRAITS["grants"],
                confirm_every=confirm_every,
            )
            portal = create_app(_parts(settings, api, shared, clock, keeper=keeper, grants=grants, issuer=issuer))
            host, port = settings.portal.address
            operator = Operator(
                api=api,
                ledger=shared,
                prober=prober,
                clock=clock,
                settings=operator_settings(settings),
                elector=_elector(api, settings, clock),
                metrics=ControllerMetrics(REGISTRY),
                reviews=ReviewMetrics(REGISTRY),
                consultant=approvals,
                notifier=messages,
                grants=grants,
                on_synced=_collect_as_usual,
            )
            web = server(portal, host=host, port=port).serve()
            await until_told([operator.run(), keeper.run(), grants.run(), messages.run(), web])
    finally:
        await prober.close()
        await approvals.close()
        ledger.close()


def _collect_as_usual() -> None:
    """Once the caches are filled: what is in them stays, and no collection need look at it again."""
    gc.freeze()
    gc.set_threshold(_LATER)


def _parts(
    settings: Settings,
    api: KubeApi,
    ledger: GroupedLedger,
    clock: Clock,
    *,
    keeper: KeyKeeper,
    grants: Reflector,
    issuer: str,
) -> Parts:
    return Parts(
        authenticator=TokenReviewAuthenticator(api),
        grants=ReflectedGrants(grants, grant_value, clock, settings.gate.staleness),
        keys=keeper,
        ledger=ledger,
        clock=clock,
        metrics=PortalMetrics(REGISTRY),
        issuer=issuer,
    )


def operator_settings(settings: Settings) -> OperatorSettings:
    """Return the operator's part of the settings; its staleness is the gates'."""
    section = settings.operator
    gateway = section.gateway
    return OperatorSettings(
        namespace=settings.namespace,
        route_kind=section.route_kind,
        ingress_class=section.ingress_class,
        gateway=GatewayRef(gateway.namespace, gateway.name, gateway.section) if gateway else None,
        gate_service=section.gate_service,
        gate_port=section.gate_port,
        url_port=section.url_port,
        staleness=settings.gate.staleness,
        probe_timeout=section.probe_timeout,
        retention=section.retention,
        workers=section.workers,
        approval_webhooks=frozenset(settings.approval_webhooks),
    )


def _elector(api: KubeApi, settings: Settings, clock: Clock) -> Elector:
    # A name that no other process ever has: a host name alone comes back after a restart.
    identity = f"{socket.gethostname()}-{uuid4().hex[:8]}"
    return Elector(api, LeaseSettings(name="jitgress-operator", namespace=settings.namespace, identity=identity), clock)
