"""What is wrong when a process starts is one line, and no file is made before."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml


@pytest.fixture
def taken() -> Iterator[str]:
    """An address that somebody else listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def kubeconfig(folder: Path) -> Path:
    content = {
        "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"token": "mine"}}],
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "current-context": "here",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(content))
    return folder / "kubeconfig"


def serve(folder: Path, bind: str) -> subprocess.CompletedProcess[str]:
    content = {
        "ledger": f"sqlite:///{folder}/ledger.db",
        "portal": {"bind": bind, "issuer": "https://portal.example.test"},
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(content))
    arguments = ("--kubeconfig", str(kubeconfig(folder)), "serve", "--config", str(folder / "settings.yaml"))
    return jitgress(folder, *arguments)


def jitgress(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jitgress", *arguments]
    environment = {"HOME": str(folder), "PATH": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_an_address_that_is_none_is_told_before_the_ledger_is_made(tmp_path: Path) -> None:
    done = serve(tmp_path, "xyz")

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: the setting portal.bind is wrong: 'xyz' is not an address")
    assert not (tmp_path / "ledger.db").exists()


def test_an_address_that_is_taken_is_told_in_one_line_of_words(tmp_path: Path, taken: str) -> None:
    done = serve(tmp_path, taken)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not is_log(line)]
    assert line.startswith("error: the portal cannot listen at 127.0.0.1")


@pytest.mark.parametrize("command", ["serve", "gate"])
def test_without_a_kubeconfig_nobody_is_signed_in(tmp_path: Path, command: str) -> None:
    done = jitgress(tmp_path, command)

    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: no usable kubeconfig")


def is_log(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
