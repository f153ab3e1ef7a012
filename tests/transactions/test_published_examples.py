"""Every table through the API: what is posted, and the gain lines and lots that come back.

The scenarios of the specification, the examples of the IRS, of rulings, brokers and other people's
calculators (sources in `model/published.py`) and cases of our own for every rule.
"""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone

from tests.transactions.model.cases import CASES
from tests.transactions.model.instants import INSTANTS
from tests.transactions.model.invariants import breaches
from tests.transactions.model.published import BASIS, WASH_SALES
from tests.transactions.model.scenarios import SCENARIOS
from tests.transactions.model.table import (
    ACCOUNTS,
    GainLine,
    Ledger,
    LotLine,
    gains_text,
    ledger,
    lots_text,
)
from tests.transactions.model.words import Household, Row
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db

TABLES = SCENARIOS | WASH_SALES | BASIS | CASES | INSTANTS


class Desk:
    """One household's API: accounts by the names of the tables, and what was posted."""

    def __init__(self, people: Any, api: Any) -> None:
        self.people = people
        self.api = api
        self.accounts: dict[str, str] = {}
        self.posted: dict[int, dict[str, Any]] = {}

    def prepare(self, table: Ledger) -> None:
        """Assets, accounts and the household's policy, as the table has them."""
        from marketdata.models import Asset

        assets = {
            symbol: Asset.objects.create(
                symbol=symbol,
                name=symbol,
                asset_class="crypto" if symbol in table.household.crypto else "equity",
                currency="USD",
            )
            for symbol in table.symbols
        }
        for symbol, same in table.household.identical.items():
            if symbol != same:
                Asset.objects.filter(pk=assets[symbol].pk).update(
                    substantially_identical_to=assets[same]
                )
        self.set_policy(table.household)
        for name in sorted(table.household.accounts):
            owner = self.people.spouse if name == "spouse" else self.people.owner
            body = {"name": name, "type": ACCOUNTS[name], "currency": "USD"}
            answer = self.api.post("/api/v1/accounts", {**body, "owner_id": str(owner.public_id)})
            assert answer.status_code == 201, answer.content
            self.accounts[name] = answer.json()["id"]

    def set_policy(self, house: Household) -> None:
        from transactions.models import WashSalePolicy

        WashSalePolicy.objects.create(
            household=self.people.owner.household,
            enabled=house.wash_sales,
            earlier_acquired_count=house.earlier_acquired_count,
            holding_period="carry_date" if house.carry_date else "add_days",
            employer_plan_counts=house.employer_plan_counts,
            crypto_exempt=house.crypto_exempt,
            changed_at=timezone.now(),
        )

    def post(self, row: Row) -> None:
        answer = self.api.post("/api/v1/transactions", self.body(row))
        assert answer.status_code == 201, (row, answer.content)
        self.posted[row.id] = answer.json()

    def reverse(self, number: int) -> None:
        answer = self.api.post(f"/api/v1/transactions/{self.posted[number]['id']}/reverse", {})
        assert answer.status_code == 201, answer.content

    def body(self, row: Row) -> dict[str, Any]:
        """The request that states a row."""
        body: dict[str, Any] = {
            "account_id": self.accounts[row.account],
            "type": row.type,
            "symbol": row.asset,
            "executed_at": row.at.isoformat(),
        }
        if row.quantity:
            body["quantity"] = text(row.quantity)
        if row.amount:
            body["amount"] = text(row.amount)
        if row.fee:
            body["fee"] = text(row.fee)
        if row.ratio is not None:
            body["ratio"] = f"{row.ratio.numerator}:{row.ratio.denominator}"
        if row.new_asset:
            body["new_symbol"] = row.new_asset
        if row.basis_part:
            body["basis_percentage"] = text(row.basis_part * 100)
        if row.order:
            body["order_id"] = row.order
        if row.to:
            body["to_account_id"] = self.accounts[row.to]
        if row.chosen:
            body["lots"] = [
                {"lot_id": self.posted[lot]["lot_id"], "quantity": text(part)}
                for lot, part in row.chosen
            ]
        elif row.type in ("sell", "transfer_out", "rights_exercise"):
            body["lot_method"] = row.method
        return body

    def gains(self) -> str:
        """The gain lines of the taxable accounts."""
        lines = []
        for name, account in self.accounts.items():
            for row in self.list(f"/api/v1/portfolios/{account}/gains"):
                if not row["taxable"]:
                    continue
                disallowed = Fraction(row["disallowed_loss"])
                line = GainLine(
                    date.fromisoformat(row["closed_date"]),
                    name,
                    row["symbol"],
                    date.fromisoformat(row["opened_date"]),
                    Fraction(row["quantity"]),
                    Fraction(row["proceeds"]),
                    Fraction(row["cost_basis"]),
                    disallowed,
                    row["term"],
                    disallowed if row["permanent"] else Fraction(0),
                )
                assert Fraction(row["gain"]) == line.proceeds - line.basis
                assert Fraction(row["recognized_gain"]) == Fraction(row["gain"]) + disallowed
                assert row["wash_sale"] == (disallowed > 0)
                lines.append(line)
        return gains_text(lines)

    def lots(self) -> str:
        """The open lots of all accounts."""
        return lots_text(
            LotLine(
                name,
                row["symbol"],
                date.fromisoformat(row["opened_date"]),
                date.fromisoformat(row["holding_period_date"]),
                Fraction(row["quantity"]),
                Fraction(row["cost_basis"]),
            )
            for name, account in self.accounts.items()
            for row in self.list(f"/api/v1/portfolios/{account}/lots")
        )

    def list(self, path: str) -> list[dict[str, Any]]:
        answer = self.api.get(path)
        assert answer.status_code == 200, answer.content
        data: list[dict[str, Any]] = answer.json()["data"]
        assert answer.json()["total"] == len(data)
        return data


def text(value: Fraction) -> str:
    """A decimal without an exponent."""
    scaled = value * 10**10
    assert scaled.denominator == 1, f"{value} has more than ten decimals"
    digits = f"{scaled.numerator:011d}"
    return f"{digits[:-10]}.{digits[-10:]}".rstrip("0").rstrip(".")


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


@pytest.fixture
def desk(people: Any, client_of: Callable[[Any], Any]) -> Desk:
    return Desk(people, client_of(people.owner))


@pytest.mark.parametrize("lines", TABLES.values(), ids=TABLES)
def test_the_example_comes_out_to_the_cent(desk: Desk, lines: str) -> None:
    table = ledger(lines)
    desk.prepare(table)
    for row in table.rows:
        desk.post(row)
    for number in table.reversed_rows:
        desk.reverse(number)
    assert desk.gains() == table.gains
    assert desk.lots() == table.lots
    assert differences() == []
    assert breaches() == []


@pytest.mark.parametrize("lines", SCENARIOS.values(), ids=SCENARIOS)
def test_the_scenario_comes_out_whatever_is_told_first(desk: Desk, lines: str) -> None:
    """Purchases first (a sale names its lots by them), newest first; then everything else."""
    table = ledger(lines)
    desk.prepare(table)
    rows = sorted(table.rows, key=lambda row: (row.type not in ("buy", "reinvestment"), -row.id))
    for row in rows:
        desk.post(row)
    assert desk.gains() == table.gains
    assert desk.lots() == table.lots
    assert differences() == []
    assert breaches() == []
