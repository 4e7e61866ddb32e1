"""Names that users choose: which ones are allowed, and how they are shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast.common import names
from strokecast.common.errors import UserError

LONG_ARABIC = "\u0627\u0644\u0628\u0631\u062c \u0627\u0644\u0639\u0627\u0644\u064a"


@pytest.mark.parametrize(
    "name",
    [
        "visits, in %",
        "O'Brien",
        "a $_$ b",
        "<b>&amp;</b>",
        "..",
        "a/b",
        "con",
        " x ",
        "_",
        "#1",
        "x" * 200,
        LONG_ARABIC,
        "\U0001f469\u200d\U0001f52c",  # an emoji with a joiner
        "na\u00a0me",
    ],
)
def test_ordinary_and_odd_names_are_allowed(name: str) -> None:
    names.check(name, "class", "here")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        (" \u3000", "is empty"),
        ("a\nb", "contains the character U+000A"),
        ("a\x1b[31m", "contains the character U+001B"),
        ("a\x85b", "contains the character U+0085"),
        ("a\u2028b", "contains the character U+2028"),
        ("a\ud800b", "contains the character U+D800"),
        ("a\u202eb", "contains the character U+202E"),
        ("a\ufdd0b", "contains the character U+FDD0"),
        ("a\U0010ffffb", "contains the character U+10FFFF"),
        ("\u6f22" * 67, "has 201 bytes"),
    ],
)
def test_names_that_no_file_or_page_can_show_are_refused(name: str, reason: str) -> None:
    assert names.problem(name) == reason
    with pytest.raises(UserError) as error:
        names.check(name, "class", "here")
    line = str(error.value)
    assert line.startswith("here: ")
    assert f" is not a class name (it {reason}); allowed: 1 to 200 bytes of text" in line
    assert line.isprintable()
    assert len(line) < 300


@given(st.text())
def test_what_is_allowed_is_one_line_in_any_encoding_of_unicode(name: str) -> None:
    if not names.problem(name):
        assert name.encode()
        assert len(name.splitlines()) == 1
        assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs", "Zl", "Zp"}


def test_names_that_are_one_file_on_some_system_are_refused() -> None:
    names.check_distinct(["a", "b", "a"], "class", "here")
    for pair in (("Stra\u00dfe", "STRASSE"), ("\u00e9", "e\u0301"), ("\u00c9", "e\u0301")):
        with pytest.raises(UserError, match="differ only in case or Unicode form"):
            names.check_distinct(pair, "class", "here")


@given(st.text(), st.integers(2, 40))
def test_shortened_names_fit(text: str, columns: int) -> None:
    shown = names.shorten(text, columns)
    widths = [2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in shown]
    assert sum(widths) <= columns
    assert shown == text or (shown.endswith("\u2026") and text.startswith(shown[:-1]))
