"""What docs/admission.md shows is what the API server takes and says."""

import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from jitgress.crds.__main__ import generated
from jitgress.kube.resources import ACCESS_REQUESTS, INGRESSES
from tests.integration.crds.api import Api, As
from tests.integration.crds.guarding import AROUND, LABEL, label, refused, unremarked
from tests.integration.crds.whole_objects import ALICE, Object, with_field

pytestmark = pytest.mark.real

PAGE: Final = (Path(__file__).parents[3] / "docs/admission.md").read_text()


def block(kind: str) -> str:
    """Return the first block of code of a kind."""
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_request_on_the_page_needs_no_word_on_who_asks(callers: As, namespace: str) -> None:
    body = with_field(yaml.safe_load(block("yaml")), "metadata.namespace", namespace)

    made = callers(ALICE.username).made(ACCESS_REQUESTS, body, namespace)

    assert "requester" not in body["spec"]
    assert made["spec"]["requester"] == ALICE.as_identity()


def test_the_warning_on_the_page_is_what_is_said(nina: Api, target: Object, namespace: str) -> None:
    said = nina.create(INGRESSES, AROUND, namespace, is_dry=True).warning

    assert target["metadata"]["namespace"] == namespace
    shown = " ".join(block("text").split()).removeprefix("Warning: ")
    assert said == f'299 - "{shown.replace("shop/", f"{namespace}/")}"'


def test_the_labels_on_the_page_do_what_it_says(root: Api, target: Object, namespace: str) -> None:
    values = re.findall(rf"`{LABEL}: (\w+)`", PAGE)

    label(root, target["metadata"]["namespace"], "refuse", until=refused)
    label(root, namespace, "ignore", until=unremarked)

    assert set(values) == {"refuse", "ignore"}


def test_every_file_that_is_applied_is_on_the_page() -> None:
    files = {path.name for path in generated() if path.suffix == ".yaml"}

    assert set(re.findall(r"^\| `([\w.-]+)` \|", PAGE, re.MULTILINE)) == files - {"00-namespace.yaml", "30-roles.yaml"}
