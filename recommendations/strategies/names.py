"""Names of strategies and of their authors: which read alike, and which are reserved. Pure."""

import re
import unicodedata

from core import limits
from core.errors import InvalidInput

# Letters of other scripts that a reader takes for Latin ones.
_ALIKE = str.maketrans(
    {
        **dict(zip("авекмнорстухіїјѕԁԛԝ", "abekmhopctyxiijsdqw", strict=True)),  # Cyrillic
        **dict(zip("αβεικνοπρτυχ", "abeikvonptux", strict=True)),  # Greek
        **dict(zip("ɑɡıℓ01$@", "agilolsa", strict=True)),
    }
)
_WORDS = re.compile(r"\w+")
_OURS = "ballast"
_RESERVED = frozenset({"official", "verified"})
_RESERVED_OF_AUTHORS = _RESERVED | {
    *("admin", "administrator", "moderator", "operator", "staff", "support", "security", "system"),
    *("root", "help", "team"),
}
_TAG = re.compile(r"[\w]+(?:-[\w]+)*")
# Characters that change how others are read: controls, directions, surrogates, unassigned ones.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def name_key(name: str) -> str:
    """Return a name as names are compared: without case, marks, spaces and foreign look-alikes."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    # Taken apart first: without its mark a letter of another script looks like a Latin one.
    apart = unicodedata.normalize("NFD", folded).translate(_ALIKE)
    return "".join(sign for sign in apart if sign.isalnum())


def ensure_free_name(name: str, *, field: str, of_author: bool) -> None:
    """Raise name_reserved for a name that pretends to speak for the installation."""
    reserved = _RESERVED_OF_AUTHORS if of_author else _RESERVED
    words = {name_key(word) for word in _WORDS.findall(name)}
    keys = {name_key(word) for word in reserved}
    whole = name_key(name)
    if name_key(_OURS) in whole or words & keys or whole in keys:
        raise InvalidInput(
            "This name is reserved. Choose another.",
            code="name_reserved",
            fields={field: ["is reserved"]},
        )


def one_line(text: str, *, field: str) -> str:
    """Return a text of one line, its spaces joined; raise text_invalid if it hides something."""
    joined = " ".join(text.split())
    if any(unicodedata.category(sign) in _UNSEEN for sign in joined):
        raise InvalidInput(
            "The text has characters that cannot be seen. Remove them.",
            code="text_invalid",
            fields={field: ["has characters that cannot be seen"]},
        )
    return joined


def ensure_readable(name: str, *, field: str) -> None:
    """Raise name_unreadable unless a name has a letter or a digit."""
    if not name_key(name):
        raise InvalidInput(
            "The name has no letter and no digit. Choose another.",
            code="name_unreadable",
            fields={field: ["has no letter and no digit"]},
        )


def tag_of(text: str) -> str:
    """Return a tag in small letters with hyphens for spaces; raise tag_invalid otherwise.

    A letter may become several: `ß` is `ss`. So the length is that of the tag, not of the text.
    """
    tag = "-".join(unicodedata.normalize("NFKC", text).casefold().split())
    if len(tag) > limits.STRATEGY_TAG_LENGTH_MAX or not _TAG.fullmatch(tag):
        raise InvalidInput(
            "A tag has letters, digits and hyphens only, and at most "
            f"{limits.STRATEGY_TAG_LENGTH_MAX} of them. Correct it.",
            code="tag_invalid",
            fields={"tags": [f"{text[:40]} is not a tag"]},
        )
    return tag
