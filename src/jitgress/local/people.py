"""The people and components of the local stack, and how they sign in: tokens made when the stack is set up."""

import csv
import io
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

NAMESPACE: Final = "jitgress-system"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a static token (kube-apiserver --token-auth-file)."""

    username: str
    groups: tuple[str, ...]
    token: str
    is_human: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the person as env.json tells of them. There is no password: nobody signs in with one yet."""
        return {"username": self.username, "groups": list(self.groups), "kube_token": self.token}


_HUMANS: Final = {
    "alice": ("dev",),
    "bob": ("dev",),
    "carol": ("approvers",),
    "dave": ("platform-admins",),
    "erin": ("auditors",),
    "mallory": (),
}
_COMPONENTS: Final = ("jitgress-operator", "jitgress-gate", "jitgress-portal")


def everybody() -> tuple[Person, ...]:
    """Return the stack's people and components with fresh tokens."""
    humans = [Person(f"{name}@example.test", groups, _token()) for name, groups in _HUMANS.items()]
    components = [
        Person(f"system:serviceaccount:{NAMESPACE}:{name}", ("system:serviceaccounts",), _token(), is_human=False)
        for name in _COMPONENTS
    ]
    others = [
        Person("admin", ("system:masters",), _token(), is_human=False),
        Person("traefik", ("traefik",), _token(), is_human=False),
    ]
    return (*humans, *components, *others)


def token_file(people: Iterable[Person]) -> str:
    """Return the content of the API server's token file: token, user, uid, "groups"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for person in people:
        groups = [",".join(person.groups)] if person.groups else []  # an empty column is a group without a name
        writer.writerow([person.token, person.username, person.username, *groups])
    return text.getvalue()


def kubeconfig(server: str, ca_file: str, person: Person) -> dict[str, Any]:
    """Return a kubeconfig that signs in as `person`."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": server, "certificate-authority": ca_file}}],
        "users": [{"name": person.username, "user": {"token": person.token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": person.username}}],
        "current-context": "local",
    }


def _token() -> str:
    return secrets.token_urlsafe(32)
