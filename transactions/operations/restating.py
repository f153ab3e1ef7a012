"""A stored transaction as the entry that records it again, to the last digit.

A correction starts from this entry and replaces the fields that a person changed. Figures are
stated the way the ledger took them:

    trade      price, if quantity * price gives the amount; else the amount, which gives the price
    transfer   the cost in total, if it gives the price; else the price
    cash       what was settled, if it gives the rate and the rate is not the day's fixing; else the
               rate. Without a rate of its own the cash would move with the fixing.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from core.dates import on_day
from core.limits import PRICE_DECIMALS
from core.money import WIDE, converted, quantize
from marketdata.fx import kept
from marketdata.queries import exchange_rates_on
from transactions.ledger.entries import Entry, Ratio
from transactions.ledger.kinds import KINDS
from transactions.models import Transaction
from transactions.operations.drafts import Draft
from transactions.orders.lots import chosen_lots


def restated(*, row: Transaction) -> Entry:
    """Return the entry of a stored transaction; needs its account, assets and `taken_by` loaded.

    A transfer to an own account names the receiving account. Its arrival has no entry of its own.
    """
    kind = row.kind
    lots = chosen_lots(row.lots)
    price, amount = _money(row)
    rate, settled = _cash(row)
    taken_by: Transaction | None = getattr(row, "taken_by", None)
    ratio = None
    if row.ratio_new is not None and row.ratio_old is not None:
        ratio = Ratio(row.ratio_new, row.ratio_old)
    return Entry(
        type=row.type,
        executed_at=on_day(row.executed_at, row.trade_date),
        trade_date=row.trade_date,
        currency=row.currency,
        symbol=row.asset.symbol if row.asset else None,
        quantity=row.quantity,
        price=price,
        amount=amount,
        fee=row.fee,
        fx_rate=rate,
        settled_amount=settled,
        lot_method=row.lot_method if kind.chooses_lots and not lots else None,
        lots=lots,
        note=row.note,
        new_symbol=row.new_asset.symbol if row.new_asset else None,
        ratio=ratio,
        basis_percentage=row.basis_percentage,
        opened_date=row.opened_date,
        to_account_id=taken_by.account.public_id if taken_by else None,
        order_id=row.order_id,
        external_id=row.external_id,
        tax_rates=row.tax_rates or None,
    )


def _money(row: Transaction) -> tuple[Decimal | None, Decimal | None]:
    """Return price and amount as they have to be stated; only one of them for a trade."""
    price, quantity = row.price, row.quantity
    if price is None or not quantity:
        stated = row.kind.figures == "cash" or row.opened_date is not None
        return price, row.amount if stated else row.amount or None
    by_price = quantize(quantity * price, row.currency) == row.amount
    if row.kind.figures == "transfer":
        unit = WIDE.divide(row.amount, quantity)
        by_amount = unit.quantize(Decimal(1).scaleb(-PRICE_DECIMALS), context=WIDE) == price
        return (None, row.amount) if by_amount or not by_price else (price, None)
    return (price, None) if by_price else (None, row.amount)


def _cash(row: Transaction) -> tuple[Decimal | None, Decimal | None]:
    """Return the rate, or what was settled, that gives the row's cash effect and its rate."""
    home = row.account.currency
    if row.currency == home:
        return None, None
    sign = {"in": 1, "out": -1, "fee": 0}[row.kind.cash]
    moved = sign * row.amount - row.fee
    if not sign or not moved:
        return row.fx_rate, None
    settled = abs(row.cash_effect)
    implied = kept(WIDE.divide(settled, abs(moved))) == row.fx_rate
    exact = converted(moved, row.fx_rate, home) == row.cash_effect
    if exact and (not implied or is_at_fixing(row=row)):
        return row.fx_rate, None
    return None, settled


def is_at_fixing(*, row: Transaction) -> bool:
    """Return whether the transaction was converted at the reference rate of its day."""
    wanted = (row.currency, row.account.currency, row.trade_date)
    fixing = exchange_rates_on(wanted=[wanted]).get(wanted)
    return fixing is not None and kept(fixing.rate) == row.fx_rate


def with_kept_facts(
    *, made: Sequence[Draft], original: Transaction, partners: Sequence[Transaction]
) -> list[Draft]:
    """Return the drafts of a correction with what no entry states, as the original has it.

    A corporate action keeps the lot method of its cash in lieu, whatever the account's is now. The
    arrival of a transfer keeps its own day, note and names where they are not those of its
    departure.
    """
    first, *others = made
    kind = KINDS[first.entry.type]
    if kind.may_sell and original.kind.may_sell and not kind.chooses_lots and original.lot_method:
        first = replace(first, lot_method=original.lot_method)
    arrived = next((row for row in partners if row.counterpart_id == original.pk), None)
    if arrived is None:
        return [first, *others]
    return [first, *(_arrival(draft, first, original, arrived) for draft in others)]


def _arrival(draft: Draft, first: Draft, original: Transaction, arrived: Transaction) -> Draft:
    if draft.takes is None or draft.account.pk != arrived.account_id:
        return draft
    own = [
        name
        for name in ("note", "order_id", "external_id")
        if getattr(arrived, name) != getattr(original, name)
    ]
    entry = first.entry
    late = arrived.executed_at != original.executed_at
    if late and arrived.executed_at >= entry.executed_at:
        own += ["executed_at", "trade_date"]
    return replace(draft, entry=replace(draft.entry, **{n: getattr(arrived, n) for n in own}))
