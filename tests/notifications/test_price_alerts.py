"""Price alerts: one message for each crossing, for their owner alone, evaluated in sets."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Outbox
from marketdata.models import LatestPrice
from notifications import operations
from notifications.models import Delivery, Notice, PriceAlert
from notifications.operations import create_price_alert, watch_prices

pytestmark = pytest.mark.django_db


def price(asset: Any, value: str, *, before: str = "50") -> int:
    """Quote a price; return how many alerts fired."""
    LatestPrice.objects.filter(asset=asset).update(
        price=Decimal(value), previous_close=Decimal(before)
    )
    return watch_prices(now=timezone.now())


def alert(user: Any, asset: Any, kind: str, value: str) -> PriceAlert:
    return create_price_alert(
        user=user, asset=asset, kind=kind, value=Decimal(value), now=timezone.now()
    )


def test_each_crossing_is_one_message(people: Any, assets: Any) -> None:
    alert(people.owner, assets["AAA"], "above", "60")
    fired = [price(assets["AAA"], value) for value in ("59", "60", "61", "59", "60", "58")]
    assert fired == [0, 1, 0, 0, 1, 0]


def test_below_and_moves_fire_at_their_value(people: Any, assets: Any) -> None:
    alert(people.owner, assets["AAA"], "below", "45")
    assert [price(assets["AAA"], value) for value in ("45.01", "45", "44")] == [0, 1, 0]
    PriceAlert.objects.all().delete()
    alert(people.owner, assets["BBB"], "move", "5")
    moves = [price(assets["BBB"], value, before="20") for value in ("20.99", "21", "22", "20")]
    assert moves == [0, 1, 0, 0]
    assert price(assets["BBB"], "19", before="20") == 1


def test_an_alert_whose_price_is_there_already_waits_for_the_next_crossing(
    people: Any, assets: Any
) -> None:
    assert not alert(people.owner, assets["AAA"], "above", "40").armed
    assert [price(assets["AAA"], value) for value in ("50", "39", "40")] == [0, 0, 1]


def test_only_its_owner_is_told(people: Any, assets: Any) -> None:
    alert(people.owner, assets["AAA"], "above", "60")
    price(assets["AAA"], "61")
    operations.relay(now=timezone.now())
    notice = Notice.objects.get()
    assert notice.user == people.owner
    assert notice.title == "AAA is at or above 60 USD: 61 USD."
    rows = Delivery.objects.values_list("channel", "address", "urgent")
    assert list(rows) == [("email", people.owner.email, False)]


def test_two_watchers_fire_an_alert_once(people: Any, assets: Any) -> None:
    for value in ("60", "61", "62"):
        alert(people.owner, assets["AAA"], "above", value)
    alert(people.spouse, assets["AAA"], "above", "70")
    assert price(assets["AAA"], "65") == 3
    assert watch_prices(now=timezone.now()) == 0
    assert Outbox.objects.filter(topic="price_alert").count() == 3


def test_over_http_a_stranger_s_alert_is_not_found(
    people: Any, assets: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    body = {"symbol": "aaa", "kind": "above", "value": "60.5"}
    made = client.post("/api/v1/notifications/alerts", body, format="json")
    assert (made.status_code, made.json()["value"], made.json()["armed"]) == (201, "60.5", True)
    path = f"/api/v1/notifications/alerts/{made.json()['id']}"
    assert client_of(people.stranger).delete(path).status_code == 404
    assert client_of(people.spouse).delete(path).status_code == 404
    assert PriceAlert.objects.count() == 1
    assert client.delete(path).status_code == 204
    assert not PriceAlert.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"symbol": "AAA", "kind": "move", "value": "101"}, "alert_value_too_large"),
        ({"symbol": "AAA", "kind": "above", "value": "0"}, "not_positive"),
        ({"symbol": "AAA", "kind": "beside", "value": "1"}, "invalid_choice"),
        ({"symbol": "NOPE", "kind": "above", "value": "1"}, "symbol_unknown"),
    ],
)
def test_a_refused_alert_is_not_stored(
    people: Any, assets: Any, client_of: Any, body: dict[str, str], code: str
) -> None:
    answer = client_of(people.owner).post("/api/v1/notifications/alerts", body, format="json")
    told = answer.json()
    assert answer.status_code in (400, 404)
    assert code in {told["code"], *(error["code"] for error in told["errors"])}
    assert not PriceAlert.objects.exists()
