"""Decide the accounts of a batch: solve, round to whole orders, keep what has trades.

Nothing is written here.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import BallastError
from core.money import minor_unit
from recommendations.engine.arrays.array_types import Bools, Floats, Ints
from recommendations.engine.arrays.branching import FLOOR_UNREACHABLE
from recommendations.engine.arrays.measuring import figures
from recommendations.engine.arrays.orders import SHARE, Orders, Terms, owners_of, whole_orders
from recommendations.engine.arrays.solving import Answers, solved
from recommendations.engine.options import Options
from recommendations.engine.problem import (
    ENGINE_VERSION,
    LOTS_PER_SECURITY_MAX,
    SECURITIES_MAX,
)
from recommendations.engine.rebalancing import whole_orders as exact_orders
from recommendations.engine.solver import Solution
from recommendations.models import Outcome
from recommendations.nightly import packing
from recommendations.nightly.packing import Tables
from recommendations.queries.columns import MONEY_STEPS, PERCENT_STEPS, Batch
from recommendations.queries.market import Market
from recommendations.queries.night_tables import night_inputs, spread, tables_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decided:
    """outcomes: rows of NightlyResult without the run; proposed: accounts with trades.

    tables: exact inputs and trades of these; doubtful: how many needed exact arithmetic.
    """

    outcomes: list[tuple[Any, ...]]
    proposed: list[int]
    tables: Tables
    doubtful: int


def decided(
    *, batch: Batch, market: Market, options: Options, currencies: Sequence[str]
) -> Decided:
    """Return the outcomes of the accounts of a batch that are not to be read alone."""
    codes = _refusals(batch)
    answers = solved(columns=batch.columns, threads=1)
    codes[(answers.status == FLOOR_UNREACHABLE) & (codes == "")] = "cash_floor_unreachable"
    orders = whole_orders(
        columns=batch.columns, answers=answers, terms=_terms(batch, market, options, currencies)
    )
    owner = owners_of(batch.columns)
    dropped = batch.alone | (codes != "")
    sold = np.where(dropped[owner], 0, orders.sold)
    trading = np.zeros(len(batch.accounts), np.bool_)
    trading[owner[sold != 0]] = True
    chosen = np.flatnonzero(trading)
    tables = tables_of(batch=batch, chosen=chosen, currencies=currencies, market=market)
    doubtful = _exact(batch, chosen, tables, answers, orders, sold, codes, market, options)
    counts = np.bincount(owner[sold != 0], minlength=len(batch.accounts))
    tables, proposed = _kept(batch, chosen, tables, answers, sold, counts)
    outcomes = _outcomes(batch, answers, sold, counts, codes)
    return Decided(outcomes, proposed, tables, doubtful)


def _refusals(batch: Batch) -> Any:
    """Return the code of each account that has no right answer, as `ensure_valid` names it."""
    count = len(batch.accounts)
    owner = owners_of(batch.columns)
    codes = np.full(count, "", "U40")
    weights = np.zeros(count, np.int64)
    np.add.at(weights, owner, np.maximum(batch.securities["percentage"], 0))
    weights += np.maximum(batch.accounts["cash_percentage"], 0)
    # Within the tolerance of `ensure_valid`: one step of a percentage.
    codes[np.abs(weights - 100 * PERCENT_STEPS) > 1] = "targets_not_whole"
    securities, rows = batch.columns.securities, batch.columns.accounts
    many = rows["securities_end"] - rows["securities_begin"] > SECURITIES_MAX
    lots = securities["lots_end"] - securities["lots_begin"]
    many[owner[lots > LOTS_PER_SECURITY_MAX]] = True
    codes[many] = "too_many_securities"
    return codes


def _terms(batch: Batch, market: Market, options: Options, currencies: Sequence[str]) -> Terms:
    owner = owners_of(batch.columns)
    number = batch.accounts["currency"] - 1
    quote, rate, unit = (np.zeros(len(owner)) for _ in range(3))
    for n, currency in enumerate(currencies):
        chosen = number[owner] == n
        facts = market.facts[currency][batch.places[chosen]]
        quote[chosen], rate[chosen], unit[chosen] = facts["quote"], facts["rate"], facts["unit"]
    ends = np.concatenate([[0], np.cumsum(batch.lots["quantity"])])
    securities = batch.columns.securities
    units = np.array([float(minor_unit(currency)) for currency in currencies])
    return Terms(
        quote=quote,
        rate=rate,
        unit=unit,
        held=ends[securities["lots_end"]] - ends[securities["lots_begin"]],
        account_unit=units[number],
        cash=batch.accounts["cash"],
        floor=int(options.cash_floor * MONEY_STEPS),
    )


def _exact(
    batch: Batch,
    chosen: Ints,
    tables: Tables,
    answers: Answers,
    orders: Orders,
    sold: Ints,
    codes: Any,
    market: Market,
    options: Options,
) -> int:
    """Make the doubtful accounts' orders in exact arithmetic, in `sold`; return their number."""
    ranges = batch.columns.accounts
    count = 0
    for a in chosen[orders.doubtful[chosen]].tolist():
        count += 1
        first, last = int(ranges[a]["securities_begin"]), int(ranges[a]["securities_end"])
        sold[first:last] = 0
        try:
            inputs = night_inputs(
                tables=packing.account_of(tables, int(batch.accounts["id"][a])),
                market=market,
                options=options,
                engine_version=ENGINE_VERSION,
            )
            found = exact_orders(inputs=inputs, solution=solution_of(answers, a, first, last))
        except BallastError as refusal:
            codes[a] = refusal.code
            continue
        for i, quantity in found.items():
            sold[first + i] = int(quantity * SHARE)
    return count


def solution_of(answers: Answers, a: int, first: int, last: int) -> Solution:
    """Return the solver's answer of one account as the exact arithmetic takes it."""
    return Solution(
        shares=tuple(answers.shares[first:last].tolist()),
        without_losses=tuple(answers.no_losses[first:last].tolist()),
        cash=float(answers.cash[a]),
        objective=float(answers.objective[a]),
        lower_bound=float(answers.lower_bound[a]),
        cash_price=float(answers.cash_price[a]),
        nodes=int(answers.nodes[a]),
    )


def _kept(
    batch: Batch, chosen: Ints, tables: Tables, answers: Answers, sold: Ints, counts: Ints
) -> tuple[Tables, list[int]]:
    """Return the tables of the accounts that still have orders, with these; and the accounts."""
    ranges = batch.columns.accounts[chosen]
    rows = spread(ranges["securities_begin"], ranges["securities_end"])
    tables.securities["sold"] = sold[rows]
    tables.securities["no_losses"] = answers.no_losses[rows]
    tables.accounts["lower_bound"] = answers.lower_bound[chosen]
    tables.accounts["cash_price"] = answers.cash_price[chosen]
    kept = packing.those(tables, counts[chosen] > 0)
    return kept, kept.accounts["id"].tolist()


def _outcomes(
    batch: Batch, answers: Answers, sold: Ints, counts: Ints, codes: Any
) -> list[tuple[Any, ...]]:
    made = figures(columns=batch.columns, shares=sold / SHARE, no_losses=answers.no_losses)
    value = answers.value
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = (answers.objective - answers.lower_bound) / value * 10_000
    gap: Floats = np.where(value > 0, np.maximum(gaps, 0), 0)
    refused: Bools = codes != ""
    outcome = np.where(
        counts > 0,
        Outcome.TRADES.value,
        np.where(made.outside, Outcome.NOTHING_WORTHWHILE.value, Outcome.IN_BAND.value),
    )
    outcome[refused] = Outcome.REFUSED.value
    shared = ~batch.alone
    keys = (batch.accounts["id"], outcome, codes, counts)
    measured = (gap, made.drift_before, made.drift_after, value, made.turnover, made.tax)
    found = zip(*(column[shared].tolist() for column in (*keys, *measured)), strict=True)
    return [
        (*row[: len(keys)], *[None] * len(measured)) if row[1] == Outcome.REFUSED else row
        for row in found
    ]
