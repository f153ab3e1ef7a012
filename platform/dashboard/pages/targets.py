"""The page to edit an account's target weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, InvalidInput
from core.limits import TARGETS_MAX
from core.money import plain
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.presenters.holdings import Aim, aims_of, portfolio
from marketdata.queries import assets
from portfolios.holdings.targets import (
    ABSOLUTE,
    CASH_SYMBOL,
    THRESHOLD_KINDS,
    TargetWeight,
)
from portfolios.operations import set_targets
from portfolios.queries import account_value, target_weights
from transactions import queries as ledger

THRESHOLD_DEFAULT = "5"
ADDABLE_MAX = 300
_FOUR_DECIMALS = Decimal("0.0001")


# Symbol, target, threshold and its kind, as typed.
_Typed = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the editor, as typed."""

    symbol: str
    name: str
    weight: Decimal | None
    target: str
    threshold: str
    kind: str = ABSOLUTE
    invalid: bool = False


@for_investors("GET", "POST")
def targets(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show and save the targets beside the current weights. They must sum to 100 to be saved."""
    account = ledger.account(user=request.user, public_id=account_id)
    error, status = None, 200
    typed = _typed(request)
    if request.method == "POST" and request.POST.get("action") != "add":
        try:
            set_targets(account=account, weights=_weights(typed), user=request.user)
        except BallastError as refusal:
            error, status = refusal.detail, refusal.status
        else:
            messages.success(request, "Targets saved.")
            return redirect("portfolio", account_id)
    stored = target_weights(account_pk=account.pk)
    found = account_value(user=request.user, account_id=account_id, now=timezone.now())
    page = portfolio(
        value=found.value,
        aims=aims_of(stored),
    )
    known = {row.symbol: row.name for row in assets(user=request.user)[:ADDABLE_MAX]}
    weights = {row.symbol: row.weight for row in page.rows}
    names = {row.symbol: row.name for row in page.rows} | known | {CASH_SYMBOL: "Cash"}
    wanted = typed if request.method == "POST" else _lines(stored, list(weights))
    weights[CASH_SYMBOL] = page.cash_weight
    lines = [
        Line(
            symbol,
            names.get(symbol, ""),
            weights.get(symbol) or Decimal(0),
            target,
            threshold,
            kind,
            _percentage(target) is None,
        )
        for symbol, target, threshold, kind in wanted
    ]
    total = sum((_percentage(line.target) or Decimal(0) for line in lines), Decimal(0))
    taken = {line.symbol for line in lines}
    return shown(
        request,
        "targets",
        {
            "account": account,
            "rows": lines,
            "sum": total,
            "sum_is_whole": total == 100,
            "error": error,
            "addable": [
                {"symbol": symbol, "name": name}
                for symbol, name in known.items()
                if symbol not in taken
            ],
        },
        status=status,
    )


def _lines(stored: Sequence[TargetWeight], held: Sequence[str]) -> list[_Typed]:
    """Return the rows to edit: stored targets, then holdings without a target, then cash."""
    lines = [
        (
            row.symbol,
            plain(row.target_percentage),
            plain(row.rebalance_threshold),
            row.threshold_kind,
        )
        for row in stored
    ]
    named = {row.symbol for row in stored}
    missing = [symbol for symbol in (*held, CASH_SYMBOL) if symbol not in named]
    return [*lines, *((symbol, "0", THRESHOLD_DEFAULT, ABSOLUTE) for symbol in missing)]


def _typed(request: SignedIn) -> list[_Typed]:
    """Return the rows of the form, and the row to add if no script has added it."""
    columns = [request.POST.getlist(name)[: TARGETS_MAX + 1] for name in _COLUMNS]
    kinds = request.POST.getlist("kind")[: TARGETS_MAX + 1] or [ABSOLUTE] * len(columns[0])
    lines = list(zip(*columns, kinds, strict=False))
    added = request.POST.get("add", "")
    if request.POST.get("action") == "add" and added and added not in {row[0] for row in lines}:
        lines.append((added, "0", THRESHOLD_DEFAULT, ABSOLUTE))
    return lines


_COLUMNS = ("symbol", "target", "threshold")


def _weights(lines: Sequence[_Typed]) -> list[TargetWeight]:
    """Return the stated targets; a row at zero is no target."""
    weights = []
    for symbol, target_text, threshold_text, kind in lines:
        if kind not in THRESHOLD_KINDS:
            raise InvalidInput(
                "This kind of band does not exist. Reload the page.", code="choice_unknown"
            )
        aim = _aim(symbol, target_text, threshold_text)
        if aim.target:
            weights.append(TargetWeight(symbol, aim.target, aim.threshold, kind))
    return weights


def _aim(symbol: str, target_text: str, threshold_text: str) -> Aim:
    target, threshold = _percentage(target_text), _percentage(threshold_text)
    if target is None or threshold is None:
        raise InvalidInput(
            f"{symbol}: target and band are percentages from 0 to 100 with at most four decimals.",
            code="target_invalid",
        )
    return Aim(target, threshold)


def _percentage(text: str) -> Decimal | None:
    """Return a typed percentage, 0 if nothing was typed, or None if it is not a percentage."""
    bare = text.strip().removesuffix("%").strip()
    if not bare:
        return Decimal(0)
    if len(bare) > 12:
        return None
    try:
        value = Decimal(bare)
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= 100:
        return None
    return value if value == value.quantize(_FOUR_DECIMALS) else None
