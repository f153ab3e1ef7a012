"""Frankfurter: the reference rates of the European Central Bank as JSON, without a key.

Follows https://frankfurter.dev, version 1. A range that begins on a day without rates is answered
from the working day before; that day is left out here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from marketdata.providers.http import Get, bulk, fetched
from marketdata.providers.port import Capability, VendorRate
from marketdata.providers.reading import (
    as_json,
    day_of,
    decimal_of,
    expected_format,
    object_of,
    readable,
    text_of,
)
from marketdata.providers.unable import Unable

BASE_URL = "https://api.frankfurter.dev"


@dataclass(frozen=True, slots=True)
class Frankfurter(Unable):
    base_url: str = BASE_URL
    name: str = "frankfurter"
    capabilities: frozenset[Capability] = frozenset({Capability.RATES})
    quotes_per_call: int = 0

    def rates(self, *, since: date) -> Sequence[VendorRate]:
        request = bulk(Get(self.name, self.base_url, f"/v1/{since}..", {"base": "EUR"}))
        answer = as_json(fetched(request), of=str(request))
        with expected_format(str(request)):
            if answer["base"] != "EUR" or decimal_of(answer["amount"]) != 1:
                raise ValueError("the rates are not of one euro")
            rows = [
                (currency, day, rate)
                for day, rates in object_of(answer["rates"]).items()
                for currency, rate in object_of(rates).items()
            ]
        found = readable(rows, _rate_of, of=self.name)
        found = [rate for rate in found if rate.day >= since]
        return sorted(found, key=lambda rate: (rate.day, rate.currency))


def _rate_of(row: tuple[str, str, Any]) -> VendorRate:
    currency, day, rate = row
    return VendorRate(text_of(currency), day_of(day), decimal_of(rate))
