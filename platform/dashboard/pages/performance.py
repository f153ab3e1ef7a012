"""Performance of an account, one holding in it or a whole household: return, risk and sources."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from core.errors import BallastError, InvalidInput
from dashboard.forms.entries import add_refusal
from dashboard.forms.performance import PerformanceForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import symbol_asked
from dashboard.presenters import performance as view
from dashboard.presenters.figures import currency_decimals, currency_prefix
from portfolios.performance.answer import Answer
from portfolios.queries import performance as queries
from portfolios.queries.performance_inputs import Period
from transactions import queries as ledger
from transactions.models import Account

# The answer for a period, beside a benchmark, at a moment.
Found: TypeAlias = Callable[[Period, str | None, datetime], Answer]


@for_investors("GET")
def account_performance(request: SignedIn, account_id: UUID) -> HttpResponse:
    """Show one account in its currency; with `symbol`, one holding of it."""
    account = ledger.account(user=request.user, public_id=account_id)

    def found(period: Period, benchmark: str | None, now: datetime) -> Answer:
        return queries.account_performance(
            user=request.user,
            account_id=account_id,
            period=period,
            now=now,
            benchmark=benchmark,
            symbol=symbol_asked(request) or None,
        )

    return _page(request, found, {"account": account, "currency": account.currency})


@for_investors("GET")
def household_performance(request: SignedIn) -> HttpResponse:
    """Show all accounts of the household in its base currency; `account` selects a client's."""
    named = request.GET.get("account", "")
    account = ledger.account(user=request.user, public_id=_uuid(named)) if named else None
    own = Account.objects.filter(household_id=request.user.household_id)
    if account is None and not own.exists():
        return shown(request, "performance_none", {})

    def found(period: Period, benchmark: str | None, now: datetime) -> Answer:
        return queries.household_performance(
            user=request.user,
            period=period,
            now=now,
            benchmark=benchmark,
            account_id=account.public_id if account else None,
        )

    others = account is not None and account.household_id != request.user.household_id
    of = account.household.name if account is not None and others else None
    context = {"currency": request.user.base_currency, "household_of": of}
    return _page(request, found, {**context, "of_account": named if others else ""})


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            "The page address contains no valid account. Open it from the overview.",
            code="account_unknown",
        ) from None


def _page(request: SignedIn, found: Found, context: dict[str, Any]) -> HttpResponse:
    now = timezone.now()
    form = PerformanceForm(request.GET)
    answer: Answer | None = None
    unknown = ""
    chosen, status = "custom", 400
    if form.is_valid():
        asked = form.cleaned_data
        chosen = asked["range"] or ("custom" if asked["from"] or asked["to"] else "1y")
        period = Period(view.begin(chosen, now.date()))
        if chosen == "custom":
            period = Period(asked["from"], asked["to"])
        try:
            answer, status = found(period, asked["benchmark"] or None, now), 200
            if chosen != "custom" and _differs(answer, asked):
                # The days were changed in the form of a range: they go before its name.
                chosen, period = "custom", Period(asked["from"], asked["to"])
                answer = found(period, asked["benchmark"] or None, now)
        except BallastError as refusal:
            if refusal.code == "holding_unknown":
                raise
            status = refusal.status
            if refusal.code == "symbol_unknown":
                # The period is not at fault: its figures stay, without a benchmark.
                unknown = refusal.detail
                answer = found(period, None, now)
            else:
                add_refusal(form, refusal)
    symbol = symbol_asked(request)
    kept = {"account": context.get("of_account", ""), "symbol": symbol}
    days: dict[str, object] = {}
    if answer is not None:
        kept["benchmark"] = answer.benchmark or ""
        days = {"from": answer.from_date, "to": answer.to_date, "benchmark": answer.benchmark}
        form = PerformanceForm(initial=days)
        if unknown:
            form = PerformanceForm({**days, "benchmark": request.GET.get("benchmark", "")})
            form.add_error("benchmark", unknown)
    return shown(
        request,
        "performance",
        {
            **context,
            "form": form,
            "ranges": view.RANGES,
            "chosen": chosen,
            "symbol": symbol,
            "kept": urlencode({name: value for name, value in kept.items() if value}),
            "period": urlencode({name: value for name, value in days.items() if value}),
            "answer": answer,
            **(_shown(answer) if answer else {}),
        },
        status=status,
    )


def _differs(answer: Answer, asked: Mapping[str, Any]) -> bool:
    """Return whether the form states other days than those of its range."""
    return any(
        asked[name] and asked[name] != day
        for name, day in (("from", answer.from_date), ("to", answer.to_date))
    )


def _shown(answer: Answer) -> dict[str, object]:
    return {
        "groups": view.groups(answer),
        "months": view.months(answer),
        "month_names": view.MONTHS,
        "steps": view.steps(answer.reconciliation),
        "contributions": view.contributions(answer),
        "whole": view.whole(answer),
        "chart": chart_data(answer),
    }


def chart_data(answer: Answer) -> str:
    """Return what the script draws, as JSON for an attribute of the chart."""
    form = {
        "prefix": currency_prefix(answer.currency),
        "decimals": currency_decimals(answer.currency),
    }
    return json.dumps({**view.chart(answer), "form": form}, separators=(",", ":"))
