"""Sale previews: a sale as it would be booked now, with its tax. Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.errors import BallastError, Conflict, InvalidInput
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol
from portfolios.prices.rule import Quote
from portfolios.queries.gains import is_washable, wash_sale_policy
from portfolios.queries.household_prices import household_quotes
from portfolios.queries.taxes import in_currency, owner_return, tax_rates
from portfolios.tax.gains import GainLine, Part, TermTotals, Totals, gain_lines
from portfolios.tax.sale_preview import (
    ComparedMethod,
    PreviewedReplacement,
    PreviewedWashSale,
    SalePreview,
    TaxEffect,
    by_term,
    clean_sale_date,
    first_safe_date,
    tax_effect,
)
from portfolios.tax.schedule_d import NetGains
from portfolios.tax.tax_return import TaxReturn, with_rates
from stores.database import snapshot
from transactions.ledger.entries import ChosenLot, Entry
from transactions.models import Account, Disposal, Transaction, WashSale
from transactions.operations.previews import PreviewedSale, previewed_sales

ZERO = Decimal(0)
# The methods to compare: all that need no choice by the investor.
COMPARED = ("fifo", "lifo", "hifo", "min_tax", "average")


@dataclass(frozen=True, slots=True)
class Asked:
    """A sale to preview; without a price at the live one, without a method at the default."""

    symbol: str
    quantity: Decimal
    lot_method: str | None = None
    lots: tuple[ChosenLot, ...] = ()
    price: Decimal | None = None
    fee: Decimal = Decimal(0)


def sale_preview(*, account: Account, asked: Asked, user: User, now: datetime) -> SalePreview:
    """Return the effect of a sale; `account` comes with its owner.

    Raises the refusals of recording, with their codes, and Conflict if no price is known.
    """
    with snapshot():
        asset = _asset(account, asked.symbol)
        known = household_quotes(household_id=account.household_id, assets=[asset], now=now)
        quote = known.get(asset.pk)
        price = asked.price if asked.price is not None else quote.price if quote else None
        if price is None:
            raise Conflict(
                f"{asset.symbol} has no price. Send one.",
                code="price_unknown",
                fields={"price": ["is required"]},
            )
        method = "specific" if asked.lots else asked.lot_method or account.lot_method
        ways = [method, *(name for name in COMPARED if name != method)]
        entries = [_entry(asked, asset, price, way, now) for way in ways]
        if asked.lots and asked.lot_method:  # refused as recording refuses it
            entries[0] = _entry(asked, asset, price, asked.lot_method, now, lots=asked.lots)
        taxes = _taxes(account, now.date())
        converted = taxes is not None and taxes.currency != account.currency
        first, *others = previewed_sales(
            account=account,
            entries=entries,
            user=user,
            now=now,
            # Lines are converted one by one. Without a conversion the sums are enough.
            detailed=len(entries) if converted else 1,
        )
        if isinstance(first, BallastError):
            raise first
        sales = [first, *(sale for sale in others if isinstance(sale, PreviewedSale))]
        facts = _facts(account, asset, now.date(), taxes, sales)
        wanted = _worked_out(first, facts)
        methods = [
            _method(method, wanted),
            *(
                _method(way, None if isinstance(sale, BallastError) else _worked_out(sale, facts))
                for way, sale in zip(ways[1:], others, strict=True)
            ),
        ]
        return _preview(asked, asset, price, quote, wanted, facts, now, methods)


def _asset(account: Account, symbol: str) -> Asset:
    found = assets_by_symbol(household_id=account.household_id, symbols={symbol}).get(symbol)
    if found is None:
        raise InvalidInput(
            f"The symbol {symbol} is not known. Search for it first.",
            code="symbol_unknown",
            fields={"symbol": ["is not known"]},
        )
    return found


def _entry(
    asked: Asked,
    asset: Asset,
    price: Decimal,
    method: str,
    now: datetime,
    lots: tuple[ChosenLot, ...] = (),
) -> Entry:
    named = lots or (asked.lots if method == "specific" else ())
    return Entry(
        "sell",
        now,
        asset.currency,
        asset.symbol,
        asked.quantity,
        price,
        fee=asked.fee,
        lot_method=None if named and not lots else method,
        lots=named,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """The facts shared by every method; `taxes` is None if the account is not taxed."""

    account: Account
    asset: Asset
    as_of: date
    washable: bool
    taxes: TaxReturn | None
    # Public ids of the acquisitions, and the accounts that hold the replacements.
    lot_ids: Mapping[int, str]
    accounts: Mapping[int, Account]


@dataclass(frozen=True, slots=True)
class _Worked:
    """One method with its gain lines and its tax."""

    sale: PreviewedSale
    lines: tuple[GainLine, ...]  # empty if only the sums were requested
    totals: Mapping[bool, Totals]
    effect: TaxEffect | None


def _taxes(account: Account, as_of: date) -> TaxReturn | None:
    """Return the tax return of the sale, at the rates of the account's owner."""
    if not account.is_taxed:
        return None
    found = owner_return(account=account, year=as_of.year, as_of=as_of)
    return with_rates(found, tax_rates(account.owner))


def _facts(
    account: Account,
    asset: Asset,
    as_of: date,
    taxes: TaxReturn | None,
    sales: Sequence[PreviewedSale],
) -> _Facts:
    policy = wash_sale_policy(household_id=account.household_id)
    return _Facts(
        account,
        asset,
        as_of,
        is_washable(account=account, asset_class=asset.asset_class, policy=policy),
        taxes,
        _lot_ids(sales),
        Account.objects.in_bulk(
            {match.replacement_account_id for sale in sales for match in sale.wash_sales}
        ),
    )


def _lot_ids(sales: Sequence[PreviewedSale]) -> dict[int, str]:
    wanted = {row.lot_transaction_id for sale in sales for row in sale.disposals}
    wanted |= {match.replacement_id for sale in sales for match in sale.wash_sales}
    rows = Transaction.objects.filter(pk__in=wanted).values_list("pk", "public_id")
    return {pk: str(public_id) for pk, public_id in rows}


def _worked_out(sale: PreviewedSale, facts: _Facts) -> _Worked:
    lines = tuple(line for row in sale.disposals for line in gain_lines(_part(row, facts)))
    totals = {term: Totals(*sums) for term, sums in sale.sums.items()}
    if facts.taxes is None:
        return _Worked(sale, lines, totals, None)
    short, long = totals[False], totals[True]
    if facts.taxes.currency != facts.account.currency:
        short, long = by_term(in_currency(lines, currencies=[facts.taxes.currency] * len(lines)))
    change = NetGains(short.recognized_gain, long.recognized_gain)
    return _Worked(sale, lines, totals, tax_effect(found=facts.taxes, change=change))


def _part(row: Disposal, facts: _Facts) -> Part:
    return Part(
        account_id=str(facts.account.public_id),
        sale_id="",
        part=row.part,
        lot_id=facts.lot_ids[row.lot_transaction_id],
        symbol=facts.asset.symbol,
        event="sell",
        currency=facts.account.currency,
        taxable=facts.taxes is not None,
        washable=facts.washable,
        opened_date=row.opened_date,
        holding_period_date=row.holding_period_date,
        closed_date=facts.as_of,
        quantity=row.quantity,
        proceeds=row.proceeds,
        cost_basis=row.cost_basis,
        wash_sale_adjustment=row.wash_sale_adjustment,
        long_term=row.long_term,
        matched_quantity=row.matched_quantity,
        deferred_loss=row.deferred_loss,
        permanent_quantity=row.permanent_quantity,
        permanent_loss=row.permanent_loss,
    )


def _preview(
    asked: Asked,
    asset: Asset,
    price: Decimal,
    quote: Quote | None,
    wanted: _Worked,
    facts: _Facts,
    now: datetime,
    methods: Sequence[ComparedMethod],
) -> SalePreview:
    live = quote if asked.price is None else None
    return SalePreview(
        account_id=facts.account.public_id,
        symbol=asset.symbol,
        quantity=asked.quantity,
        as_of=now,
        price=price,
        price_currency=asset.currency,
        price_as_of=live.as_of if live else None,
        price_stale=live.stale if live else False,
        price_estimated=live.estimated if live else False,
        fx_rate=wanted.sale.fx_rate,
        currency=facts.account.currency,
        fee=asked.fee,
        proceeds=wanted.sale.net,
        lot_method=methods[0].lot_method,
        lines=wanted.lines,
        totals=TermTotals(*by_term(wanted.lines)),
        effect=wanted.effect,
        wash_sale=_wash_sale(wanted, facts),
        first_safe_date=first_safe_date(wanted.lines, sold_date=facts.as_of),
        clean_sale_date=clean_sale_date(wanted.sale.recent),
        methods=tuple(methods),
    )


def _wash_sale(wanted: _Worked, facts: _Facts) -> PreviewedWashSale:
    # A purchase before the first safe date could still disallow the recognized losses.
    at_risk = -sum(
        (min(ZERO, line.recognized_gain) for line in wanted.lines if line.washable), ZERO
    )
    return PreviewedWashSale(
        deferred_loss=sum((row.deferred_loss for row in wanted.sale.disposals), ZERO),
        permanent_loss=sum((row.permanent_loss for row in wanted.sale.disposals), ZERO),
        loss_at_risk=at_risk,
        replacements=tuple(_replacement(match, facts) for match in wanted.sale.wash_sales),
    )


def _replacement(match: WashSale, facts: _Facts) -> PreviewedReplacement:
    other = facts.accounts[match.replacement_account_id]
    return PreviewedReplacement(
        lot_id=facts.lot_ids[match.replacement_id],
        account_id=other.public_id,
        account_name=other.name,
        currency=other.currency,
        replacement_date=match.replacement_date,
        quantity=match.quantity,
        disallowed_loss=match.disallowed,
        basis_added=match.basis_added,
        permanent=match.permanent,
        days_held=match.days_held,
    )


def _method(name: str, worked: _Worked | None) -> ComparedMethod:
    if worked is None:
        return ComparedMethod(name, None)
    totals = TermTotals(worked.totals[False], worked.totals[True])
    return ComparedMethod(name, totals, worked.effect.total if worked.effect else ZERO)
