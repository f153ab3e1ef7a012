"""A sale as it would be booked now, with its tax: read in one snapshot, nothing written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.dates import instant_text
from core.errors import BallastError, Conflict, InvalidInput
from core.money import plain, quantize
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol, quotes
from marketdata.quotes import Quote
from portfolios.queries.gains import is_washable, wash_sale_policy
from portfolios.queries.taxes import in_currency, owner_return, tax_rates
from portfolios.tax.gains import GainLine, Part, Totals, gain_lines, totals_row
from portfolios.tax.sale_preview import (
    TaxEffect,
    by_term,
    clean_sale_date,
    first_safe_date,
    tax_effect,
)
from portfolios.tax.schedule_d import NetGains
from portfolios.tax.tax_return import TaxReturn, rates_row, tax_row, with_rates
from stores.database import snapshot
from transactions.ledger.entries import ChosenLot, Entry
from transactions.models import Account, AccountType, Disposal, Transaction, WashSale
from transactions.operations.previews import PreviewedSale, previewed_sales

ZERO = Decimal(0)
# Every way that needs no choice of the investor's, for the comparison.
COMPARED = ("fifo", "lifo", "hifo", "min_tax", "average")


@dataclass(frozen=True, slots=True)
class Asked:
    """The sale somebody thinks of; without a price at the live one, without a method by default."""

    symbol: str
    quantity: Decimal
    lot_method: str | None = None
    lots: tuple[ChosenLot, ...] = ()
    price: Decimal | None = None
    fee: Decimal = Decimal(0)


def sale_preview(*, account: Account, asked: Asked, user: User, now: datetime) -> dict[str, object]:
    """What the sale would do, in the words of the API. `account` comes with its owner.

    Refuses what recording would refuse, with its codes, and a sale of what nobody prices.
    """
    with snapshot():
        asset = _asset(account, asked.symbol)
        quote = quotes(assets=[asset], now=now).get(asset.pk)
        price = asked.price if asked.price is not None else quote.price if quote else None
        if price is None:
            raise Conflict(
                f"No price of {asset.symbol} is known: give one.",
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
            # Lines are converted one by one; sums do where nothing is.
            detailed=len(entries) if converted else 1,
        )
        if isinstance(first, BallastError):
            raise first
        sales = [first, *(sale for sale in others if isinstance(sale, PreviewedSale))]
        facts = _facts(account, asset, now.date(), taxes, sales)
        wanted = _worked_out(first, facts)
        rows = [
            _method_row(
                way,
                None if isinstance(sale, BallastError) else _worked_out(sale, facts),
                account.currency,
            )
            for way, sale in zip(ways[1:], others, strict=True)
        ]
        return {
            **_sale_row(asked, asset, price, quote, wanted, facts, now),
            "lot_method": method,
            **_lots_row(wanted, facts),
            **_tax_rows(wanted, facts),
            **_wash_sale_rows(wanted, facts),
            "methods": [_method_row(method, wanted, account.currency), *rows],
        }


def _asset(account: Account, symbol: str) -> Asset:
    found = assets_by_symbol(household_id=account.household_id, symbols={symbol}).get(symbol)
    if found is None:
        raise InvalidInput(
            f"The symbol {symbol} is not known.",
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
    """What every way of selling is judged by; the return is absent where nothing is taxed."""

    account: Account
    asset: Asset
    as_of: date
    washable: bool
    taxes: TaxReturn | None
    # Public ids of the acquisitions, and the accounts replacements lie in.
    lot_ids: Mapping[int, str]
    accounts: Mapping[int, Account]


@dataclass(frozen=True, slots=True)
class _Worked:
    """One way of selling with its gain lines and its tax."""

    sale: PreviewedSale
    lines: tuple[GainLine, ...]  # empty where only the sums were asked for
    totals: Mapping[bool, Totals]
    effect: TaxEffect | None


def _taxes(account: Account, as_of: date) -> TaxReturn | None:
    """The return the sale would be on, at the rates of the account's owner."""
    if account.type != AccountType.TAXABLE:
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
        opened_date=row.opened_at.date(),
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


def _sale_row(
    asked: Asked,
    asset: Asset,
    price: Decimal,
    quote: Quote | None,
    wanted: _Worked,
    facts: _Facts,
    now: datetime,
) -> dict[str, object]:
    live = quote if asked.price is None else None
    return {
        "account_id": str(facts.account.public_id),
        "symbol": asset.symbol,
        "quantity": plain(asked.quantity),
        "as_of": instant_text(now),
        "price": plain(price),
        "price_currency": asset.currency,
        "price_as_of": instant_text(live.as_of) if live else None,
        "price_stale": live.stale if live else False,
        "fx_rate": plain(wanted.sale.fx_rate),
        "currency": facts.account.currency,
        "fee": f"{quantize(asked.fee, asset.currency):f}",
        "proceeds": f"{quantize(wanted.sale.net, facts.account.currency):f}",
    }


def _lots_row(wanted: _Worked, facts: _Facts) -> dict[str, object]:
    currency = facts.account.currency
    short, long = by_term(wanted.lines)
    return {
        "lots": [_lot_row(line, currency) for line in wanted.lines],
        "short_term": totals_row(short, currency=currency),
        "long_term": totals_row(long, currency=currency),
        "total": totals_row(short + long, currency=currency),
    }


def _lot_row(line: GainLine, currency: str) -> dict[str, object]:
    def money(amount: Decimal) -> str:
        return f"{quantize(amount, currency):f}"

    return {
        "lot_id": line.lot_id,
        "quantity": plain(line.quantity),
        "opened_date": line.opened_date.isoformat(),
        "holding_period_date": line.holding_period_date.isoformat(),
        "proceeds": money(line.proceeds),
        "cost_basis": money(line.cost_basis),
        "gain": money(line.gain),
        "disallowed_loss": money(line.disallowed_loss),
        "recognized_gain": money(line.recognized_gain),
        "term": "long" if line.long_term else "short",
        "wash_sale": line.disallowed_loss > 0,
        "permanent": line.permanent,
        "wash_sale_adjustment": money(line.wash_sale_adjustment),
    }


def _tax_rows(wanted: _Worked, facts: _Facts) -> dict[str, object]:
    effect = wanted.effect
    if effect is None:
        return {"estimated_tax": f"{quantize(ZERO, facts.account.currency):f}", "tax": None}

    def money(amount: Decimal) -> str:
        return f"{quantize(amount, effect.currency):f}"

    before, after = effect.before.carried_out, effect.after.carried_out
    return {
        "estimated_tax": money(effect.total),
        "tax": {
            "year": effect.after.year,
            "currency": effect.currency,
            "total": money(effect.total),
            "marginal": money(effect.marginal),
            "rates": rates_row(effect.rates),
            "before": {
                "net_short_term": money(effect.before.net_short),
                "net_long_term": money(effect.before.net_long),
                **tax_row(effect.tax_before, result=effect.before, currency=effect.currency),
            },
            "after": {
                "net_short_term": money(effect.after.net_short),
                "net_long_term": money(effect.after.net_long),
                **tax_row(effect.tax_after, result=effect.after, currency=effect.currency),
            },
            "carried_out_change": {
                "short_term": money(after.short_term - before.short_term),
                "long_term": money(after.long_term - before.long_term),
            },
        },
    }


def _wash_sale_rows(wanted: _Worked, facts: _Facts) -> dict[str, object]:
    lines, currency = wanted.lines, facts.account.currency

    def money(amount: Decimal) -> str:
        return f"{quantize(amount, currency):f}"

    safe = first_safe_date(lines, sold_date=facts.as_of)
    clean = clean_sale_date(wanted.sale.recent)
    permanent = sum((row.permanent_loss for row in wanted.sale.disposals), ZERO)
    deferred = sum((row.deferred_loss for row in wanted.sale.disposals), ZERO)
    # What is still recognised could be lost to a purchase before the first safe date.
    at_risk = -sum((min(ZERO, line.recognized_gain) for line in lines if line.washable), ZERO)
    return {
        "wash_sale": {
            "disallowed_loss": money(deferred + permanent),
            "deferred_loss": money(deferred),
            "permanent_loss": money(permanent),
            "loss_at_risk": money(at_risk),
            "replacements": [_match_row(match, facts) for match in wanted.sale.wash_sales],
        },
        "first_safe_date": safe.isoformat() if safe else None,
        "clean_sale_date": clean.isoformat() if clean else None,
    }


def _match_row(match: WashSale, facts: _Facts) -> dict[str, object]:
    other = facts.accounts[match.replacement_account_id]
    return {
        "lot_id": facts.lot_ids[match.replacement_id],
        "account_id": str(other.public_id),
        "account_name": other.name,
        "replacement_date": match.replacement_date.isoformat(),
        "quantity": plain(match.quantity),
        "disallowed_loss": f"{quantize(match.disallowed, facts.account.currency):f}",
        "basis_added": f"{quantize(match.basis_added, other.currency):f}",
        "permanent": match.permanent,
        "days_held": match.days_held,
    }


def _method_row(method: str, worked: _Worked | None, currency: str) -> dict[str, object]:
    if worked is None:
        return {"lot_method": method, "available": False}
    short, long = worked.totals[False], worked.totals[True]
    total = worked.effect.total if worked.effect else ZERO
    return {
        "lot_method": method,
        "available": True,
        "short_term_gain": f"{quantize(short.recognized_gain, currency):f}",
        "long_term_gain": f"{quantize(long.recognized_gain, currency):f}",
        "disallowed_loss": f"{quantize((short + long).disallowed_loss, currency):f}",
        "estimated_tax": (
            f"{quantize(total, worked.effect.currency if worked.effect else currency):f}"
        ),
    }
