"""Identifiers of securities: the form of a symbol, the check digit of an ISIN. Pure."""

import re

from stdnum import isin as _isin

from core.errors import InvalidInput
from core.limits import SYMBOL_LENGTH_MAX

_SYMBOL = re.compile(rf"[A-Z0-9][A-Z0-9.\-]{{0,{SYMBOL_LENGTH_MAX - 1}}}")

# The name of a portfolio's cash weight; no asset may use it.
RESERVED_SYMBOLS = frozenset({"CASH"})


def is_isin(text: str) -> bool:
    """Return whether `text` has twelve characters, a known country and the right check digit."""
    return len(text) == 12 and bool(_isin.is_valid(text))


def ensure_isin(text: str) -> str:
    """`text` if it is an ISIN; refuses anything else."""
    if not is_isin(text):
        raise InvalidInput(
            f"{text[:20]} is not a valid ISIN. Check its 12 characters.",
            code="isin_invalid",
            fields={"isin": ["is not a valid ISIN"]},
        )
    return text


def ensure_symbol(text: str) -> str:
    """Return `text` if it is a symbol: capitals, digits, dots, hyphens; no dot or hyphen first."""
    if not _SYMBOL.fullmatch(text):
        raise InvalidInput(
            "A symbol has capitals, digits, dots and hyphens, "
            f"starts with a letter or digit and is at most {SYMBOL_LENGTH_MAX} long.",
            code="symbol_invalid",
            fields={"symbol": [f"must match {_SYMBOL.pattern}"]},
        )
    if text in RESERVED_SYMBOLS:
        raise InvalidInput(
            f"{text} is reserved. Choose another symbol.",
            code="symbol_reserved",
            fields={"symbol": ["is reserved"]},
        )
    return text
