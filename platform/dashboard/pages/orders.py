"""The orders of an account: open ones with their fills, and a form for an order of one's own."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.errors import BallastError, InvalidInput, NotFound
from core.identifiers import uuid7
from dashboard.forms.entries import add_refusal
from dashboard.forms.orders import FillForm, OrderForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.ledger import ROWS_SHOWN, SUGGESTIONS_MAX
from dashboard.pages.order_sheets import undo
from dashboard.pages.posts import answered_once
from dashboard.presenters.orders import OrderLine, batches, line_of_order, prefilled
from edge.pagination import keyset_page
from jobs.operations import Answer
from marketdata.queries import assets, quotes
from transactions import queries as ledger
from transactions.models import Account, Order
from transactions.operations.orders import Fill, Wish, cancel_order, place, record_fills
from transactions.operations.orders.brokers import brokers_of, label_of
from transactions.orders.states import OPEN_STORED
from transactions.queries.orders import average_price, fills, named_lots, order, orders

_SHOWN = {"open": OPEN_STORED, "all": None}


@for_investors("GET", "POST")
def account_orders(request: SignedIn, account_id: UUID) -> HttpResponse:
    """List orders, open or all, newest first; place an order of one's own."""
    account = ledger.account(user=request.user, public_id=account_id)
    form = OrderForm(
        request.POST if request.method == "POST" else None,
        initial={"side": "buy", "type": "market"},
        brokers=brokers_of(account),
    )
    status = 200
    if form.is_bound:
        status = _place(request, account, form)
        if status == 201:
            broker = label_of(form.cleaned_data.get("broker", ""))
            messages.success(
                request,
                f"The order goes to {broker}. Its fills are recorded by themselves."
                if broker
                else "The order is kept. Give it to your broker, then record it.",
            )
            return redirect("account_orders", account_id)
    wanted = request.GET.get("show", "open")
    if wanted not in _SHOWN:
        raise InvalidInput("This choice does not exist. Reload the page.", code="choice_unknown")
    rows = orders(user=request.user, account_id=account_id)
    states = _SHOWN[wanted]
    found, following = keyset_page(
        rows if states is None else rows.filter(state__in=states),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=ROWS_SHOWN,
    )
    return shown(
        request,
        "orders",
        {
            "account": account,
            "lines": _lines(found, timezone.now()),
            "batches": batches(list(fills(orders=found))),
            "wanted": wanted,
            "next_cursor": following,
            "form": form,
            "assets": assets(user=request.user)[:SUGGESTIONS_MAX],
            "recorded": request.GET.get("recorded", ""),
            "key": request.POST.get("key") or str(uuid7()),
        },
        status=status,
    )


def _lines(rows: list[Order], now: datetime) -> list[OrderLine]:
    prices = quotes(assets=list({row.asset_id: row.asset for row in rows}.values()), now=now)
    lots = named_lots(stored={row.pk: row.lots for row in rows})
    lines = [
        line_of_order(
            row,
            quote=prices.get(row.asset_id),
            lots=lots[row.pk],
            average=average_price(row),
        )
        for row in rows
    ]
    for line in lines:
        if line.by_hand and line.order is not None:
            initial = prefilled(line, today=now.date(), ticked=True)
            line.form = FillForm(initial=initial, auto_id=f"o{line.order.pk}-%s")
    return lines


def _place(request: SignedIn, account: Account, form: OrderForm) -> int:
    if not form.is_valid():
        return 400
    now, stated = timezone.now(), form.stated()

    def effect(account: Account) -> Answer:
        broker = stated.pop("broker", "")
        (made,) = place(
            account=account, wishes=[Wish(**stated)], user=request.user, now=now, broker=broker
        )
        return 201, {"id": str(made.public_id)}

    try:
        status, _ = answered_once(
            request,
            subject=account,
            effect=effect,
            now=now,
            form={name: str(value) for name, value in sorted(stated.items())},
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return refusal.status
    return status


@for_investors("POST")
def order_fill(request: SignedIn, account_id: UUID, order_id: UUID) -> HttpResponse:
    """Record one fill of an order once, even if the form is sent twice."""
    row = _order(request, account_id, order_id)
    form = FillForm({**request.POST.dict(), "ticked": "on"})
    if not form.is_valid():
        first = next(iter(form.errors.values()))
        messages.error(request, f"Nothing was recorded. {first[0]}")
        return redirect("account_orders", account_id)
    now = timezone.now()

    def effect(row: Order) -> Answer:
        fill = Fill(order_id=row.pk, **form.figures(now=now))
        batch, _ = record_fills(account=row.account, fills=[fill], user=request.user, now=now)
        return 201, {"batch": str(batch)}

    try:
        _, body = answered_once(request, subject=row, effect=effect, now=now)
    except BallastError as refusal:
        messages.error(request, refusal.detail)
        return redirect("account_orders", account_id)
    messages.success(request, "Recorded 1 trade.")
    page = reverse("account_orders", args=[account_id])
    return redirect(f"{page}?show=all&recorded={body['batch']}")


@for_investors("POST")
def order_cancel(request: SignedIn, account_id: UUID, order_id: UUID) -> HttpResponse:
    """Cancel what is not yet filled."""
    row = _order(request, account_id, order_id)
    try:
        cancel_order(order=row, now=timezone.now())
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(
            request,
            "The broker is asked to cancel the rest of the order."
            if row.broker
            else "The rest of the order was cancelled.",
        )
    return redirect("account_orders", account_id)


@for_investors("POST")
def orders_undo(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Take back the fills of one go."""
    account = ledger.account(user=request.user, public_id=account_id)
    undo(request, account, request.POST.get("batch", ""))
    return redirect("account_orders", account_id)


def _order(request: SignedIn, account_id: UUID, order_id: UUID) -> Order:
    row = order(user=request.user, public_id=order_id)
    if row.account.public_id != account_id:
        raise NotFound("The order does not exist. Reload the list.", code="order_not_found")
    return row
