"""What the schema of AccessGrants says of a replacement: nothing is wider than before, and the rest is the same."""

from collections.abc import Mapping
from ipaddress import IPv4Network, ip_network
from typing import Any, Final

_NARROWER: Final = frozenset({"notAfter", "paths", "methods", "sourceCIDRs"})


def widened(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the fields of a grant's spec in which `new` is more than `old`, or another."""
    wider = [field for field in sorted(old.keys() | new.keys() - _NARROWER) if _is_another(field, old, new)]
    if new["notAfter"] > old["notAfter"]:  # both as the operator writes times, so texts have the order of the times
        wider.append("notAfter")
    if not set(new["methods"]) <= set(old["methods"]):
        wider.append("methods")
    if not all(any(_is_below(path, outer) for outer in old["paths"]) for path in new["paths"]):
        wider.append("paths")
    networks = new.get("sourceCIDRs", ["0.0.0.0/0", "::/0"])
    if not all(any(_is_inside(each, outer) for outer in old.get("sourceCIDRs", [each])) for each in networks):
        wider.append("sourceCIDRs")
    return wider


def _is_another(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return field not in _NARROWER and old.get(field) != new.get(field)


def _is_below(path: str, outer: str) -> bool:
    return outer in ("/", path) or path.startswith(f"{outer}/")


def _is_inside(network: str, outer: str) -> bool:
    mine, theirs = ip_network(network), ip_network(outer)
    if isinstance(mine, IPv4Network):
        return isinstance(theirs, IPv4Network) and mine.subnet_of(theirs)
    return not isinstance(theirs, IPv4Network) and mine.subnet_of(theirs)
