"""From the settings to what goes out: questions to external approval systems, and messages to people.

What is wrong with an address, a secret or a certificate is told before anything starts.
"""

import ssl
from pathlib import Path

from prometheus_client import CollectorRegistry

from jitgress.cli.settings import ApprovalWebhookSection, NotifySection, Settings, SettingsError
from jitgress.domain.clock import Clock
from jitgress.domain.errors import InvalidValueError
from jitgress.identity.secret import Secret
from jitgress.notify.apprise_service import AppriseService
from jitgress.notify.delivery import Notifications
from jitgress.notify.metrics import NotifyMetrics
from jitgress.operator.consults.http import HttpConsultant, Webhook
from jitgress.operator.consults.metrics import ConsultMetrics


def consultant(settings: Settings, clock: Clock, registry: CollectorRegistry) -> HttpConsultant:
    """Return who asks the external approval systems, or raise `SettingsError`."""
    webhooks = {name: _webhook(name, section) for name, section in settings.approval_webhooks.items()}
    return HttpConsultant(webhooks, clock, ConsultMetrics(registry))


def notifications(section: NotifySection, registry: CollectorRegistry) -> Notifications:
    """Return who tells people, or raise `SettingsError`."""
    try:
        services = [
            AppriseService(Secret(url.get_secret_value()), number) for number, url in enumerate(section.urls, start=1)
        ]
    except InvalidValueError as error:
        raise SettingsError(error.message, remedy=error.remedy) from None
    return Notifications(services, section.when, NotifyMetrics(registry))


def tls_context(setting: str, ca_file: Path | None) -> ssl.SSLContext:
    """Return whom to trust: the authorities in `ca_file`, or this machine's. Raises `SettingsError`."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{setting} {ca_file}: {error}", remedy="Give a PEM file.") from error


def _webhook(name: str, section: ApprovalWebhookSection) -> Webhook:
    setting = f"approval_webhooks.{name}"
    webhook = Webhook(
        url=section.url,
        secret_file=section.secret_file,
        timeout=section.timeout,
        tls=tls_context(f"{setting}.ca_file", section.ca_file),
    )
    try:
        webhook.keys()
    except InvalidValueError as error:
        raise SettingsError(f"{setting}.secret_file: {error.message}", remedy=error.remedy) from None
    return webhook
