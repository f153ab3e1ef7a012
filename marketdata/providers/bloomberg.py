"""Bloomberg, through a Bloomberg Terminal or server that runs beside this installation.

Follows the Bloomberg API developer's guide, service //blp/refdata: HistoricalDataRequest and
IntradayBarRequest. It needs the package `blpapi`, which Bloomberg distributes itself, and is loaded
with it. A Terminal's license covers its own user alone; serving others needs a server license.

    days      PX_LAST, PX_OPEN, PX_HIGH, PX_LOW and PX_VOLUME, with every adjustment switched off
    minutes   bars of trades; times are UTC

Quotes, splits and dividends are not read: an asset that lists Bloomberg lists another vendor too.
Symbols are Bloomberg's, such as "IBM US Equity".
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

from marketdata.providers.http import BULK_S_MAX
from marketdata.providers.port import (
    Capability,
    DayBar,
    Fault,
    History,
    MinuteBar,
    ProviderFault,
)
from marketdata.providers.reading import decimal_of, expected_format
from marketdata.providers.unable import Unable

PACKAGE = "blpapi"
_SERVICE = "//blp/refdata"
_FIELDS = ("PX_LAST", "PX_OPEN", "PX_HIGH", "PX_LOW", "PX_VOLUME")
_UNADJUSTED = ("adjustmentNormal", "adjustmentAbnormal", "adjustmentSplit", "adjustmentFollowDPDF")
# Categories of the guide's errors.
_FAULTS = {
    "BAD_SEC": Fault.NOT_FOUND,
    "NO_AUTH": Fault.KEY_REFUSED,
    "LIMIT": Fault.QUOTA_USED,
}


@dataclass(frozen=True, slots=True)
class Bloomberg(Unable):
    host: str = "127.0.0.1"
    port: str = "8194"
    total_s_max: float = BULK_S_MAX
    name: str = "bloomberg"
    capabilities: frozenset[Capability] = frozenset({Capability.DAYS, Capability.MINUTES})
    quotes_per_call: int = 0

    def days(self, symbol: str, *, since: date, until: date) -> History:
        found: dict[date, DayBar] = {}
        with self._session() as session:
            request = session.getService(_SERVICE).createRequest("HistoricalDataRequest")
            request.append("securities", symbol)
            for field_name in _FIELDS:
                request.append("fields", field_name)
            request.set("startDate", f"{since:%Y%m%d}")
            request.set("endDate", f"{until:%Y%m%d}")
            request.set("periodicitySelection", "DAILY")
            for adjustment in _UNADJUSTED:
                request.set(adjustment, False)
            for message in self._answers(session, request):
                security = message.getElement("securityData")
                self._refuse_error(security, "securityError")
                for row in security.getElement("fieldData").values():
                    bar = _day_bar(row)
                    found[bar.day] = bar
        return History([found[day] for day in sorted(found) if since <= day <= until])

    def minutes(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        found: dict[datetime, MinuteBar] = {}
        with self._session() as session:
            request = session.getService(_SERVICE).createRequest("IntradayBarRequest")
            request.set("security", symbol)
            request.set("eventType", "TRADE")
            request.set("interval", 1)
            request.set("startDateTime", since.astimezone(UTC).replace(tzinfo=None))
            request.set("endDateTime", until.astimezone(UTC).replace(tzinfo=None))
            for message in self._answers(session, request):
                for row in message.getElement("barData").getElement("barTickData").values():
                    bar = _minute_bar(row)
                    found[bar.at] = bar
        return [found[at] for at in sorted(found) if since <= at < until]

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """Open a session for one call, and turn what its answers raise into faults."""
        client = import_module(PACKAGE)
        options = client.SessionOptions()
        options.setServerHost(self.host)
        options.setServerPort(int(self.port))
        session = client.Session(options)
        if not session.start():
            raise ProviderFault(Fault.UNREACHABLE, f"{self.name}: no session could be started")
        try:
            if not session.openService(_SERVICE):
                raise ProviderFault(Fault.UNREACHABLE, f"{self.name}: {_SERVICE} does not open")
            with expected_format(self.name):
                yield session
        except client.Exception as error:
            kind = type(error).__name__
            raise ProviderFault(Fault.FORMAT_CHANGED, f"{self.name}: {kind}") from None
        finally:
            session.stop()

    def _answers(self, session: Any, request: Any) -> Iterator[Any]:
        """Yield the messages of an answer, until its last one."""
        kinds = import_module(PACKAGE).Event
        session.sendRequest(request)
        deadline = time.monotonic() + self.total_s_max
        while (left_s := deadline - time.monotonic()) > 0:
            event = session.nextEvent(max(1, int(left_s * 1000)))
            kind = event.eventType()
            if kind in {kinds.PARTIAL_RESPONSE, kinds.RESPONSE}:
                for message in event:
                    self._refuse_error(message, "responseError")
                    yield message
            if kind == kinds.RESPONSE:
                return
        raise ProviderFault(Fault.TIMEOUT, f"{self.name} did not answer in {self.total_s_max:g} s")

    def _refuse_error(self, element: Any, name: str) -> None:
        if element.hasElement(name):
            category = element.getElement(name).getElementAsString("category")
            fault = _FAULTS.get(category, Fault.SERVER_ERROR)
            raise ProviderFault(fault, f"{self.name} answered {name} {category:.30}")


def _number(row: Any, name: str) -> Decimal:
    return decimal_of(str(row.getElementAsFloat(name)))


def _number_or_none(row: Any, name: str) -> Decimal | None:
    return _number(row, name) if row.hasElement(name) else None


def _day_bar(row: Any) -> DayBar:
    day = row.getElementAsDatetime("date")
    volume = _number_or_none(row, "PX_VOLUME")
    return DayBar(
        day=date(day.year, day.month, day.day),
        close=_number(row, "PX_LAST"),
        open=_number_or_none(row, "PX_OPEN"),
        high=_number_or_none(row, "PX_HIGH"),
        low=_number_or_none(row, "PX_LOW"),
        volume=None if volume is None else int(volume),
    )


def _minute_bar(row: Any) -> MinuteBar:
    at = row.getElementAsDatetime("time")
    return MinuteBar(
        at=(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC),
        open=_number(row, "open"),
        high=_number(row, "high"),
        low=_number(row, "low"),
        close=_number(row, "close"),
        volume=int(row.getElementAsInteger("volume")),
    )
