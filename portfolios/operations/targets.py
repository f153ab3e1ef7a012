"""Writes: the targets and the restrictions of an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from core.errors import InvalidInput
from core.limits import EARLIEST_DATE, RESTRICTIONS_MAX, TARGETS_MAX
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol
from portfolios.holdings.target_sets import Fund, SetWeight
from portfolios.holdings.targets import CASH_SYMBOL, TargetWeight, ensure_whole
from portfolios.models import Restriction, RestrictionKind
from portfolios.operations.target_sets import keep_own, place
from transactions.models import Account
from transactions.operations.accounts import lock_account, next_version, publish_version


@dataclass(frozen=True, slots=True)
class Rule:
    """A restriction to set."""

    symbol: str
    kind: str
    until_date: date | None = None
    reason: str = ""


def set_targets(
    *, account: Account, weights: Sequence[TargetWeight], user: User | None = None
) -> None:
    """Replace the targets of an account; they sum to 100 (the symbol CASH stands for cash).

    They become the next version of the account's own set, and the account follows that.
    """
    _ensure_unique([weight.symbol for weight in weights], count_max=TARGETS_MAX)
    ensure_whole(weights)
    with transaction.atomic():
        locked = lock_account(account=account)
        known = _known(locked, [w.symbol for w in weights if w.symbol != CASH_SYMBOL])
        own = [_set_weight(weight, known) for weight in weights]
        place(
            account=locked,
            weights=own,
            version=keep_own(account=locked, weights=own, user=user),
        )


def _set_weight(weight: TargetWeight, known: Mapping[str, Asset]) -> SetWeight:
    asset = known.get(weight.symbol)
    return SetWeight(
        funds=(Fund(str(asset.public_id), asset.symbol),) if asset else (),
        target_percentage=weight.target_percentage,
        rebalance_threshold=weight.rebalance_threshold,
        threshold_kind=weight.threshold_kind,
    )


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
