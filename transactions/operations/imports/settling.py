"""Fit a file's rows to the currencies of the account and of the asset.

A broker quotes a price in the currency of the market and settles in the currency of its account. A
file may state both, or only what was settled; and a rate in a file leads to the currency in which
the file is kept, which need not be the account's.

    rate of the file   used if it leads to the account's currency, else the day's fixing
    trade              recorded in the asset's currency; cash and basis are what was settled
        quote in the asset's currency   price and amount are those of the quote
        no such quote                   what was settled, at the day's fixing
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db import connection

from core.errors import BallastError
from core.money import WIDE, converted, quantize
from marketdata.fx import kept
from marketdata.models import Asset
from marketdata.queries import exchange_rates_on
from transactions.files.drafts import RowRefused
from transactions.files.reading.interface import Draft
from transactions.ledger.entries import Entry
from transactions.ledger.kinds import KINDS
from transactions.models import Account, Import

Rates = Mapping[tuple[str, str, date], Decimal]


@dataclass(frozen=True, slots=True)
class Stated:
    """A row of a file: the draft of its reader, and its entry with our symbols."""

    draft: Draft
    entry: Entry

    @property
    def day(self) -> date:
        return self.entry.day


def base_currency(*, batch: Import) -> str:
    """Return the currency to which the file's rates lead if its rows do not say so.

    It is the one that the user states; else the one currency whose rows have the rate 1; else "".
    """
    if batch.options.get("base_currency"):
        return str(batch.options["base_currency"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT draft::jsonb->>'currency' FROM transactions_importrow "
            "WHERE batch_id = %s AND draft LIKE %s LIMIT 2",
            [batch.pk, '%"file_rate":{"rate":"1",%'],
        )
        found = [str(currency) for (currency,) in cursor.fetchall()]
    return found[0] if len(found) == 1 else ""


def settled(
    *, account: Account, rows: Sequence[Stated], assets: Mapping[str, Asset], base: str
) -> list[Entry | BallastError]:
    """Return each row's entry in the currencies of account and asset, or its refusal."""
    rated = [_rated(row, account, base) for row in rows]
    rates = _fixings(account, rated, assets)
    found: list[Entry | BallastError] = []
    for row in rated:
        try:
            found.append(_fitted(account, row, assets.get(row.entry.symbol or ""), rates))
        except BallastError as refusal:
            found.append(refusal)
    return found


def is_at_fixing(draft: Draft, entry: Entry) -> bool:
    """Return whether a trade's price is what was settled, converted at the day's fixing."""
    quoted = draft.quote is not None and draft.quote.currency == entry.currency
    trade = KINDS[entry.type].figures == "trade"
    return trade and entry.currency != draft.currency and not quoted


def _rated(row: Stated, account: Account, base: str) -> Stated:
    """Return the row with the rate of the file, if that leads to the account's currency."""
    entry, rate = row.entry, row.draft.file_rate
    if rate is None or entry.fx_rate is not None or entry.currency == account.currency:
        return row
    if (rate.to or base) != account.currency:
        return row
    return replace(row, entry=replace(entry, fx_rate=rate.rate))


def _is_foreign(entry: Entry, asset: Asset | None) -> bool:
    return (
        asset is not None
        and KINDS[entry.type].figures == "trade"
        and entry.currency != asset.currency
    )


def _fixings(account: Account, rows: Sequence[Stated], assets: Mapping[str, Asset]) -> Rates:
    wanted = []
    for row in rows:
        asset, currency = assets.get(row.entry.symbol or ""), row.entry.currency
        if asset is not None and _is_foreign(row.entry, asset):
            wanted += [
                (currency, asset.currency, row.day),
                (currency, account.currency, row.day),
            ]
    if not wanted:
        return {}
    return {key: rate.rate for key, rate in exchange_rates_on(wanted=wanted).items()}


def _fitted(account: Account, row: Stated, asset: Asset | None, rates: Rates) -> Entry:
    entry = row.entry
    if asset is None or not _is_foreign(entry, asset) or entry.quantity is None:
        return entry
    paid = entry.amount
    if paid is None and entry.price is not None:
        paid = quantize(WIDE.multiply(entry.quantity, entry.price), entry.currency)
    if paid is None:
        return entry  # the ledger refuses it
    home, quoted = account.currency, asset.currency
    to_home = entry.fx_rate or _rate(rates, entry.currency, home, row.day)
    if quoted == home:
        return replace(
            entry,
            currency=home,
            price=None,
            amount=converted(paid, to_home, home),
            fee=converted(entry.fee, to_home, home),
            fx_rate=None,
        )
    price, amount = _quote(row, quoted)
    if amount is None:
        rate = _rate(rates, entry.currency, quoted, row.day)
        amount = converted(paid, rate, quoted)
    fee = _share(entry.fee, amount, paid, quoted)
    kind = KINDS[entry.type]
    told = replace(
        entry,
        currency=quoted,
        price=price,
        amount=amount if price is None else None,
        fee=fee,
        fx_rate=None,
    )
    if kind.cash == "fee":
        moved = converted(paid, to_home, home)
        return replace(told, fx_rate=kept(WIDE.divide(moved, amount))) if amount else told
    side = -1 if kind.cash == "in" else 1
    return replace(told, settled_amount=abs(converted(paid + side * entry.fee, to_home, home)))


def _quote(row: Stated, currency: str) -> tuple[Decimal | None, Decimal | None]:
    """Return price and amount that the file states in the asset's currency.

    The price is left out where quantity and price do not give the amount: the file rounds one.
    """
    quote, quantity = row.draft.quote, row.entry.quantity
    if quote is None or quote.currency != currency or quantity is None:
        return None, None
    if quote.price is None:
        return None, quote.amount
    product = quantize(WIDE.multiply(quantity, quote.price), currency)
    if quote.amount is None or quote.amount == product:
        return quote.price, product
    return None, quote.amount


def _share(fee: Decimal, amount: Decimal, paid: Decimal, currency: str) -> Decimal:
    """Return the fee in the currency of the quote, at the broker's own rate."""
    if not fee:
        return fee
    if not paid:
        raise RowRefused(
            "The row has a fee without an amount, so the fee cannot be converted. Enter it by "
            "hand.",
            code="exchange_rate_unknown",
        )
    return quantize(WIDE.divide(WIDE.multiply(fee, amount), paid), currency)


def _rate(rates: Rates, base: str, quote: str, day: date) -> Decimal:
    if base == quote:
        return Decimal(1)
    rate = rates.get((base, quote, day))
    if rate is None:
        raise RowRefused(
            f"No exchange rate from {base} to {quote} is known for {day}.",
            code="exchange_rate_unknown",
        )
    return rate
