"""Create and change the working copy of a strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from core import limits
from core.errors import Conflict, InvalidInput
from identity.models import User
from marketdata.models import Asset, AssetClass
from marketdata.queries import public_assets
from portfolios.holdings.target_sets import Fund, SetWeight, ensure_distinct, packed, unpacked
from portfolios.holdings.targets import ABSOLUTE, CASH_SYMBOL
from recommendations.models import Strategy, StrategyAuthor, StrategyState
from recommendations.strategies import rules as strategy_rules
from recommendations.strategies.names import (
    ensure_free_name,
    ensure_readable,
    name_key,
    one_line,
    tag_of,
)
from recommendations.strategies.rules import Rules
from stores.locks import locked

_NAME_KEY_LENGTH_MAX = limits.AUTHOR_NAME_LENGTH_MAX * 4


@dataclass(frozen=True, slots=True)
class WeightWish:
    """A weight as its author states it: of a symbol (CASH stands for cash), or of a class."""

    target_percentage: Decimal
    rebalance_threshold: Decimal
    threshold_kind: str = ABSOLUTE
    symbol: str = ""
    asset_class: str = ""
    funds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What an author states; None leaves what there is."""

    name: str | None = None
    summary: str | None = None
    description: str | None = None
    risk_profile: str | None = None
    tags: Sequence[str] | None = None
    weights: Sequence[WeightWish] | None = None
    rules: Rules | None = None
    author_name: str | None = None


def create_strategy(*, user: User, content: Content, now: datetime) -> Strategy:
    """Create a draft that its author alone sees."""
    assert content.name is not None, "a strategy has a name"
    assert content.risk_profile is not None, "a strategy has a risk profile"
    with transaction.atomic():
        author = _author(user, content.author_name, now)
        if Strategy.objects.filter(author=user).count() >= limits.STRATEGIES_PER_AUTHOR_MAX:
            raise Conflict(
                f"You have the maximum of {limits.STRATEGIES_PER_AUTHOR_MAX} strategies.",
                code="too_many_strategies",
            )
        row = Strategy(author=user, author_name=author.name, created_at=now, updated_at=now)
        row.draft_rules = strategy_rules.packed(Rules())
        _apply(row, content)
        row.save()
    return row


def change_strategy(*, strategy: Strategy, user: User, content: Content, now: datetime) -> Strategy:
    """Change the texts and the working copy. A published version keeps its weights and rules."""
    with transaction.atomic():
        if content.author_name is not None:
            _author(user, content.author_name, now)
        row = locked_own(strategy=strategy)
        _apply(row, content)
        row.updated_at = now
        row.save(
            update_fields=[
                *("name", "summary", "description", "risk_profile", "tags", "asset_classes"),
                *("draft_weights", "draft_rules", "updated_at"),
            ]
        )
    return row


def locked_own(*, strategy: Strategy) -> Strategy:
    """Lock and return a strategy that its author changes; refuse a retired one."""
    row = locked(Strategy.objects.filter(pk=strategy.pk)).get()
    if row.state == StrategyState.RETIRED:
        raise Conflict(
            "The strategy is retired and stays as it is. Create another one.",
            code="strategy_retired",
        )
    return row


def classes_of(weights: Sequence[SetWeight]) -> list[str]:
    """Return the asset classes of some weights, in the order of `AssetClass`."""
    ids = [one.funds[0].asset_id for one in weights if one.funds and not one.asset_class]
    known = Asset.objects.filter(public_id__in=ids).values_list("asset_class", flat=True)
    found = {weight.asset_class for weight in weights} | set(known)
    if any(not weight.funds and not weight.asset_class for weight in weights):
        found.add(AssetClass.CASH)
    return [one.value for one in AssetClass if one in found]


def _apply(row: Strategy, content: Content) -> None:
    if content.name is not None:
        row.name = one_line(content.name, field="name")
        ensure_readable(row.name, field="name")
        ensure_free_name(row.name, field="name", of_author=False)
    if content.summary is not None:
        row.summary = one_line(content.summary, field="summary")
    if content.description is not None:
        row.description = content.description
    if content.risk_profile is not None:
        row.risk_profile = content.risk_profile
    if content.tags is not None:
        row.tags = _tags(content.tags)
    if content.rules is not None:
        row.draft_rules = strategy_rules.packed(content.rules)
    if content.weights is not None:
        weights = _weights(content.weights)
        row.draft_weights = packed(weights)
    if row.current_version_id is None:
        row.asset_classes = classes_of(unpacked(row.draft_weights))


def _tags(texts: Sequence[str]) -> list[str]:
    tags = sorted({tag_of(text) for text in texts})
    if len(tags) > limits.STRATEGY_TAGS_MAX:
        raise InvalidInput(
            f"A strategy has at most {limits.STRATEGY_TAGS_MAX} tags. Leave some out.",
            code="too_many_tags",
            fields={"tags": [f"at most {limits.STRATEGY_TAGS_MAX}"]},
        )
    return tags


def _weights(wishes: Sequence[WeightWish]) -> list[SetWeight]:
    """Return the weights with their assets: those of the market, never a household's own."""
    funds_max = limits.FUNDS_PER_CLASS_MAX
    if any(len(wish.funds) > funds_max for wish in wishes):
        raise InvalidInput(
            f"Too many funds. A class is filled by at most {funds_max}.",
            code="too_many_rows",
            fields={"weights": [f"at most {funds_max} funds of a class"]},
        )
    symbols = {wish.symbol for wish in wishes if wish.symbol and wish.symbol != CASH_SYMBOL}
    known = public_assets(symbols=symbols | {fund for wish in wishes for fund in wish.funds})
    asked = [symbol for wish in wishes for symbol in (wish.symbol, *wish.funds)]
    missing = sorted({one for one in asked if one and one != CASH_SYMBOL and one not in known})
    if missing:
        raise InvalidInput(
            f"These are not securities of the market that can be bought: {', '.join(missing)}. "
            "A strategy cannot have assets of your own.",
            code="strategy_asset_unknown",
            fields={"weights": [f"{symbol} is not known to everybody" for symbol in missing]},
        )
    weights = [_weight(wish, known) for wish in wishes]
    ensure_distinct(weights)
    return weights


def _weight(wish: WeightWish, known: Mapping[str, Asset]) -> SetWeight:
    if bool(wish.symbol) == bool(wish.asset_class) or bool(wish.asset_class) != bool(wish.funds):
        raise InvalidInput(
            "A weight is that of a symbol, or of an asset class with the funds that fill it.",
            code="weight_ambiguous",
            fields={"weights": ["send symbol, or asset_class and funds"]},
        )
    symbols = wish.funds if wish.asset_class else (wish.symbol,)
    if len(set(symbols)) < len(symbols):
        raise InvalidInput(
            f"A fund of {wish.asset_class} is named twice. Name each once.",
            code="target_twice",
            fields={"weights": [f"{wish.asset_class} names a fund twice"]},
        )
    funds = (
        ()
        if wish.symbol == CASH_SYMBOL
        else tuple(Fund(str(known[symbol].public_id), symbol) for symbol in symbols)
    )
    return SetWeight(
        funds=funds,
        target_percentage=wish.target_percentage,
        rebalance_threshold=wish.rebalance_threshold,
        threshold_kind=wish.threshold_kind,
        asset_class=wish.asset_class,
    )


def nobodys_name(user: User) -> str:
    """Return a name that tells nothing of the author."""
    return f"Investor {user.public_id.hex[-6:]}"


def _author(user: User, name: str | None, now: datetime) -> StrategyAuthor:
    """Return the author's row, locked, under the name they want; their strategies show it too."""
    row = locked(StrategyAuthor.objects.filter(user=user)).first()
    if row is not None and (name is None or name == row.name):
        return row
    # Nobody is published under their own name unless they say so.
    shown = nobodys_name(user) if name is None else _shown(name)
    # A letter may become several in a key. Names that differ only behind its end read alike.
    fields = {"name": shown, "name_key": name_key(shown)[:_NAME_KEY_LENGTH_MAX]}
    try:
        with transaction.atomic():
            if row is None:
                return StrategyAuthor.objects.create(user=user, created_at=now, **fields)
            StrategyAuthor.objects.filter(pk=row.pk).update(**fields)
    except IntegrityError:
        if row is None and (made := StrategyAuthor.objects.filter(user=user).first()):
            # Another request of the same person made it just now.
            return made if name is None else _author(user, name, now)
        raise Conflict(
            "Another author has this name, or one that reads like it. Choose another.",
            code="author_name_taken",
            fields={"author_name": ["is taken"]},
        ) from None
    Strategy.objects.filter(author=user).update(author_name=shown)
    row.refresh_from_db()
    return row


def _shown(name: str) -> str:
    shown = one_line(name, field="author_name")
    ensure_readable(shown, field="author_name")
    ensure_free_name(shown, field="author_name", of_author=True)
    return shown
