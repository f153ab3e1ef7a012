"""The exact inputs of chosen accounts of a batch as packed tables, and the way back.

    tables_of      batch + wash windows of the households -> tables (to be packed)
    night_inputs   tables of one account + the run's market -> the engine's inputs, exactly those
                   that `rebalance_inputs` returned at the time of the run

What never changes (the public ids, the stated figures of a purchase) is read from the ledger.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from core.dates import on_day
from core.limits import MONEY_DECIMALS, QUANTITY_DECIMALS
from core.money import WIDE
from marketdata.models import Asset
from portfolios.holdings.valuation import unit_value
from recommendations.engine.arrays.array_types import Ints, Records
from recommendations.engine.inputs import AssetFacts, Facts, Rates, RestrictionFacts, TargetFacts
from recommendations.engine.inputs import problem as problem_of
from recommendations.engine.options import Options
from recommendations.engine.problem import LIVE, ONE, RebalanceInputs
from recommendations.nightly import packing
from recommendations.nightly.packing import Tables
from recommendations.queries.columns import NO_DAY, Batch
from recommendations.queries.inputs import OtherPiece, OwnPiece, lots_and_purchases
from recommendations.queries.market import Market
from stores.arrays import EPOCH
from transactions.ledger.book import purchase_key
from transactions.ledger.lots import Piece
from transactions.ledger.open_wash_windows import WashWindows
from transactions.ledger.wash_sales import Policy
from transactions.models import Account, Transaction
from transactions.queries import wash_windows
from transactions.queries.wash_windows import HeldPiece, unsettled

_NO_DAY = (NO_DAY - EPOCH).days
_MIDNIGHT = datetime.combine(EPOCH, time(), UTC)
_MICROSECOND = timedelta(microseconds=1)
_STATED = ("id", "account_id", "asset_id", "order_id", "quantity", "amount", "fee", "public_id")


def tables_of(*, batch: Batch, chosen: Ints, currencies: Sequence[str], market: Market) -> Tables:
    """Return the tables of the accounts at the places `chosen` (rising), without their trades.

    Households in whose windows nothing is open are filled in at once; only the others are read one
    by one. Call it in the snapshot of the batch.
    """
    as_of = market.as_of.date()
    households = batch.accounts["household_id"]
    open_ = unsettled(household_ids={int(pk) for pk in households[chosen]}, as_of=as_of)
    tables = _settled(batch, chosen, currencies, market)
    late = np.flatnonzero(np.isin(households[chosen], list(open_)))
    if not len(late):
        return tables
    windows = wash_windows(household_ids=open_, as_of=as_of)
    parts = packing.divided(tables, 1)
    for place in late.tolist():
        account_id = int(parts[place].accounts["id"][0])
        household = windows[int(households[chosen[place]])]
        parts[place] = _with_windows(parts[place], account_id, household)
    return packing.joined([packing.empty(), *parts])


def _settled(batch: Batch, chosen: Ints, currencies: Sequence[str], market: Market) -> Tables:
    """Return the tables of accounts whose households have no wash window and no policy."""
    ranges = batch.columns.accounts[chosen]
    of_security = spread(ranges["securities_begin"], ranges["securities_end"])
    terms, places = batch.securities[of_security], batch.columns.securities[of_security]
    of_lot = spread(places["lots_begin"], places["lots_end"])
    counts = ranges["securities_end"] - ranges["securities_begin"]
    owner = np.repeat(np.arange(len(chosen)), counts)
    exact = batch.accounts[chosen]
    securities = np.zeros(len(of_security), packing.SECURITY)
    for name in ("asset_id", "percentage", "threshold", "no_buy", "no_sell"):
        securities[name] = terms[name]
    restricted = (terms["no_buy"] | terms["no_sell"]) & (terms["until"] != _NO_DAY)
    securities["restricted_until"] = np.where(restricted, terms["until"], -1)
    securities["lots"] = places["lots_end"] - places["lots_begin"]
    securities["group"] = places["group"]
    securities["wash_sales"] = exact["taxable"][owner]
    securities["blocked_until"] = -1
    accounts = np.zeros(len(chosen), packing.ACCOUNT)
    for name in (
        *("id", "cash", "taxable", "short_rate", "long_rate"),
        *("cash_percentage", "cash_threshold"),
    ):
        accounts[name] = exact[name]
    accounts["currency"] = np.array([one.encode() for one in currencies])[exact["currency"] - 1]
    accounts["earlier_acquired_count"] = Policy().earlier_acquired_count
    accounts["securities"] = counts
    accounts["lots"] = np.bincount(owner, securities["lots"], minlength=len(chosen))
    return Tables(accounts, securities, _lots(batch.lots[of_lot]), np.zeros(0, packing.PURCHASE))


def spread(begin: Ints, end: Ints) -> Ints:
    """Return the numbers from each `begin` up to its `end`, one range after another."""
    lengths = end - begin
    starts = np.repeat(begin - np.cumsum(lengths) + lengths, lengths)
    return starts + np.arange(int(lengths.sum()))


def _with_windows(tables: Tables, account_id: int, windows: WashWindows) -> Tables:
    """Return the tables of one account with what its household's wash windows say."""
    accounts, securities, lots, _ = tables
    bought = np.zeros(len(securities), np.bool_)
    for n, asset_id in enumerate(securities["asset_id"].tolist()):
        until = windows.blocked_until(account=account_id, asset=asset_id)
        securities[n]["group"] = windows.group(asset_id)
        securities[n]["wash_sales"] = windows.loss_counts(account=account_id, asset=asset_id)
        securities[n]["blocked_until"] = (until - EPOCH).days if until else -1
        bought[n] = windows.purchase_counts(account=account_id, asset=asset_id)
    lots["bought"] &= np.repeat(bought, securities["lots"])
    accounts["earlier_acquired_count"] = windows.rules.policy.earlier_acquired_count
    purchases = np.zeros(0, packing.PURCHASE)
    if windows.windows:
        purchases = _windows(account_id, windows, securities, lots)
        if not accounts["taxable"][0]:
            purchases = purchases[:0]
    accounts["purchases"] = len(purchases)
    return Tables(accounts, securities, lots, purchases)


def _lots(rows: Records) -> Records:
    lots = np.zeros(len(rows), packing.LOT)
    for name in (
        *("transaction_id", "piece", "quantity", "basis", "opened_at", "opened_date"),
        *("held_since", "replaces_loss"),
    ):
        lots[name] = rows[name]
    lots["bought"] = rows["purchase"]
    return lots


def _windows(account_id: int, windows: WashWindows, securities: Records, lots: Records) -> Records:
    """Write the washable steps of the lots; return the purchases in other accounts."""
    owners = np.repeat(np.arange(len(securities)), securities["lots"])
    touched = {group for group, window in windows.windows.items() if window.purchases}
    stated = _stated(
        [
            int(lot["transaction_id"])
            for lot, owner in zip(lots, owners, strict=True)
            if int(securities[owner]["group"]) in touched
        ]
    )
    for n, owner in enumerate(owners):
        if int(securities[owner]["group"]) not in touched:
            continue
        place = (account_id, int(securities[owner]["asset_id"]))
        lots[n]["washable"] = windows.washable(_piece(lots[n], place, stated))
    found = [
        (
            piece.acquisition,
            piece.quantity,
            _microseconds(_stated_moment(piece)),
            group,
            (piece.opened_at.date() - EPOCH).days,
            piece.place[0] not in windows.rules.taxable,
        )
        for group in sorted({int(row["group"]) for row in securities})
        for piece in windows.of(group).purchases
        if piece.place[0] != account_id
    ]
    return np.array(found, packing.PURCHASE)


def _stated(ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return what the ledger states of acquisitions, by their ids."""
    rows = Transaction.objects.filter(pk__in=set(ids)).values(*_STATED)
    return {row["id"]: row for row in rows}


def _microseconds(moment: datetime) -> int:
    return (moment - _MIDNIGHT) // _MICROSECOND


def _stated_moment(piece: Piece) -> datetime:
    """Return the instant that is part of the purchase's key, where no order names it."""
    stated = piece.purchase_key[-1]
    return stated if isinstance(stated, datetime) else piece.opened_at


def _day(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def _moment(row: Any) -> datetime:
    return _MIDNIGHT + int(row["opened_at"]) * _MICROSECOND


def _piece(lot: Any, place: tuple[int, int], stated: Mapping[int, Mapping[str, Any]]) -> Piece:
    row = stated[int(lot["transaction_id"])]
    opened_at = _moment(lot)
    return Piece(
        acquisition=int(lot["transaction_id"]),
        purchase_key=_purchase_key(row, opened_at),
        opened_at=on_day(opened_at, _day(lot["opened_date"])),
        held_since=_day(lot["held_since"]),
        quantity=int(lot["quantity"]),
        basis=int(lot["basis"]),
        place=place,
        replaces_loss=bool(lot["replaces_loss"]),
        purchase=bool(lot["bought"]),
        stated=_order(row),
    )


def _purchase_key(row: Mapping[str, Any], opened_at: datetime) -> tuple[object, ...]:
    return purchase_key(
        account=row["account_id"], asset=row["asset_id"], at=opened_at, order_id=row["order_id"]
    )


def _order(row: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    return (row["quantity"] or Decimal(0), row["amount"] + row["fee"])


def night_inputs(
    *, tables: Tables, market: Market, options: Options, engine_version: str
) -> RebalanceInputs:
    """Return the engine's inputs of the one account in the tables, as they were in that night."""
    account = tables.accounts[0]
    stated = _stated(
        [*tables.lots["transaction_id"].tolist(), *tables.purchases["transaction_id"].tolist()]
    )
    currency = account["currency"].decode()
    taxable = bool(account["taxable"])
    lots, purchases = lots_and_purchases(
        _own(tables, int(account["id"]), stated), _others(tables, stated)
    )
    rates = [Decimal(int(account[name])).scaleb(-5) for name in ("short_rate", "long_rate")]
    public_id = Account.objects.values_list("public_id", flat=True).get(pk=int(account["id"]))
    facts = Facts(
        account_id=str(public_id),
        as_of=market.as_of.date(),
        currency=currency,
        cash=_money(account["cash"]),
        taxable=taxable,
        rates=Rates(rates[0], rates[1], Decimal(0), Decimal(0)),
        assets=_assets(tables.securities, market, currency),
        lots=lots,
        targets=_targets(account, tables.securities),
        restrictions=_restrictions(tables.securities),
        purchases=purchases,
        earlier_acquired_count=bool(account["earlier_acquired_count"]),
    )
    return problem_of(facts=facts, options=options, engine_version=engine_version)


def _own(
    tables: Tables, account_id: int, stated: Mapping[int, Mapping[str, Any]]
) -> list[OwnPiece]:
    owners = np.repeat(tables.securities["asset_id"], tables.securities["lots"]).tolist()
    found = []
    for lot, asset_id in zip(tables.lots, owners, strict=True):
        piece = _piece(lot, (account_id, asset_id), stated)
        held = HeldPiece(
            stated[piece.acquisition]["public_id"],
            int(lot["piece"]),
            _quantity(lot["quantity"]),
            _money(lot["basis"]),
            piece,
        )
        found.append(OwnPiece(held, bool(lot["bought"]), int(lot["washable"])))
    return found


def _others(tables: Tables, stated: Mapping[int, Mapping[str, Any]]) -> list[OtherPiece]:
    found = []
    for row in tables.purchases:
        purchase = stated[int(row["transaction_id"])]
        opened_at = _moment(row)
        piece = Piece(
            acquisition=purchase["id"],
            purchase_key=_purchase_key(purchase, opened_at),
            opened_at=on_day(opened_at, _day(row["opened_date"])),
            held_since=_day(row["opened_date"]),
            quantity=int(row["quantity"]),
            basis=0,
            place=(purchase["account_id"], purchase["asset_id"]),
            stated=_order(purchase),
        )
        found.append(OtherPiece(piece, int(row["group"]), bool(row["permanent"])))
    return found


def _money(steps: Any) -> Decimal:
    return Decimal(int(steps)).scaleb(-MONEY_DECIMALS, context=WIDE)


def _quantity(steps: Any) -> Decimal:
    return Decimal(int(steps)).scaleb(-QUANTITY_DECIMALS, context=WIDE)


def _percent(steps: Any) -> Decimal:
    return Decimal(int(steps)).scaleb(-4)


def _targets(account: Any, securities: Records) -> list[TargetFacts]:
    found = [
        TargetFacts(int(row["asset_id"]), _percent(row["percentage"]), _percent(row["threshold"]))
        for row in securities
        if row["percentage"] >= 0
    ]
    if account["cash_percentage"] >= 0:
        percentage, threshold = account["cash_percentage"], account["cash_threshold"]
        found.append(TargetFacts(None, _percent(percentage), _percent(threshold)))
    return found


def _restrictions(securities: Records) -> list[RestrictionFacts]:
    kinds = {(True, True): "no_trade", (True, False): "no_buy", (False, True): "no_sell"}
    return [
        RestrictionFacts(
            int(row["asset_id"]),
            kinds[bool(row["no_buy"]), bool(row["no_sell"])],
            _day(row["restricted_until"]) if row["restricted_until"] >= 0 else None,
        )
        for row in securities
        if row["no_buy"] or row["no_sell"]
    ]


def _assets(securities: Records, market: Market, currency: str) -> dict[int, AssetFacts]:
    public_ids = dict(
        Asset.objects.filter(pk__in=securities["asset_id"].tolist()).values_list("pk", "public_id")
    )
    found = {}
    for row in securities:
        pk = int(row["asset_id"])
        price = market.prices[pk]
        rate = market.rates.get((price.currency, currency))
        unit = unit_value(quote=market.quote(pk), rate=rate)
        found[pk] = AssetFacts(
            asset_id=pk,
            public_id=str(public_ids[pk]),
            symbol=price.symbol,
            group_id=int(row["group"]),
            price=unit.value or None,
            stale=price.stale,
            price_source=price.source or LIVE,
            half_spread_bp=price.half_spread_bp,
            fractional=price.fractional,
            fee_market=price.fee_market,
            currency=price.currency,
            quote=price.price,
            fx_rate=rate.rate if rate else ONE,
            wash_sales=bool(row["wash_sales"]),
            blocked_until=_day(row["blocked_until"]) if row["blocked_until"] >= 0 else None,
        )
    return found
