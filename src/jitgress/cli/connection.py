"""The way to the cluster: a kubeconfig, or one of the people of the local stack; and who that is.

A credential goes nowhere but to the server that its kubeconfig names, and to the portal of the same cluster.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from os import pathsep
from pathlib import Path
from typing import Any

import httpx2
import yaml
from lightkube.config.client_adapter import AsyncClient, ConnectionParams, user_auth
from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from jitgress.cli.command import Session
from jitgress.cli.exits import CliError, NotReachableError, NotSignedInError
from jitgress.cli.local_stack import LocalStack
from jitgress.cli.options import Options
from jitgress.cli.outside import Outside
from jitgress.crds.grants import subject_value
from jitgress.domain.subject import Subject
from jitgress.kube.client import KubeApi, KubeClient
from jitgress.kube.errors import NotFoundError, UnauthorizedError, UnreachableError
from jitgress.kube.resources import SELF_SUBJECT_REVIEWS


class NotInstalledError(CliError):
    """The cluster doesn't know our resources."""

    code = "not_installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An API server and the caller's credential for it. `bearer` gives None where there is no token (certificates)."""

    api: KubeApi
    server: str
    bearer: Callable[[], Awaitable[str | None]]

    async def identity(self) -> Mapping[str, Any]:
        """Return who we are, as the API server authenticated us (SelfSubjectReview) and as our objects must say it.

        Admission compares all groups, and all claims with their values in their order.
        """
        answer = await self.api.create(
            SELF_SUBJECT_REVIEWS, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        )
        user = answer["status"]["userInfo"]
        claims = {"claims": user["extra"]} if user.get("extra") else {}
        return {"username": user["username"], "groups": sorted(set(user.get("groups") or ())), **claims}

    async def caller(self) -> Subject:
        """Return who we are, as the API server authenticated us."""
        return subject_value(await self.identity())


@asynccontextmanager
async def connected(session: Session) -> AsyncGenerator[Connection]:
    """Yield the connection that the options describe; failures to reach or sign in get their own exit codes."""
    outside, options = session.outside, session.options
    try:
        async with outside.connect(options) if outside.connect else _opened(_config(options, outside)) as connection:
            yield connection
    except UnauthorizedError as error:
        raise NotSignedInError("the API server doesn't know you", remedy=error.remedy) from error
    except UnreachableError as error:
        raise NotReachableError(error.message, remedy=error.remedy) from error
    except (ConfigError, FileNotFoundError, PermissionError) as error:  # from the kubeconfig's plugin or token file
        raise _no_credential(error) from error
    except NotFoundError as error:
        if "could not find the requested resource" in error.message:
            raise NotInstalledError(
                "this cluster has no jitgress resources", remedy="Install jitgress there, or choose another --context."
            ) from error
        raise


@asynccontextmanager
async def _opened(config: SingleConfig) -> AsyncGenerator[Connection]:
    try:
        http = AsyncClient(config, ConnectionParams(timeout=httpx2.Timeout(10.0), trust_env=False))
    except (ConfigError, OSError) as error:
        raise _unusable(error) from error
    async with KubeClient(http) as api:
        yield Connection(api=api, server=config.cluster.server, bearer=lambda: _bearer(config.user))


def _config(options: Options, outside: Outside) -> SingleConfig:
    if options.as_local is not None:
        stack = LocalStack.require(outside.environ)
        chosen = _read(stack.kubeconfig, None)
        return chosen._replace(user=User(token=stack.token_of(options.as_local)))
    listed = (options.kubeconfig or outside.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG).split(pathsep)
    paths = [Path(each).expanduser() for each in listed if each]
    if not paths:
        raise _unusable("KUBECONFIG names no file")
    return _read(next((path for path in paths if path.is_file()), paths[0]), options.context)


def _read(path: Path, context: str | None) -> SingleConfig:
    try:
        chosen = KubeConfig.from_file(path).get(context)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _unusable(f"{path} is not one ({type(error).__name__}: {error})") from error
    except (ConfigError, OSError, yaml.YAMLError) as error:
        raise _unusable(error) from error
    if chosen is None:
        raise _unusable("it names no current context")
    return chosen if chosen.user else chosen._replace(user=User())


class NoKubeconfigError(NotSignedInError):
    """Nothing says who is asking, and where."""

    code = "no_kubeconfig"


def _unusable(why: object) -> NoKubeconfigError:
    return NoKubeconfigError(
        f"no usable kubeconfig: {why}",
        remedy="Give --kubeconfig FILE or set KUBECONFIG; for the local stack use --as-local USER.",
    )


def _no_credential(why: object) -> NotSignedInError:
    return NotSignedInError(f"the kubeconfig gives no credential: {why}", remedy="Sign in again.")


async def _bearer(user: User | None) -> str | None:
    auth = user_auth(user or User())
    if auth is None:
        return None
    flow = auth.async_auth_flow(httpx2.Request("GET", "https://kubernetes.invalid/"))
    try:
        request = await anext(flow)
    except (ConfigError, OSError, ValueError, LookupError) as error:
        raise _no_credential(error) from error
    finally:
        await flow.aclose()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None
