"""Tell the households that follow a strategy of its new version: a job, for they may be many."""

from datetime import datetime

from jobs.models import Queue
from jobs.operations import Claim, Ending, announce_to_many, complete, enqueue, fail, result_written
from recommendations.models import Strategy, StrategyFollow

STRATEGY_NEWS = "recommendations.strategy_news"
_ESTIMATE_S = 5.0


def request_news(*, strategy: Strategy, number: int, now: datetime) -> None:
    """Enqueue the news of a version, in the transaction that publishes it."""
    if number == 1:
        return  # nobody follows what nobody has seen
    enqueue(
        kind=STRATEGY_NEWS,
        queue=Queue.NIGHTLY,
        user=None,
        household_id=None,
        subject_id=strategy.public_id,
        params={"number": number},
        now=now,
        estimate_s=_ESTIMATE_S,
    )


def run_news(*, claim: Claim, now: datetime) -> None:
    """Write one message to each household that follows, unless the strategy is hidden by now."""
    with result_written():
        strategy = Strategy.objects.get(public_id=claim.subject_id)
        followers: list[int] = []
        if strategy.hidden_at is None:
            rows = StrategyFollow.objects.filter(strategy=strategy).order_by("household_id")
            followers = list(rows.values_list("household_id", flat=True))
        number = claim.params["number"]
        announce_to_many(
            topic="strategy_version",
            household_ids=followers,
            dedup_key=f"strategy:{strategy.public_id}:{number}",
            payload={
                "strategy_id": str(strategy.public_id),
                "strategy_name": strategy.name,
                "number": number,
            },
            now=now,
        )
        complete(claim=claim, result={})


def fail_news(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed; it is the system's own and concerns no household."""
    fail(claim=claim, code=ending.code, detail=ending.detail, account_name="", now=now)
