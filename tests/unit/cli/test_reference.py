"""The generated pages name everything that they are about."""

from jitgress.cli import error_codes, reference
from jitgress.domain.denial import DenialCode
from jitgress.gate.answers import ANSWERS
from jitgress.gate.checks import RefusalCode


def test_every_code_is_on_the_page() -> None:
    page = error_codes.page()
    codes = {*error_codes.error_classes(), *(code.value for code in DenialCode), *(code.value for code in RefusalCode)}
    codes |= {code for code, _, _ in ANSWERS.values()}
    assert [code for code in sorted(codes) if f"| `{code}` |" not in page] == []


def test_every_error_says_what_it_means() -> None:
    classes = [each for some in error_codes.error_classes().values() for each in some]
    assert [each.__name__ for each in classes if not each.__doc__] == []


def test_every_command_is_on_the_page() -> None:
    page = reference.page()
    for path in ("jitgress request", "jitgress audit verify", "jitgress local up"):
        assert f"\n## {path}\n" in page
