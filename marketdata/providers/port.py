"""What a vendor of market data is asked and answers, in one vocabulary. Pure.

Prices are of one unit, not adjusted for splits or dividends, in `currency` as the vendor writes it:
"GBp" and "GBX" are pence, and the caller converts them. Symbols are the vendor's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from marketdata.providers.quota import PAUSE_MS_MAX


class Capability(StrEnum):
    QUOTES = "quotes"
    DAYS = "days"
    MINUTES = "minutes"
    RATES = "rates"
    SEARCH = "search"


class Fault(StrEnum):
    """Why a vendor gave no answer."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    BROKEN_OFF = "broken_off"
    SERVER_ERROR = "server_error"
    KEY_REFUSED = "key_refused"
    PAYMENT_REQUIRED = "payment_required"
    QUOTA_USED = "quota_used"
    REDIRECTED = "redirected"
    TOO_LARGE = "too_large"
    FORMAT_CHANGED = "format_changed"
    # The vendor answered, and has nothing of this name. No sign that it is ill.
    NOT_FOUND = "not_found"
    # It was not asked: its breaker is open, or this installation has used up its calls.
    BREAKER_OPEN = "breaker_open"


# The vendor is well: these do not count for its breaker.
HARMLESS = frozenset({Fault.NOT_FOUND, Fault.QUOTA_USED, Fault.BREAKER_OPEN})


# A vendor that wants to be left alone is asked again after a day, whatever it says.
RETRY_AFTER_S_MAX = PAUSE_MS_MAX / 1000


class ProviderFault(Exception):
    """A vendor gave no usable answer. `detail` never contains a key."""

    def __init__(self, fault: Fault, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail
        if retry_after_s is not None:
            retry_after_s = min(retry_after_s, RETRY_AFTER_S_MAX)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class VendorQuote:
    """The newest price. `currency` is None where the vendor does not say it."""

    symbol: str
    price: Decimal
    as_of: datetime
    currency: str | None = None
    previous_close: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DayBar:
    """The prices of one session, on the exchange's own day."""

    day: date
    close: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: int | None = None


@dataclass(frozen=True, slots=True)
class MinuteBar:
    """The prices of the minute that begins at `at`."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """`new` shares for `old` shares, from the start of the session of `ex_date`."""

    ex_date: date
    new: Decimal
    old: Decimal


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash of one share held before the session of `ex_date`."""

    ex_date: date
    amount: Decimal
    # None where the vendor does not say it.
    payment_date: date | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Sessions by ascending day, and the splits and dividends among them."""

    bars: Sequence[DayBar]
    splits: Sequence[Split] = ()
    dividends: Sequence[Dividend] = ()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class VendorRate:
    """Units of `currency` for one euro on a day."""

    currency: str
    day: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Match:
    """A security that a vendor knows. `exchange` is a calendar's code, "" if it is not known."""

    symbol: str
    name: str
    asset_class: str
    currency: str | None
    exchange: str
    isin: str = ""


class Provider(Protocol):
    """A vendor. A call it cannot do is absent from `capabilities` and never made.

    Every call raises ProviderFault, and nothing else, if there is no usable answer.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    @property
    def quotes_per_call(self) -> int:
        """Return how many symbols one call of `quotes` may name."""
        ...

    def quotes(self, symbols: Sequence[str]) -> Sequence[VendorQuote]:
        """Return the newest quotes; symbols it does not know are absent."""
        ...

    def days(self, symbol: str, *, since: date, until: date) -> History:
        """Return the sessions of a range, both ends included."""
        ...

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        """Return the minutes of a range by ascending time, `until` excluded."""
        ...

    def rates(self, *, since: date) -> Sequence[VendorRate]:
        """Return the reference rates of every day from `since` on."""
        ...

    def search(self, text: str) -> Sequence[Match]:
        """Return the securities whose symbol, name or ISIN fits, best first."""
        ...
