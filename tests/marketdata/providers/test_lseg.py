import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from marketdata.providers.lseg import Lseg
from marketdata.providers.port import DayBar, Fault, History, MinuteBar, ProviderFault
from tests.marketdata.providers.formats.clients import LDError, Platform

SINCE, UNTIL = date(2026, 11, 18), date(2026, 11, 20)
FIELDS = ("TRDPRC_1", "OPEN_PRC", "HIGH_1", "LOW_1", "ACVOL_UNS")
SECRETS = ("app-s3cret", "id-s3cret", "s3cret-itself")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Platform]:
    def beside(**fields: Any) -> Platform:
        platform = Platform(**fields)
        monkeypatch.setitem(sys.modules, "lseg", ModuleType("lseg"))
        monkeypatch.setitem(sys.modules, "lseg.data", platform.module())
        return platform

    return beside


def raw(time_name: str, *rows: list[Any], ric: str = "IBM.N") -> dict[str, Any]:
    headers = [{"name": name, "type": "number"} for name in (time_name, *FIELDS)]
    return {"universe": {"ric": ric}, "interval": "P1D", "headers": headers, "data": list(rows)}


def test_days_are_asked_for_unadjusted_and_sorted(install: Callable[..., Platform]) -> None:
    platform = install(
        raw=raw(
            "DATE",
            ["2026-11-19", 100.1, None, None, None, None],
            ["2026-11-18", 99.75, 99.6, 100.25, 99.1, 2500000],
            ["2026-11-17", 199.0, 198.1, 199.75, 197.5, 1300000],
            ["2026-11-20", None, None, None, None, None],
        )
    )
    prices = [Decimal(price) for price in ("99.75", "99.6", "100.25", "99.1")]
    assert Lseg(*SECRETS).days("IBM.N", since=SINCE, until=UNTIL) == History(
        [
            DayBar(SINCE, prices[0], prices[1], prices[2], prices[3], 2_500_000),
            DayBar(date(2026, 11, 19), Decimal("100.1")),
        ]
    )
    (asked,) = platform.asked
    assert asked == {
        "universe": "IBM.N",
        "interval": "P1D",
        "start": "2026-11-18",
        "end": "2026-11-20",
        "adjustments": "unadjusted",
        "count": 10_000,
        "fields": list(FIELDS),
    }
    assert (platform.grants, platform.closed) == ([SECRETS], 1)


def test_minutes_are_of_utc_and_end_before_until(install: Callable[..., Platform]) -> None:
    rows = [
        [f"2026-11-20T14:{minute}:00.000000000Z", 100.25, 100.2, 100.3, 100.1, 900]
        for minute in (33, 30)
    ]
    platform = install(raw=raw("DATE_TIME", *rows))
    since = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    prices = [Decimal(price) for price in ("100.2", "100.3", "100.1", "100.25")]
    found = Lseg(*SECRETS).minutes("IBM.N", since=since, until=since.replace(minute=33))
    assert found == [MinuteBar(since, prices[0], prices[1], prices[2], prices[3], 900)]
    assert platform.asked[0]["interval"] == "PT1M"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"errors": [LDError("TS.Intraday.UserRequestError.90001")]}, Fault.NOT_FOUND),
        ({"errors": [LDError(429, "slow down, s3cret-itself")]}, Fault.QUOTA_USED),
        ({"errors": [LDError(403)]}, Fault.PAYMENT_REQUIRED),
        ({"errors": [LDError("TS.Interday.Error.50001")]}, Fault.SERVER_ERROR),
        ({"raised": LDError(401, "bad s3cret-itself")}, Fault.KEY_REFUSED),
        ({"raised": LDError(None, "bad s3cret-itself")}, Fault.SERVER_ERROR),
        ({"raised": ConnectionError("https://s3cret-itself@x")}, Fault.UNREACHABLE),
        ({"state": "OpenState.Closed"}, Fault.KEY_REFUSED),
        ({"raw": None}, Fault.FORMAT_CHANGED),
        ({"raw": {"weather": "fair"}}, Fault.FORMAT_CHANGED),
        ({"raw": raw("DATE", ric="OTHER.N")}, Fault.FORMAT_CHANGED),
        ({"raw": raw("DATE", ["2026-11-18", 1.0])}, Fault.FORMAT_CHANGED),
        ({"raw": raw("DATE", ["x", 1.0, 1.0, 1.0, 1.0, 1])}, Fault.FORMAT_CHANGED),
        (
            {"raw": raw("DATE", ["2026-11-18", float("nan"), 1.0, 1.0, 1.0, 1])},
            Fault.FORMAT_CHANGED,
        ),
    ],
)
def test_an_error_or_another_format_is_a_fault_without_a_key(
    fields: dict[str, Any], fault: Fault, install: Callable[..., Platform]
) -> None:
    platform = install(**fields)
    lseg = Lseg(*SECRETS)
    with pytest.raises(ProviderFault) as caught:
        lseg.days("IBM.N", since=SINCE, until=UNTIL)
    assert caught.value.fault is fault
    assert platform.closed == 1
    assert "s3cret" not in f"{caught.value} {lseg!r}"
