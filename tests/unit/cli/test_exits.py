import json

import pytest

from jitgress.cli.exits import NotSignedInError
from jitgress.kube.errors import ForbiddenError, KubeError, NotFoundError, UnauthorizedError, UnreachableError
from tests.unit.cli.cluster import Cluster

MISSING = "the server could not find the requested resource"


@pytest.mark.parametrize(
    ("failure", "exit_code", "code"),
    [
        (UnauthorizedError("Unauthorized", remedy="Sign in again.", status=401), 5, "not_signed_in"),
        (NotSignedInError("no credential", remedy="Sign in."), 5, "not_signed_in"),
        (UnreachableError("the API server gave no answer", remedy="Check the network."), 6, "not_reachable"),
        (ForbiddenError("alice may not list", remedy="Ask the platform team.", status=403), 1, "forbidden"),
        (NotFoundError(MISSING, remedy="Check the name.", status=404), 1, "not_installed"),
        (KubeError("etcdserver: no leader", remedy="Try again.", status=500), 1, "kube_error"),
    ],
)
def test_each_failure_has_its_exit_code_and_its_line(
    capsys: pytest.CaptureFixture[str], failure: Exception, exit_code: int, code: str
) -> None:
    cluster = Cluster(failure=failure)

    assert cluster.run("list", "-o", "json") == exit_code

    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    error = json.loads(captured.out)["error"]
    assert error["code"] == code
    assert error["remedy"]


def test_without_json_only_the_line_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    Cluster(failure=UnreachableError("no answer", remedy="Look.")).run("list")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: no answer. Look.\n"
