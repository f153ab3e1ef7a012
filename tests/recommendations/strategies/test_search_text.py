"""What a person typed, taken apart, and the marks in what was found."""

import pytest

from recommendations.strategies.search_text import (
    MARK_END,
    MARK_START,
    SearchText,
    correctable,
    corrected,
    marked,
    search_text,
)

TYPED = {
    "": ("", ""),
    "divi": ("", "divi"),
    "divi ": ("divi", ""),
    "low cost divi": ("low cost", "divi"),
    '"low cost': ('"low cost', ""),
    '"low cost" divi': ('"low cost"', "divi"),
    "-crypto": ("-crypto", ""),
    "a:*": ("a:*", ""),
    "x\0y": ("x", "y"),
    "x\ue000y": ("x", "y"),
    "under_score": ("under_score", ""),
}


@pytest.mark.parametrize("text", TYPED)
def test_the_last_word_is_only_begun(text: str) -> None:
    assert search_text(text, typing=True) == SearchText(*TYPED[text])


def test_a_text_is_bounded() -> None:
    assert len(search_text("x" * 10_000).whole) == 200
    assert len(search_text("a " * 5_000).whole.split()) == 16
    assert search_text("a " * 90 + "b", typing=True).begun == ""


def test_a_finished_text_has_no_begun_word() -> None:
    assert search_text("low cost") == SearchText("low cost")


def test_only_words_are_corrected() -> None:
    assert correctable('"divdend" -the etf') == ["divdend"]
    assert corrected('"Divdend" -the', {"divdend": "dividend"}) == '"dividend" -the'


def test_everything_but_the_marks_is_escaped() -> None:
    text = f"<b>{MARK_START}A&B{MARK_END}</b>\"'"
    assert marked(text) == "&lt;b&gt;<mark>A&amp;B</mark>&lt;/b&gt;&quot;&#x27;"
