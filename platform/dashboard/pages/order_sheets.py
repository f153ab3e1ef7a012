"""The order sheet of an approved recommendation: trades to place, and fills to record."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.errors import BallastError, Conflict
from core.identifiers import uuid7
from dashboard.forms.orders import FillForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import answered_once
from dashboard.pages.rebalances import recommendation_row
from dashboard.presenters.orders import (
    OrderLine,
    batches,
    line_of_order,
    line_of_wish,
    prefilled,
)
from jobs.operations import Answer
from marketdata.queries import assets_by_symbol, quotes
from recommendations import operations, queries
from recommendations.models import Recommendation, RecommendationStatus
from transactions.models import Account
from transactions.operations.orders import take_back
from transactions.operations.orders.brokers import brokers_of, label_of
from transactions.orders.baskets import BASKETS, as_text, basket_csv
from transactions.orders.lots import NAMED_BY, stored_lots
from transactions.queries.orders import average_price, fills, named_lots, orders_of

_TAG_LENGTH = 8


@for_investors("GET", "POST")
def order_sheet(request: SignedIn, account_id: UUID, recommendation_id: UUID) -> HttpResponse:
    """Show what to place and what is filled; record the ticked fills, all or none."""
    row = _approved(request, account_id, recommendation_id)
    now, whole = timezone.now(), _whole(request)
    lines = _lines(row, now=now, whole=whole)
    refusal = None
    if request.method == "POST":
        _bind(request, lines)
        try:
            batch, count = _record(request, row, lines, now=now, whole=whole)
        except BallastError as fault:
            refusal = fault
        else:
            if count:
                messages.success(request, f"Recorded {count} trade{'s' if count > 1 else ''}.")
                return redirect(f"{_address(row)}?recorded={batch}")
    else:
        for line in lines:
            if line.by_hand:
                initial = prefilled(line, today=now.date(), ticked=True)
                line.form = FillForm(initial=initial, prefix=f"t{line.place}")
    return _page(request, row, lines, whole=whole, refusal=refusal)


def _page(
    request: SignedIn,
    row: Recommendation,
    lines: list[OrderLine],
    *,
    whole: bool,
    refusal: BallastError | None,
) -> HttpResponse:
    known = list(orders_of(recommendation_id=row.public_id))
    open_lines = [line for line in lines if line.by_hand]
    invalid = any(line.form is not None and line.form.errors for line in lines)
    return shown(
        request,
        "order_sheet",
        {
            "account": row.account,
            "row": row,
            "progress": queries.progress(row),
            "lines": lines,
            "open_lines": open_lines,
            "any_stale": any(line.stale for line in open_lines),
            "ordered": bool(known),
            "brokers": brokers_of(row.account),
            "whole": whole,
            "text": as_text([line.basket for line in open_lines]),
            "baskets": [(name, basket.label) for name, basket in BASKETS.items()],
            "batches": batches(list(fills(orders=known))),
            "recorded": request.GET.get("recorded", ""),
            "refusal": refusal,
            "key": request.POST.get("key") or str(uuid7()),
            "record_count": sum(line.form is not None for line in lines),
        },
        status=refusal.status if refusal else 400 if invalid else 200,
    )


def _lines(row: Recommendation, *, now: datetime, whole: bool) -> list[OrderLine]:
    """Return a line for each trade: its newest order, or what would be ordered."""
    trades = queries.trades_of(row)
    assets = assets_by_symbol(
        household_id=row.account.household_id, symbols=[trade.symbol for trade in trades]
    )
    prices = quotes(assets=list(assets.values()), now=now)
    known = list(orders_of(recommendation_id=row.public_id))
    newest = {order.place: order for order in known}
    wishes = operations.wishes_of(trades, whole_shares=whole)
    # Other accounts sell by their own method, so the broker need not be told.
    is_named = row.account.lot_method in NAMED_BY
    lots = named_lots(
        stored={wish.place or 0: stored_lots(wish.lots) for wish in wishes if is_named}
    )
    found = []
    for wish in wishes:
        named = lots.get(wish.place or 0, ())
        order, asset = newest.get(wish.place), assets.get(wish.symbol)
        quote = prices.get(asset.pk) if asset is not None else None
        if order is not None:
            found.append(
                line_of_order(order, quote=quote, lots=named, average=average_price(order))
            )
        else:
            currency = asset.currency if asset is not None else row.account.currency
            found.append(line_of_wish(wish, currency=currency, quote=quote, lots=named))
    return sorted(found, key=lambda line: line.side != "sell")


def _bind(request: SignedIn, lines: list[OrderLine]) -> None:
    """Give each line that was sent its figures; a line filled meanwhile too, to be refused."""
    for line in lines:
        if f"t{line.place}-quantity" in request.POST:
            line.form = FillForm(request.POST, prefix=f"t{line.place}")


def _record(
    request: SignedIn, row: Recommendation, lines: list[OrderLine], *, now: datetime, whole: bool
) -> tuple[str, int]:
    """Record the ticked lines once, even if the form is sent twice; nothing if one is invalid."""
    forms = [(line, line.form) for line in lines if line.form is not None]
    valid = [form.is_valid() for _, form in forms]  # every form collects its errors
    if not all(valid):
        return "", 0
    ticked = [(line, form) for line, form in forms if form.cleaned_data["ticked"]]
    if not ticked:
        raise Conflict("No trade is ticked. Tick what was filled.", code="fills_required")

    def effect(row: Recommendation) -> Answer:
        sheet = [
            operations.SheetFill(place=line.place or 0, **form.figures(now=now))
            for line, form in ticked
        ]
        batch, made = operations.record_sheet(
            recommendation=row, fills=sheet, user=request.user, now=now, whole_shares=whole
        )
        return 201, {"batch": str(batch), "count": len(made)}

    _, body = answered_once(request, subject=row, effect=effect, now=now)
    return str(body["batch"]), int(str(body["count"]))


@for_investors("POST")
def order_sheet_undo(request: SignedIn, account_id: UUID, recommendation_id: UUID) -> HttpResponse:
    """Take back the fills of one go: their transactions are reversed, their orders open again."""
    row = _approved(request, account_id, recommendation_id)
    undo(request, row.account, request.POST.get("batch", ""))
    return redirect(_address(row))


@for_investors("GET")
def order_sheet_file(
    request: SignedIn, account_id: UUID, recommendation_id: UUID, basket: str
) -> HttpResponse:
    """Return what is left to place by hand as a file of a broker."""
    row = _approved(request, account_id, recommendation_id)
    lines = _lines(row, now=timezone.now(), whole=_whole(request))
    tag = f"ballast-{str(row.public_id)[-_TAG_LENGTH:]}"
    text = basket_csv(basket, [line.basket for line in lines if line.by_hand], tag=tag)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="orders-{basket}.csv"'
    return response


@for_investors("POST")
def order_sheet_place(request: SignedIn, account_id: UUID, recommendation_id: UUID) -> HttpResponse:
    """Keep the trades as open orders, or send them to a broker that is connected."""
    row = _approved(request, account_id, recommendation_id)
    try:
        made = operations.order_trades(
            recommendation=row,
            user=request.user,
            now=timezone.now(),
            whole_shares=_whole(request),
            broker=request.POST.get("broker", ""),
        )
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        broker = next((label_of(row.broker) for row in made if row.broker), "")
        count = sum(row.standing.open > 0 for row in made)
        messages.success(
            request,
            f"{count} orders go to {broker}. Their fills are recorded by themselves."
            if broker
            else f"{count} orders are kept open. Record each as it fills.",
        )
    return redirect(_address(row))


def _approved(request: SignedIn, account_id: UUID, recommendation_id: UUID) -> Recommendation:
    row = recommendation_row(request, account_id, recommendation_id)
    if row.status != RecommendationStatus.APPROVED:
        raise Conflict(
            f"The recommendation is {row.status}. Approve one to get its order sheet.",
            code="recommendation_not_approved",
        )
    return row


def undo(request: SignedIn, account: Account, batch: str) -> None:
    """Take back a batch of fills, and say so or why not."""
    try:
        rows = take_back(account=account, batch=UUID(batch), user=request.user, now=timezone.now())
    except ValueError:
        messages.error(request, "These fills do not exist. Reload the page.")
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        count = len(rows)
        messages.success(
            request,
            f"Took back {count} trade{'s' if count > 1 else ''}. The orders are open again.",
        )


def _whole(request: SignedIn) -> bool:
    data = request.POST if request.method == "POST" else request.GET
    return data.get("whole", "") == "1"


def _address(row: Recommendation) -> str:
    return reverse("order_sheet", args=[row.account.public_id, row.public_id])
