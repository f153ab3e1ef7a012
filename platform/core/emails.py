"""E-mail addresses folded so that one mailbox is one user. Pure.

    local part   NFKC, then case folded letter by letter; it must be ASCII afterwards
    domain       UTS 46 (NFKC, case, ignorable characters), then IDNA 2008 in its ASCII form

    "ſam@ＥＸＡＭＰＬＥ.com" -> "sam@example.com"
    "jo@bücher.example"  -> "jo@xn--bcher-kva.example"

Mail servers may distinguish the case of a local part; none in use does. Characters that this
Python's Unicode tables do not know are refused, because another version would fold them otherwise.
"""

import re
import unicodedata

import idna

from core.errors import InvalidInput

_LOCAL = re.compile(r"[!-~]+")


class EmailInvalid(InvalidInput):
    """The address is not one that mail can be sent to."""

    code = "email_invalid"


def folded(email: str) -> str:
    """Return the one spelling under which an address is stored and looked up, in ASCII."""
    local, at, domain = email.strip().rpartition("@")
    if not at or any(unicodedata.category(letter) == "Cn" for letter in email):
        raise _invalid()
    # Upper case first: dotless i and long s have no other way to their ASCII letter.
    letters = [letter.upper().casefold() for letter in unicodedata.normalize("NFKC", local)]
    local = "".join(letters)
    try:
        domain = idna.encode(domain, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise _invalid() from None
    # A letter that folds into two, such as sharp s, is another letter, not another spelling.
    if len(local) != len(letters) or not _LOCAL.fullmatch(local) or domain.endswith("."):
        raise _invalid()
    return f"{local}@{domain}"


def _invalid() -> EmailInvalid:
    return EmailInvalid(
        "This is not a valid e-mail address. Check its spelling.",
        fields={"email": ["is not valid"]},
    )
