"""Prices by file: layouts, what is taken and refused row by row, all together, and once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from marketdata.models import Asset, OwnPrice
from transactions.ledger.entries import Entry, Ratio
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db

URL = "/api/v1/market/price-files"


@pytest.fixture
def funds(db: None) -> dict[str, Asset]:
    return {
        symbol: Asset.objects.create(
            symbol=symbol, name=symbol, asset_class="fund", currency=currency, isin=isin
        )
        for symbol, currency, isin in (
            ("VTI", "USD", "US9229087690"),
            ("VOD", "GBP", "GB00BH4HKS39"),
        )
    }


@pytest.fixture
def send(people: Any, client_of: Any, funds: Any) -> Any:
    def send(text: str | bytes, user: Any = None, **fields: Any) -> Any:
        content = text.encode() if isinstance(text, str) else text
        file = SimpleUploadedFile("prices.csv", content, "text/csv")
        return client_of(user or people.owner).post(
            URL, {"file": file, **fields}, format="multipart"
        )

    return send


def stored() -> list[tuple[str, str, D]]:
    rows = OwnPrice.objects.order_by("asset__symbol", "date").select_related("asset")
    return [(row.asset.symbol, row.date.isoformat(), row.price) for row in rows]


LAYOUTS: dict[str, tuple[str, dict[str, str], bool]] = {
    "own": ("date,symbol,price\n2024-01-02,VTI,250.5\n2024-01-03,VTI,251\n", {}, False),
    "own by isin": (
        "price;isin;currency;date\n250,50;US9229087690;USD;2024-01-02\n"
        "251,00;US9229087690;USD;2024-01-03\n",
        {},
        False,
    ),
    "portfolio performance": (
        "Date;Quote\n2024-01-02;250,50\n2024-01-03;251,00\n",
        {"symbol": "VTI"},
        False,
    ),
    "portfolio performance, german": (
        "Datum;Kurs\n02.01.2024;250,50\n03.01.2024;251,00\n",
        {"symbol": "VTI"},
        False,
    ),
    "yahoo": (
        "Date,Open,High,Low,Close,Adj Close,Volume\n"
        "2024-01-02,249,252,248,250.500000,240.1,1000\n"
        "2024-01-03,250,253,250,251.000000,240.6,1100\n",
        {"symbol": "VTI"},
        True,
    ),
    "stooq": (
        "Date,Open,High,Low,Close,Volume\n2024-01-02,249,252,248,250.5,1000\n"
        "2024-01-03,250,253,250,251,1100\n",
        {"symbol": "VTI"},
        True,
    ),
    "stooq bulk": (
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "VTI.US,D,20240102,000000,249,252,248,250.5,1000,0\n"
        "VTI.US,D,20240103,000000,250,253,250,251,1100,0\n",
        {},
        True,
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_previewed_recorded_and_recorded_once(send: Any, name: str) -> None:
    text, fields, adjusted = LAYOUTS[name]
    preview = send(text, **fields).json()
    assert (preview["recorded"], preview["new"], preview["refused"]) == (False, 2, 0), preview
    assert preview["adjusted"] is adjusted
    assert stored() == []
    done = send(text, record="true", **fields).json()
    assert (done["recorded"], done["new"]) == (True, 2)
    wanted = [("VTI", "2024-01-02", D("250.5")), ("VTI", "2024-01-03", D(251))]
    assert stored() == wanted
    before = list(OwnPrice.objects.order_by("date").values_list())
    again = send(text, record="true", **fields).json()
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 2)
    assert list(OwnPrice.objects.order_by("date").values_list()) == before


ROWS = """
2024-01-02,VTI,100,            new
2024-01-03,VTI,0,              price_not_positive
2024-01-04,VTI,-1,             price_not_positive
2024-01-05,VTI,NaN,            number_invalid
2024-01-06,VTI,1e99,           number_too_large
2024-01-07,VTI,,               price_missing
2999-01-01,VTI,100,            date_in_future
1949-01-01,VTI,100,            date_too_early
yesterday,VTI,100,             date_invalid
,VTI,100,                      date_missing
2024-01-08,NOPE,100,           symbol_unknown
2024-01-09,,100,               symbol_missing
2024-01-10,VTI,100,XYZ         currency_unknown
2024-01-10,VTI,100,dollar      currency_invalid
2024-01-11,VTI,100,KWD         exchange_rate_missing
2024-01-02,VTI,100,            unchanged
2024-01-02,VTI,101,            date_repeated
2024-01-12,VOD,15050,GBp       new
"""


def test_each_row_is_taken_or_refused_with_a_reason_and_the_taken_are_recorded(send: Any) -> None:
    table = [line.split() for line in ROWS.strip().splitlines()]
    text = "date,symbol,price,currency\n" + "".join(f"{cells}\n" for cells, _ in table)
    for fields in ({}, {"record": "true"}):
        answer = send(text, **fields).json()
        found = {row["line"]: row["code"] or row["status"] for row in answer["rows"]}
        assert [found[number + 2] for number in range(len(table))] == [want for _, want in table]
        assert all(row["detail"] for row in answer["rows"] if row["status"] == "refused")
    assert stored() == [("VOD", "2024-01-12", D("150.5")), ("VTI", "2024-01-02", D(100))]


def test_a_changed_price_says_what_it_was(send: Any) -> None:
    send("date,symbol,price\n2024-01-02,VTI,100\n", record="true")
    answer = send("date,symbol,price\n2024-01-02,VTI,105\n").json()
    (row,) = answer["rows"]
    assert (row["status"], row["before"], row["price"]) == ("changed", "100", "105")
    assert stored() == [("VTI", "2024-01-02", D(100))]


WHOLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "file_empty"),
    "no heading": (b"2024-01-02,VTI,100\n", "columns_missing"),
    "an archive": (b"PK\x03\x04 and more", "archive_not_accepted"),
    "day or month": (b"date,symbol,price\n03/04/2024,VTI,1\n", "date_order_ambiguous"),
    "thousand or fraction": (
        b"date;symbol;price\n2024-01-02;VTI;1,234\n2024-01-03;VTI;5.678\n",
        "number_style_ambiguous",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_cannot_be_read_is_refused_whole(send: Any, name: str) -> None:
    content, code = WHOLE[name]
    answer = send(content, record="true")
    problem = answer.json()
    codes = {row["code"] for row in problem.get("rows", ())} | {problem.get("code")}
    assert code in codes, problem
    assert stored() == []


def test_a_history_adjusted_for_a_split_is_worth_what_it_was(
    send: Any, people: Any, client_of: Any
) -> None:
    """100 shares at 300 before a 3 for 1 split: the provider writes 100 for that day."""
    user, now = people.owner, timezone.now()
    account = open_account(user=user, name="Main", type="taxable", currency="USD", now=now)
    days = [now - timedelta(days=number) for number in (40, 20, 1)]
    at = [datetime(day.year, day.month, day.day, 15, tzinfo=UTC) for day in days]
    entries = [
        Entry("buy", at[0], "USD", "VTI", D(100), D(300)),
        Entry("split", at[1], "USD", "VTI", ratio=Ratio(D(3), D(1))),
    ]
    record(account=account, entries=entries, user=user, now=now)
    text = "Date,Open,High,Low,Close\n" + "".join(
        f"{day.date()},1,1,1,{close}\n" for day, close in zip(at, (100, 101, 102), strict=True)
    )
    assert send(text, symbol="VTI", record="true").json()["warnings"] == []
    url = f"/api/v1/portfolios/{account.public_id}/performance"
    series = client_of(user).get(url, {"symbol": "VTI"}).json()["series"]
    values = {row["date"]: row["value"] for row in series}
    assert values[str(at[0].date())] == "30000.00"
    assert values[str(at[1].date())] == "30300.00"
    assert values[str(now.date())] == "30600.00"


def test_a_file_is_of_the_household_that_sent_it(send: Any, people: Any, client_of: Any) -> None:
    send("date,symbol,price\n2024-01-02,VTI,100\n", record="true")
    send("date,symbol,price\n2024-01-02,VTI,7\n", user=people.stranger, record="true")
    for user, price in ((people.owner, "100"), (people.spouse, "100"), (people.stranger, "7")):
        rows = client_of(user).get("/api/v1/market/assets/VTI/prices").json()["data"]
        assert [row["price"] for row in rows] == [price]


def test_percent_of_par_and_jumps(send: Any) -> None:
    text = "date,symbol,price\n2024-01-02,VTI,98.5\n2024-01-03,VTI,0.98\n"
    told = send(text).json()["warnings"]
    assert [(row["code"], row["date"]) for row in told] == [("price_jump", "2024-01-03")]
    send("date,symbol,price\n2024-01-02,VTI,98.5\n", nominal="1000", record="true")
    assert stored() == [("VTI", "2024-01-02", D(985))]


def test_a_file_beyond_the_households_prices_is_refused_and_nothing_is_recorded(
    send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("date,symbol,price\n2024-01-02,VTI,100\n", record="true")
    monkeypatch.setattr("marketdata.operations.own_prices.OWN_PRICES_PER_HOUSEHOLD_MAX", 2)
    text = "date,symbol,price\n2024-01-03,VTI,101\n2024-01-04,VOD,102\n"
    answer = send(text, record="true")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_own_prices")
    assert stored() == [("VTI", "2024-01-02", D(100))]
    assert send("date,symbol,price\n2024-01-03,VTI,101\n", record="true").json()["new"] == 1
