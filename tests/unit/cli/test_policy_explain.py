import json
from pathlib import Path
from typing import Any

import pytest

from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_TARGETS
from tests.unit.cli.cluster import Cluster

BOB = ("--as", "bob", "--group", "dev", "--target", "shop/orders")
DENIED_80 = """\
would be denied
  who       bob (dev)
  target    shop/orders
  asked at  10:00:00 UTC
  policy    dev-orders (priority 100)
  code      ticket_unfit
  why       the request names no ticket; what policy dev-orders wants: such as
            CHG-7
  what now  Ask again with it.
  also      asked for 2 h, policy dev-orders permits up to 1 h. Ask for 1 s to 1
            h.

Policies, in the order in which they are asked
  freeze         1  no: group Dev is written otherwise
  billing       10  no: target orders is not one of billing
  dev-orders   100  decides: is for group dev
  late         200  too late: is for group dev, but dev-orders decides before it
1 policy is about other subjects. List all with --all
"""


def ready(cluster: Cluster, **policy: Any) -> Cluster:
    """Return a cluster with a target that was examined, and a policy for it."""
    resource, target = cluster.has_target().seeds.pop()
    metadata = {**target["metadata"], "generation": 1}
    status = {**target["status"], "observedGeneration": 1, "address": "127.64.0.7:80"}
    cluster.seeds.append((resource, {**target, "metadata": metadata, "status": status}))
    return cluster.has_policy(**policy)


@pytest.fixture
def cluster() -> Cluster:
    return ready(Cluster(environ={"COLUMNS": "80"}))


def document(cluster: Cluster, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = cluster.run("policy", "explain", *arguments, "-o", "json")
    return code, json.loads(capsys.readouterr().out)


def test_a_denial_is_told_with_all_that_speaks_against_it_and_every_policy(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready(Cluster(environ={"COLUMNS": "80"}), ticket={"pattern": "CHG-[0-9]+", "hint": "such as CHG-7"})
    cluster.has_policy("freeze", priority=1, subjects=[{"kind": "Group", "name": "Dev"}])
    cluster.has_policy("billing", priority=10, targets={"names": ["billing"]})
    cluster.has_policy("late", priority=200)
    cluster.has_policy("others", subjects=[{"kind": "Group", "name": "ops"}])

    assert cluster.run("policy", "explain", *BOB, "--for", "2h") == 3
    assert capsys.readouterr().out == DENIED_80


def test_policies_of_other_subjects_are_listed_where_all_are_wanted(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.has_policy("others", subjects=[{"kind": "Group", "name": "ops"}])

    cluster.run("policy", "explain", *BOB, "--all")

    assert "others       100  no: it is for group ops" in capsys.readouterr().out


def test_who_must_approve_and_until_when_is_told(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.run("policy", "explain", *BOB, "--for", "20m") == 0

    told = capsys.readouterr().out
    assert told.startswith("would wait for approval\n")
    assert "must approve  1 of group approvers\n" in told
    assert "until         11:00:00 UTC, 1 h after asking\n" in told
    assert "for           20 min from the last approval on\n" in told


def test_what_is_permitted_is_told_with_its_window(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready(Cluster(), approval={"required": 0, "timeoutSeconds": 3600})

    code, told = document(cluster, capsys, *BOB, "--path", "/api", "--method", "get", "--for", "5m")

    assert code == 0
    assert told["outcome"] == "permitted"
    assert told["permitted"]["paths"] == ["/api"]
    assert told["permitted"]["methods"] == ["GET"]
    assert told["permitted"]["notAfter"] == "2026-01-01T10:05:00.000Z"


def test_without_a_user_it_is_about_the_caller_with_their_groups(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = document(cluster, capsys, "--target", "shop/orders")

    assert told["requester"]["username"] == "alice@example.test"
    assert told["policy"] == "dev-orders"
    assert told["notes"] == []


def test_it_says_that_no_groups_were_given(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = document(cluster, capsys, "--as", "bob", "--target", "shop/orders")

    assert code == 3
    assert told["denial"]["code"] == "no_policy"
    assert told["notes"] == ["groups: none given, and the cluster knows none. Name them with --group"]


def test_it_decides_as_of_another_time_also_in_the_past(capsys: pytest.CaptureFixture[str]) -> None:
    hours = {"timeZone": "UTC", "windows": [{"days": ["Thu"], "from": "08:00", "to": "18:00"}]}
    cluster = ready(Cluster(), schedule=hours)

    assert document(cluster, capsys, *BOB)[1]["outcome"] == "awaiting"
    assert document(cluster, capsys, *BOB, "--at", "2025-12-31T10:00:00Z")[1]["denial"]["code"] == "outside_schedule"
    assert document(cluster, capsys, *BOB, "--at", "19:00")[1]["denial"]["code"] == "outside_schedule"


def test_claims_and_broken_glass_are_taken_into_account(capsys: pytest.CaptureFixture[str]) -> None:
    glass = {
        "subjects": [{"kind": "Group", "name": "dev"}],
        "maxDurationSeconds": 600,
        "reviewWithinSeconds": 3600,
        "lockOut": True,
    }
    cluster = ready(Cluster(), breakGlass=glass, mfa={"methods": ["otp"]})

    _, denied = document(cluster, capsys, *BOB, "--break-glass")
    code, told = document(cluster, capsys, *BOB, "--break-glass", "--claim", "jitgress.dev/amr=otp")

    assert denied["denial"]["code"] == "mfa_missing"
    assert (code, told["outcome"], told["permitted"]["reviewBy"]) == (0, "permitted", "2026-01-01T11:00:00.000Z")
    assert told["notes"] == ["overdue reviews of break-glass are not counted here"]


def test_a_target_that_is_being_examined_is_no_denial(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster().has_target().has_policy(approval={"required": 0, "timeoutSeconds": 3600})

    assert cluster.run("policy", "explain", *BOB) == 0
    assert capsys.readouterr().out.startswith("would wait until the target is examined\n")


@pytest.mark.parametrize(("resource", "what"), [(ACCESS_POLICIES, "policies"), (ACCESS_TARGETS, "targets")])
def test_who_may_not_read_them_is_told_so(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], resource: Any, what: str
) -> None:
    cluster.forbidden = {resource}

    assert cluster.run("policy", "explain", *BOB) == 1
    assert f"you may not read the {what}" in capsys.readouterr().err


def test_files_need_no_cluster_and_no_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "all.yaml").write_text("""\
apiVersion: jitgress.dev/v1alpha1
kind: AccessTarget
metadata: {name: orders, namespace: shop}
spec: {service: {name: orders, port: 80}, host: orders.example.com, paths: [/], methods: [GET]}
---
apiVersion: jitgress.dev/v1alpha1
kind: AccessPolicy
metadata: {name: from-a-file}
spec:
  priority: 1
  subjects: [{kind: Group, name: dev}]
  targets: {namespaces: [shop]}
  maxDurationSeconds: 60
  approval: {required: 0}
---
apiVersion: v1
kind: ConfigMap
""")
    cluster = Cluster(failure=RuntimeError("there is no cluster"))

    assert cluster.run("policy", "explain", *BOB, "-f", str(tmp_path), "-o", "name") == 0
    assert capsys.readouterr().out == "from-a-file\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--group", "dev", "--target", "shop/orders"), "Name them: --as USER."),
        ((*BOB, "--claim", "amr"), "Write it as KEY=VALUE"),
        ((*BOB, "--for", "soon"), "is not a duration"),
        ((*BOB, "--at", "someday"), "is not a time"),
        ((*BOB, "-f", "/nowhere.yaml"), "can't be read"),
    ],
    ids=["groups-of-nobody", "claim", "duration", "time", "file"],
)
def test_what_cannot_be_understood_is_wrong_usage(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert cluster.run("policy", "explain", *arguments) == 2
    assert told in capsys.readouterr().err
