"""Field selectors, as much as our parts use them: FIELD=VALUE and FIELD!=VALUE, and what a watch tells by them."""

from collections.abc import Mapping
from typing import Any, cast

from jitgress.kube.client import Object
from tests.simulators.versions import Change


def is_selected(found: Object, selector: str | None) -> bool:
    """Tell whether an object is in a list by `selector`. A field that it lacks is the empty text, as on a server."""
    for part in (selector or "").split(","):
        path, operator, value = part.partition("!=" if "!=" in part else "=")
        if operator and (_text_at(found, path) == value) == (operator == "!="):
            return False
    return True


def told(change: Change, selector: str | None) -> tuple[str, Object] | None:
    """Return what a watch by `selector` tells of a change: what is selected no more is deleted to it."""
    before, after = change.before, change.found
    was = before is not None and is_selected(before, selector)
    if change.kind != "DELETED" and is_selected(after, selector):
        return ("MODIFIED" if was else "ADDED"), after
    if before is None or not was:
        return None
    version = after["metadata"]["resourceVersion"]
    return "DELETED", {**before, "metadata": {**before["metadata"], "resourceVersion": version}}


def _text_at(found: Object, path: str) -> str:
    value: object = found
    for key in path.split("."):
        value = cast("Mapping[str, Any]", value).get(key, "") if isinstance(value, Mapping) else ""
    return str(value).lower() if isinstance(value, bool) else str(value)
