"""Who is in the local stack, and how they sign in."""

import csv
from typing import Final

from jitgress.local.people import NAMESPACE, everybody, kubeconfig, token_file

HUMANS: Final = {
    "alice@example.test": ["dev"],
    "bob@example.test": ["dev"],
    "carol@example.test": ["approvers"],
    "dave@example.test": ["platform-admins"],
    "erin@example.test": ["auditors"],
    "mallory@example.test": [],
}


def test_the_people_that_programs_rely_on_are_there_with_their_groups() -> None:
    told = [person.as_json() for person in everybody() if person.is_human]

    assert {each["username"]: each["groups"] for each in told} == HUMANS
    assert all(each.keys() >= {"username", "groups", "kube_token"} for each in told)


def test_each_has_a_token_of_their_own_that_is_new_in_each_stack() -> None:
    first, second = everybody(), everybody()

    tokens = {person.token for person in (*first, *second)}

    assert len(tokens) == len(first) + len(second)
    assert all(len(token) >= 43 for token in tokens)  # 256 bits in base64


def test_the_token_file_is_read_as_the_api_server_reads_it() -> None:
    people = everybody()

    rows = list(csv.reader(token_file(people).splitlines()))

    assert [(row[0], row[1]) for row in rows] == [(person.token, person.username) for person in people]
    assert {row[1]: row[3].split(",") if len(row) > 3 else [] for row in rows if row[1] in HUMANS} == HUMANS


def test_components_sign_in_as_the_service_accounts_that_their_roles_are_bound_to() -> None:
    components = {person.username for person in everybody() if person.username.startswith("system:serviceaccount:")}

    assert components == {
        f"system:serviceaccount:{NAMESPACE}:jitgress-{part}" for part in ("operator", "gate", "portal")
    }
    assert not any(person.is_human for person in everybody() if person.username in components)


def test_nobody_but_the_admin_is_in_the_group_that_may_do_everything() -> None:
    assert [person.username for person in everybody() if "system:masters" in person.groups] == ["admin"]


def test_a_kubeconfig_signs_in_as_one_person_at_one_server() -> None:
    carol = next(person for person in everybody() if person.username.startswith("carol"))

    config = kubeconfig("https://127.0.0.1:26443", "/stack/pki/ca.crt", carol)

    context = next(each for each in config["contexts"] if each["name"] == config["current-context"])["context"]
    cluster = next(each for each in config["clusters"] if each["name"] == context["cluster"])["cluster"]
    user = next(each for each in config["users"] if each["name"] == context["user"])["user"]
    assert cluster == {"server": "https://127.0.0.1:26443", "certificate-authority": "/stack/pki/ca.crt"}
    assert user == {"token": carol.token}
