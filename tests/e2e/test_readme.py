"""What the README tells a newcomer to type does what the README says, line by line."""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.e2e.stack import Stack

pytestmark = pytest.mark.real

README = Path(__file__).parents[2] / "README.md"


def commands() -> list[str]:
    section = README.read_text().split("## Try it yourself")[1]
    block = section.split("```")[1].replace("\\\n", "")
    lines = [line.split("  #")[0].strip() for line in block.strip().splitlines()]
    return [line for line in lines if not re.search(r"jitgress local (up|down)$", line)]


def as_curl_would(command: str, stack: Stack) -> str:
    """Send what a curl command of the README sends, for machines without curl; return the body of the answer."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    for option in ("--cacert", "--resolve", "-H"):
        parser.add_argument(option, required=True)
    parser.add_argument("url", type=httpx2.URL)
    given = parser.parse_args(shlex.split(command)[1:])
    header, _, value = given.H.partition(": ")
    answer = stack.get(given.url.host, given.url.path, headers={header: value})
    assert answer.is_success, answer.text
    return str(answer.text)


def test_the_readmes_commands_work_as_written(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / ".local").symlink_to(stack.folder)
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "160"}
    environment.pop("JITGRESS_LOCAL_DIR", None)
    host, port = stack.ingress
    echoes: list[dict[str, str]] = []
    name, token = "", ""
    for written in commands():
        line = written.replace("shop/orders-…", name).replace("28443", str(port)).replace("127.0.0.1", host)
        token_line = re.fullmatch(r"TOKEN=\$\((.*)\)", line)
        command = token_line[1] if token_line else line.replace("$TOKEN", token)
        if command.startswith("curl") and shutil.which("curl") is None:
            echoes.append(json.loads(as_curl_would(command, stack)))
            continue
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if command.startswith("curl"):
            echoes.append(json.loads(done.stdout))
        if token_line:
            token = done.stdout.strip()
        if found := re.search(r"shop/orders-\w{5}", done.stdout):
            name = found[0]

    assert [(echo["method"], echo["path"]) for echo in echoes] == [("GET", "/echo")]
    stack.cli("carol", "revoke", name)
