import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jitgress.cli.command import Session
from jitgress.cli.connection import Connection, NoKubeconfigError, connected
from jitgress.cli.exits import CliError, NotSignedInError, UsageError
from jitgress.cli.options import Options
from jitgress.cli.outside import Outside
from tests.unit.cli.cluster import ALICE, AnsweringApi, StandingClock


def kubeconfig(path: Path, user: dict[str, Any] | None = None, server: str = "https://127.0.0.1:1") -> Path:
    content = {
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user or {"token": "mine"}}],
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(content))
    return path


def stack(folder: Path) -> dict[str, str]:
    people = [("alice@example.test", "token-of-alice"), ("carol@example.test", "token-of-carol")]
    env = {
        "kubeconfig": str(kubeconfig(folder / "admin.yaml", {"token": "of-admin"}, "https://127.0.0.1:2")),
        "ca_file": str(folder / "ca.crt"),
        "portal_url": "https://portal.jit.localhost",
        "ledger": "sqlite:////x",
        "users": [{"username": name, "groups": [], "kube_token": token} for name, token in people],
    }
    (folder / "env.json").write_text(json.dumps(env))
    return {"JITGRESS_LOCAL_DIR": str(folder)}


async def sight(options: Options, environ: dict[str, str]) -> tuple[str, str | None]:
    session = Session(options, Outside(clock=StandingClock(), environ=environ))
    async with connected(session) as connection:
        assert isinstance(connection, Connection)
        return connection.server, await connection.bearer()


async def test_the_named_kubeconfig_says_who_and_where(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config")

    assert await sight(Options(kubeconfig=str(path), context="here"), {}) == ("https://127.0.0.1:1", "mine")


async def test_of_several_files_the_first_that_is_there_is_taken(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config")

    assert (await sight(Options(), {"KUBECONFIG": f"{tmp_path}/none:{path}"}))[1] == "mine"


async def test_a_list_of_no_files_is_said_to_be_one() -> None:
    with pytest.raises(NoKubeconfigError, match="KUBECONFIG names no file"):
        await sight(Options(), {"KUBECONFIG": ":"})


@pytest.mark.parametrize("name", ["alice", "alice@example.test"])
async def test_people_of_the_local_stack_need_no_kubeconfig(tmp_path: Path, name: str) -> None:
    seen = await sight(Options(as_local=name), stack(tmp_path) | {"KUBECONFIG": "/somebody/elses"})

    assert seen == ("https://127.0.0.1:2", "token-of-alice")


async def test_a_stranger_to_the_local_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="knows no 'mallet'") as caught:
        await sight(Options(as_local="mallet"), stack(tmp_path))

    assert caught.value.remedy == "Choose one of: alice, carol."


async def test_without_a_local_stack_there_is_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="no local stack is described") as caught:
        await sight(Options(as_local="alice"), {"JITGRESS_LOCAL_DIR": str(tmp_path)})

    assert "jitgress local up" in caught.value.remedy


async def test_a_password_is_no_bearer_token(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", {"username": "me", "password": "mine"})

    assert (await sight(Options(kubeconfig=str(path)), {}))[1] is None


async def test_a_plugin_is_asked_for_the_token(tmp_path: Path) -> None:
    answer = json.dumps({"status": {"token": "from-plugin"}})
    program = {"command": sys.executable, "args": ["-c", f"print({answer!r})"]}
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", **program}
    path = kubeconfig(tmp_path / "config", {"exec": plugin})

    assert (await sight(Options(kubeconfig=str(path)), {}))[1] == "from-plugin"


@pytest.mark.parametrize(
    "text", ["", "[", "clusters: []", "just text", "clusters: []\ncontexts: []\ncurrent-context: none"]
)
async def test_a_broken_kubeconfig_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(NoKubeconfigError, match="no usable kubeconfig"):
        await sight(Options(kubeconfig=str(path)), {})


async def test_a_missing_context_is_said_to_be_missing(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config")

    with pytest.raises(NoKubeconfigError, match="there"):
        await sight(Options(kubeconfig=str(path), context="there"), {})


@pytest.mark.parametrize("command", ["false", "/no/such/plugin", "echo"])
async def test_a_plugin_that_fails_is_not_signed_in(tmp_path: Path, command: str) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": command}
    path = kubeconfig(tmp_path / "config", {"exec": plugin})

    with pytest.raises(NotSignedInError, match="gives no credential"):
        await sight(Options(kubeconfig=str(path)), {})


async def test_a_plugin_that_fails_while_asking_is_not_signed_in(tmp_path: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "/no/such/plugin"}
    path = kubeconfig(tmp_path / "config", {"exec": plugin})
    session = Session(Options(kubeconfig=str(path)), Outside(clock=StandingClock(), environ={}))

    with pytest.raises(NotSignedInError, match="gives no credential"):
        async with connected(session) as connection:
            await connection.caller()


async def no_bearer() -> str | None:
    return None


async def test_who_we_are_is_said_as_the_api_server_says_it() -> None:
    extra = {"jitgress.dev/amr": ["pwd", "mfa", "hwk"], "example.test/team": ["b", "a"]}
    connection = Connection(api=AnsweringApi(ALICE, {}, extra), server="https://127.0.0.1:1", bearer=no_bearer)

    identity, caller = await connection.identity(), await connection.caller()

    assert identity == {"username": ALICE.username, "groups": sorted(ALICE.groups), "claims": extra}
    assert caller.values_of("jitgress.dev/amr") == {"pwd", "mfa", "hwk"}
    assert (caller.username, caller.groups) == (ALICE.username, ALICE.groups)
