"""The calls that a vendor cannot do. Pure. An adapter overrides those it can."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NoReturn

from marketdata.providers.port import (
    Fault,
    History,
    Match,
    MinuteBar,
    ProviderFault,
    VendorQuote,
    VendorRate,
)


class Unable:
    """Answers every call with NOT_FOUND."""

    __slots__ = ()

    def quotes(self, symbols: Sequence[str]) -> Sequence[VendorQuote]:
        self._refuse("quotes")

    def days(self, symbol: str, *, since: date, until: date) -> History:
        self._refuse("days")

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        self._refuse("minutes")

    def rates(self, *, since: date) -> Sequence[VendorRate]:
        self._refuse("rates")

    def search(self, text: str) -> Sequence[Match]:
        self._refuse("search")

    def _refuse(self, call: str) -> NoReturn:
        raise ProviderFault(Fault.NOT_FOUND, f"{type(self).__name__} has no {call}")
