"""From the text of a cell to a number, a day, a currency; and what a file's cells prove. Pure.

decimal sign   1.234,5 and 1,5 prove a comma, 1,234.5 and 1.5 a point; 1,234 proves neither
day order      31/12/2024 proves day first, 12/31/2024 month first; 03/04/2024 neither;
               2024-12-31, 20241231 and 31.12.2024 need no proof
EST, CET       no zone is known by its letters: the time is of the zone in the options
negative       -1, 1-, (1), -$1, $-1
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

_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'’_]")
_PLAIN = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,19})?")
_SIGNED = re.compile(
    r"(?P<open>\()?(?P<sign>[-+\u2212])?(?:[$€£¥]|[A-Z]{3})?(?P<sign2>[-+\u2212])?"
    r"(?P<digits>[0-9.,]+)(?P<exponent>[eE][-+]?[0-9]{1,2})?"
    r"(?:[$€£¥%]|[A-Z]{3})?(?P<sign3>[-\u2212])?(?P<close>\))?"
)
_GROUPED = {
    ".": re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.[0-9]*)?"),
    ",": re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*)(?:,[0-9]*)?"),
}
_DIGITS_MAX = 40
_MINUS = frozenset("-\u2212")


def is_nothing(text: str) -> bool:
    """Whether a cell only says that it says nothing."""
    if not text:
        return True
    if text[0].isdigit():
        return False
    return text.strip().casefold() in NOTHING


def number(text: str, decimal: DecimalSign) -> Decimal | None:
    """The number a cell states; None where it is none in this style."""
    if decimal == "." and _PLAIN.fullmatch(text):
        return Decimal(text) or Decimal(text).copy_abs()
    match = _SIGNED.fullmatch(_SPACES.sub("", text))
    if not match or bool(match["open"]) != bool(match["close"]):
        return None
    digits = match["digits"]
    if len(digits) > _DIGITS_MAX or not _GROUPED[decimal].fullmatch(digits):
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
    """How many digits stand after the decimal sign."""
    return len(re.sub(r"[^0-9]", "", text.partition(decimal)[2].split("e")[0].split("E")[0]))


def decimal_sign(texts: Iterable[str], *, fallback: DecimalSign | None) -> DecimalSign:
    """The sign a file's figures prove; `fallback` where none does.

    Raises number_style_mixed, and number_style_ambiguous where a figure like 1,234 hangs on it and
    the fallback (that of the delimiter: a comma in files separated by semicolons) does not agree
    with the figure's plainest reading.
    """
    proved: set[DecimalSign] = set()
    open_signs: set[DecimalSign] = set()
    for text in texts:
        match = _SIGNED.fullmatch(_SPACES.sub("", text))
        if not match:
            continue
        digits = match["digits"]
        comma, point = digits.rfind(","), digits.rfind(".")
        if comma < 0 and point < 0:
            continue
        if comma >= 0 and point >= 0:
            proved.add("," if comma > point else ".")
            continue
        sign: DecimalSign = "," if comma >= 0 else "."
        other: DecimalSign = "." if sign == "," else ","
        before, _, after = digits.partition(sign)
        if digits.count(sign) > 1:
            proved.add(other)
        elif len(after) != 3 or len(before) > 3 or before in ("", "0"):
            proved.add(sign)
        else:
            open_signs.add(sign)
    if len(proved) > 1:
        raise refusal("number_style_mixed", field="decimal")
    if proved:
        return proved.pop()
    if open_signs and open_signs != {fallback}:
        raise refusal("number_style_ambiguous", field="decimal")
    return fallback or "."


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, with its time where the cell states one; `at` where also the offset is stated."""

    day: date
    clock: time | None = None
    at: datetime | None = None


class UnreadableDate(ValueError):
    """Carries the code of the problem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: place for place, name in enumerate(_NAMES.split(), start=1)}
_CLOCK = (
    r"(?:[ T;,]+(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp][Mm]))?)?(?:\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)|\s+[A-Z]{3,4})?"
)
_YEAR_FIRST = re.compile(
    r"(?P<y>\d{4})(?P<sep>[-/.])(?P<mo>\d{1,2})(?P=sep)(?P<d>\d{1,2})" + _CLOCK
)
_COMPACT = re.compile(
    r"(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)"
    r"(?:[;, T]?(?P<h>\d\d):?(?P<m>\d\d):?(?P<s>\d\d)(?:\s[A-Z]{3,4})?)?"
)
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4})" + _CLOCK)
_NAMED = re.compile(
    r"(?:(?P<d>\d{1,2})[-\s]+(?P<name>[A-Za-z]{3})[a-z]*\.?|"
    r"(?P<name2>[A-Za-z]{3})[a-z]*\.?[-\s]+(?P<d2>\d{1,2}),?)[-,\s]+(?P<y>\d{4})" + _CLOCK
)
_SHORT_YEAR = re.compile(r"\d{1,2}([-/. ])(?:\d{1,2}|[A-Za-z]{3})\1'?\d{2}(?:[ T;,].*)?")
_AS_OF = re.compile(r"(?i)^(?P<posted>.*?)\s+as of\s+(?P<effective>.*)$")


def effective(text: str) -> str:
    """`04/17/2023 as of 04/15/2023` happened on the second day and was posted on the first."""
    match = _AS_OF.match(text.strip())
    return match["effective"].strip() if match else text.strip()


def moment(text: str, order: DateOrder | None) -> Moment:
    """The day (and time) of a cell; raises UnreadableDate."""
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
    raise UnreadableDate("date_two_digit_year" if _SHORT_YEAR.fullmatch(text) else "date_invalid")


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
    """Day first or month first, as the whole file proves; None where no cell hangs on it."""
    day_first = month_first = hangs = False
    for text in texts:
        match = _YEAR_LAST.fullmatch(effective(text))
        if not match or match["sep"] == ".":
            continue
        first, second = int(match["a"]), int(match["b"])
        day_first = day_first or first > 12 >= second
        month_first = month_first or second > 12 >= first
        hangs = hangs or (first <= 12 and second <= 12 and first != second)
    if day_first and month_first:
        raise refusal("date_order_mixed", field="date_order")
    if day_first or month_first:
        return "dmy" if day_first else "mdy"
    if hangs:
        raise refusal("date_order_ambiguous", field="date_order")
    return None


def is_isin(text: str) -> bool:
    return bool(isin_numbers.is_valid(text))


_CURRENCY = re.compile(r"[A-Z]{3}")
# Hundredths some markets quote in, and what they are hundredths of.
SUBUNITS = {"GBX": "GBP", "GBp": "GBP", "ZAc": "ZAR", "ZAX": "ZAR", "ILA": "ILS"}


def is_currency(text: str) -> bool:
    return bool(_CURRENCY.fullmatch(text))
