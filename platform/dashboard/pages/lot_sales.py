"""The lot picker: choose the lots of a sale, see its gain and tax, and record it."""

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core import limits
from core.errors import BallastError, InvalidInput, NotFound
from core.identifiers import uuid7
from core.money import plain
from dashboard.forms.activity_entries import LotSaleForm, moment_of, ungrouped
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import answered_once
from dashboard.pages.query_parameters import symbol_asked
from dashboard.presenters.holdings import portfolio
from jobs.operations import Answer
from portfolios.holdings.lots import LotValue
from portfolios.queries import account_value, lot_values
from portfolios.queries.sale_previews import Asked, sale_preview
from transactions import queries as ledger
from transactions.ledger.entries import ChosenLot, Entry
from transactions.models import Account
from transactions.operations import record

LOTS_SHOWN = 200


class Line(NamedTuple):
    """A lot, its name in the form, and the quantity that was typed for it."""

    lot: LotValue
    name: str
    typed: str


@for_investors("GET", "POST")
def sell_lots(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show the open lots of a holding with a field for each; preview or record their sale."""
    account = ledger.account_with_owner(user=request.user, public_id=account_id)
    now, symbol = timezone.now(), symbol_asked(request)
    value = account_value(user=request.user, account_id=account_id, now=now).value
    held = portfolio(value=value, aims={}).rows
    if not symbol:
        return shown(request, "sell_lots_choose", {"account": account, "held": held})
    holding = next((row for row in held if row.symbol == symbol), None)
    if holding is None:
        raise NotFound(
            "This account does not hold that symbol. Open the lots from its portfolio page.",
            code="holding_unknown",
        )
    rows = list(ledger.lots(account=account, symbol=symbol)[: LOTS_SHOWN + 1])
    lots = lot_values(lots=rows[:LOTS_SHOWN], value=value, as_of=now.date())
    lines = [_line(request, lot) for lot in lots]
    initial = {
        "executed_on": now.date(),
        "price": plain(holding.price) if holding.price is not None else "",
    }
    form = LotSaleForm(request.POST if request.method == "POST" else None, initial=initial)
    context: dict[str, Any] = {"preview": None}
    status = 200
    if form.is_bound:
        try:
            chosen = _chosen(lines)
            if form.is_valid():
                context["preview"] = sale_preview(
                    account=account,
                    asked=_asked(symbol, chosen, form),
                    user=request.user,
                    now=now,
                )
                if request.POST.get("do") == "record":
                    _record(request, account, symbol, chosen, form)
                    messages.success(request, f"Recorded the sale of {symbol}.")
                    return redirect("transactions", account_id)
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        if form.errors and status == 200:
            status = 400
    context |= {
        "account": account,
        "symbol": symbol,
        "holding": holding,
        "lines": lines,
        "more": len(rows) > LOTS_SHOWN,
        "lots_shown": LOTS_SHOWN,
        "form": form,
        "key": request.POST.get("key") or str(uuid7()),
    }
    return shown(request, "sell_lots", context, status=status)


def _line(request: SignedIn, lot: LotValue) -> Line:
    name = f"lot-{lot.lot_id}-{lot.piece}"
    return Line(lot, name, request.POST.get(name, "").strip())


def _chosen(lines: list[Line]) -> tuple[ChosenLot, ...]:
    """Return the lots that have a quantity; raise InvalidInput if none has or one is wrong."""
    pieces: dict[UUID, int] = {}
    for line in lines:
        pieces[line.lot.lot_id] = pieces.get(line.lot.lot_id, 0) + 1
    found = []
    for line in lines:
        if not line.typed:
            continue
        quantity = _quantity(line)
        if quantity:
            piece = line.lot.piece if pieces[line.lot.lot_id] > 1 else None
            found.append(ChosenLot(line.lot.lot_id, quantity, piece))
    if not found:
        raise InvalidInput(
            "No lot is chosen. Enter how much of which lots to sell.", code="lots_not_chosen"
        )
    return tuple(found)


def _quantity(line: Line) -> Decimal:
    """Return the typed quantity; "all" takes the whole lot."""
    if line.typed.lower() == "all":
        return line.lot.quantity
    try:
        typed = Decimal(ungrouped(line.typed))
        fits = (
            typed.is_finite()
            and 0 <= typed <= line.lot.quantity
            and typed == round(typed, limits.QUANTITY_DECIMALS)
        )
    except InvalidOperation:
        fits = False
    if not fits:
        raise InvalidInput(
            f"Of the lot of {line.lot.opened_date} at most {plain(line.lot.quantity)} can be "
            f"sold. “{line.typed[:40]}” is not a quantity of it.",
            code="quantity_invalid",
        )
    return typed


def _asked(symbol: str, chosen: tuple[ChosenLot, ...], form: LotSaleForm) -> Asked:
    return Asked(
        symbol=symbol,
        quantity=sum((lot.quantity for lot in chosen), Decimal()),
        lots=chosen,
        price=form.cleaned_data["price"],
        fee=form.cleaned_data["fee"] or Decimal(0),
    )


def _record(
    request: SignedIn,
    account: Account,
    symbol: str,
    chosen: tuple[ChosenLot, ...],
    form: LotSaleForm,
) -> None:
    now, data = timezone.now(), form.cleaned_data
    entry = Entry(
        "sell",
        moment_of(data["executed_on"], now),
        "",
        symbol,
        quantity=sum((lot.quantity for lot in chosen), Decimal()),
        price=data["price"],
        fee=data["fee"] or Decimal(0),
        lots=chosen,
        note=data["note"],
    )

    def effect(account: Account) -> Answer:
        row, *_ = record(account=account, entries=[entry], user=request.user, now=now)
        return 201, {"id": str(row.public_id)}

    lots = ",".join(f"{lot.lot_id}/{lot.piece}={lot.quantity}" for lot in chosen)
    sent = {name: str(value) for name, value in data.items()} | {"lots": lots}
    answered_once(request, subject=account, effect=effect, now=now, form=sent)
