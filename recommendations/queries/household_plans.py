"""Purchases that a household plans, and harvests whose replacement it still holds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from marketdata.models import Asset
from recommendations.nightly.packing import account_of, unpacked
from stores.rows import rows_of

# Trades that were recommended longer ago are at prices of another time: nobody records them as
# they stand.
PLANNED_DAYS = 30
_SWITCH_DAYS = 400

# Of each account, kind and status only the newest recommendation counts: it replaces the others.
_NEWEST = """
SELECT DISTINCT ON (account_id, kind, status)
       account_id, kind, status, public_id, created_at, result, run_id
  FROM recommendations_recommendation
 WHERE account_id = ANY(%(accounts)s::bigint[]) AND created_at >= %(since)s
 ORDER BY account_id, kind, status, created_at DESC, id DESC
"""
_PLANNED = f"""
SELECT newest.account_id, newest.kind, newest.public_id, newest.created_at, trade ->> 'asset_id'
  FROM ({_NEWEST}) newest
 CROSS JOIN LATERAL jsonb_array_elements(newest.result::jsonb -> 'trades') trade
 WHERE newest.status IN ('proposed', 'approved') AND trade ->> 'side' = 'buy'
 ORDER BY newest.account_id, newest.created_at, newest.public_id, 5
"""
# Those of a night that nobody has decided on have no texts yet; their blocks name the purchases.
_OF_NIGHTS = f"""
SELECT newest.account_id, newest.kind, newest.public_id, newest.created_at, block.data
  FROM ({_NEWEST}) newest
  JOIN recommendations_nightlyblock block
    ON block.run_id = newest.run_id
   AND newest.account_id BETWEEN block.first_account_id AND block.last_account_id
 WHERE newest.status = 'proposed' AND newest.result IS NULL
 ORDER BY newest.account_id
"""
# An approved harvest with its trades recorded: the loss was sold since, the replacement bought.
_SWITCHES = """
SELECT harvest.account_id, harvest.public_id, sold.id, bought.id, sold.public_id, bought.public_id,
       sale.day, array_agg(lot_of.public_id ORDER BY lot_of.public_id)
  FROM recommendations_recommendation harvest
 CROSS JOIN LATERAL jsonb_array_elements(harvest.result::jsonb -> 'offers') offer
  JOIN marketdata_asset sold ON sold.public_id = (offer ->> 'asset_id')::uuid
  JOIN marketdata_asset bought
    ON bought.public_id = (offer #>> '{replacement,asset_id}')::uuid
 CROSS JOIN LATERAL (
       SELECT max(closed_date) AS day FROM transactions_disposal
        WHERE account_id = harvest.account_id AND asset_id = sold.id
          AND closed_date >= harvest.created_at::date AND proceeds < cost_basis) sale
  JOIN transactions_lot lot
    ON lot.account_id = harvest.account_id AND lot.asset_id = bought.id AND lot.quantity > 0
   AND lot.purchase AND lot.opened_date >= harvest.created_at::date
   AND lot.opened_date <= harvest.created_at::date + %(planned_days)s
  JOIN transactions_transaction lot_of ON lot_of.id = lot.transaction_id
 WHERE harvest.account_id = ANY(%(accounts)s::bigint[]) AND harvest.kind = 'harvest'
   AND harvest.status = 'approved' AND harvest.created_at >= %(since)s
   AND sale.day IS NOT NULL
 GROUP BY harvest.account_id, harvest.public_id, sold.id, bought.id, sold.public_id,
          bought.public_id, sale.day
"""


@dataclass(frozen=True, slots=True)
class PlannedPurchase:
    """A purchase of an open recommendation; it counts until the day `until`."""

    account_id: int
    kind: str
    recommendation_id: UUID
    asset_id: str
    until: date


@dataclass(frozen=True, slots=True)
class OpenSwitch:
    """A recorded harvest whose replacement is held: internal and public ids of both assets."""

    account_id: int
    recommendation_id: UUID
    sold_id: int
    bought_id: int
    sold_public_id: UUID
    bought_public_id: UUID
    sold_date: date
    lot_ids: tuple[UUID, ...]


def planned_purchases(*, account_ids: Collection[int], now: datetime) -> list[PlannedPurchase]:
    """Return the purchases that recommendations of these accounts propose, undone.

    Two queries, and a third if a night has proposed any.
    """
    values = {"accounts": list(account_ids), "since": now - timedelta(days=PLANNED_DAYS)}
    rows = rows_of(_PLANNED, values) + _of_nights(rows_of(_OF_NIGHTS, values))
    return [
        PlannedPurchase(
            account_id,
            kind,
            public_id,
            asset_id,
            created_at.date() + timedelta(days=PLANNED_DAYS),
        )
        for account_id, kind, public_id, created_at, asset_id in rows
    ]


def _of_nights(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return a row for each purchase in the blocks, as `_PLANNED` does."""
    bought: list[tuple[Any, ...]] = []
    for *facts, data in rows:
        securities = account_of(unpacked(bytes(data)), facts[0]).securities
        bought += [(*facts, int(pk)) for pk in securities["asset_id"][securities["sold"] < 0]]
    if not bought:
        return []
    pks = {row[-1] for row in bought}
    public_ids = dict(Asset.objects.filter(pk__in=pks).values_list("pk", "public_id"))
    return [(*facts, str(public_ids[pk])) for *facts, pk in bought]


def open_switches(*, account_ids: Collection[int], now: datetime) -> list[OpenSwitch]:
    """Return the harvests of these accounts whose replacement is still held; one query."""
    rows = rows_of(
        _SWITCHES,
        {
            "accounts": list(account_ids),
            "since": now - timedelta(days=_SWITCH_DAYS),
            "planned_days": PLANNED_DAYS,
        },
    )
    return [
        OpenSwitch(
            account_id=row[0],
            recommendation_id=row[1],
            sold_id=row[2],
            bought_id=row[3],
            sold_public_id=row[4],
            bought_public_id=row[5],
            sold_date=row[6],
            lot_ids=tuple(row[7]),
        )
        for row in rows
    ]
