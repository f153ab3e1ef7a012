"""Read and check what pages are sent: the year, page number, symbol, or page to go on to."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from core.errors import InvalidInput
from core.limits import EARLIEST_DATE, SYMBOL_LENGTH_MAX, TAX_YEAR_MAX
from edge.pagination import PAGE_NUMBER_MAX


def ensure_printable(request: HttpRequest) -> None:
    """Refuse NUL characters in forms and links, because PostgreSQL cannot store them."""
    sent: tuple[Mapping[str, str], ...] = (request.GET, request.POST)
    for values in sent:
        # `lists` gives every value of a name; the mapping itself gives only the last.
        for name, found in values.lists():  # type: ignore[attr-defined]
            if "\0" in name or any("\0" in text for text in found if isinstance(text, str)):
                raise InvalidInput(
                    "The request contains a NUL character. Remove it and try again.",
                    code="invalid_characters",
                )


def year_asked(request: HttpRequest, *, default: int) -> int:
    """Return the requested tax year, or `default`; refuse a year outside the limits."""
    text = request.GET.get("year", "")
    if not text:
        return default
    first = EARLIEST_DATE.year
    number = _number(text)
    if number is None or not first <= number <= TAX_YEAR_MAX:
        raise InvalidInput(
            f"The year must be between {first} and {TAX_YEAR_MAX}.",
            code="year_invalid",
            fields={"year": [f"must be from {first} to {TAX_YEAR_MAX}"]},
        )
    return number


def page_asked(request: HttpRequest, *, pages: int) -> int:
    """Return the requested page, kept within the existing pages; refuse all but numbers."""
    text = request.GET.get("page", "")
    number = _number(text) if text else 1
    if number is None or number > PAGE_NUMBER_MAX:
        raise InvalidInput(
            f"The page must be a number from 1 to {PAGE_NUMBER_MAX}.",
            code="page_invalid",
            fields={"page": ["must be a number"]},
        )
    return min(max(number, 1), pages)


def symbol_asked(request: HttpRequest) -> str:
    """Return the requested symbol in capitals, empty for none; refuse one that is too long."""
    symbol = request.GET.get("symbol", "").strip().upper()
    if len(symbol) > SYMBOL_LENGTH_MAX:
        raise InvalidInput(
            f"The symbol is too long. It may have at most {SYMBOL_LENGTH_MAX} characters.",
            code="symbol_invalid",
            fields={"symbol": ["is too long"]},
        )
    return symbol


def inside(address: str, *, otherwise: str) -> str:
    """Return the address if it is a path of this site, or else `otherwise`."""
    ours = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if ours else otherwise


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
