"""The European Central Bank: its reference rates of the euro, without a key.

Follows https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates.
Three files of one format hold the newest day, the last 90 days, and every day since 1999. The
newest tells how far back `since` lies, so no clock is needed. It is published about 16:00 in
Frankfurt, on TARGET working days.

A document type, and with it every entity, is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NoReturn
from xml.parsers import expat

from marketdata.providers.http import Get, bulk, fetched
from marketdata.providers.port import Capability, VendorRate
from marketdata.providers.reading import changed, decimal_of, expected_format
from marketdata.providers.unable import Unable

BASE_URL = "https://www.ecb.europa.eu"
_NEWEST = "/stats/eurofxref/eurofxref-daily.xml"
_LAST_90_DAYS = "/stats/eurofxref/eurofxref-hist-90d.xml"
_ALL = "/stats/eurofxref/eurofxref-hist.xml"
# One less than its name says, so that no edge is missed.
_RECENT_DAYS = 88


@dataclass(frozen=True, slots=True)
class Ecb(Unable):
    base_url: str = BASE_URL
    name: str = "ecb"
    capabilities: frozenset[Capability] = frozenset({Capability.RATES})
    quotes_per_call: int = 0

    def rates(self, *, since: date) -> Sequence[VendorRate]:
        found = self._read(_NEWEST)
        newest = found[-1].day
        if since < newest:
            recent = (newest - since).days <= _RECENT_DAYS
            found = self._read(_LAST_90_DAYS if recent else _ALL)
        return [rate for rate in found if rate.day >= since]

    def _read(self, path: str) -> Sequence[VendorRate]:
        """Return the rates of a file by ascending day."""
        request = Get(self.name, self.base_url, path)
        body = fetched(request if path == _NEWEST else bulk(request))
        with expected_format(str(request)):
            found = _rates_of(body)
        if not found:
            raise changed(str(request), "it has no rates")
        return sorted(found, key=lambda rate: (rate.day, rate.currency))


def _rates_of(body: bytes) -> list[VendorRate]:
    found: list[VendorRate] = []
    days: list[date] = []

    def opened(tag: str, attributes: Mapping[str, str]) -> None:
        if tag != "Cube":
            return
        if "time" in attributes:
            days.append(date.fromisoformat(attributes["time"]))
        elif attributes:
            found.append(_rate_of(attributes, days[-1]))

    def refused(*_: object) -> NoReturn:
        raise ValueError("it has a document type")

    parser = expat.ParserCreate()
    parser.StartElementHandler = opened
    parser.StartDoctypeDeclHandler = refused
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is no XML ({error})") from None
    return found


def _rate_of(attributes: Mapping[str, str], day: date) -> VendorRate:
    currency = attributes["currency"]
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise ValueError(f"{currency!r:.20} is no currency")
    return VendorRate(currency, day, _positive(decimal_of(attributes["rate"])))


def _positive(rate: Decimal) -> Decimal:
    if rate <= 0:
        raise ValueError(f"{rate} is no exchange rate")
    return rate
