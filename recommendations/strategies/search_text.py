"""What a person typed into the search, taken apart; and the marks in what was found. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from html import escape

TEXT_LENGTH_MAX = 200
WORDS_MAX = 16
# Shorter words are not corrected: too many others look like them.
CORRECTED_LENGTH_MIN = 4
# Around what was found, from the database to the escaping; no listed text can contain them.
MARK_START, MARK_END = "\ue000", "\ue001"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SearchText:
    """`whole`: finished words, phrases and -words; `begun`: the word still being typed."""

    whole: str
    begun: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.whole or self.begun)

    @property
    def prefix(self) -> str:
        """The word being typed as a text for `to_tsquery`: letters and digits, so no operator."""
        return f"{self.begun}:*" if self.begun else ""


def search_text(text: str, *, typing: bool = False) -> SearchText:
    """Return the text to search for; while typing, its last word is only begun."""
    joined = " ".join(clean(text).split())[:TEXT_LENGTH_MAX]
    parts = joined.split(" ")
    joined = " ".join(parts[:WORDS_MAX])
    begun = _begun(text, joined) if typing and len(parts) <= WORDS_MAX else ""
    return SearchText(joined[: len(joined) - len(begun)].strip(), begun)


def _begun(text: str, joined: str) -> str:
    """Return the word at the very end; none after a space, and none inside a phrase."""
    if text != text.rstrip() or joined.count('"') % 2:
        return ""
    last = joined.rsplit(" ", 1)[-1]
    return last if _WORD.fullmatch(last) and "_" not in last else ""


def clean(text: str) -> str:
    """Return the text without characters that nobody sees: controls, private and half ones."""
    return "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn") else sign
        for sign in text
    )


def correctable(text: str) -> list[str]:
    """Return the words of a text that are long enough to be corrected, in lower case."""
    words = dict.fromkeys(word.lower() for word in _WORD.findall(text))
    return [word for word in words if CORRECTED_LENGTH_MIN <= len(word) <= 32][:8]


def corrected(text: str, corrections: dict[str, str]) -> str:
    """Return the text with these words replaced."""
    return _WORD.sub(lambda found: corrections.get(found.group().lower(), found.group()), text)


def marked(text: str) -> str:
    """Return HTML: everything escaped, and what was found between <mark> and </mark>."""
    safe = escape(text)
    return safe.replace(MARK_START, "<mark>").replace(MARK_END, "</mark>")
