"""What the documents name is there: a map that is wrong is worse than none."""

import re
from pathlib import Path
from typing import Final

import pytest

import jitgress

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = Path(jitgress.__file__).parent
DOCUMENTS: Final = ("docs/architecture.md", "docs/testing.md", "CONTRIBUTING.md", "README.md", "SECURITY.md")
CODE: Final = re.compile(r"`([^`\n]+)`")
FILE: Final = re.compile(r"[a-z_]+(/[a-z_0-9]+)*/[A-Za-z_0-9.-]+\.(py|md|lua|go)")
FOLDER: Final = re.compile(r"[a-z_]+(/[a-z_]+)*/?")
LINK: Final = re.compile(r"\]\((?!https?://)([^)#\s]+)")
ADR: Final = re.compile(r"docs/adr/[0-9]{4}[a-z0-9-]*(?:\.md)?")
ROOTS: Final = ("docs", "tests", "src", "bench", "deploy")


def text_of(document: str) -> str:
    return (ROOT / document).read_text()


def is_there(name: str) -> bool:
    """Tell whether a name is a path of the repository or, as the documents shorten it, of the package."""
    return (ROOT / name).exists() or (PACKAGE / name).exists()


def named_files(text: str) -> set[str]:
    return {name for name in CODE.findall(text) if FILE.fullmatch(name)}


def named_packages(text: str) -> set[str]:
    """Return the folders that are named as such: with a final slash, or beginning with that of a package of ours."""
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    names = {name for name in CODE.findall(text) if FOLDER.fullmatch(name) and "/" in name}
    return {name for name in names if name.endswith("/") or name.split("/")[0] in packages | set(ROOTS)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    assert [name for name in sorted(named_files(text_of(document))) if not is_there(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_folder_that_a_document_names_is_there(document: str) -> None:
    missing = [name for name in sorted(named_packages(text_of(document))) if not is_there(name)]

    assert missing == []


def test_files_and_packages_are_found_in_the_documents_at_all() -> None:
    text = text_of("docs/architecture.md")

    assert {"domain/decide.py", "gate/diff.py"} <= named_files(text)
    assert {"operator/routes", "src/jitgress/"} <= named_packages(text)


def test_the_architecture_names_every_package_from_the_inside_out() -> None:
    sentence = text_of("docs/architecture.md").partition("has one package for each:")[2].partition("from the")[0]

    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}

    assert set(CODE.findall(sentence)) == packages


def test_contributing_says_what_each_package_is_for() -> None:
    rows = re.findall(r"^\| `([a-z]+)/` \| \S", text_of("CONTRIBUTING.md"), re.MULTILINE)

    assert set(rows) == {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}


def test_every_concern_of_the_operator_is_in_the_architecture() -> None:
    concerns = {path.parent.name for path in (PACKAGE / "operator").glob("*/__init__.py")}

    assert {
        name.removeprefix("operator/")
        for name in named_packages(text_of("docs/architecture.md"))
        if name.startswith("operator/")
    } == concerns


@pytest.mark.parametrize(
    "document", sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
)
def test_every_link_leads_somewhere(document: str) -> None:
    folder = (ROOT / document).parent

    assert [link for link in LINK.findall(text_of(document)) if not (folder / link).exists()] == []


def sources() -> list[Path]:
    return sorted((*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.lua"), *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))


def test_every_decision_that_is_referred_to_was_written_down() -> None:
    """A reference may leave out the words behind the number."""
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources()
        for name in ADR.findall(path.read_text())
        if not list(ROOT.glob(f"{name.removesuffix('.md')}*.md"))
    ]

    assert missing == []


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/adr").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))
