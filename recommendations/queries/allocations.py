"""Stored assessments and fitted models, for those who may see them; and the inputs of a fit."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Q, QuerySet

from core.errors import InvalidInput, NotFound, Unavailable
from identity.models import User
from jobs.models import Job
from marketdata.bars import Interval, Records
from marketdata.dividends import Announced
from marketdata.models import ActionState, Asset, CorporateAction
from marketdata.queries import announced_dividends, assets_by_symbol, bars
from marketdata.queries.series import fixings_between, risk_free_yields
from recommendations.allocations.history import Closes, Dated
from recommendations.allocations.problem import Member, Problem, Request
from recommendations.models import AllocationModel, RiskAssessment

EURO = "EUR"
_BASIS_POINTS = 10_000
# The yield before the first session.
_YIELD_AGE = timedelta(days=35)


def assessments(*, user: User) -> "QuerySet[RiskAssessment]":
    """Return the filled questionnaires of the households a user may see, newest first."""
    return (
        RiskAssessment.objects.for_user(user)
        .select_related("answered_by", "household")
        .order_by("-created_at", "-id")
    )


def latest_assessment(*, household_id: int) -> RiskAssessment | None:
    """Return the newest filled questionnaire of a household, whose access is already checked."""
    rows = RiskAssessment.objects.filter(household_id=household_id)
    return rows.order_by("-created_at", "-id").first()


def allocations(*, user: User) -> "QuerySet[AllocationModel]":
    """Return the models of the households a user may see, newest first."""
    return (
        AllocationModel.objects.for_user(user)
        .select_related("job", "household")
        .defer("job__params", "job__result")
        .order_by("-created_at", "-id")
    )


def allocation(*, user: User, public_id: UUID) -> AllocationModel:
    """Return one model, if this user may see it."""
    found = allocations(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(
            "The model does not exist, or you have no access to it.", code="allocation_not_found"
        )
    return found


def allocation_result(job: Job) -> Mapping[str, Any]:
    """Return the result of a fit's job: where to read the model."""
    return {"model_id": str(job.public_id)}


def members_of(*, household_id: int, symbols: Sequence[str]) -> list[Asset]:
    """Return the assets of a fit in the order of their symbols.

    Raise InvalidInput with the code `symbol_unknown` or `asset_not_tradable`.
    """
    known = assets_by_symbol(household_id=household_id, symbols=symbols)
    missing = [symbol for symbol in symbols if symbol not in known]
    if missing:
        raise InvalidInput(
            f"These symbols are not known: {', '.join(missing)}. Search for them first.",
            code="symbol_unknown",
            fields={"symbols": [f"{symbol} is not known" for symbol in missing]},
        )
    fixed = [symbol for symbol in symbols if not known[symbol].tradable]
    if fixed:
        raise InvalidInput(
            f"These assets cannot be bought or sold: {', '.join(fixed)}. Remove them.",
            code="asset_not_tradable",
            fields={"symbols": [f"{symbol} cannot be bought or sold" for symbol in fixed]},
        )
    return [known[symbol] for symbol in symbols]


def allocation_problem(*, household_id: int, request: Request, now: datetime) -> Problem:
    """Return a request with the stored history of its symbols; call it in one snapshot.

    Raise Unavailable while a part of the range cannot be read.
    """
    until = now.date()
    since = until - timedelta(days=round(request.years * 365.25))
    assets = members_of(household_id=household_id, symbols=request.symbols)
    ids = [asset.pk for asset in assets]
    found = bars(asset_ids=ids, since=since, until=until, interval=Interval.DAY)
    if found.gaps:
        raise Unavailable(
            "A part of the price history cannot be read now. Try again later.",
            code="history_unavailable",
            retry_after_s=60,
        )
    actions = _actions(ids, household_id, since, until)
    dividends: dict[int, list[Announced]] = {}
    for one in announced_dividends(asset_ids=ids, from_date=since, to_date=until):
        dividends.setdefault(one.asset_id, []).append(one)
    rates = _rates({asset.currency for asset in assets}, request.currency, since, until)
    starts = np.searchsorted(found.rows["asset_id"], ids, side="left")
    ends = np.searchsorted(found.rows["asset_id"], ids, side="right")
    members = tuple(
        _member(
            asset,
            found.rows[start:end],
            actions.get(asset.pk, []),
            dividends.get(asset.pk, []),
            rates.get(asset.currency),
            float(request.cost_bp),
        )
        for asset, start, end in zip(assets, starts, ends, strict=True)
    )
    return Problem(request, members, _risk_free(request.currency, since, until))


def _member(
    asset: Asset,
    rows: Records,
    actions: Sequence[CorporateAction],
    dividends: Sequence[Announced],
    rates: Dated | None,
    cost_bp: float,
) -> Member:
    ratios = [(one.ex_date, one.terms.rescaling) for one in actions]
    splits = [(day, float(ratio)) for day, ratio in ratios if ratio is not None]
    paid = [one for one in dividends if one.currency == asset.currency]
    return Member(
        symbol=asset.symbol,
        name=asset.name,
        asset_class=asset.asset_class,
        currency=asset.currency,
        closes=Closes(
            asset.symbol,
            rows["at"],
            rows["close"],
            asset.price_adjustment,
            _dated(splits),
            _dated([(one.ex_date, float(one.amount)) for one in paid]),
            rates,
        ),
        trading_cost=(float(asset.half_spread_bp) + cost_bp) / _BASIS_POINTS,
        shifted_days=asset.shifted_days,
        dividends_known=bool(paid) and len(paid) == len(dividends),
        other_actions=tuple(sorted({one.kind for one in actions if one.terms.rescaling is None})),
    )


def _actions(
    ids: Sequence[int], household_id: int, since: date, until: date
) -> dict[int, list[CorporateAction]]:
    """Return the confirmed actions of the range by asset, by ex-day; one query."""
    rows = (
        CorporateAction.objects.filter(
            Q(household=None) | Q(household_id=household_id),
            asset_id__in=list(ids),
            state=ActionState.CONFIRMED,
            ex_date__range=(since, until),
        )
        .select_related("asset", "new_asset")
        .order_by("ex_date", "id")
    )
    found: dict[int, list[CorporateAction]] = {}
    for row in rows:
        found.setdefault(row.asset_id, []).append(row)
    return found


def _rates(currencies: set[str], wanted: str, since: date, until: date) -> dict[str, Dated]:
    """Return units of the wanted currency for one of each other currency, by day; one query."""
    others = currencies - {wanted}
    if not others:
        return {}
    named = (others | {wanted}) - {EURO}
    found = fixings_between(currencies=named, since=since, until=until)
    dated = {
        currency: _dated([(day, float(rate)) for day, rate in rows])
        for currency, rows in found.items()
    }
    empty = Dated(np.empty(0, np.int64), np.empty(0))
    one_euro = Dated(np.array([1], np.int64), np.ones(1))
    dated[EURO] = one_euro
    quote = dated.get(wanted, empty)
    return {other: _crossed(dated.get(other, empty), quote) for other in sorted(others)}


def _crossed(base: Dated, quote: Dated) -> Dated:
    """Return units of `quote` for one of `base` on each day on which both are known."""
    if not len(base.days) or not len(quote.days):
        return Dated(np.empty(0, np.int64), np.empty(0))
    days = np.union1d(base.days, quote.days)
    days = days[days >= max(int(base.days[0]), int(quote.days[0]))]
    of_base = base.values[np.searchsorted(base.days, days, side="right") - 1]
    of_quote = quote.values[np.searchsorted(quote.days, days, side="right") - 1]
    return Dated(days, of_quote / of_base)


def _risk_free(currency: str, since: date, until: date) -> tuple[str, Dated] | None:
    found = risk_free_yields(currency=currency, since=since - _YIELD_AGE, until=until)
    if found is None:
        return None
    name, rows = found
    return name, _dated([(day, float(rate)) for day, rate in rows])


def _dated(rows: Sequence[tuple[date, float]]) -> Dated:
    days = np.array([day.toordinal() for day, _ in rows], np.int64)
    return Dated(days, np.array([value for _, value in rows], np.float64))
