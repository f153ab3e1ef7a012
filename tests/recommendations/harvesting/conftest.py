"""Accounts to harvest, as tables a finance person can read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from recommendations.engine.problem import ENGINE_VERSION, Block, Lot, RebalanceInputs, Security
from recommendations.engine.problem import Settings as EngineSettings
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.problem import (
    HARVEST_VERSION,
    Candidate,
    HarvestInputs,
    Replacements,
)
from recommendations.harvesting.tax_value import TaxPosition
from tests.recommendations.harvesting.households import NOW, Trade, before, replaces
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record

AS_OF = date(2026, 6, 1)
# Short-term gains cost 40 %, long-term ones 20 %; nothing was realized yet, nothing carried in.
POSITION = TaxPosition(
    year=2026,
    currency="USD",
    short_term=D(0),
    long_term=D(0),
    carried_short=D(0),
    carried_long=D(0),
    loss_limit=D(3000),
    ordinary_rate=D("0.40"),
    long_term_rate=D("0.20"),
    state_rate=D(0),
    net_investment_income_rate=D(0),
)
Harvested = Callable[..., HarvestInputs]


def _lot(words: list[str], order: int) -> Lot:
    """`a 100 for 6000 on 2026-01-05`, with `washable 10` or `bought` behind it."""
    day = date.fromisoformat(words[5])
    rest = words[6:]
    washable = D(rest[rest.index("washable") + 1]) if "washable" in rest else D(0)
    return Lot(
        lot_id=words[0],
        quantity=D(words[1]),
        cost_basis=D(words[3]),
        opened_date=day,
        holding_period_date=day,
        opened_at=datetime.combine(day, datetime.min.time(), UTC),
        order=order,
        purchase=order,
        bought=True,
        washable=washable,
    )


def _security(words: list[str], lots: list[Lot]) -> Security:
    flags = {word for word in words if word.startswith("no-") or word in {"whole", "estimate"}}
    rest = [word for word in words[1:] if word not in flags]
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    because = given.get("because", "restricted")
    return Security(
        symbol=words[0],
        asset_id=words[0].lower(),
        price=D(given["price"]) if "price" in given else None,
        target_weight=D(0),
        threshold=D(0),
        lots=tuple(lots),
        half_spread_bp=D(given.get("spread", "0")),
        fractional="whole" not in flags,
        buy_block=Block(because) if "no-buy" in flags else None,
        sell_block=Block(because) if "no-sell" in flags else None,
        identity_group=given.get("group", words[0]),
        fee_market="" if "no-fees" in flags else "US",
    )


def _inputs(
    table: str,
    *,
    alike: dict[str, list[str]] | None = None,
    position: TaxPosition | None = POSITION,
    options: HarvestOptions | None = None,
    as_of: date = AS_OF,
    **changes: Any,
) -> HarvestInputs:
    """An account from lines like

    OLD price 40 spread 5
      a 100 for 6000 on 2026-01-05
    NEW price 100 spread 5

    alike: the candidates of a symbol, best first; correlation 0.95, tracking error 10 %.
    """
    rows: list[tuple[list[str], list[Lot]]] = []
    order = 0
    for line in table.strip().splitlines():
        words = line.split()
        if len(words) > 2 and words[2] == "for":
            rows[-1][1].append(_lot(words, order))
            order += 1
        else:
            rows.append((words, []))
    account = RebalanceInputs(
        account_id="account",
        as_of=as_of,
        currency="USD",
        cash=D(0),
        cash_target_weight=D(0),
        securities=tuple(_security(*row) for row in rows),
        settings=EngineSettings(short_term_rate=D("0.40"), long_term_rate=D("0.20")),
        engine_version=ENGINE_VERSION,
    )
    known = tuple(
        Replacements(
            symbol.lower(),
            tuple(Candidate(name.lower(), D("0.95"), D("0.10"), 250) for name in names),
        )
        for symbol, names in (alike or {}).items()
    )
    made = HarvestInputs(
        version=HARVEST_VERSION,
        account=account,
        options=options or HarvestOptions(),
        taxes=position,
        replacements=known,
    )
    return replace(made, **changes)


@pytest.fixture
def to_harvest() -> Harvested:
    """Reads an account from a table."""
    return _inputs


@pytest.fixture
def position() -> TaxPosition:
    return POSITION


@pytest.fixture
def home(people: Any, assets: Any) -> dict[str, Account]:
    """A taxable account of each spouse and an IRA; AAA costs 50, and BBB replaces it."""
    replaces("AAA", "BBB")
    kinds = [
        ("mine", people.owner, "taxable"),
        ("hers", people.spouse, "taxable"),
        ("ira", people.owner, "ira"),
    ]
    return {
        name: open_account(user=owner, name=name, type=kind, currency="USD", now=NOW)
        for name, owner, kind in kinds
    }


@pytest.fixture
def trade(home: dict[str, Account], people: Any) -> Trade:
    def trade(
        account: str,
        side: str,
        quantity: str,
        price: str,
        days_ago: int,
        symbol: str = "AAA",
    ) -> Any:
        entry = Entry(side, before(days_ago), "USD", symbol, D(quantity), D(price))
        (row,) = record(account=home[account], entries=[entry], user=people.owner, now=NOW)
        return row

    return trade
