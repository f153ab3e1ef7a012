"""Files that quote in one currency and settle in another, and whose rate it is."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

TRADING212 = """
Action,Time,ISIN,Ticker,Name,ID,No. of shares,Price / share,Currency (Price / share),Exchange rate,Result,Currency (Result),Total,Currency (Total),Currency conversion fee,Currency (Currency conversion fee)
Market buy,2024-06-18 14:00:00,US0378331005,AAPL,Apple,EOF1,12,48.20,USD,1.0845,,,534.13,EUR,0.80,EUR
Market sell,2024-06-19 14:00:00,US0378331005,AAPL,Apple,EOF2,12,48.20,USD,1.0845,,,532.53,EUR,0.80,EUR
"""  # noqa: E501
SETTLED = [("buy", "USD", "578.40", "-534.13"), ("sell", "USD", "578.40", "532.53")]


def test_a_share_is_recorded_on_the_asset_people_have(person: Any) -> None:
    """The broker's total is cash and basis; price and amount are the market's."""
    person.asset("AAPL", "USD")
    own = person.account("EUR")
    own.bring(TRADING212)
    assert own.told("currency", "amount", "cash_effect") == SETTLED
    (line,) = own.gains()
    assert (D(line["proceeds"]), D(line["cost_basis"])) == (D("532.53"), D("534.13"))
    assert own.again(TRADING212) == 0


def test_by_its_isin_though_the_file_settles_in_another_currency(person: Any) -> None:
    person.asset("APPLE", "USD", isin="US0378331005")
    own = person.account("EUR")
    own.bring(TRADING212)
    assert own.told("symbol", "currency", "amount", "cash_effect") == [
        (kind, "APPLE", *rest) for kind, *rest in SETTLED
    ]


def test_an_asset_that_was_created_in_the_settled_currency_stays_so(person: Any) -> None:
    person.asset("AAPL", "EUR")
    own = person.account("EUR")
    own.bring(TRADING212)
    assert own.told("currency", "amount", "cash_effect") == [
        ("buy", "EUR", "533.33", "-534.13"),
        ("sell", "EUR", "533.33", "532.53"),
    ]


def test_an_asset_in_a_third_currency_takes_the_fixing_and_keeps_what_was_settled(
    person: Any,
) -> None:
    person.rate("CHF", "2024-06-18", "0.9500")
    person.asset("AAPL", "CHF")
    own = person.account("EUR")
    own.bring(TRADING212)
    assert own.told("currency", "amount", "cash_effect")[0] == ("buy", "CHF", "506.66", "-534.13")
    assert own.cash == D("-1.60")


def test_without_a_fixing_the_third_currency_is_a_question(person: Any) -> None:
    person.asset("AAPL", "CHF")
    own = person.account("EUR")
    batch = own.preview(TRADING212)
    assert own.verdicts(batch) == ["error exchange_rate_unknown"] * 2


def test_a_file_in_euros_for_an_account_in_dollars(person: Any) -> None:
    """What was settled is converted at the fixing: the rate of the broker leads elsewhere."""
    for day in ("2024-06-18", "2024-06-19"):
        person.rate("USD", day, "1.1000")
    person.asset("AAPL", "USD")
    own = person.account("USD")
    own.bring(TRADING212)
    assert own.cash == D("-1.76")
    assert own.told("cash_effect")[0] == ("buy", "-587.54")


HEAD = "date,symbol,quantity,activityType,unitPrice,currency,fee,amount,fxRate\n"
BUY = "2024-03-01,VTI,10,BUY,108,USD,0,1080,0.925926\n"


def test_a_rate_to_the_base_of_a_file_is_no_rate_to_the_account(person: Any) -> None:
    """Wealthfolio's rate leads to its base currency, which the file does not name."""
    person.rate("USD", "2024-03-01", "1.0800")
    person.rate("CHF", "2024-03-01", "0.9600")
    person.asset("VTI", "USD")
    own = person.account("CHF")
    own.bring(HEAD + BUY)
    assert own.cash == D("-960.00")


def test_a_rate_to_the_base_counts_where_that_is_the_account_s(person: Any) -> None:
    """The person says which currency the file is kept in, or a row with the rate 1 does."""
    person.rate("USD", "2024-03-01", "1.1000")
    person.asset("VTI", "USD")
    told, seen = person.account("EUR", name="Told"), person.account("EUR", name="Seen")
    told.bring(HEAD + BUY, options='{"base_currency": "EUR"}')
    assert told.cash == D("-1000.00")
    deposit = "2024-02-01,,,DEPOSIT,,EUR,0,500,1.0\n"
    seen.bring(HEAD + deposit + BUY)
    assert seen.cash == D("-500.00")


FLEX = """<FlexQueryResponse queryName="q" type="AF"><FlexStatements count="1">
<FlexStatement accountId="U1" fromDate="20240101" toDate="20241231"><Trades>
<Trade accountId="U1" currency="USD" fxRateToBase="0.88" assetCategory="STK" symbol="VTI" dateTime="20240301;103828" quantity="10" tradePrice="108" tradeMoney="1080" ibCommission="-1" ibCommissionCurrency="USD" taxes="0" buySell="BUY" openCloseIndicator="O" tradeID="7" levelOfDetail="EXECUTION" />
</Trades><CashTransactions>
<CashTransaction accountId="U1" currency="{base}" fxRateToBase="1" type="Deposits/Withdrawals" dateTime="20240201" amount="5000" description="IN" transactionID="8" levelOfDetail="DETAIL" />
</CashTransactions></FlexStatement></FlexStatements></FlexQueryResponse>
"""  # noqa: E501


@pytest.mark.parametrize(("base", "cash"), [("CHF", "-951.28"), ("EUR", "-1037.76")])
def test_the_rate_of_a_flex_query_leads_to_its_base(person: Any, base: str, cash: str) -> None:
    person.rate("USD", "2024-03-01", "1.0800")
    person.rate("CHF", "2024-03-01", "1.0370")
    person.rate("CHF", "2024-02-01", "0.9500")
    person.asset("VTI", "USD")
    own = person.account("CHF")
    own.bring(FLEX.format(base=base))
    assert own.told("cash_effect")[-1] == ("buy", "-951.28" if base == "CHF" else "-1037.96")


def test_a_preview_warns_of_a_rate_and_a_price_that_are_far_off(person: Any) -> None:
    person.rate("USD", "2024-06-18", "1.3000")
    person.asset("AAPL", "USD", closes={"2024-06-18": "90"})
    own = person.account("EUR")
    batch = own.preview(TRADING212)
    first = own.rows(batch)[0]
    assert (first["status"], sorted(one["code"] for one in first["warnings"])) == (
        "ready",
        ["fx_rate_far_from_fixing", "price_off_range"],
    )
