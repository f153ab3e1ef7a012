"""The columns of each table, and the rows of a population in them.

Ids are given, not drawn from sequences: `Ids` has the first of each table. A column named here with
a default has it during the load only, so that its value is not sent 60 million times.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bench.seeding.forms import EPOCH_S, Form
from bench.seeding.population import (
    CASH,
    CASH_BAND,
    CLASSES,
    CURRENCIES,
    LOTS_PER_HOLDING,
    TYPES,
    UNIT,
    Ints,
    Population,
    Portion,
)

HOUSEHOLD, USER, ACCOUNT = "identity_household", "identity_user", "transactions_account"
ASSET, PRICE = "marketdata_asset", "marketdata_latestprice"
TRANSACTION, LOT = "transactions_transaction", "transactions_lot"
HOLDING, TARGET = "transactions_holding", "portfolios_target"
# The tables with ids of their own, in the order of the numbers in their public ids.
NUMBERED = (HOUSEHOLD, USER, ACCOUNT, ASSET, TRANSACTION, LOT, TARGET)
# Users, by their addresses, and sources of prices that this command made.
DOMAIN = "@scale.example"
SOURCE = "scale"
# Deposits come before all purchases.
_PAID_S = 2_400 * 86_400
_SHORT_RATES = (1_200, 2_200, 2_400, 3_200, 3_500)

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    TRANSACTION: {
        "type": "'buy'", "fee": "0", "order_id": "''", "external_id": "''", "tax_rates": "'{}'",
        "lot_method": "''", "lots": "'[]'", "note": "''",
    },
    LOT: {
        "piece": "0", "wash_sale_adjustment": "0", "replaces_loss": "false", "purchase": "true",
    },
    HOUSEHOLD: {},
    USER: {
        "password": "'!'", "is_superuser": "false", "full_name": "''", "role": "'investor'",
        "state_rate": "0", "net_investment_income_rate": "0", "active_trader": "false",
        "token_version": "1", "is_active": "true", "is_staff": "false",
    },
    ACCOUNT: {"name": "'Scale'", "lot_method": "'fifo'", "ledger_version": "1"},
    ASSET: {
        "isin": "''", "exchange": "''", "fractional": "true", "tradable": "true",
        "half_spread_bp": "2", "price_adjustment": "'none'", "shifted_days": "0",
        "is_active": "true",
    },
}  # fmt: skip

_HOUSEHOLDS = Form({"id": "int8", "public_id": "uuid", "name": 18, "created_at": "timestamp"})
_USERS = Form(
    {
        "id": "int8", "public_id": "uuid", "email": 15 + len(DOMAIN), "household_id": "int8",
        "base_currency": 3, "federal_ordinary_rate": "numeric4",
        "federal_long_term_rate": "numeric4", "created_at": "timestamp",
    }
)  # fmt: skip
_ACCOUNTS = Form(
    {
        "id": "int8", "public_id": "uuid", "household_id": "int8", "owner_id": "int8", "type": 8,
        "currency": 3, "cash": "numeric4", "created_at": "timestamp",
    }
)  # fmt: skip
_ASSETS = Form(
    {
        "id": "int8", "public_id": "uuid", "symbol": 11, "name": 18, "asset_class": 8,
        "currency": 3, "created_at": "timestamp",
    }
)  # fmt: skip
_PRICES = Form(
    {
        "asset_id": "int8", "price": "numeric4", "as_of": "timestamp", "source": len(SOURCE),
        "previous_close": "numeric4",
    }
)  # fmt: skip
_MOVES: dict[str, str | int] = {
    "id": "int8", "public_id": "uuid", "account_id": "int8", "amount": "numeric4", "currency": 3,
    "fx_rate": "numeric8", "cash_effect": "numeric4", "executed_at": "timestamp",
    "trade_date": "date", "recorded_at": "timestamp", "recorded_by_id": "int8",
}  # fmt: skip
_BUYS = Form({**_MOVES, "asset_id": "int8", "quantity": "numeric4", "price": "numeric4"})
_DEPOSITS = Form({**_MOVES, "type": 7})
_LOTS = Form(
    {
        "id": "int8", "account_id": "int8", "asset_id": "int8", "transaction_id": "int8",
        "opened_at": "timestamp", "opened_date": "date", "holding_period_date": "date",
        "quantity": "numeric4", "cost_basis": "numeric4",
    }
)  # fmt: skip
_HOLDINGS = Form(
    {"account_id": "int8", "asset_id": "int8", "quantity": "numeric4", "cost_basis": "numeric4"}
)
_TARGETS: dict[str, str | int] = {
    "id": "int8", "account_id": "int8", "target_percentage": "numeric4",
    "rebalance_threshold": "numeric4",
}  # fmt: skip
_NAMED_TARGETS = Form({**_TARGETS, "asset_id": "int8"})
_CASH_TARGETS = Form(_TARGETS)


@dataclass(frozen=True)
class Ids:
    """The first id of each table's new rows, and the present of the population."""

    first: Mapping[str, int]
    now: datetime

    @property
    def now_us(self) -> int:
        return int((self.now.timestamp() - EPOCH_S) * 1_000_000)

    def public(self, table: str, ids: Ints) -> NDArray[np.uint64]:
        """Return UUIDs of version 7 for rows: the present, the table's number, and the id."""
        made = np.empty((len(ids), 2), np.uint64)
        milliseconds = int(self.now.timestamp() * 1_000)
        made[:, 0] = milliseconds << 16 | 0x7000 | NUMBERED.index(table)
        made[:, 1] = ids.astype(np.uint64) | np.uint64(1 << 63)
        return made


@dataclass(frozen=True, slots=True)
class Load:
    """Rows of one table in COPY's binary form, piece by piece, without its head and end."""

    table: str
    form: Form
    rows: Iterator[memoryview]


def _texts(choices: tuple[str, ...]) -> NDArray[np.bytes_]:
    return np.array([choice.encode() for choice in choices])


def _numbered(before: str, ids: Ints, after: str = "") -> NDArray[np.bytes_]:
    """Return texts of one length that differ by the id."""
    return np.char.add(
        np.char.add(before.encode(), np.char.zfill(ids.astype("S10"), 10)), after.encode()
    )


_CURRENCIES = _texts(CURRENCIES)


def people(who: Population, ids: Ids) -> list[Load]:
    """Return the households and their users, one each."""
    number = np.arange(who.households)
    household, user = ids.first[HOUSEHOLD] + number, ids.first[USER] + number
    short = np.array(_SHORT_RATES)[number % len(_SHORT_RATES)]
    return [
        Load(HOUSEHOLD, _HOUSEHOLDS, _HOUSEHOLDS.rows(len(number), {
            "id": household, "public_id": ids.public(HOUSEHOLD, household),
            "name": _numbered("Scale   ", household), "created_at": ids.now_us,
        })),
        Load(USER, _USERS, _USERS.rows(len(number), {
            "id": user, "public_id": ids.public(USER, user),
            "email": _numbered("scale", user, DOMAIN), "household_id": household,
            "base_currency": _CURRENCIES[who.currency_of_household],
            "federal_ordinary_rate": short,
            "federal_long_term_rate": np.where(short > 1_200, 1_500, 0),
            "created_at": ids.now_us,
        })),
    ]  # fmt: skip


def securities(who: Population, ids: Ids) -> list[Load]:
    """Return the securities and their newest prices."""
    number = np.arange(who.securities)
    asset = ids.first[ASSET] + number
    return [
        Load(ASSET, _ASSETS, _ASSETS.rows(len(number), {
            "id": asset, "public_id": ids.public(ASSET, asset), "symbol": _numbered("Q", asset),
            "name": _numbered("Scale   ", asset),
            "asset_class": _texts(CLASSES)[who.class_of_security],
            "currency": _CURRENCIES[who.currency_of_security], "created_at": ids.now_us,
        })),
        Load(PRICE, _PRICES, _PRICES.rows(len(number), {
            "asset_id": asset, "price": who.price_of, "as_of": ids.now_us,
            "source": SOURCE.encode(), "previous_close": who.price_of,
        })),
    ]  # fmt: skip


def _accounts(who: Population, ids: Ids, portion: Portion) -> tuple[Ints, Ints]:
    """Return the ids of the portion's accounts, and of their owners."""
    number = np.arange(portion.first, portion.last)
    return ids.first[ACCOUNT] + number, ids.first[USER] + who.household_of[number]


def _lot_ids(who: Population, portion: Portion) -> Ints:
    """Return the number of each lot among all."""
    before = LOTS_PER_HOLDING * int(who.starts[portion.first])
    return np.arange(before, before + len(portion.holding))


def _times(ids: Ids, seconds: Ints) -> dict[str, Ints]:
    at = ids.now_us // 1_000_000 - seconds
    return {"at": at * 1_000_000, "date": at // 86_400}


def moves(who: Population, ids: Ids, portion: Portion) -> list[Load]:
    """Return the transactions: a deposit into each account, then a purchase for each lot.

    The deposits of all accounts have the first ids.
    """
    account, owner = _accounts(who, ids, portion)
    number = np.arange(portion.first, portion.last)
    paid = _times(ids, _PAID_S + 60 * (number % 1_440))
    deposit = ids.first[TRANSACTION] + number
    money = portion.deposit * (UNIT // 100)
    own = _CURRENCIES[who.currency_of(number)]
    place = portion.owner[portion.holding]
    buy = ids.first[TRANSACTION] + who.accounts + _lot_ids(who, portion)
    traded = _times(ids, portion.seconds)
    security = portion.security[portion.holding]
    currency = who.currency_of_security[security]
    rate = np.rint(who.rate_table[currency, who.currency_of(number)[place]] * UNIT * UNIT)
    return [
        Load(TRANSACTION, _DEPOSITS, _DEPOSITS.rows(len(number), {
            "id": deposit, "public_id": ids.public(TRANSACTION, deposit), "account_id": account,
            "amount": money, "currency": own, "fx_rate": UNIT * UNIT,
            "cash_effect": money, "executed_at": paid["at"], "trade_date": paid["date"],
            "recorded_at": ids.now_us, "recorded_by_id": owner, "type": b"deposit",
        })),
        Load(TRANSACTION, _BUYS, _BUYS.rows(len(buy), {
            "id": buy, "public_id": ids.public(TRANSACTION, buy), "account_id": account[place],
            "amount": portion.lot_amount * (UNIT // 100), "currency": _CURRENCIES[currency],
            "fx_rate": rate.astype(np.int64), "cash_effect": -portion.lot_cost * (UNIT // 100),
            "executed_at": traded["at"], "trade_date": traded["date"], "recorded_at": ids.now_us,
            "recorded_by_id": owner[place], "asset_id": ids.first[ASSET] + security,
            "quantity": portion.lot_quantity, "price": portion.lot_price,
        })),
    ]  # fmt: skip


def derived(who: Population, ids: Ids, portion: Portion) -> list[Load]:
    """Return accounts with their cash, lots, holdings and targets."""
    account, owner = _accounts(who, ids, portion)
    number = np.arange(portion.first, portion.last)
    lot = _lot_ids(who, portion)
    place = portion.owner[portion.holding]
    traded = _times(ids, portion.seconds)
    asset = ids.first[ASSET] + portion.security
    held = who.starts[portion.first] + np.arange(len(portion.owner))
    return [
        Load(ACCOUNT, _ACCOUNTS, _ACCOUNTS.rows(len(number), {
            "id": account, "public_id": ids.public(ACCOUNT, account),
            "household_id": ids.first[HOUSEHOLD] + who.household_of[number], "owner_id": owner,
            "type": _texts(TYPES)[who.type_of[number]],
            "currency": _CURRENCIES[who.currency_of(number)],
            "cash": portion.cash * (UNIT // 100), "created_at": ids.now_us,
        })),
        Load(LOT, _LOTS, _LOTS.rows(len(lot), {
            "id": ids.first[LOT] + lot, "account_id": account[place],
            "asset_id": asset[portion.holding],
            "transaction_id": ids.first[TRANSACTION] + who.accounts + lot,
            "opened_at": traded["at"], "opened_date": traded["date"],
            "holding_period_date": traded["date"], "quantity": portion.lot_quantity,
            "cost_basis": portion.lot_cost * (UNIT // 100),
        })),
        Load(HOLDING, _HOLDINGS, _HOLDINGS.rows(len(held), {
            "account_id": account[portion.owner], "asset_id": asset,
            "quantity": portion.quantity, "cost_basis": portion.basis * (UNIT // 100),
        })),
        Load(TARGET, _CASH_TARGETS, _CASH_TARGETS.rows(len(number), {
            "id": ids.first[TARGET] + number, "account_id": account,
            "target_percentage": CASH,
            "rebalance_threshold": CASH_BAND,
        })),
        Load(TARGET, _NAMED_TARGETS, _NAMED_TARGETS.rows(len(held), {
            "id": ids.first[TARGET] + who.accounts + held, "account_id": account[portion.owner],
            "target_percentage": portion.target, "rebalance_threshold": portion.band,
            "asset_id": asset,
        })),
    ]  # fmt: skip


def counts(who: Population) -> dict[str, int]:
    """Return the number of rows of each numbered table."""
    held = int(who.starts[-1])
    return {
        HOUSEHOLD: who.households,
        USER: who.households,
        ACCOUNT: who.accounts,
        ASSET: who.securities,
        TRANSACTION: who.accounts + LOTS_PER_HOLDING * held,
        LOT: LOTS_PER_HOLDING * held,
        TARGET: who.accounts + held,
    }
