"""Minor units, income in units and equal rows: rules of every way in."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

OWN = "executed_at,type,symbol,quantity,price,amount,fee,currency,lot_method\n"


@pytest.mark.parametrize("minor", ["GBp", "GBX", "GBx"])
def test_pence_in_our_own_file_become_pounds(person: Any, minor: str) -> None:
    own = person.account("GBP")
    person.asset("VOD", "GBP")
    own.bring(OWN + f"2024-03-01,buy,VOD,10,250,,100,{minor},\n")
    assert own.cash == D("-26.00")
    assert [lot[1:] for lot in own.lots("VOD")] == [(D(10), D("26.00"))]


@pytest.mark.parametrize(("minor", "major"), [("ZAc", "ZAR"), ("ZAX", "ZAR"), ("ILA", "ILS")])
def test_cents_and_agorot_become_the_major_unit(person: Any, minor: str, major: str) -> None:
    own = person.account(major)
    person.asset("NPN", major)
    own.bring(OWN + f"2024-03-01,buy,NPN,10,250,,,{minor},\n")
    assert own.cash == D("-25.00")


def test_pence_through_the_api_become_pounds_or_are_refused(person: Any) -> None:
    own = person.account("GBP")
    person.asset("VOD", "GBP")
    own.post("2024-03-01", "buy", "VOD", quantity="10", price="250", currency="GBp")
    assert own.cash == D("-25.00")


def test_an_own_asset_in_pence_is_scaled_or_refused(person: Any) -> None:
    body = {"symbol": "MYP", "name": "Mine", "asset_class": "equity", "currency": "GBp"}
    answer = person.api.post("/api/v1/market/assets", body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["code"] == "minor_currency_unit"


WEALTHFOLIO = (
    "date,symbol,quantity,activityType,unitPrice,currency,fee,amount,fxRate,subtype\n"
    "{day},{symbol},{quantity},{type},{price},{currency},0,{amount},{rate},{subtype}\n"
)


def test_wealthfolio_pence(person: Any) -> None:
    own = person.account("GBP")
    person.asset("VOD", "GBP")
    row = {"day": "2024-03-01", "symbol": "VOD", "quantity": "10", "type": "BUY", "price": "250"}
    own.bring(WEALTHFOLIO.format(**row, currency="GBp", amount="", rate="", subtype=""))
    assert own.cash == D("-25.00")


@pytest.mark.parametrize("amount", ["12.50", ""])
def test_income_paid_in_units(person: Any, amount: str) -> None:
    """A dividend in kind: units and basis grow, the amount is income, cash stays."""
    own = person.account()
    person.asset("VTI")
    row = {"day": "2024-03-01", "symbol": "VTI", "quantity": "0.05", "type": "DIVIDEND"}
    text = WEALTHFOLIO.format(
        **row, price="250", currency="USD", amount=amount, rate="", subtype="DIVIDEND_IN_KIND"
    )
    own.bring(text)
    assert own.cash == 0
    assert [lot[1:] for lot in own.lots("VTI")] == [(D("0.05"), D("12.50"))]
    assert own.told("quantity", "amount") == [("reinvestment", "0.05", "12.50")]


def test_a_staking_reward_in_units(person: Any) -> None:
    own = person.account()
    person.asset("SOL", asset_class="crypto")
    row = {"day": "2024-03-01", "symbol": "SOL", "quantity": "0.2", "type": "INTEREST"}
    own.bring(
        WEALTHFOLIO.format(
            **row, price="100", currency="USD", amount="20", rate="", subtype="STAKING_REWARD"
        )
    )
    assert own.cash == 0
    assert [lot[1:] for lot in own.lots("SOL")] == [(D("0.2"), D("20.00"))]


def test_equal_rows_of_one_file_are_as_many_transactions(person: Any) -> None:
    own = person.account()
    person.asset("AAA")
    row = "2024-03-01,buy,AAA,5,10,,1,USD,\n"
    own.bring(OWN + row * 3)
    assert len(own.transactions()) == 3
    assert own.again(OWN + row * 3) == 0
    assert own.again(OWN + row * 5) == 2


def test_equal_rows_of_an_other_format_match_the_ledger_one_to_one(person: Any) -> None:
    own = person.account()
    person.asset("KOX")
    head = '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
    row = '"03/12/2024","Buy","KOX","COKE X","30","$41.00","","-$1,230.00"\n'
    own.bring(head + row * 2)
    assert sum(lot[1] for lot in own.lots("KOX")) == 60
    assert own.again(head + row * 2) == 0
    assert own.again(head + row * 3) == 1
    assert own.again(OWN + "2024-03-12,buy,KOX,30,41,,,USD,\n" * 3) == 1


GHOSTFOLIO = "Date,Code,DataSource,Currency,Price,Quantity,Action,Fee,Note\n"
TRADING212 = (
    "Action,Time,ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),"
    "Exchange rate,Total,Currency (Total),Stamp duty,Currency (Stamp duty),ID\n"
)


def test_other_programs_quote_in_pence_too(person: Any) -> None:
    own = person.account("GBP")
    person.asset("VOD", "GBP")
    own.bring(GHOSTFOLIO + "2024-03-01,VOD,YAHOO,GBp,250,10,buy,100,\n")
    own.bring(
        TRADING212
        + "Market buy,2024-03-04 10:00:00,,VOD,V,10,250,GBX,1,25.13,GBP,0.13,GBP,A1\n"
        + "Market buy,2024-03-05 10:00:00,,VOD,V,10,250,GBX,1,2513,GBX,13,GBX,A2\n"
    )
    assert own.told("cash_effect") == [("buy", "-26.00"), ("buy", "-25.13"), ("buy", "-25.13")]


def test_one_file_may_mix_the_spellings(person: Any) -> None:
    own = person.account("GBP")
    person.asset("VOD", "GBP")
    own.bring(
        OWN
        + "2024-03-01,buy,VOD,10,250,,100,GBX,\n"
        + "2024-03-02,buy,VOD,10,2.50,,1,GBP,\n"
        + "2024-03-03,buy,VOD,10,,2500,100,gbx,\n"
        + "2024-03-04,dividend,VOD,,,100,,GBp,\n"
    )
    assert own.cash == D("-77.00")


def test_an_unknown_minor_unit_is_no_currency(person: Any) -> None:
    own = person.account("CHF")
    batch = own.preview(OWN + "2024-03-01,buy,VOD,10,250,,100,CHf,\n")
    assert own.verdicts(batch) == ["error currency_invalid"]


def test_a_rate_beside_pence_is_refused_because_nobody_says_of_what(person: Any) -> None:
    own = person.account("USD")
    body = {"account_id": own.id, "type": "deposit", "amount": "100", "currency": "GBX"}
    body |= {"executed_at": "2024-03-01T15:00:00Z", "fx_rate": "0.0125"}
    answer = person.api.post("/api/v1/transactions", body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["code"] == "minor_currency_unit"
    assert own.transactions() == []


@pytest.mark.parametrize("code", ["ZAc", "ILA", "GBX", "USd"])
def test_an_asset_created_by_an_import_is_in_a_currency(person: Any, code: str) -> None:
    own = person.account()
    batch = own.preview(OWN + "2024-03-01,deposit,,,,1,,USD,\n2024-03-01,buy,NEW,1,1,,,USD,\n")
    answer = person.api.patch(
        f"/api/v1/imports/{batch['id']}", {"symbols": {"NEW": {"currency": code}}}
    )
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "minor_currency_unit"


@pytest.mark.parametrize("word", ["staking reward", "dividend-in-kind", "DRIP"])
def test_income_in_units_in_our_own_file(person: Any, word: str) -> None:
    own = person.account()
    person.asset("SOL")
    own.bring(OWN + f"2024-03-01,{word},SOL,0.2,100,,,USD,\n")
    assert own.cash == 0
    assert own.told("quantity", "amount") == [("reinvestment", "0.2", "20.00")]


def test_income_in_units_without_units_is_refused(person: Any) -> None:
    own = person.account()
    person.asset("SOL")
    row = {"day": "2024-03-01", "symbol": "SOL", "quantity": "", "type": "INTEREST"}
    text = WEALTHFOLIO.format(
        **row, price="", currency="USD", amount="20", rate="", subtype="STAKING_REWARD"
    )
    assert own.verdicts(own.preview(text)) == ["error quantity_missing"]


def test_equal_deposits_are_as_many(person: Any) -> None:
    own = person.account("EUR")
    head = "Date,Type,Value,Transaction Currency,Taxes,Shares,Security Name,Note\n"
    row = "2024-03-12,Deposit,50,EUR,0,,,\n"
    own.bring(head + row * 2)
    assert own.cash == 100
    assert own.again(head + row * 2) == 0
    own.post("2024-03-12", "deposit", amount="50")
    assert own.again(head + row * 3) == 0
    assert own.again(head + row * 4) == 1


def test_a_credit_in_units_moves_no_cash(person: Any) -> None:
    own = person.account()
    person.asset("SOL")
    row = {"day": "2024-03-01", "symbol": "SOL", "quantity": "0.2", "type": "CREDIT"}
    own.bring(
        WEALTHFOLIO.format(**row, price="100", currency="USD", amount="", rate="", subtype="Reward")
    )
    assert own.told("quantity", "amount") == [("reinvestment", "0.2", "20.00")]
    assert own.cash == 0
