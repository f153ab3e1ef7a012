"""Values out of a vendor's text. Pure.

Numbers are read as they are written, never through floats. Anything missing, of another type or
out of range raises ProviderFault(FORMAT_CHANGED): a vendor that changed its format is refused,
never guessed at.

Among many rows that do not depend on each other, such as quotes, bars and rates, a row that cannot
be read is refused alone, counted, and the rest is kept; if half of them or more cannot be read, the
format has changed. Splits and dividends are never left out so: one that is missing falsifies all
prices before it.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NoReturn, TypeVar

from prometheus_client import Counter

from marketdata.providers.port import Fault, ProviderFault, Split

T = TypeVar("T")

ROWS_REFUSED = Counter(
    "ballast_provider_rows_refused", "Rows of a vendor's answer that could not be read.", ["of"]
)
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError)
logger = logging.getLogger(__name__)

# Of a number: powers of ten, and characters as it is written.
_MAGNITUDE_MAX = 30
_DIGITS_MAX = 80
# The most new or old shares of a ratio that a vendor rounded, such as 0.066667 for 1:15.
_RATIO_MAX = 100


def as_json(body: bytes, *, of: str) -> Any:
    """Return parsed JSON, with every number that has a fraction as a Decimal."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise changed(of, "the answer is no JSON") from None


def changed(of: str, detail: str) -> ProviderFault:
    return ProviderFault(Fault.FORMAT_CHANGED, f"{of}: {detail}")


@contextmanager
def expected_format(of: str) -> Iterator[None]:
    """Turn what a differently shaped answer raises inside the block into FORMAT_CHANGED."""
    try:
        yield
    except _UNREADABLE as error:
        raise changed(of, f"{type(error).__name__}: {error}"[:200]) from None


class Reader:
    """Reads rows one by one and counts those that cannot be read. `of`: the vendor's name."""

    def __init__(self, of: str) -> None:
        self.of, self.read, self.refused, self.why = of, 0, 0, ""

    def row(self, read: Callable[[Any], T], row: Any) -> T | None:
        """Return what a row says; None if it cannot be read."""
        try:
            found = read(row)
        except _UNREADABLE as error:
            self.refused += 1
            self.why = f"{type(error).__name__}: {error}"[:200]
            return None
        self.read += 1
        return found

    def ensure_few_refused(self) -> None:
        """Count what was refused; raise FORMAT_CHANGED if it is half of the rows or more."""
        if self.refused and self.refused >= self.read:
            raise changed(self.of, self.why)
        if self.refused:
            logger.warning("%s: %d rows refused, the last: %s", self.of, self.refused, self.why)
            ROWS_REFUSED.labels(self.of).inc(self.refused)


def readable(rows: Iterable[Any], read: Callable[[Any], T], *, of: str) -> list[T]:
    """Return what the rows say that can be read; see `Reader`."""
    reader = Reader(of)
    found = [reader.row(read, row) for row in rows]
    reader.ensure_few_refused()
    return [one for one in found if one is not None]


def decimal_of(value: Any) -> Decimal:
    """Return a number, written as a number or a text; raise ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError(f"{value!r:.40} is no number")
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r:.40} is no number") from None
    if not found.is_finite():
        raise ValueError(f"{value!r:.40} is no finite number")
    # Arithmetic on 1e999999999 never ends.
    if found and (abs(found.adjusted()) > _MAGNITUDE_MAX or len(str(value)) > _DIGITS_MAX):
        raise ValueError(f"{value!r:.40} is out of range")
    return found


def decimal_or_none(value: Any) -> Decimal | None:
    return None if value is None else decimal_of(value)


def whole_or_none(value: Any) -> int | None:
    """Return a whole number; fractions of shares in a volume are cut off."""
    return None if value is None else int(decimal_of(value))


def day_of(value: Any) -> date:
    """Return the day at the start of a text such as 2026-11-20T00:00:00.000Z."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is no day")
    return date.fromisoformat(value[:10])


def instant_of(value: Any) -> datetime:
    """Return an instant: ISO 8601 with a zone (fractions beyond microseconds are cut), or seconds.

    A text without a zone is refused: it could mean any.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, tz=UTC)
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is no instant")
    found = datetime.fromisoformat(_microseconds(value))
    if found.tzinfo is None:
        raise ValueError(f"{value!r:.40} has no time zone")
    return found.astimezone(UTC)


def text_of(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r:.40} is no text")
    return value


def split_of(day: date, factor: Decimal) -> Split:
    """Return the split that multiplied the shares by `factor`.

    A factor with many decimals is a rounded ratio: the ratio of small numbers that is written so is
    meant, if there is one. 1.5 is 3:2, 0.0667 is 1:15. A factor above 1 with four decimals may be
    a dividend in shares, and is taken as it is.
    """
    if factor <= 0:
        raise ValueError(f"{factor} is no ratio of a split")
    exact = Fraction(factor)
    decimals = -int(factor.normalize().as_tuple().exponent)
    if decimals > 4 or (decimals == 4 and factor < 1):
        simple = exact.limit_denominator(_RATIO_MAX)
        if abs(simple - exact) * 2 * 10**decimals <= 1:
            exact = simple
    return Split(day, new=Decimal(exact.numerator), old=Decimal(exact.denominator))


def list_of(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ValueError(f"a list was expected, not {type(value).__name__}")
    return value


def object_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"an object was expected, not {type(value).__name__}")
    return value


def _microseconds(text: str) -> str:
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
