"""Conversion of cells to numbers, days and currencies, and a file's proof of its style. Pure.

decimal sign   1.234,5 and 1,5 prove a comma, 1,234.5 and 1.5 a point; 1,234 proves neither
day order      31/12/2024 proves day first, 12/31/2024 month first; 03/04/2024 neither;
               2024-12-31, 20241231 and 31.12.2024 need no proof
EST, CET       letters identify no zone: the time is in the zone of the options
negative       -1, 1-, (1), -$1, $-1

Cells are untrusted. A cell longer than any number or date is refused before a regular expression
reads it, so no expression here can run for long.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Literal

from stdnum import isin as isin_numbers

from transactions.files.reading.decoding import refusal
from transactions.files.reading.interface import DateOrder

DecimalSign = Literal[".", ","]
NOTHING = frozenset({"", "-", "--", "n/a", "na", "not available", "none", "null", "–", "—"})

# No number, date or time is longer, including spaces.
CELL_CHARS_MAX = 80

_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'’_]")
_PLAIN = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,19})?")
_SIGNED = re.compile(
    r"(?P<open>\()?(?P<sign>[-+\u2212])?(?:[$€£¥]|[A-Z]{3})?(?P<sign2>[-+\u2212])?"
    r"(?P<digits>[0-9.,]{1,40})(?P<exponent>[eE][-+]?[0-9]{1,2})?"
    r"(?:[$€£¥%]|[A-Z]{3})?(?P<sign3>[-\u2212])?(?P<close>\))?"
)
_GROUPED = {
    ".": re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,12}|[0-9]{0,40})(?:\.[0-9]{0,40})?"),
    ",": re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3}){1,12}|[0-9]{0,40})(?:,[0-9]{0,40})?"),
}
_MINUS = frozenset("-\u2212")


def is_nothing(text: str) -> bool:
    """Return whether a cell is empty or states that it has no value."""
    if not text:
        return True
    if text[0].isdigit() or len(text) > CELL_CHARS_MAX:
        return False
    return text.strip().casefold() in NOTHING


def number(text: str, decimal: DecimalSign) -> Decimal | None:
    """Return the number in a cell; None if it is not one in this style."""
    if len(text) > CELL_CHARS_MAX:
        return None
    if decimal == "." and _PLAIN.fullmatch(text):
        return Decimal(text) or Decimal(text).copy_abs()
    match = _SIGNED.fullmatch(_SPACES.sub("", text))
    if not match or bool(match["open"]) != bool(match["close"]):
        return None
    digits = match["digits"]
    if not _GROUPED[decimal].fullmatch(digits):
        return None
    plain = digits.replace("," if decimal == "." else ".", "").replace(",", ".")
    if not any(sign.isdigit() for sign in plain):
        return None
    signs = [sign for sign in (match["sign"], match["sign2"], match["sign3"]) if sign]
    if len(signs) + bool(match["open"]) > 1:
        return None
    negative = bool(match["open"]) or any(sign in _MINUS for sign in signs)
    value = Decimal(plain + (match["exponent"] or ""))
    return -value if negative and value else value


def decimals(text: str, decimal: DecimalSign) -> int:
    """Return the number of digits after the decimal sign."""
    places = text[:CELL_CHARS_MAX].partition(decimal)[2].split("e")[0].split("E")[0]
    if places.isascii() and places.isdigit():
        return len(places)
    return sum(1 for sign in places if "0" <= sign <= "9")


def sign_in(text: str) -> tuple[DecimalSign | None, bool]:
    """Return the decimal sign of a number, and whether it proves it; 1,234 has a comma, perhaps."""
    if text.isdigit() or len(text) > CELL_CHARS_MAX or "." not in text and "," not in text:
        return None, False
    match = _SIGNED.fullmatch(_SPACES.sub("", text))
    digits = match["digits"] if match else ""
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma < 0 and point < 0:
        return None, False
    if comma >= 0 and point >= 0:
        return "," if comma > point else ".", True
    sign: DecimalSign = "," if comma >= 0 else "."
    before, _, after = digits.partition(sign)
    if digits.count(sign) > 1:
        return "." if sign == "," else ",", True
    return sign, len(after) != 3 or len(before) > 3 or before in ("", "0")


def evident(text: str) -> Decimal | None:
    """Return a number that proves its own decimal sign, or has none; else None."""
    sign, is_proof = sign_in(text)
    return number(text, sign or ".") if is_proof or sign is None else None


def decimal_sign(texts: Iterable[str], *, fallback: DecimalSign | None) -> DecimalSign:
    """Return the decimal sign that a file's numbers prove; `fallback` if no number proves one.

    The fallback follows from the delimiter: files separated by semicolons have a decimal comma.
    Raises number_style_mixed; and number_style_ambiguous if a number like 1,234 depends on the
    sign and the fallback contradicts its plainest reading.
    """
    proved, open_signs = _signs(texts)
    if len(proved) > 1:
        raise refusal("number_style_mixed", field="decimal")
    if proved:
        return proved.pop()
    if open_signs and open_signs != {fallback}:
        raise refusal("number_style_ambiguous", field="decimal")
    return fallback or "."


def is_other_sign(texts: Iterable[str], stated: DecimalSign) -> bool:
    """Return whether every number that proves a decimal sign proves another one than stated."""
    proved, _ = _signs(texts)
    return bool(proved) and stated not in proved


def _signs(texts: Iterable[str]) -> tuple[set[DecimalSign], set[DecimalSign]]:
    """Return the decimal signs that numbers prove, and those that numbers like 1,234 leave open."""
    proved: set[DecimalSign] = set()
    open_signs: set[DecimalSign] = set()
    for text in texts:
        sign, is_proof = sign_in(text)
        if sign is not None:
            (proved if is_proof else open_signs).add(sign)
    return proved, open_signs


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, its time if the cell states one, and the instant `at` if it states the offset."""

    day: date
    clock: time | None = None
    at: datetime | None = None


class UnreadableDate(ValueError):
    """The cell holds no readable date; the error has the code of the problem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: place for place, name in enumerate(_NAMES.split(), start=1)}
# Times and dates are matched with single spaces: `_plain` replaces every run of spaces by one.
_CLOCK = (
    r"(?:[ T;,] ?(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp][Mm]))?)?(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)| [A-Z]{3,4})?"
)
# The form of our own files, which the standard library reads faster.
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z)?")
_YEAR_FIRST = re.compile(
    r"(?P<y>\d{4})(?P<sep>[-/.])(?P<mo>\d{1,2})(?P=sep)(?P<d>\d{1,2})" + _CLOCK
)
_COMPACT = re.compile(
    r"(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)"
    r"(?:[;, T]?(?P<h>\d\d):?(?P<m>\d\d):?(?P<s>\d\d)(?: [A-Z]{3,4})?)?"
)
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4})" + _CLOCK)
_NAMED = re.compile(
    r"(?:(?P<d>\d{1,2})[- ](?P<name>[A-Za-z]{3})[a-z]{0,9}\.?|"
    r"(?P<name2>[A-Za-z]{3})[a-z]{0,9}\.?[- ](?P<d2>\d{1,2}),?)(?:, |[-, ])(?P<y>\d{4})" + _CLOCK
)
_SHORT_YEAR = re.compile(r"\d{1,2}([-/. ])(?:\d{1,2}|[A-Za-z]{3})\1'?\d{2}(?:[ T;,].{0,80})?")
# A day with something behind it that is not understood: it costs the time, not the day.
_BEGUN = re.compile(
    r"(?P<date>\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{8}|\d{1,2}([-/.])\d{1,2}\3\d{4})[ T;,(\[]"
)
_ANOTHER = re.compile(r"\d[-/.]\d{1,2}[-/.]\d|\d{8}")
_AS_OF = " as of "


def _plain(text: str) -> str:
    """Return the cell with single spaces; empty if it is longer than any date."""
    return " ".join(text.split()) if len(text) <= CELL_CHARS_MAX else ""


def effective(text: str) -> str:
    """Return the day on which a row happened: the second of `04/17/2023 as of 04/15/2023`.

    The first is the day on which the broker posted it. A cell longer than any date gives "".
    """
    text = _plain(text)
    place = text.lower().find(_AS_OF) if text.isascii() else -1
    return text[place + len(_AS_OF) :] if place >= 0 else text


def moment(text: str, order: DateOrder | None) -> Moment:
    """Return the day, and the time if there is one, of a cell. Raises UnreadableDate.

    A date is what it begins with: what follows and is not understood costs the time alone.
    """
    if _ISO.fullmatch(text):
        return _iso_moment(text)
    text = effective(text)
    if match := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _moment(match.groupdict(), int(match["mo"]), int(match["d"]))
    if match := _YEAR_LAST.fullmatch(text):
        first, second = int(match["a"]), int(match["b"])
        if match["sep"] == "." or order == "dmy" or (first > 12 and order is None):
            first, second = second, first
        return _moment(match.groupdict(), first, second)
    if match := _NAMED.fullmatch(text):
        month = _MONTHS.get((match["name"] or match["name2"]).lower())
        if month is not None:
            return _moment(match.groupdict(), month, int(match["d"] or match["d2"]))
    if begun := _beginning(text):
        return Moment(moment(begun, order).day)
    raise UnreadableDate("date_two_digit_year" if _SHORT_YEAR.fullmatch(text) else "date_invalid")


def _beginning(text: str) -> str:
    """Return the day with which a text begins, if no other one follows; else ""."""
    begun = _BEGUN.match(text)
    return begun["date"] if begun and not _ANOTHER.search(text, begun.end()) else ""


def _iso_moment(text: str) -> Moment:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableDate("date_invalid") from error
    return Moment(at.date()) if at.tzinfo is None else Moment(at.date(), at.time(), at)


def _moment(parts: dict[str, str | None], month: int, day: int) -> Moment:
    try:
        when = date(int(parts["y"] or 0), month, day)
        if parts.get("h") is None:
            return Moment(when)
        hour = int(parts["h"] or 0)
        half = (parts.get("half") or "").lower()
        if half:
            if not 1 <= hour <= 12:
                raise UnreadableDate("date_invalid")
            hour = hour % 12 + (12 if half == "pm" else 0)
        fraction = (parts.get("f") or "")[:6].ljust(6, "0")
        clock = time(hour, int(parts["m"] or 0), int(parts["s"] or 0), int(fraction))
        zone = parts.get("zone")
        if not zone:
            return Moment(when, clock)
        if zone[0] not in "+-":
            return Moment(when, clock, datetime.combine(when, clock, UTC))
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        shift = timezone(-offset if zone[0] == "-" else offset)
        return Moment(when, clock, datetime.combine(when, clock, shift).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise UnreadableDate("date_invalid") from error


def date_order(texts: Iterable[str]) -> DateOrder | None:
    """Return the day order that the whole file proves; None if no cell depends on it."""
    proved, depends = _orders(texts)
    if len(proved) > 1:
        raise refusal("date_order_mixed", field="date_order")
    if proved:
        return proved.pop()
    if depends:
        raise refusal("date_order_ambiguous", field="date_order")
    return None


def is_other_order(texts: Iterable[str], stated: DateOrder) -> bool:
    """Return whether every day that proves an order proves another one than stated.

    Any day that ends with the year contradicts "ymd", unless its order does not matter.
    """
    proved, depends = _orders(texts)
    if stated == "ymd":
        return bool(proved) or depends
    return bool(proved) and stated not in proved


def _orders(texts: Iterable[str]) -> tuple[set[DateOrder], bool]:
    """Return the day orders that cells prove, and whether a cell like 03/04/2024 needs one."""
    proved: set[DateOrder] = set()
    depends = False
    for text in texts:
        if _ISO.fullmatch(text):
            continue
        text = effective(text)
        match = _YEAR_LAST.fullmatch(text) or _YEAR_LAST.fullmatch(_beginning(text))
        if not match or match["sep"] == ".":
            continue
        first, second = int(match["a"]), int(match["b"])
        if first > 12 >= second:
            proved.add("dmy")
        elif second > 12 >= first:
            proved.add("mdy")
        depends = depends or (first <= 12 and second <= 12 and first != second)
    return proved, depends


def is_isin(text: str) -> bool:
    return len(text) == 12 and bool(isin_numbers.is_valid(text))


_CURRENCY = re.compile(r"[A-Z]{3}")


def is_currency(text: str) -> bool:
    return bool(_CURRENCY.fullmatch(text))
