import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from jitgress.portal.errors import ClaimsChangedError, GroupsChangedError, NoGrantError
from tests.unit.cli.cluster import SERVER, Cluster

ANSWER = {"token": "signed.by.portal", "header": "Jitgress-Authorization", "expires_at": "2026-01-01T10:05:00.000Z"}
PORTAL = ("--portal", "https://portal.example.test")


def portal(answer: Callable[[httpx2.Request], httpx2.Response]) -> Cluster:
    return Cluster(transport=httpx2.MockTransport(answer))


def refusing(status: int, code: str) -> Cluster:
    problem = {"status": status, "detail": "it is refused", "remedy": "Do otherwise.", "code": code}
    return portal(lambda _: httpx2.Response(status, json=problem))


def test_only_the_token_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json=ANSWER)

    assert portal(answer).run("token", "shop/orders-1", *PORTAL) == 0

    assert capsys.readouterr().out == "signed.by.portal\n"
    (request,) = asked
    assert str(request.url) == "https://portal.example.test/api/v1/token"
    assert request.headers["Authorization"] == "Bearer kube-token"
    assert json.loads(request.content) == {"request": {"namespace": "shop", "name": "orders-1"}}


def test_json_has_its_end_too(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = portal(lambda _: httpx2.Response(200, json=ANSWER))

    assert cluster.run("token", "--host", "orders.example.test", *PORTAL, "-o", "json") == 0

    assert json.loads(capsys.readouterr().out)["expires_at"] == "2026-01-01T10:05:00.000Z"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "not_signed_in", 5),
        (404, NoGrantError.code, 3),
        (403, GroupsChangedError.code, 3),
        (403, ClaimsChangedError.code, 3),
        (404, "not_found", 1),
        (429, "too_many", 1),
        (500, "internal", 1),
        (503, "not_ready", 6),
    ],
)
def test_a_refusal_is_told_in_the_portals_words(
    capsys: pytest.CaptureFixture[str], status: int, code: str, exit_code: int
) -> None:
    assert refusing(status, code).run("token", "shop/orders-1", *PORTAL) == exit_code

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "it is refused. Do otherwise." in captured.err


@pytest.mark.parametrize("answer", [httpx2.Response(200, text="<html>"), httpx2.Response(200, json=["x"])])
def test_what_is_no_portal_is_not_believed(capsys: pytest.CaptureFixture[str], answer: httpx2.Response) -> None:
    assert portal(lambda _: answer).run("token", "shop/orders-1", *PORTAL) == 1

    assert "not as a portal" in capsys.readouterr().err


def test_a_redirect_gets_no_credential(capsys: pytest.CaptureFixture[str]) -> None:
    hosts: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        hosts.append(request.url.host)
        return httpx2.Response(307, headers={"Location": "https://evil.example.test/"})

    assert portal(answer).run("token", "shop/orders-1", *PORTAL) == 1

    assert hosts == ["portal.example.test"]
    assert "evil" not in capsys.readouterr().out


def test_a_portal_that_is_away_exits_with_6(capsys: pytest.CaptureFixture[str]) -> None:
    def away(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    assert portal(away).run("token", "shop/orders-1", *PORTAL) == 6
    assert "gave no answer" in capsys.readouterr().err


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_ingress_without_the_portal_behind_it_exits_with_6(capsys: pytest.CaptureFixture[str], status: int) -> None:
    cluster = portal(lambda _: httpx2.Response(status, text="Bad Gateway"))

    assert cluster.run("token", "shop/orders-1", *PORTAL) == 6
    assert f"gave no answer ({status})" in capsys.readouterr().err


def test_a_certificate_is_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert Cluster(bearer=None).run("token", "shop/orders-1", *PORTAL) == 5

    assert "kubectl create token" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("token",), "it isn't clear which token"),
        (("token", "shop/x", "--host", "a.example.test"), "it isn't clear which token"),
        (("token", "shop/x"), "the portal's address isn't known"),
        (("token", "shop/x", "--portal", "http://portal.example.test"), "is not the address of a portal"),
        (("token", "shop/x", "--portal", "https://[::"), "is not the address of a portal"),
        (("token", "--host", "*.example.test", *PORTAL), "is not an exact host name"),
        (("token", "--host", "a b", *PORTAL), "'a b' is not an exact host name"),
    ],
)
def test_wrong_usage_says_what_to_do(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert Cluster().run(*arguments) == 2

    assert words in capsys.readouterr().err


def local_stack(folder: Path, server: str) -> dict[str, str]:
    kubeconfig = folder / "admin.yaml"
    kubeconfig.write_text(json.dumps({"clusters": [{"name": "local", "cluster": {"server": server}}]}))
    env = {
        "kubeconfig": str(kubeconfig),
        "ca_file": "",
        "portal_url": "https://portal.jit.localhost:28443",
        "ledger": "sqlite:////nowhere",
        "users": [],
    }
    (folder / "env.json").write_text(json.dumps(env))
    return {"JITGRESS_LOCAL_DIR": str(folder)}


def test_the_local_stacks_portal_is_found_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json=ANSWER)

    cluster = portal(answer)
    cluster.environ |= local_stack(tmp_path, SERVER)
    monkeypatch.setattr("jitgress.cli.token._tls", lambda _: False)

    assert cluster.run("token", "shop/orders-1") == 0

    (request,) = asked
    assert request.url.host == "127.0.0.1", "names below localhost are this machine (RFC 6761)"
    assert request.headers["Host"] == "portal.jit.localhost:28443"
    assert request.extensions["sni_hostname"] == "portal.jit.localhost"


def test_a_credential_for_another_cluster_never_goes_to_the_local_portal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = portal(lambda _: httpx2.Response(200, json=ANSWER))
    cluster.environ |= local_stack(tmp_path, "https://127.0.0.1:1")

    assert cluster.run("token", "shop/orders-1") == 2

    assert "the portal's address isn't known" in capsys.readouterr().err
