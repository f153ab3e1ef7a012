"""Orders at a broker: sent once, looked up before any retry, filled once, refused with reasons."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from config.environment import ensure_paper_trading
from core.errors import Conflict
from jobs.models import Job
from marketdata.models import Asset, LatestPrice
from tests.transactions.orders.alpaca_server import (
    BEHAVIOURS,
    KEY,
    SECRET,
    Paper,
    paper_server,
)
from tests.transactions.orders.conftest import state_of_all
from transactions.ledger.entries import Entry
from transactions.models import Account, Holding, Order, OrderFill, Transaction
from transactions.operations import archiving, correct, record, reverse
from transactions.operations.orders import cancel_order
from transactions.operations.orders.following import LATE_MAX, follow, follow_due
from transactions.operations.orders.placing import Wish, place
from transactions.orders.brokers import ALPACA_LIVE_HOST, ALPACA_PAPER_URL
from transactions.queries import orders
from transactions.tasks import follow_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper(settings: Any, account: Account, assets: Any) -> Iterator[Paper]:
    with paper_server() as found:
        settings.ALPACA_TRADING_KEY, settings.ALPACA_TRADING_SECRET = KEY, SECRET
        settings.ALPACA_TRADING_URL = found.url
        settings.ALPACA_TRADING_ACCOUNT = str(account.public_id)
        yield found


@pytest.fixture
def send(account: Account, people: Any, paper: Paper) -> Callable[..., Order]:
    """Place an order at the broker; nothing is sent before it is followed."""

    def send(quantity: str = "10", side: str = "buy", **fields: Any) -> Order:
        wish = Wish("AAA", side, Decimal(quantity), **fields)
        (made,) = place(
            account=account, wishes=[wish], user=people.owner, now=timezone.now(), broker="alpaca"
        )
        return made

    return send


def look(order: Order, *, later: timedelta = timedelta(0)) -> str:
    state = follow(order=order, now=timezone.now() + later)
    order.refresh_from_db()
    return state


def bought(account: Account) -> tuple[Decimal, Decimal]:
    rows = Transaction.objects.filter(account=account, order_fill__isnull=False)
    quantity = sum((row.quantity or Decimal(0) for row in rows), Decimal(0))
    return quantity, sum((row.amount for row in rows), Decimal(0))


def test_an_order_is_sent_filled_in_parts_and_recorded_to_the_cent(
    send: Callable[..., Order], paper: Paper, account: Account
) -> None:
    order = send(type="limit", limit_price=Decimal("50.50"))
    assert (order.state, paper.orders) == ("sending", {})
    assert look(order) == "submitted"
    sent = paper.orders[str(order.public_id)]
    assert (sent["qty"], sent["side"], sent["limit_price"]) == ("10", "buy", "50.5")
    paper.fill(str(order.public_id), Decimal(4), Decimal("50.10"))
    assert look(order) == "partly_filled"
    assert bought(account) == (Decimal(4), Decimal("200.40"))
    assert look(order) == "partly_filled"  # nothing new, nothing recorded
    paper.fill(str(order.public_id), Decimal(6), Decimal("50.333"))
    assert look(order) == "filled"
    # 200.40 + 301.998, as the broker's mean price has it.
    assert bought(account) == (Decimal(10), Decimal("502.40"))
    assert (order.look_at, OrderFill.objects.count()) == (None, 2)
    assert paper.taken == 1
    calls = len(paper.calls)
    look(order)
    assert len(paper.calls) == calls, "an ended order is not asked about"


def test_the_mean_price_leaves_out_a_fill_of_the_broker_that_was_reversed(
    send: Callable[..., Order], paper: Paper, people: Any
) -> None:
    order = send()
    look(order)
    for _ in range(2):
        paper.fill(str(order.public_id), Decimal(5), Decimal(50))
        look(order)
    fill = OrderFill.objects.select_related("transaction__account").earliest("id")
    reverse(original=fill.transaction, user=people.owner, now=timezone.now())
    found = orders.order(user=people.owner, public_id=order.public_id)
    assert (found.state, orders.average_price(found)) == ("filled", Decimal(50))


@pytest.mark.parametrize("amount", ["999", "1"])
def test_the_correction_of_a_fill_leaves_what_the_broker_fills_next(
    send: Callable[..., Order], paper: Paper, account: Account, people: Any, amount: str
) -> None:
    order = send()
    look(order)
    paper.fill(str(order.public_id), Decimal(4), Decimal("50.10"))
    look(order)
    (first,) = Transaction.objects.filter(account=account)
    correct(
        original=first,
        entry=Entry("buy", first.executed_at, "USD", "AAA", Decimal(4), amount=Decimal(amount)),
        user=people.owner,
        now=timezone.now(),
    )
    paper.fill(str(order.public_id), Decimal(6), Decimal("50.333"))
    assert look(order) == "filled"
    # 502.398 in all, less the 200.40 that the broker stated first.
    assert Transaction.objects.latest("id").amount == Decimal("302.00")


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(
    send: Callable[..., Order], paper: Paper, account: Account, behaviour: str
) -> None:
    paper.posts = [behaviour]
    order = send()
    assert look(order) == "unknown"
    paper.calls.clear()
    assert look(order) == "submitted"
    assert paper.calls[0] == "GET /v2/orders:by_client_order_id"
    assert paper.taken == 1
    paper.fill(str(order.public_id), Decimal(10))
    assert look(order) == "filled"
    assert bought(account) == (Decimal(10), Decimal("502.50"))


def test_a_call_that_arrives_late_makes_no_second_order(
    send: Callable[..., Order], paper: Paper
) -> None:
    paper.posts = ["dropped"]
    order = send()
    assert look(order) == "unknown"
    # The first call arrives after the look-up found nothing, and before the second call.
    real = paper.take
    body = {"client_order_id": str(order.public_id), "symbol": "AAA", "side": "buy"}

    def late(again: dict[str, Any]) -> Any:
        paper.take = real  # type: ignore[method-assign]
        paper.take({**body, "qty": "10", "type": "market"})
        return paper.take(again)

    paper.take = late  # type: ignore[assignment,method-assign]
    assert look(order) == "submitted"
    assert (paper.taken, paper.refused_twins) == (1, 1)


def test_what_the_broker_refuses_is_rejected_with_its_reason(
    send: Callable[..., Order], paper: Paper, account: Account
) -> None:
    paper.posts = ["reject"]
    order = send()
    before = state_of_all()[0]
    assert look(order) == "rejected"
    assert "insufficient buying power" in order.reason
    assert (state_of_all()[0], order.look_at) == (before, None)


def test_a_wrong_key_is_said_and_not_shown(
    send: Callable[..., Order], paper: Paper, settings: Any
) -> None:
    settings.ALPACA_TRADING_SECRET = "another-secret"
    order = send()
    assert look(order) == "unknown"
    assert paper.orders == {}
    assert "another-secret" not in order.reason


@pytest.mark.parametrize("status", ["canceled", "expired", "rejected"])
def test_an_order_that_ends_at_the_broker_keeps_what_was_filled(
    send: Callable[..., Order], paper: Paper, account: Account, status: str
) -> None:
    order = send()
    look(order)
    paper.fill(str(order.public_id), Decimal(3))
    paper.end(str(order.public_id), status)
    assert look(order) == status.replace("canceled", "cancelled")
    assert bought(account) == (Decimal(3), Decimal("150.75"))
    assert order.filled_quantity == 3


def test_a_cancellation_is_confirmed_by_the_broker(
    send: Callable[..., Order], paper: Paper, account: Account
) -> None:
    order = send()
    look(order)
    paper.fill(str(order.public_id), Decimal(2))
    assert cancel_order(order=order, now=timezone.now()).state == "submitted"
    assert look(order) == "cancelled"
    assert paper.orders[str(order.public_id)]["status"] == "canceled"
    assert bought(account)[0] == 2


def test_an_order_cancelled_before_it_was_sent_is_never_sent(
    send: Callable[..., Order], paper: Paper
) -> None:
    order = send()
    cancel_order(order=order, now=timezone.now())
    assert look(order) == "cancelled"
    assert paper.taken == 0


def test_an_order_whose_answer_was_lost_is_not_called_cancelled_too_early(
    send: Callable[..., Order], paper: Paper
) -> None:
    paper.posts = ["dropped"]
    order = send()
    look(order)
    cancel_order(order=order, now=timezone.now())
    assert look(order) == "unknown"
    assert look(order, later=LATE_MAX + timedelta(seconds=1)) == "cancelled"
    assert paper.taken == 0


def test_nothing_is_sent_on_a_stale_price(send: Callable[..., Order], paper: Paper) -> None:
    order = send()
    LatestPrice.objects.update(as_of=timezone.now() - timedelta(days=20))
    assert look(order) == "rejected"
    assert order.reason.startswith("Not sent. The price of AAA")
    assert paper.taken == 0


def test_nothing_is_sent_of_shares_that_are_gone(
    send: Callable[..., Order], paper: Paper, account: Account, people: Any
) -> None:
    now = timezone.now()
    bought_at = now - timedelta(days=9)
    entry = Entry("buy", bought_at, "USD", "AAA", Decimal(10), Decimal(40))
    record(account=account, entries=[entry], user=people.owner, now=now)
    order = send(side="sell")
    sold = Entry("sell", timezone.now(), "USD", "AAA", Decimal(4), Decimal(41))
    record(account=account, entries=[sold], user=people.owner, now=timezone.now())
    assert look(order) == "rejected"
    assert "Only 6 shares of AAA are held" in order.reason
    assert paper.taken == 0


def test_a_fill_that_the_ledger_refuses_is_said_and_tried_again(
    send: Callable[..., Order], paper: Paper, account: Account, people: Any
) -> None:
    now = timezone.now()
    entry = Entry("buy", now - timedelta(days=9), "USD", "AAA", Decimal(10), Decimal(40))
    record(account=account, entries=[entry], user=people.owner, now=now)
    order = send(side="sell")
    look(order)
    sold = Entry("sell", timezone.now(), "USD", "AAA", Decimal(4), Decimal(41))
    record(account=account, entries=[sold], user=people.owner, now=timezone.now())
    paper.orders[str(order.public_id)]["updated_at"] = timezone.now().isoformat()
    paper.fill(str(order.public_id), Decimal(10))
    assert look(order) == "submitted"
    assert "not recorded yet" in order.reason
    assert OrderFill.objects.count() == 0
    again = Entry("buy", now - timedelta(days=8), "USD", "AAA", Decimal(4), Decimal(40))
    record(account=account, entries=[again], user=people.owner, now=timezone.now())
    assert look(order) == "filled"
    assert order.reason == ""
    assert not Holding.objects.filter(account=account, quantity__gt=0).exists()


def test_jobs_carry_an_order_to_its_end(
    send: Callable[..., Order], paper: Paper, account: Account
) -> None:
    order = send()
    job = Job.objects.get(kind="transactions.follow_order")
    follow_order.run(job.pk)
    job.refresh_from_db()
    order.refresh_from_db()
    assert (job.status, order.state) == ("completed", "submitted")
    assert follow_due(now=timezone.now()) == 0
    paper.fill(str(order.public_id), Decimal(10))
    later = timezone.now() + timedelta(minutes=1)
    assert follow_due(now=later) == 1
    assert follow_due(now=later) == 1  # the same job
    follow_order.run(Job.objects.get(kind=job.kind, status="pending").pk)
    order.refresh_from_db()
    assert order.state == "filled"
    assert follow_due(now=later) == 0


def test_fills_of_a_broker_are_not_recorded_by_hand_and_stay_its_facts(
    send: Callable[..., Order], paper: Paper, people: Any, client_of: Callable[[Any], Any]
) -> None:
    order, client = send(), client_of(people.owner)
    look(order)
    paper.fill(str(order.public_id), Decimal(10))
    fill = {"quantity": "1", "price": "50", "executed_at": timezone.now().isoformat()}
    before = state_of_all()
    address = f"/api/v1/orders/{order.public_id}"
    refused = client.post(f"{address}/fills", [fill], format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "filled_by_broker")
    assert state_of_all() == before
    look(order)
    (made,) = client.get(address).json()["fills"]
    reversal = f"/api/v1/transactions/{made['transaction_id']}/reverse"
    assert client.post(reversal, {}, format="json").status_code == 201
    assert look(order) == "filled"
    assert OrderFill.objects.count() == 1


def test_only_the_named_account_reaches_the_broker(
    paper: Paper, people: Any, client_of: Callable[[Any], Any], account: Account, settings: Any
) -> None:
    client = client_of(people.owner)
    body = {
        "account_id": str(account.public_id),
        "symbol": "AAA",
        "side": "buy",
        "quantity": "1",
        "type": "market",
        "broker": "simulated",
    }
    for account_id, broker in (
        (str(account.public_id), "simulated"),  # not a demonstration
        ("01937a3e-7c00-7a10-8000-0000000000a1", "alpaca"),
    ):
        settings.ALPACA_TRADING_ACCOUNT = account_id
        refused = client.post("/api/v1/orders", body | {"broker": broker}, format="json")
        assert (refused.status_code, refused.json()["code"]) == (400, "broker_not_connected")
    assert (Order.objects.count(), Job.objects.count()) == (0, 0)
    settings.ALPACA_TRADING_ACCOUNT = str(account.public_id)
    made = client.post("/api/v1/orders", body | {"broker": "alpaca"}, format="json").json()
    assert (made["state"], made["broker"]) == ("sending", "alpaca")


def test_the_broker_is_sent_only_what_it_knows_by_its_symbol(
    paper: Paper, people: Any, client_of: Callable[[Any], Any], account: Account, assets: Any
) -> None:
    client = client_of(people.owner)
    own = {"symbol": "OWN", "name": "Ours", "currency": "USD", "asset_class": "equity"}
    assert client.post("/api/v1/market/assets", own, format="json").status_code == 201
    Asset.objects.filter(symbol="BBB").update(currency="EUR")
    body = {
        "account_id": str(account.public_id),
        "side": "buy",
        "quantity": "1",
        "type": "market",
        "broker": "alpaca",
    }
    for symbol in ("OWN", "BBB"):
        refused = client.post("/api/v1/orders", body | {"symbol": symbol}, format="json")
        assert (refused.status_code, refused.json()["code"]) == (400, "asset_not_at_broker")
    assert (Order.objects.count(), Job.objects.count(), paper.taken) == (0, 0, 0)


def test_an_order_is_not_sent_once_its_asset_has_another_currency(
    send: Callable[..., Order], paper: Paper
) -> None:
    order = send()
    Asset.objects.filter(symbol="AAA").update(currency="EUR")
    assert look(order) == "rejected"
    assert "takes public securities in USD only" in order.reason
    assert paper.taken == 0


def test_a_late_fill_reopens_an_account_that_was_archived(
    send: Callable[..., Order], paper: Paper, account: Account
) -> None:
    order = send()
    look(order)
    before = state_of_all()
    with pytest.raises(Conflict) as refusal:
        archiving.archive_account(account=account, now=timezone.now())
    assert refusal.value.code == "account_has_open_orders"
    assert state_of_all() == before
    # It was archived before open orders stood against that.
    Account.objects.filter(pk=account.pk).update(archived_at=timezone.now())
    paper.fill(str(order.public_id), Decimal(10), Decimal(50))
    assert look(order) == "filled"
    account.refresh_from_db()
    assert (account.archived_at, account.cash) == (None, Decimal(-500))
    assert account.ledger_version == before[4][0][1] + 1  # type: ignore[index]


def test_real_money_and_half_a_broker_are_refused_at_start_up() -> None:
    account = "01937a3e-7c00-7a10-8000-0000000000a1"
    ensure_paper_trading(key="", secret="", url=ALPACA_PAPER_URL, account="")
    ensure_paper_trading(key="k", secret="s", url=ALPACA_PAPER_URL, account=account)
    for fields in (
        {"url": f"https://{ALPACA_LIVE_HOST}"},
        {"secret": ""},
        {"account": ""},
        {"account": "me"},
    ):
        wanted = {"key": "k", "secret": "s", "url": ALPACA_PAPER_URL, "account": account} | fields
        with pytest.raises(ImproperlyConfigured):
            ensure_paper_trading(**wanted)


def test_the_simulated_broker_fills_refuses_and_loses_and_doubles_nothing(
    settings: Any, account: Account, people: Any, assets: Any
) -> None:
    settings.DEMO = True
    states: set[str] = set()
    seen: set[str] = set()
    orders = 0
    # Which orders it refuses depends on their ids: about one in ten.
    while orders < 40 or (len(states) < 2 and orders < 600):
        orders += 1
        (order,) = place(
            account=account,
            wishes=[Wish("AAA", "buy", Decimal("2.5"))],
            user=people.owner,
            now=timezone.now(),
            broker="simulated",
        )
        for _ in range(4):
            seen.add(look(order))
        states.add(order.state)
    assert states == {"filled", "rejected"}
    assert seen >= {"unknown", "submitted", "partly_filled", "filled", "rejected"}
    filled = Order.objects.filter(state="filled").count()
    assert Holding.objects.get(account=account).quantity == filled * Decimal("2.5")
