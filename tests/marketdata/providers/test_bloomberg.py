import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from marketdata.providers.bloomberg import Bloomberg
from marketdata.providers.port import DayBar, Fault, History, MinuteBar, ProviderFault
from tests.marketdata.providers.formats.clients import (
    PARTIAL_RESPONSE,
    RESPONSE,
    SESSION_STATUS,
    Event,
    Terminal,
)

SINCE, UNTIL = date(2026, 11, 18), date(2026, 11, 20)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Terminal]:
    def beside(*events: Event, **fields: Any) -> Terminal:
        terminal = Terminal(list(events), **fields)
        monkeypatch.setitem(sys.modules, "blpapi", terminal.module())
        return terminal

    return beside


def history(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"securityData": {"security": "IBM US Equity", "fieldData": rows}}


def test_days_are_asked_for_unadjusted_and_read_over_partial_answers(
    install: Callable[..., Terminal],
) -> None:
    first = {"date": date(2026, 11, 18), "PX_LAST": 99.75, "PX_OPEN": 99.6, "PX_HIGH": 100.25}
    second = {"date": date(2026, 11, 19), "PX_LAST": 100.1}
    terminal = install(
        Event(SESSION_STATUS, [{"SessionStarted": {}}]),
        Event(PARTIAL_RESPONSE, [history({**first, "PX_LOW": 99.1, "PX_VOLUME": 2500000.0})]),
        Event(RESPONSE, [history(second)]),
    )
    prices = [Decimal(price) for price in ("99.75", "99.6", "100.25", "99.1")]
    assert Bloomberg().days("IBM US Equity", since=SINCE, until=UNTIL) == History(
        [
            DayBar(SINCE, prices[0], prices[1], prices[2], prices[3], 2_500_000),
            DayBar(date(2026, 11, 19), Decimal("100.1")),
        ]
    )
    ((kind, asked),) = terminal.asked
    assert kind == "HistoricalDataRequest"
    assert asked == {
        "securities": ["IBM US Equity"],
        "fields": ["PX_LAST", "PX_OPEN", "PX_HIGH", "PX_LOW", "PX_VOLUME"],
        "startDate": "20261118",
        "endDate": "20261120",
        "periodicitySelection": "DAILY",
        "adjustmentNormal": False,
        "adjustmentAbnormal": False,
        "adjustmentSplit": False,
        "adjustmentFollowDPDF": False,
    }
    assert terminal.stopped == 1


def test_minutes_are_of_utc_and_end_before_until(install: Callable[..., Terminal]) -> None:
    rows = [
        {
            "time": datetime(2026, 11, 20, 14, minute),  # noqa: DTZ001
            "open": 100.2,
            "high": 100.3,
            "low": 100.1,
            "close": 100.25,
            "volume": 900,
        }
        for minute in (30, 33)
    ]
    terminal = install(Event(RESPONSE, [{"barData": {"barTickData": rows}}]))
    since = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    prices = [Decimal(price) for price in ("100.2", "100.3", "100.1", "100.25")]
    found = Bloomberg().minutes("IBM US Equity", since=since, until=since.replace(minute=33))
    assert found == [MinuteBar(since, prices[0], prices[1], prices[2], prices[3], 900)]
    ((kind, asked),) = terminal.asked
    assert kind == "IntradayBarRequest"
    assert asked["startDateTime"] == datetime(2026, 11, 20, 14, 30)  # noqa: DTZ001
    assert (asked["security"], asked["eventType"], asked["interval"]) == (
        *("IBM US Equity", "TRADE", 1),
    )


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ({"responseError": {"category": "LIMIT"}}, Fault.QUOTA_USED),
        ({"responseError": {"category": "NO_AUTH"}}, Fault.KEY_REFUSED),
        ({"responseError": {"category": "UNCLASSIFIED"}}, Fault.SERVER_ERROR),
        ({"securityData": {"securityError": {"category": "BAD_SEC"}}}, Fault.NOT_FOUND),
        ({"responseError": {}}, Fault.FORMAT_CHANGED),
        ({"weather": "fair"}, Fault.FORMAT_CHANGED),
        (history({"date": SINCE}), Fault.FORMAT_CHANGED),
        (history({"date": SINCE, "PX_LAST": "x"}), Fault.FORMAT_CHANGED),
        (history({"date": SINCE, "PX_LAST": float("nan")}), Fault.FORMAT_CHANGED),
        (history({"date": "2026-11-18", "PX_LAST": 1.0}), Fault.FORMAT_CHANGED),
    ],
)
def test_an_error_or_another_format_is_a_fault_and_ends_the_session(
    message: dict[str, Any], fault: Fault, install: Callable[..., Terminal]
) -> None:
    terminal = install(Event(RESPONSE, [message]))
    with pytest.raises(ProviderFault) as caught:
        Bloomberg().days("IBM US Equity", since=SINCE, until=UNTIL)
    assert caught.value.fault is fault
    assert terminal.stopped == 1


@pytest.mark.parametrize("fields", [{"starts": False}, {"opens": False}])
def test_a_terminal_that_is_not_there_is_unreachable(
    fields: dict[str, bool], install: Callable[..., Terminal]
) -> None:
    install(**fields)
    with pytest.raises(ProviderFault) as caught:
        Bloomberg().days("IBM US Equity", since=SINCE, until=UNTIL)
    assert caught.value.fault is Fault.UNREACHABLE


def test_an_answer_that_never_ends_is_a_timeout(install: Callable[..., Terminal]) -> None:
    install(Event(PARTIAL_RESPONSE, [history()]))
    with pytest.raises(ProviderFault) as caught:
        Bloomberg(total_s_max=0.05).days("IBM US Equity", since=SINCE, until=UNTIL)
    assert caught.value.fault is Fault.TIMEOUT
