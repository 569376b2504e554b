"""Which open request extends another one, and takes over when that one ends."""

from jitgress.domain.request import RequestRef
from jitgress.operator.caches import Caches
from jitgress.operator.conditions import find_condition


def successor(request: RequestRef, username: str, caches: Caches) -> str | None:
    """Return the name of an open request of the same person that extends `request`."""
    names = [
        each["metadata"]["name"]
        for each in caches.successors_of(request.uid)
        if each["metadata"]["namespace"] == request.namespace
        and each["spec"].get("requester", {}).get("username") == username
        and "grant" in each.get("status", {})
        and find_condition(each["status"], "Closed") is None
    ]
    return min(names, default=None)
