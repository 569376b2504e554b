"""Patterns of policies match in linear time, and whatever can't be matched or compiled permits nothing."""

from typing import Final

import pytest

from jitgress.crds.patterns import MAX_PATTERN, MAX_PROGRAM, compile_pattern
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.pattern import Pattern

MEGABYTE: Final = 1_000_000
HALF_A_PAIR: Final = "\ud800"


def test_a_pattern_is_found_anywhere_but_is_whole_only_from_end_to_end() -> None:
    pattern: Pattern = compile_pattern(r"INC-\d+")

    assert pattern.is_found_in("see INC-12, please")
    assert not pattern.is_whole("see INC-12, please")
    assert pattern.is_whole("INC-12")
    assert not pattern.is_found_in("see INC-")


@pytest.mark.parametrize("text", ["INC-1\n", "\nINC-1", "INC-1\nINC-2", "INC-1\x00"])
def test_a_whole_text_has_nothing_after_the_end_of_a_line(text: str) -> None:
    assert not compile_pattern(r"INC-\d+").is_whole(text)
    assert not compile_pattern(r"^INC-\d+$").is_whole(text)


def test_alternatives_are_whole_together_not_each_by_itself() -> None:
    pattern = compile_pattern("INC|CHG")

    assert pattern.is_whole("CHG")
    assert not pattern.is_whole("INC-anything")


def test_letters_of_every_language_are_letters() -> None:
    assert compile_pattern(r"\pL+").is_whole("Größ")
    assert compile_pattern(".").is_whole("🔥")


@pytest.mark.parametrize("hostile", [r"(a*)*b", r"(a+a+)+y", r"(a|aa)+$b", r"(.*a){20}z", r"^(([a-z])+.)+[A-Z]+$"])
def test_a_hostile_pattern_comes_to_an_end_with_a_hostile_text(hostile: str) -> None:
    """A matcher that backtracks would take longer than the universe has existed; the runner's time-out is the judge."""
    pattern = compile_pattern(hostile)

    assert not pattern.is_found_in("a" * MEGABYTE)
    assert not pattern.is_whole("a" * MEGABYTE)


def test_what_stands_at_the_end_of_a_megabyte_is_found() -> None:
    assert compile_pattern("b$").is_found_in("a" * MEGABYTE + "b")


def test_half_a_surrogate_pair_matches_nothing_and_raises_nothing() -> None:
    everything = compile_pattern("(?s).*")

    assert everything.is_found_in("fine")
    assert not everything.is_found_in(f"fine {HALF_A_PAIR}")
    assert not everything.is_whole(HALF_A_PAIR)


def test_a_nul_is_a_character_like_others_and_ends_no_text() -> None:
    assert compile_pattern("b").is_found_in("a\x00b")
    assert compile_pattern("(?s)a.b").is_whole("a\x00b")
    assert not compile_pattern("a").is_whole("a\x00b")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("(", "missing )"),
        ("[z-a]", "invalid character class range"),
        (r"(?=secret)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("*a", "no argument for repetition operator"),
        ("a{1001}", "invalid repetition size"),
        ("\\", "trailing \\"),
        ("a" * (MAX_PATTERN + 1), "513 characters"),
        (r"(?:\pL{9}){30}", "too large"),
        (r"(?:.{30}){30}", "too large"),
        (".{999}", "too large"),
        (f"a{HALF_A_PAIR}", "half a surrogate pair"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_pattern_that_cannot_be_used_says_why_and_what_to_do(text: str, complaint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        compile_pattern(text)

    assert complaint in caught.value.message
    assert caught.value.remedy


def test_the_longest_pattern_and_a_large_one_are_taken() -> None:
    assert compile_pattern("a" * MAX_PATTERN).is_whole("a" * MAX_PATTERN)
    assert MAX_PROGRAM * 0.9 < compile_pattern(".{480}").size <= MAX_PROGRAM


def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    for text in ("(", r"(?:\pL{9}){30}"):
        with pytest.raises(InvalidValueError):
            compile_pattern(text)
    compile_pattern("(.*a.{0,12}){20}z").is_found_in("ab" * 10_000)

    assert capfd.readouterr() == ("", "")


def test_patterns_are_equal_if_their_texts_are() -> None:
    assert compile_pattern("a+") == compile_pattern("a+")
    assert compile_pattern("a+") != compile_pattern("aa*")
    assert {compile_pattern("a+"), compile_pattern("a+")} == {compile_pattern("a+")}
    assert repr(compile_pattern("a+")) == "Re2Pattern(text='a+')"
