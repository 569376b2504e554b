"""The results of tables of cases as JUnit XML, which CI systems show. Whatever a name holds, it is well-formed."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from jitgress.cli.policy_results import Result

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2: Char


def junit(tables: Iterable[tuple[str, Sequence[Result]]]) -> str:
    """Return the document of all tables, each with its file's name and its results."""
    suites = Element("testsuites", name="jitgress policy test")
    count = failed = 0
    for name, results in tables:
        failures = sum(not result.is_ok for result in results)
        count, failed = count + len(results), failed + failures
        counts = {"tests": str(len(results)), "failures": str(failures), "errors": "0", "skipped": "0"}
        suite = SubElement(suites, "testsuite", {"name": _text(name), **counts})
        for result in results:
            _add(suite, name, result)
    suites.set("tests", str(count))
    suites.set("failures", str(failed))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _add(suite: Element, file: str, result: Result) -> None:
    case = SubElement(suite, "testcase", classname=_text(file), name=_text(result.case.name), time="0")
    if not result.is_ok:
        told = "; ".join(map(str, result.differences))
        failure = SubElement(case, "failure", message=_text(told), type="difference")
        failure.text = _text("\n".join((result.case.place, *map(str, result.differences), result.why)))


def _text(text: str) -> str:
    """Return `text` without the characters that XML can't hold, not even as references."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
