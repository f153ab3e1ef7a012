"""One chunk of a night: read its accounts, solve them, write an outcome for each.

    snapshot     columns -> solved -> whole orders -> exact inputs of the accounts with trades
    transaction  outcomes, blocks and proposals by COPY; older proposals superseded; job completed

The claim's attempt guards the writing: of two workers with the same chunk only one completes the
job, and the other's rows are rolled back. So each account has exactly one outcome.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from core.errors import BallastError
from core.identifiers import uuid7
from jobs.operations import Claim, Ending, complete, fail, result_written
from jobs.operations.working import Told
from portfolios.holdings.policies import NO_POLICY
from portfolios.queries import policies
from recommendations.engine.options import Options, options_of, with_rules
from recommendations.engine.problem import inputs_json
from recommendations.engine.rebalancing import rebalance, result_json
from recommendations.models import (
    NightlyRun,
    NightState,
    Outcome,
    RecommendationKind,
    RecommendationStatus,
)
from recommendations.nightly import packing
from recommendations.operations.nightly.adding import add_chunks
from recommendations.operations.nightly.deciding import Decided, decided
from recommendations.queries import rebalance_inputs
from recommendations.queries.columns import columns_of
from recommendations.queries.market import Market, night_market
from recommendations.queries.nights import account_currencies, accounts_with_targets
from recommendations.queries.screening import Prices, accounts_outside_bands
from stores.copying import copy_rows
from stores.database import snapshot
from stores.rows import execute
from transactions.models import Account

logger = logging.getLogger(__name__)

# Accounts in one block: small enough to be read for one of them, large enough to compress.
_BLOCK_ACCOUNTS = 64
_RESULT = (
    *("run_id", "account_id", "outcome", "code", "trades", "gap_bps"),
    *("drift_before", "drift_after", "value", "turnover", "tax"),
)
# The last fields: nothing is computed of an account in its bands, or of a refused one.
_FIGURES = 6
_PROPOSAL = (
    *("public_id", "account_id", "run_id", "kind", "status", "engine_version"),
    *("inputs", "result", "created_at"),
)
_SUPERSEDE = """
UPDATE recommendations_recommendation SET status = 'superseded'
 WHERE account_id BETWEEN %(first)s AND %(last)s AND run_id IS NOT NULL AND status = 'proposed'
"""


@dataclass(slots=True)
class _Alone:
    """What became of accounts computed one by one: outcomes, and proposals with their texts."""

    outcomes: list[tuple[Any, ...]] = field(default_factory=list)
    texts: dict[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Watch:
    """Seconds of each stage, for those who look for the slow one."""

    laps: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round(now - self._since, 3)
        self._since = now


def run_chunk(*, claim: Claim, now: datetime, told: Told) -> None:
    """Compute the claimed chunk of a night that still runs; write it with the end of the job."""
    run = NightlyRun.objects.get(pk=claim.params["run_id"])
    first, last = claim.params["first"], claim.params["last"]
    if run.state != NightState.RUNNING:
        with result_written():
            complete(claim=claim, result={"accounts": 0})
        return
    options = options_of(run.options)
    watch = _Watch()
    with snapshot():
        # The range of a chunk is small, and every core has a worker already.
        execute("SET LOCAL max_parallel_workers_per_gather = 0", {})
        currencies = account_currencies()
        market, prices = _market(run.pk, tuple(currencies), run.as_of)
        watch.lap("market_s")
        every = accounts_with_targets(first=first, last=last)
        only = None
        if not options.loss_harvesting:
            # Inside its bands, an account trades only to harvest a loss.
            only = accounts_outside_bands(
                first=first, last=last, prices=prices, cash_floor=float(options.cash_floor)
            )
        watch.lap("screen_s")
        batch = columns_of(
            first=first,
            last=last,
            options=options,
            market=market,
            currencies=currencies,
            only=only,
        )
        watch.lap("read_s")
        told(30)
        found = decided(batch=batch, market=market, options=options, currencies=currencies)
        watch.lap("decide_s")
        told(70)
        ids = batch.account_ids[batch.alone].tolist()
        alone = _one_by_one(ids, options, run)
    watch.lap("alone_s")
    told(90)
    inside = [in_band(pk) for pk in sorted({*every} - {*batch.account_ids.tolist()})]
    outcomes = [(run.pk, *row) for row in [*found.outcomes, *alone.outcomes, *inside]]
    with result_written():
        execute(_SUPERSEDE, {"first": first, "last": last})
        copy_rows(table="recommendations_nightlyresult", columns=_RESULT, rows=outcomes)
        _write_blocks(run, found)
        _propose(run, found, alone, now)
        watch.lap("write_s")
        complete(
            claim=claim,
            result={
                "accounts": len(outcomes),
                "proposals": len(found.proposed) + len(alone.texts),
                "alone": len(ids),
                "doubtful": found.doubtful,
                **watch.laps,
            },
        )


@lru_cache(maxsize=1)
def _market(run_id: int, currencies: tuple[str, ...], as_of: datetime) -> tuple[Market, Prices]:
    """Return the market of the run, and its prices for the screen; a worker builds them once."""
    market = night_market(run_id=run_id, currencies=currencies, as_of=as_of)
    values = {currency: facts["price"].copy() for currency, facts in market.facts.items()}
    return market, Prices(market.ids, values, market.priced_since)


def _one_by_one(ids: Sequence[int], options: Options, run: NightlyRun) -> _Alone:
    """Rebalance accounts that share no market, each by itself, at the moment of the run."""
    found = _Alone()
    rows = Account.objects.filter(pk__in=list(ids)).select_related("owner").order_by("pk")
    rules = policies(account_pks=ids)
    for account in rows:
        try:
            own = with_rules(options, rules.get(account.pk, NO_POLICY))
            inputs = rebalance_inputs(account=account, options=own, now=run.as_of)
            result = rebalance(inputs=inputs)
        except BallastError as refusal:
            found.outcomes.append(refused(account.pk, refusal.code))
            continue
        except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError):
            logger.exception("account %s could not be rebalanced in the night", account.public_id)
            found.outcomes.append(refused(account.pk, "internal_error"))
            continue
        before, after, totals = result.before, result.after, result.totals
        outcome = Outcome.TRADES if result.trades else Outcome.IN_BAND
        if not result.trades and any(one.reason != "within_band" for one in result.skipped):
            outcome = Outcome.NOTHING_WORTHWHILE
        found.outcomes.append(
            (
                account.pk,
                outcome,
                "",
                len(result.trades),
                float(result.optimality_gap_bps),
                float(before.total),
                float(after.total),
                float(before.account_value),
                float(totals.buys + totals.sells),
                float(totals.tax),
            )
        )
        if result.trades:
            found.texts[account.pk] = (inputs_json(inputs=inputs), result_json(result=result))
    return found


def refused(account_id: int, code: str) -> tuple[Any, ...]:
    """Return the outcome of an account that cannot be rebalanced."""
    return (account_id, Outcome.REFUSED, code, 0, *[None] * _FIGURES)


def in_band(account_id: int) -> tuple[Any, ...]:
    """Return the outcome of an account that the screen found inside its bands."""
    return (account_id, Outcome.IN_BAND, "", 0, *[None] * _FIGURES)


def _write_blocks(run: NightlyRun, found: Decided) -> None:
    ids = found.tables.accounts["id"].tolist()
    rows = []
    for at, part in enumerate(packing.divided(found.tables, _BLOCK_ACCOUNTS)):
        mine = ids[at * _BLOCK_ACCOUNTS : (at + 1) * _BLOCK_ACCOUNTS]
        rows.append((run.pk, mine[0], mine[-1], packing.packed(part)))
    copy_rows(
        table="recommendations_nightlyblock",
        columns=("run_id", "first_account_id", "last_account_id", "data"),
        rows=rows,
    )


def _propose(run: NightlyRun, found: Decided, alone: _Alone, now: datetime) -> None:
    texts: dict[int, tuple[str | None, str | None]] = dict.fromkeys(found.proposed, (None, None))
    texts |= alone.texts
    rows = [
        (
            uuid7(),
            pk,
            run.pk,
            RecommendationKind.REBALANCE,
            RecommendationStatus.PROPOSED,
            run.engine_version,
            *texts[pk],
            now,
        )
        for pk in sorted(texts)
    ]
    copy_rows(table="recommendations_recommendation", columns=_PROPOSAL, rows=rows)


def fail_chunk(claim: Claim, ending: Ending, now: datetime) -> None:
    """Divide a chunk that could not be done, until the account at fault is alone.

    That account is refused with the code of the failure, and all others have their outcomes. The
    chunk of a night that was cancelled ends as failed.
    """
    run = NightlyRun.objects.get(pk=claim.params["run_id"])
    if run.state != NightState.RUNNING:
        fail(claim=claim, code=ending.code, detail=ending.detail, account_name="", now=now)
        return
    first, last = claim.params["first"], claim.params["last"]
    ids = sorted(accounts_with_targets(first=first, last=last))
    logger.error("chunk %s of %d accounts failed: %s", claim.public_id, len(ids), ending.code)
    with result_written():
        if len(ids) > 1:
            middle = len(ids) // 2
            halves = [
                (first, ids[middle - 1], middle),
                (ids[middle], last, len(ids) - middle),
            ]
            add_chunks(run, halves, now)
        else:
            rows = [(run.pk, *refused(pk, ending.code)) for pk in ids]
            copy_rows(table="recommendations_nightlyresult", columns=_RESULT, rows=rows)
        complete(claim=claim, result={"accounts": 0, "divided": len(ids) > 1})
