"""The grid that records many rows at once, and the transfer of cash in one step."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, InvalidInput
from core.identifiers import uuid7
from core.money_text import money_text
from dashboard.forms.activity_entries import (
    COLUMNS,
    GRID_KINDS,
    GRID_ROWS_EMPTY,
    GRID_ROWS_MAX,
    HEADINGS,
    CashTransferForm,
    GridRow,
    digest_of,
    grid_rows,
    pasted_rows,
)
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.ledger import SUGGESTIONS_MAX, others_of
from dashboard.pages.posts import answered_once
from jobs.operations import Answer
from marketdata.queries import assets
from transactions import queries as ledger
from transactions.models import Account
from transactions.operations import check, record
from transactions.operations.cash_transfers import transfer_cash


@dataclass(slots=True)
class Grid:
    """The rows as they are shown, with what is wrong or to be looked at."""

    rows: list[GridRow]
    error: str = ""
    warned: dict[int, list[str]] = field(default_factory=dict)
    status: int = 200

    @property
    def faulty(self) -> bool:
        return bool(self.error) or any(row.faults for row in self.rows)


@for_investors("GET", "POST")
def transaction_grid(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show rows to fill in or to paste into; record all of them or none."""
    account = ledger.account(user=request.user, public_id=account_id)
    grid = Grid([])
    if request.method == "POST":
        grid = _sent(request)
        if "fill" not in request.POST and not grid.faulty:
            count = _recorded(request, account, grid)
            if count:
                messages.success(
                    request, f"Recorded {count} transaction{'' if count == 1 else 's'}."
                )
                return redirect("transactions", account_id)
    empty = max(GRID_ROWS_EMPTY if not grid.rows else 1, 10 - len(grid.rows))
    return shown(
        request,
        "transaction_grid",
        {
            "account": account,
            "grid": grid,
            "lines": [
                (row.cells, row.faults, grid.warned.get(number, []))
                for number, row in enumerate(grid.rows)
            ],
            "empty": range(min(empty, GRID_ROWS_MAX - len(grid.rows))),
            "columns": list(zip(COLUMNS, HEADINGS, strict=True)),
            "kinds": GRID_KINDS,
            "rows_max": GRID_ROWS_MAX,
            "assets": assets(user=request.user).filter(tradable=True)[:SUGGESTIONS_MAX],
            "seen": digest_of(grid.rows) if grid.warned else "",
            "key": request.POST.get("key") or str(uuid7()),
        },
        status=grid.status,
    )


def _sent(request: SignedIn) -> Grid:
    """Return the rows of the form; pasted cells are put below those that were typed."""
    sent = {name: request.POST.getlist(name) for name in COLUMNS}
    if "fill" in request.POST:
        pasted = pasted_rows(request.POST.get("pasted", ""))
        kept = [row.cells for row in grid_rows(sent)]
        every = [*kept, *({name: row.get(name, "") for name in COLUMNS} for row in pasted)]
        sent = {name: [row[name] for row in every] for name in COLUMNS}
        rows = grid_rows(sent)
        if len(rows) <= GRID_ROWS_MAX:
            return Grid(rows)
    rows = grid_rows(sent)
    if len(rows) > GRID_ROWS_MAX:
        return Grid(
            rows[:GRID_ROWS_MAX],
            f"A grid takes at most {GRID_ROWS_MAX} rows; the rest was left out. Import a file "
            "instead.",
            status=400,
        )
    grid = Grid(rows)
    if not rows:
        grid.error = "Nothing is filled in yet. Enter a row, or paste cells."
    if grid.faulty:
        grid.status = 400
    return grid


class _NotRecorded(Exception):
    """Warnings have to be seen first."""


def _recorded(request: SignedIn, account: Account, grid: Grid) -> int:
    """Record all rows once; return how many, or 0 with the reasons in the grid."""
    now = timezone.now()
    entries = [row.form.entry(now=now) for row in grid.rows]

    def effect(account: Account) -> Answer:
        if request.POST.get("seen") != digest_of(grid.rows):
            checked = check(account=account, entries=entries, user=request.user, now=now)
            for number, (_, found) in enumerate(checked):
                if found:
                    grid.warned[number] = [warned.detail for warned in found]
            if grid.warned:
                raise _NotRecorded
        made = record(account=account, entries=entries, user=request.user, now=now)
        return 201, {"count": len(made)}

    try:
        answered_once(
            request,
            subject=account,
            effect=effect,
            now=now,
            form={str(number): repr(dict(row.cells)) for number, row in enumerate(grid.rows)},
        )
    except _NotRecorded:
        return 0
    except BallastError as refusal:
        grid.status = refusal.status
        if refusal.item is not None and refusal.item < len(grid.rows):
            grid.rows[refusal.item].faults.append(refusal.detail)
        else:
            grid.error = refusal.detail
        return 0
    return len(grid.rows)


@for_investors("GET", "POST")
def cash_transfer(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Move cash from this account to another one of its household."""
    account = ledger.account(user=request.user, public_id=account_id)
    others = others_of(request, account)
    form = CashTransferForm(
        request.POST if request.method == "POST" else None,
        accounts=others,
        initial={"executed_on": timezone.now().date()},
    )
    status, warning = 200, ""
    if form.is_bound and form.is_valid():
        warning = _overdrawn(account, form, seen=request.POST.get("seen", ""))
        if not warning:
            try:
                _transferred(request, account, form)
            except BallastError as refusal:
                add_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, "Recorded the transfer in both accounts.")
                return redirect("transactions", account_id)
    elif form.is_bound:
        status = 400
    context: dict[str, Any] = {
        "account": account,
        "form": form,
        "others": others,
        "warning": warning,
        "key": request.POST.get("key") or str(uuid7()),
    }
    return shown(request, "cash_transfer", context, status=status)


def _overdrawn(account: Account, form: CashTransferForm, *, seen: str) -> str:
    """Return the warning that the account has less cash, unless it was seen for this amount."""
    amount = form.cleaned_data["amount"]
    if amount <= account.cash or seen == str(amount):
        return ""
    return (
        f"{account.name} has {money_text(account.cash, account.currency)} {account.currency} of "
        "cash, so it would be negative afterwards."
    )


def _transferred(request: SignedIn, account: Account, form: CashTransferForm) -> None:
    now = timezone.now()
    try:
        target_id = UUID(form.cleaned_data["to_account"])
    except ValueError:
        raise InvalidInput("Choose an account.", code="account_unknown") from None
    target = ledger.account(user=request.user, public_id=target_id)

    def effect(account: Account) -> Answer:
        left, came = transfer_cash(
            source=account, target=target, stated=form.stated(now=now), user=request.user, now=now
        )
        return 201, {"left": str(left.public_id), "came": str(came.public_id)}

    answered_once(
        request,
        subject=account,
        effect=effect,
        now=now,
        form={name: str(value) for name, value in form.cleaned_data.items()},
    )
