"""Accounts as tables a finance person can read, and trades as sentences."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from core.money import plain
from recommendations.engine.problem import Block, Lot, RebalanceInputs, Security, Settings
from recommendations.engine.rebalancing import ENGINE_VERSION
from recommendations.engine.result import RebalanceResult, Trade

AccountTable = Callable[..., RebalanceInputs]
AS_OF = date(2026, 6, 1)

SETTINGS = Settings(
    short_term_rate=Decimal("0.40"),
    long_term_rate=Decimal("0.20"),
    drift_penalty=Decimal("0.10"),
    loss_harvesting=True,
)


def _account(table: str, *, settings: Settings = SETTINGS, as_of: date = AS_OF) -> RebalanceInputs:
    """An account from lines like

    cash 1000 target 0 band 0 floor 0
    VTI  target 60 band 5 price 100 spread 2 no-sell group us until 2026-06-30
      a  40 for 2000 on 2020-01-01
    """
    cash: dict[str, Decimal] = {}
    rows: list[tuple[str, dict[str, str], set[str], list[Lot]]] = []
    for line in table.strip().splitlines():
        words = line.split()
        if words[0] == "cash":
            cash = {key: Decimal(words[words.index(key) + 1]) for key in words[::2]}
        elif words[2] == "for":
            day = date.fromisoformat(words[5])
            rows[-1][3].append(Lot(words[0], Decimal(words[1]), Decimal(words[3]), day, day))
        else:
            flags = {word for word in words if word.startswith("no-") or word == "whole"}
            rest = [word for word in words[1:] if word not in flags]
            rows.append((words[0], dict(zip(rest[::2], rest[1::2], strict=True)), flags, []))
    return RebalanceInputs(
        account_id="account",
        as_of=as_of,
        currency="USD",
        cash=cash["cash"],
        cash_target_weight=cash.get("target", Decimal(0)) / 100,
        cash_threshold=cash.get("band", Decimal(0)) / 100,
        cash_floor=cash.get("floor", Decimal(0)),
        securities=tuple(_security(*row) for row in rows),
        settings=settings,
        engine_version=ENGINE_VERSION,
    )


def _security(symbol: str, words: dict[str, str], flags: set[str], lots: list[Lot]) -> Security:
    until = date.fromisoformat(words["until"]) if "until" in words else None
    block = Block(words.get("because", "restricted"), until)
    return Security(
        symbol=symbol,
        asset_id=symbol.lower(),
        price=Decimal(words["price"]) if "price" in words else None,
        target_weight=Decimal(words["target"]) / 100,
        threshold=Decimal(words["band"]) / 100,
        lots=tuple(lots),
        half_spread_bp=Decimal(words.get("spread", "0")),
        fractional="whole" not in flags,
        buy_block=block if "no-buy" in flags else None,
        sell_block=block if "no-sell" in flags else None,
        identity_group=words.get("group"),
        fee_market="" if "no-fees" in flags else "US",
    )


def _sentence(trade: Trade) -> str:
    lots = ", ".join(f"{plain(lot.quantity)} of {lot.lot_id}" for lot in trade.lots)
    text = f"{trade.side} {plain(trade.quantity)} {trade.symbol} for {trade.value}"
    if lots:
        text += f" ({lots}), tax {trade.estimated_tax}"
    return f"{text}: {trade.reason}"


def _sentences(result: RebalanceResult) -> list[str]:
    return [_sentence(trade) for trade in result.trades]


@pytest.fixture
def account() -> AccountTable:
    """Reads an account from a table."""
    return _account


@pytest.fixture
def sentences() -> Callable[[RebalanceResult], list[str]]:
    """The trades of a result as sentences."""
    return _sentences
