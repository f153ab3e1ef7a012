"""LSEG (formerly Refinitiv), through its Data Platform.

Follows https://developers.lseg.com/en/api-catalog/lseg-data-platform/lseg-data-library-for-python,
content layer `historical_pricing.summaries`. It needs the package `lseg-data` (extra `lseg`) and is
loaded with it.

    days      interval P1D, `unadjusted`: TRDPRC_1 is the close, ACVOL_UNS the volume
    minutes   interval PT1M, the same fields; times are UTC. At most 10,000 rows an answer

The client bounds each request itself, by 20 s. Quotes, splits and dividends are not read: an asset
that lists LSEG lists another vendor too.
Symbols are RICs, such as "IBM.N".
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

from marketdata.providers.port import (
    Capability,
    DayBar,
    Fault,
    History,
    MinuteBar,
    ProviderFault,
)
from marketdata.providers.reading import (
    day_of,
    decimal_of,
    expected_format,
    instant_of,
    list_of,
    object_of,
)
from marketdata.providers.unable import Unable

PACKAGE = "lseg"
_DAYS, _MINUTES = "P1D", "PT1M"
_ROWS_MAX = 10_000
_FIELDS = ("TRDPRC_1", "OPEN_PRC", "HIGH_1", "LOW_1", "ACVOL_UNS")
# Ends of its codes of errors: the words of the platform, or a status of HTTP.
_FAULTS = {
    "401": Fault.KEY_REFUSED,
    "403": Fault.PAYMENT_REQUIRED,
    "404": Fault.NOT_FOUND,
    "429": Fault.QUOTA_USED,
    "90001": Fault.NOT_FOUND,
}


@dataclass(frozen=True, slots=True)
class Lseg(Unable):
    app_key: str = field(repr=False)
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    name: str = "lseg"
    capabilities: frozenset[Capability] = frozenset({Capability.DAYS, Capability.MINUTES})
    quotes_per_call: int = 0

    def days(self, symbol: str, *, since: date, until: date) -> History:
        rows = self._rows(symbol, _DAYS, since.isoformat(), until.isoformat())
        with expected_format(self.name):
            bars = [
                DayBar(day=day_of(row["DATE"]), **_prices(row))
                for row in rows
                if row["TRDPRC_1"] is not None
            ]
        bars = [bar for bar in bars if since <= bar.day <= until]
        return History(sorted(bars, key=lambda bar: bar.day))

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        rows = self._rows(symbol, _MINUTES, since.isoformat(), until.isoformat())
        with expected_format(self.name):
            bars = [
                MinuteBar(at=instant_of(row["DATE_TIME"]), **_all_prices(row))
                for row in rows
                if row["TRDPRC_1"] is not None
            ]
        bars = [bar for bar in bars if since <= bar.at < until]
        return sorted(bars, key=lambda bar: bar.at)

    def _rows(self, symbol: str, interval: str, start: str, end: str) -> list[dict[str, Any]]:
        with self._session() as (client, session):
            summaries = client.content.historical_pricing.summaries.Definition(
                universe=symbol,
                interval=interval,
                start=start,
                end=end,
                adjustments="unadjusted",
                count=_ROWS_MAX,
                fields=list(_FIELDS),
            )
            response = summaries.get_data(session)
            if not response.is_success:
                raise self._fault_of(response.errors)
            raw = response.data.raw
        with expected_format(self.name):
            if object_of(raw)["universe"]["ric"] != symbol:
                raise ValueError("the answer is of another instrument")
            names = [object_of(header)["name"] for header in list_of(raw["headers"])]
            return [dict(zip(names, list_of(row), strict=True)) for row in list_of(raw["data"])]

    @contextmanager
    def _session(self) -> Iterator[tuple[Any, Any]]:
        """Open a session for one call, and turn what the client raises into faults."""
        client = import_module("lseg.data")
        platform = client.session.platform
        session = platform.Definition(
            app_key=self.app_key,
            grant=platform.ClientCredentials(self.client_id, self.client_secret),
            signon_control=True,
        ).get_session()
        try:
            state = session.open()
            if "Opened" not in str(state):
                raise ProviderFault(Fault.KEY_REFUSED, f"{self.name} did not open a session")
            yield client, session
        except ProviderFault:
            raise
        except client.errors.LDError as error:
            raise self._fault_of([error]) from None
        except Exception as error:  # it passes on what its HTTP client raises, of any kind
            kind = type(error).__name__
            raise ProviderFault(Fault.UNREACHABLE, f"{self.name}: {kind}") from None
        finally:
            session.close()

    def _fault_of(self, errors: Sequence[Any]) -> ProviderFault:
        """Return the fault of the first error. Its message is left out, for it may hold a key."""
        code = str(errors[0].code) if errors else "no code"
        fault = _FAULTS.get(code.rpartition(".")[2], Fault.SERVER_ERROR)
        return ProviderFault(fault, f"{self.name} answered error {code:.60}")


def _number(value: Any) -> Decimal:
    return decimal_of(str(value) if isinstance(value, float) else value)


def _number_or_none(value: Any) -> Decimal | None:
    return None if value is None else _number(value)


def _prices(row: dict[str, Any]) -> dict[str, Any]:
    volume = _number_or_none(row["ACVOL_UNS"])
    return {
        "close": _number(row["TRDPRC_1"]),
        "open": _number_or_none(row["OPEN_PRC"]),
        "high": _number_or_none(row["HIGH_1"]),
        "low": _number_or_none(row["LOW_1"]),
        "volume": None if volume is None else int(volume),
    }


def _all_prices(row: dict[str, Any]) -> dict[str, Any]:
    prices = _prices(row)
    if None in (prices["open"], prices["high"], prices["low"]):
        raise ValueError("a minute with a close has no other prices")
    return prices
