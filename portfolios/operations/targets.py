"""Writes: the targets and the restrictions of an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from core.errors import InvalidInput
from core.limits import EARLIEST_DATE, RESTRICTIONS_MAX, TARGETS_MAX
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol
from portfolios.holdings.targets import CASH_SYMBOL, RELATIVE, TargetWeight, ensure_whole
from portfolios.models import Restriction, RestrictionKind, Target
from transactions.models import Account
from transactions.operations.accounts import lock_account, next_version, publish_version


@dataclass(frozen=True, slots=True)
class Rule:
    """A restriction to set."""

    symbol: str
    kind: str
    until_date: date | None = None
    reason: str = ""


def set_targets(*, account: Account, weights: Sequence[TargetWeight]) -> None:
    """Replace the targets of an account; they sum to 100 (the symbol CASH stands for cash)."""
    _ensure_unique([weight.symbol for weight in weights], count_max=TARGETS_MAX)
    ensure_whole(weights)
    with transaction.atomic():
        locked = lock_account(account=account)
        known = _known(locked, [w.symbol for w in weights if w.symbol != CASH_SYMBOL])
        Target.objects.filter(account=locked).delete()
        Target.objects.bulk_create(
            [
                Target(
                    account=locked,
                    asset=known.get(weight.symbol),
                    target_percentage=weight.target_percentage,
                    rebalance_threshold=weight.band,
                    relative_threshold=weight.rebalance_threshold
                    if weight.threshold_kind == RELATIVE
                    else None,
                )
                for weight in weights
            ]
        )
        publish_version(account=locked, version=next_version(locked))


def set_restrictions(*, account: Account, rules: Sequence[Rule]) -> None:
    """Replace the restrictions of an account."""
    _ensure_unique([rule.symbol for rule in rules], count_max=RESTRICTIONS_MAX)
    for rule in rules:
        if rule.kind not in RestrictionKind.values:
            raise InvalidInput(
                f"Unknown restriction {rule.kind}. Send no_buy, no_sell or no_trade.",
                code="kind_unknown",
            )
        if rule.until_date is not None and rule.until_date < EARLIEST_DATE:
            raise InvalidInput(
                f"until_date is before {EARLIEST_DATE}. Send a later date.",
                code="date_too_early",
                fields={"until_date": [f"must be on or after {EARLIEST_DATE}"]},
            )
    with transaction.atomic():
        locked = lock_account(account=account)
        known = _known(locked, [rule.symbol for rule in rules])
        Restriction.objects.filter(account=locked).delete()
        Restriction.objects.bulk_create(
            [
                Restriction(
                    account=locked,
                    asset=known[rule.symbol],
                    kind=rule.kind,
                    until_date=rule.until_date,
                    reason=rule.reason,
                )
                for rule in rules
            ]
        )
        # A rebalance that is running under the old rules does not answer the next request.
        publish_version(account=locked, version=next_version(locked))


def _ensure_unique(symbols: Sequence[str], *, count_max: int) -> None:
    if len(symbols) > count_max:
        raise InvalidInput(f"Too many rows. Send at most {count_max}.", code="too_many_rows")
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise InvalidInput(
            f"These symbols appear twice: {', '.join(twice)}. Send each once.",
            code="symbol_repeated",
            fields={"symbol": [f"{symbol} appears twice" for symbol in twice]},
        )


def _known(account: Account, symbols: Sequence[str]) -> dict[str, Asset]:
    known = assets_by_symbol(household_id=account.household_id, symbols=set(symbols))
    missing = sorted(set(symbols) - set(known))
    if missing:
        raise InvalidInput(
            f"These symbols are not known: {', '.join(missing)}. Search for them first.",
            code="symbol_unknown",
            fields={"symbol": [f"{symbol} is not known" for symbol in missing]},
        )
    fixed = sorted(symbol for symbol, asset in known.items() if not asset.tradable)
    if fixed:
        raise InvalidInput(
            f"These assets cannot be bought or sold: {', '.join(fixed)}. Remove them.",
            code="asset_not_tradable",
            fields={"symbol": [f"{symbol} cannot be bought or sold" for symbol in fixed]},
        )
    return known
