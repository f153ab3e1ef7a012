"""Price alerts: set, deleted, and evaluated in sets against the newest prices.

An alert fires when the price crosses its value and is armed again when the price is back on the
other side, so one crossing is one message. Each price looks up the alerts it crosses by an index.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.limits import PRICE_ALERTS_PER_USER_MAX
from core.money import plain
from identity.models import User
from jobs.operations import Message, announce_all
from marketdata.models import Asset, LatestPrice
from notifications.models import AlertKind, PriceAlert
from stores.locks import locked
from stores.rows import rows_of

AT_ONCE_MAX = 2000
PERCENTAGE_MAX = Decimal(100)

_MOVED = "abs(quote.price - quote.previous_close) * 100 / quote.previous_close"
_FIRED = f"""
WITH crossed AS (
    SELECT alert.id
      FROM marketdata_latestprice quote
     CROSS JOIN LATERAL (
        SELECT id FROM notifications_pricealert
         WHERE armed AND asset_id = quote.asset_id AND kind = 'above' AND value <= quote.price
         UNION ALL
        SELECT id FROM notifications_pricealert
         WHERE armed AND asset_id = quote.asset_id AND kind = 'below' AND value >= quote.price
         UNION ALL
        SELECT id FROM notifications_pricealert
         WHERE armed AND asset_id = quote.asset_id AND kind = 'move'
           AND quote.previous_close > 0 AND value <= {_MOVED}) alert
     LIMIT %(at_once)s),
mine AS (
    SELECT id FROM notifications_pricealert
     WHERE armed AND id IN (SELECT id FROM crossed) ORDER BY id FOR UPDATE SKIP LOCKED)
UPDATE notifications_pricealert fired
   SET armed = false, fired = fired.fired + 1, fired_at = %(now)s
  FROM mine, identity_user person, marketdata_asset asset, marketdata_latestprice quote
 WHERE fired.id = mine.id AND person.id = fired.user_id AND asset.id = fired.asset_id
   AND quote.asset_id = fired.asset_id
RETURNING fired.public_id, fired.fired, fired.kind, fired.value, person.household_id,
          person.public_id, asset.symbol, asset.currency, quote.price, quote.previous_close
"""  # noqa: S608  built from constants of this file
_ARM = f"""
WITH back AS (
    SELECT alert.id
      FROM marketdata_latestprice quote
     CROSS JOIN LATERAL (
        SELECT id FROM notifications_pricealert
         WHERE NOT armed AND asset_id = quote.asset_id AND kind = 'above' AND value > quote.price
         UNION ALL
        SELECT id FROM notifications_pricealert
         WHERE NOT armed AND asset_id = quote.asset_id AND kind = 'below' AND value < quote.price
         UNION ALL
        SELECT id FROM notifications_pricealert
         WHERE NOT armed AND asset_id = quote.asset_id AND kind = 'move'
           AND quote.previous_close > 0 AND value > {_MOVED}) alert
     LIMIT %(at_once)s),
mine AS (
    SELECT id FROM notifications_pricealert
     WHERE NOT armed AND id IN (SELECT id FROM back) ORDER BY id FOR UPDATE SKIP LOCKED)
UPDATE notifications_pricealert alert SET armed = true FROM mine WHERE alert.id = mine.id
RETURNING alert.id
"""  # noqa: S608  built from constants of this file


def create_price_alert(
    *, user: User, asset: Asset, kind: str, value: Decimal, now: datetime
) -> PriceAlert:
    """Set an alert. If the price is already there, it waits for the next crossing."""
    if asset.household_id is not None:
        raise InvalidInput(
            f"{asset.symbol} is an asset of your own; nobody quotes it. Choose a listed one.",
            code="asset_not_quoted",
        )
    if kind == AlertKind.MOVE and value > PERCENTAGE_MAX:
        raise InvalidInput(
            "A move is a percentage of at most 100. Lower it.", code="alert_value_too_large"
        )
    with transaction.atomic():
        locked(User.objects.filter(pk=user.pk)).get()
        if PriceAlert.objects.for_user(user).count() >= PRICE_ALERTS_PER_USER_MAX:
            raise Conflict(
                f"There are already {PRICE_ALERTS_PER_USER_MAX} price alerts. Delete one first.",
                code="too_many_price_alerts",
            )
        quote = LatestPrice.objects.filter(asset=asset).first()
        return PriceAlert.objects.create(
            user=user,
            asset=asset,
            kind=kind,
            value=value,
            armed=quote is None or not _reached(kind, value, quote),
            created_at=now,
        )


def delete_price_alert(*, alert: PriceAlert) -> None:
    """Delete an alert."""
    alert.delete()


def watch_prices(*, now: datetime) -> int:
    """Announce every alert that the newest prices cross. Return how many fired."""
    count = 0
    while True:
        with transaction.atomic():
            fired = rows_of(_FIRED, {"now": now, "at_once": AT_ONCE_MAX})
            announce_all(topic="price_alert", messages=list(map(_message, fired)), now=now)
        count += len(fired)
        if len(fired) < AT_ONCE_MAX:
            break
    while len(rows_of(_ARM, {"at_once": AT_ONCE_MAX})) == AT_ONCE_MAX:
        pass
    return count


def _reached(kind: str, value: Decimal, quote: LatestPrice) -> bool:
    if kind == AlertKind.ABOVE:
        return quote.price >= value
    if kind == AlertKind.BELOW:
        return quote.price <= value
    before = quote.previous_close
    return before is not None and before > 0 and abs(quote.price - before) * 100 >= value * before


def _message(row: tuple[object, ...]) -> Message:
    """Return the event of one fired alert: for its owner alone."""
    alert_id, number, kind, value, household_id, user_id, symbol, currency, price, before = row
    assert isinstance(value, Decimal)
    assert isinstance(price, Decimal)
    assert isinstance(household_id, int)
    payload = {
        "user_id": str(user_id),
        "alert_id": str(alert_id),
        "symbol": symbol,
        "kind": kind,
        "value": plain(value),
        "price": plain(price),
        "currency": currency,
    }
    if isinstance(before, Decimal) and before > 0:
        payload["move"] = plain(round((price - before) * 100 / before, 2))
    return Message(household_id, f"price_alert:{alert_id}:{number}", payload)
