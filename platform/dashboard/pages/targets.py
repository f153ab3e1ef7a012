"""The editor of an account's target weights."""

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
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.presenters.holdings import Aim, aims_of, portfolio
from marketdata.queries import assets
from portfolios.operations import TargetWeight, set_targets
from portfolios.queries import account_value, target_rows
from portfolios.queries import targets as stored_targets
from portfolios.queries.targets import CASH_SYMBOL
from transactions import queries as ledger

THRESHOLD_DEFAULT = "5"
ADDABLE_MAX = 300
_FOUR_DECIMALS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the editor, as typed."""

    symbol: str
    name: str
    weight: Decimal | None
    target: str
    threshold: str
    invalid: bool = False


@for_investors("GET", "POST")
def targets(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Targets beside present weights; their sum is shown as one types and checked on saving."""
    account = ledger.account(user=request.user, public_id=account_id)
    error, status = None, 200
    typed = _typed(request)
    if request.method == "POST" and request.POST.get("action") != "add":
        try:
            set_targets(account=account, weights=_weights(typed))
        except BallastError as refusal:
            error, status = refusal.detail, refusal.status
        else:
            messages.success(request, "Targets saved.")
            return redirect("portfolio", account_id)
    found = account_value(user=request.user, account_id=account_id, now=timezone.now())
    page = portfolio(
        value=found.value,
        aims=aims_of(target_rows(targets=stored_targets(account_pk=account.pk))),
    )
    known = {row.symbol: row.name for row in assets(user=request.user)[:ADDABLE_MAX]}
    weights = {row.symbol: row.weight for row in page.rows}
    names = {row.symbol: row.name for row in page.rows} | known | {CASH_SYMBOL: "Cash"}
    wanted = typed if request.method == "POST" else _stored(account.pk, list(weights))
    weights[CASH_SYMBOL] = page.cash_weight
    lines = [
        Line(
            symbol,
            names.get(symbol, ""),
            weights.get(symbol) or Decimal(0),
            target,
            threshold,
            _percentage(target) is None,
        )
        for symbol, target, threshold in wanted
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


def _stored(account_pk: int, held: Sequence[str]) -> list[tuple[str, str, str]]:
    """Stored targets, largest first, then what is held without one, then cash."""
    rows = target_rows(targets=stored_targets(account_pk=account_pk))
    lines = [
        (str(row["symbol"]), str(row["target_percentage"]), str(row["rebalance_threshold"]))
        for row in rows
    ]
    named = {symbol for symbol, _, _ in lines}
    missing = [symbol for symbol in (*held, CASH_SYMBOL) if symbol not in named]
    return [*lines, *((symbol, "0", THRESHOLD_DEFAULT) for symbol in missing)]


def _typed(request: SignedIn) -> list[tuple[str, str, str]]:
    """The rows of the form, with the one to add where there is no script to add it."""
    columns = [request.POST.getlist(name)[: TARGETS_MAX + 1] for name in _COLUMNS]
    lines = list(zip(*columns, strict=False))
    added = request.POST.get("add", "")
    if request.POST.get("action") == "add" and added and added not in {row[0] for row in lines}:
        lines.append((added, "0", THRESHOLD_DEFAULT))
    return lines


_COLUMNS = ("symbol", "target", "threshold")


def _weights(lines: Sequence[tuple[str, str, str]]) -> list[TargetWeight]:
    """The targets stated. Rows at zero are left out: what is not wished for has no target."""
    weights = []
    for symbol, target_text, threshold_text in lines:
        aim = _aim(symbol, target_text, threshold_text)
        if aim.target:
            weights.append(TargetWeight(symbol, aim.target, aim.threshold))
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
    """A percentage as typed; nothing typed is 0; None for what is not one."""
    plain_text = text.strip().removesuffix("%").strip()
    if not plain_text:
        return Decimal(0)
    if len(plain_text) > 12:
        return None
    try:
        value = Decimal(plain_text)
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= 100:
        return None
    return value if value == value.quantize(_FOUR_DECIMALS) else None
