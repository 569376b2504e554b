"""What the commands share that run on: their settings file, and the cluster that they talk to."""

from pathlib import Path
from typing import Annotated

import typer

from jitgress.cli.command import Command
from jitgress.cli.connection import NoKubeconfigError
from jitgress.cli.options import CONNECTION, Options
from jitgress.kube.client import KubeClient, KubeconfigError

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", envvar="JITGRESS_CONFIG", help="The settings, as YAML.")
]


class ServiceCommand(Command):
    """A command that runs on, and talks to a cluster."""

    shared = CONNECTION[:2]


def client_of(options: Options) -> KubeClient:
    """Return the client that `options` describe, or raise `NoKubeconfigError`. In a cluster: the pod's own account."""
    try:
        return KubeClient.connect(Path(options.kubeconfig) if options.kubeconfig else None, options.context)
    except KubeconfigError as error:
        raise NoKubeconfigError(error.message, remedy=error.remedy) from error
