"""How a namespace gets its guard, and how a test waits until the API server knows."""

import time
from collections.abc import Callable
from typing import Final

from jitgress.kube.resources import INGRESSES, NAMESPACES
from tests.integration.crds.api import Answer, Api
from tests.integration.crds.routes import an_ingress
from tests.integration.crds.whole_objects import Object

LABEL: Final = "jitgress.dev/guard"
AROUND: Final[Object] = an_ingress(paths=("orders",))
"""Leads to the Service of the target orders."""
_PATIENCE_S: Final = 20.0


def warned(answer: Answer) -> bool:
    return answer.status == 201 and "AccessTarget" in answer.warning


def refused(answer: Answer) -> bool:
    return answer.status == 403


def unremarked(answer: Answer) -> bool:
    return answer.status == 201 and not answer.warning


def label(root: Api, namespace: str, value: str | None, *, until: Callable[[Answer], bool]) -> None:
    """Label a namespace, with None not any more, and wait until a way around the gate is answered as that wants it."""
    answer = root.merge(NAMESPACES, {"metadata": {"name": namespace}}, {"metadata": {"labels": {LABEL: value}}})
    assert answer.status == 200, answer.message
    wait_until_guarded(root, namespace, until)


def wait_until_guarded(root: Api, namespace: str, is_so: Callable[[Answer], bool]) -> None:
    wait_until(lambda: is_so(root.create(INGRESSES, AROUND, namespace, is_dry=True)))


def wait_until(is_so: Callable[[], bool]) -> None:
    """The API server learns of targets, of labels and of policies some moments after they were stored."""
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "the API server doesn't guard as it should"
        time.sleep(0.02)
