"""Warnings about transactions, before or after they are recorded. A warning refuses nothing.

    fx_rate_far_from_fixing  the rate, stated or implied by what was settled, is more than 5 % off
                             the day's fixing
    price_off_range          the price is more than 20 % below the day's low or above its high
    cash_negative            the account's cash is or would be below zero
    already_recorded         the account has another transaction with these figures on that day
    second_split             the account has another split of the security within five days

Prices of a series that its publisher adjusted for splits are compared for the last 90 days only:
what was adjusted before is not known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet

from core.money import plain
from core.money_text import money_text
from marketdata.corporate_actions import DAYS_APART_MAX
from marketdata.models import Asset, DailyPrice, PriceAdjustment
from marketdata.queries import exchange_rates_on
from stores.rows import rows_of
from transactions.ledger.kinds import KINDS, named
from transactions.models import Account, Transaction
from transactions.operations.drafts import Draft

WARNING_CODES = (
    *("fx_rate_far_from_fixing", "price_off_range", "cash_negative"),
    *("already_recorded", "second_split"),
)
FIXING_SHARE_MAX = Decimal("0.05")
PRICE_SHARE_MAX = Decimal("0.20")
_FIXING_DAYS_MAX = 7
_ADJUSTED_DAYS_MAX = 90
_SPLITS = named(rescales=True)
# One bar for each pair: a page of a file has many assets on many days. A bar that is archived has
# left its close among the packed ones.
_BARS = f"""
SELECT wanted.asset_id, wanted.day, coalesce(nullif(price.low, 0), price.close, packed.close),
       coalesce(nullif(price.high, 0), price.close, packed.close)
  FROM unnest(%(assets)s::bigint[], %(days)s::date[]) AS wanted (asset_id, day)
  LEFT JOIN {DailyPrice._meta.db_table} AS price
    ON price.asset_id = wanted.asset_id AND price.date = wanted.day
  LEFT JOIN LATERAL (
       SELECT (string_to_array(year.closes, ' '))[array_position(
                string_to_array(year.days, ' '),
                (wanted.day - DATE '0001-01-01' + 1)::text)]::numeric AS close
         FROM marketdata_yearofcloses year
        WHERE price.asset_id IS NULL AND year.asset_id = wanted.asset_id
          AND year.year = extract(year FROM wanted.day)) AS packed ON true
 WHERE price.asset_id IS NOT NULL OR packed.close IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning about one field."""

    code: str
    detail: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The figures of a transaction that warnings are about. `pk`: None before it is recorded."""

    account: Account
    type: str
    asset: Asset | None
    day: date
    quantity: Decimal | None
    price: Decimal | None
    amount: Decimal
    currency: str
    fx_rate: Decimal
    pk: int | None = None

    @property
    def asset_id(self) -> int | None:
        return self.asset.pk if self.asset else None

    @property
    def figures(self) -> tuple[object, ...]:
        """What two records of one transaction have in common."""
        return (
            *(self.account.pk, self.type, self.asset_id, self.day),
            *(self.quantity, self.amount),
        )


def of_draft(draft: Draft, *, pk: int | None = None) -> Stated:
    """Return the figures of a draft that is not recorded yet; `pk`: the row it is to replace."""
    return Stated(
        account=draft.account,
        type=draft.entry.type,
        asset=draft.asset,
        day=draft.entry.day,
        quantity=draft.amounts.quantity,
        price=draft.amounts.price,
        amount=draft.amounts.amount,
        currency=draft.entry.currency,
        fx_rate=draft.fx_rate,
        pk=pk,
    )


def of_row(row: Transaction) -> Stated:
    """Return the figures of a recorded transaction."""
    return Stated(
        account=row.account,
        type=row.type,
        asset=row.asset,
        day=row.trade_date,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        currency=row.currency,
        fx_rate=row.fx_rate,
        pk=row.pk,
    )


def warnings_of(
    *, stated: Sequence[Stated], now: datetime, matched: bool = False
) -> list[list[Warned]]:
    """Return the warnings about each transaction; at most four queries, however many there are.

    `matched`: somebody else has compared them with the ledger, as an import does.
    """
    found: list[list[Warned]] = [[] for _ in stated]
    recorded = () if matched else _recorded(stated)
    for told in (_rates(stated), _prices(stated, now), recorded, _splits(stated)):
        for index, warned in told:
            found[index].append(warned)
    return found


def cash_warning(*, account: Account, added: Decimal = Decimal(0)) -> Warned | None:
    """Return a warning if the account's cash, with what is to be added, is below zero."""
    after = account.cash + added
    if after >= 0 or account.kind.owes:
        return None
    text = f"{money_text(after, account.currency)} {account.currency}"
    return Warned(
        "cash_negative",
        f"With this transaction the account's cash is {text}. Check for a missing deposit.",
        "amount",
    )


_Told = Iterable[tuple[int, Warned]]


def _rates(stated: Sequence[Stated]) -> _Told:
    foreign = [
        (index, one) for index, one in enumerate(stated) if one.currency != one.account.currency
    ]
    if not foreign:
        return
    fixings = exchange_rates_on(
        wanted=[(one.currency, one.account.currency, one.day) for _, one in foreign]
    )
    for index, one in foreign:
        home = one.account.currency
        fixing = fixings.get((one.currency, home, one.day))
        if fixing is None or (one.day - fixing.date).days > _FIXING_DAYS_MAX:
            continue
        if one.amount and abs(one.fx_rate / fixing.rate - 1) > FIXING_SHARE_MAX:
            detail = (
                f"The rate is {one.fx_rate:.6g} {home} for one {one.currency}, but the reference "
                "rate "
                f"of {fixing.date} is {fixing.rate:.6g}."
            )
            yield index, Warned("fx_rate_far_from_fixing", detail, "fx_rate")


def _prices(stated: Sequence[Stated], now: datetime) -> _Told:
    priced = [
        (index, one, one.asset, one.price)
        for index, one in enumerate(stated)
        if one.asset is not None
        and one.asset.pk is not None
        and one.price
        and KINDS[one.type].figures == "trade"
        and _is_comparable(one.asset, one.day, now)
    ]
    if not priced:
        return
    wanted = {(asset.pk, one.day) for _, one, asset, _ in priced}
    rows = rows_of(
        _BARS,
        {"assets": [pk for pk, _ in wanted], "days": [day for _, day in wanted]},
    )
    bars: Mapping[tuple[int, date], tuple[Decimal, Decimal]] = {
        (asset_id, day): (low, high) for asset_id, day, low, high in rows
    }
    for index, one, asset, price in priced:
        bar = bars.get((asset.pk, one.day))
        if bar is None or one.currency != asset.currency:
            continue
        low, high = bar
        if not low * (1 - PRICE_SHARE_MAX) <= price <= high * (1 + PRICE_SHARE_MAX):
            detail = (
                f"{asset.symbol} traded between {plain(low)} and {plain(high)} {asset.currency} "
                f"on {one.day}, not at {plain(price)}."
            )
            yield index, Warned("price_off_range", detail, "price")


def _is_comparable(asset: Asset, day: date, now: datetime) -> bool:
    if asset.price_adjustment == PriceAdjustment.NONE:
        return True
    recent = (now.date() - day).days <= _ADJUSTED_DAYS_MAX
    return recent and asset.price_adjustment == PriceAdjustment.SPLITS


def _not_reversed(condition: Q) -> "QuerySet[Transaction]":
    return Transaction.objects.filter(condition, reverses__isnull=True, reversed_by__isnull=True)


def _recorded(stated: Sequence[Stated]) -> _Told:
    same = Q(pk__in=[])
    for one in stated:
        # The index is by instant.
        midnight = datetime.combine(one.day, datetime.min.time(), UTC)
        same |= Q(
            account_id=one.account.pk,
            type=one.type,
            asset_id=one.asset_id,
            quantity=one.quantity,
            amount=one.amount,
            trade_date=one.day,
            executed_at__range=(midnight - timedelta(days=1), midnight + timedelta(days=2)),
        )
    known: dict[tuple[object, ...], int] = {}
    rows = _not_reversed(same).exclude(pk__in=[one.pk for one in stated if one.pk is not None])
    for pk, account, kind, asset, day, quantity, amount in rows.values_list(
        "pk", "account_id", "type", "asset_id", "trade_date", "quantity", "amount"
    ):
        known[account, kind, asset, day, quantity, amount] = pk
    for index, one in enumerate(stated):
        if one.figures in known:
            label = KINDS[one.type].label.lower()
            detail = f"The account has another {label} with these figures on {one.day}."
            yield index, Warned("already_recorded", detail, "executed_at")


def _splits(stated: Sequence[Stated]) -> _Told:
    splits = [
        (index, one)
        for index, one in enumerate(stated)
        if one.type in _SPLITS and one.asset_id is not None
    ]
    if not splits:
        return
    rows = _not_reversed(
        Q(
            account_id__in={one.account.pk for _, one in splits},
            asset_id__in={one.asset_id for _, one in splits},
            type__in=_SPLITS,
        )
    ).exclude(pk__in=[one.pk for _, one in splits if one.pk is not None])
    known = list(rows.values_list("account_id", "asset_id", "trade_date"))
    for index, one in splits:
        near = [
            day
            for account, asset, day in known
            if (account, asset) == (one.account.pk, one.asset_id)
            and abs((day - one.day).days) <= DAYS_APART_MAX
        ]
        if near and one.asset is not None:
            detail = f"The account has another split of {one.asset.symbol} on {near[0]}."
            yield index, Warned("second_split", detail, "executed_at")
