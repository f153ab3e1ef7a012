"""Realized gains as the ledger stores them: an account's lines, its sums by year and symbol."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, F, IntegerField, Q, QuerySet, Sum, Value
from django.db.models.functions import ExtractYear

from marketdata.models import AssetClass
from portfolios.tax.gains import (
    GainLine,
    GainsSummary,
    Part,
    Provisional,
    SymbolGains,
    TermTotals,
    Totals,
    YearGains,
    gain_lines,
)
from transactions.ledger.account_kinds import TAXED
from transactions.ledger.wash_windows import window_end, window_start
from transactions.models import Account, Disposal, WashSalePolicy

_FIELDS = (
    "id",
    "account_id",
    "part",
    "quantity",
    "proceeds",
    "cost_basis",
    "wash_sale_adjustment",
    "opened_date",
    "holding_period_date",
    "closed_at",
    "closed_date",
    "long_term",
    "matched_quantity",
    "deferred_loss",
    "permanent_quantity",
    "permanent_loss",
    "transaction__public_id",
    "transaction__type",
    "lot_transaction__public_id",
    "asset__symbol",
    "asset__asset_class",
    "permanent_line",
)
_SPLIT = Q(permanent_loss__gt=0, permanent_quantity__lt=F("quantity"))


def year_range(year: int) -> tuple[date, date]:
    """Return the first day of a tax year and of the next."""
    return date(year, 1, 1), date(year + 1, 1, 1)


def disposals(
    *,
    account_ids: Sequence[int],
    year: int | None = None,
    symbol: str | None = None,
    lot_id: UUID | None = None,
    long_term: bool | None = None,
    transaction_ids: Sequence[int] | None = None,
) -> "QuerySet[Disposal]":
    """Return disposals of accounts, filtered by year of trade, asset, lot, term and sale."""
    rows = Disposal.objects.filter(account_id__in=account_ids)
    if year is not None:
        first, next_first = year_range(year)
        rows = rows.filter(closed_date__gte=first, closed_date__lt=next_first)
    if symbol is not None:
        rows = rows.filter(asset__symbol=symbol)
    if lot_id is not None:
        rows = rows.filter(lot_transaction__public_id=lot_id)
    if long_term is not None:
        rows = rows.filter(long_term=long_term)
    if transaction_ids is not None:
        rows = rows.filter(transaction_id__in=transaction_ids)
    return rows


def line_rows(rows: "QuerySet[Disposal]") -> Any:
    """Return a row per gain line: two rows for a disposal with a permanent and another part."""
    whole = Q(permanent_loss__gt=0, permanent_quantity__gte=F("quantity"))
    kept = rows.exclude(whole).annotate(permanent_line=Value(0, output_field=IntegerField()))
    gone = rows.filter(permanent_loss__gt=0).annotate(
        permanent_line=Value(1, output_field=IntegerField())
    )
    both: Any = gone.values(*_FIELDS).union(kept.values(*_FIELDS), all=True)
    return both.order_by("closed_date", "closed_at", "id", "-permanent_line")


def lines_of(
    rows: Iterable[Mapping[str, Any]],
    *,
    accounts: Mapping[int, Account],
    policy: WashSalePolicy,
) -> list[GainLine]:
    """Return the gain lines behind `line_rows`, in their order."""
    found = []
    for row in rows:
        lines = gain_lines(_part(row, accounts[row["account_id"]], policy))
        found.append(lines[0] if row["permanent_line"] else lines[-1])
    return found


def wash_sale_policy(*, household_id: int) -> WashSalePolicy:
    """Return the household's wash-sale policy, or the default one."""
    found = WashSalePolicy.objects.filter(household_id=household_id).first()
    return found or WashSalePolicy(household_id=household_id)


def is_washable(*, account: Account, asset_class: str, policy: WashSalePolicy) -> bool:
    """Return whether a purchase can disallow a loss on such an asset in this account."""
    exempt = policy.crypto_exempt and asset_class == AssetClass.CRYPTO
    return policy.enabled and account.is_taxed and not exempt


def _part(row: Mapping[str, Any], account: Account, policy: WashSalePolicy) -> Part:
    asset_class = row["asset__asset_class"]
    return Part(
        account_id=str(account.public_id),
        sale_id=str(row["transaction__public_id"]),
        part=row["part"],
        lot_id=str(row["lot_transaction__public_id"]),
        symbol=row["asset__symbol"],
        event=row["transaction__type"],
        currency=account.currency,
        taxable=account.is_taxed,
        washable=is_washable(account=account, asset_class=asset_class, policy=policy),
        opened_date=row["opened_date"],
        holding_period_date=row["holding_period_date"],
        closed_date=row["closed_date"],
        quantity=row["quantity"],
        proceeds=row["proceeds"],
        cost_basis=row["cost_basis"],
        wash_sale_adjustment=row["wash_sale_adjustment"],
        long_term=row["long_term"],
        matched_quantity=row["matched_quantity"],
        deferred_loss=row["deferred_loss"],
        permanent_quantity=row["permanent_quantity"],
        permanent_loss=row["permanent_loss"],
    )


_SUMS = {
    "proceeds": Sum("proceeds"),
    "cost_basis": Sum("cost_basis"),
    "disallowed": Sum(F("deferred_loss") + F("permanent_loss")),
    "lines": Count("id") + Count("id", filter=_SPLIT),
}


def sums(rows: "QuerySet[Disposal]", *keys: str) -> "dict[tuple[Any, ...], Totals]":
    """Return totals by any of account_id, year, asset__symbol and long_term, in one query."""
    grouped = (
        rows.annotate(year=ExtractYear("closed_date"))
        .values(*keys)
        .annotate(**_SUMS)
        .order_by(*keys)
    )
    return {
        tuple(row[key] for key in keys): Totals(
            row["proceeds"], row["cost_basis"], row["disallowed"], row["lines"]
        )
        for row in grouped
    }


def provisional_losses(
    rows: "QuerySet[Disposal]", *, as_of: date, policy: WashSalePolicy, key: str = "year"
) -> dict[Any, Provisional]:
    """Return, by `key`, the recognized losses that a purchase can still disallow."""
    if not policy.enabled:
        return {}
    since = window_start(as_of)
    rows = rows.filter(account__type__in=TAXED, closed_date__gte=since).filter(
        cost_basis__gt=F("proceeds") + F("deferred_loss") + F("permanent_loss")
    )
    if policy.crypto_exempt:
        rows = rows.exclude(asset__asset_class=AssetClass.CRYPTO)
    found: dict[Any, Provisional] = {}
    for row in rows.annotate(
        year=ExtractYear("closed_date"),
        loss=F("cost_basis") - F("proceeds") - F("deferred_loss") - F("permanent_loss"),
    ).values(key, "loss", "closed_date"):
        until = window_end(row["closed_date"])
        found[row[key]] = found.get(row[key], Provisional()) + Provisional(row["loss"], until)
    return found


def gains_summary(*, account: Account, year: int | None, as_of: date) -> GainsSummary:
    """Return an account's realized gains by year and, of `year` (None: of all), by symbol."""
    policy = wash_sale_policy(household_id=account.household_id)
    rows = disposals(account_ids=[account.pk])
    shown = disposals(account_ids=[account.pk], year=year)
    by_year = sums(rows, "year", "long_term")
    by_symbol = sums(shown, "asset__symbol", "long_term")
    provisional = provisional_losses(rows, as_of=as_of, policy=policy)
    return GainsSummary(
        account_id=account.public_id,
        currency=account.currency,
        taxable=account.is_taxed,
        year=year,
        years=tuple(
            YearGains(key, _terms(by_year, key), provisional.get(key, Provisional()))
            for key in sorted({key for key, _ in by_year}, reverse=True)
        ),
        symbols=tuple(
            SymbolGains(key, _terms(by_symbol, key))
            for key in sorted({key for key, _ in by_symbol})
        ),
    )


def _terms(found: Mapping[tuple[Any, ...], Totals], key: Any) -> TermTotals:
    return TermTotals(found.get((key, False), Totals()), found.get((key, True), Totals()))
