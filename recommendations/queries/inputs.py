"""The inputs of the rebalancing engine, of one account."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.errors import InvalidInput
from marketdata.models import Asset
from portfolios.holdings.valuation import UnitValue
from portfolios.queries import restrictions, targets, unit_values
from recommendations.engine.fees import fee_market
from recommendations.engine.inputs import (
    NOTHING_YET,
    AssetFacts,
    Facts,
    Rates,
    RestrictionFacts,
    TargetFacts,
    problem,
)
from recommendations.engine.options import Options
from recommendations.engine.problem import LIVE, Lot, Purchase, RebalanceInputs
from recommendations.engine.rebalancing import ENGINE_VERSION
from recommendations.queries.year_so_far import year_so_far
from transactions.ledger.lots import Piece
from transactions.ledger.open_wash_windows import WashWindows
from transactions.ledger.replacements import order_of
from transactions.ledger.units import Scale
from transactions.models import Account
from transactions.queries import open_pieces, wash_windows
from transactions.queries.wash_windows import HeldPiece


def rebalance_inputs(*, account: Account, options: Options, now: datetime) -> RebalanceInputs:
    """Return everything the engine needs of one account, read with its owner.

    Call it in a repeatable-read transaction.
    """
    as_of = now.date()
    wanted = list(targets(account_pk=account.pk))
    if not wanted:
        raise InvalidInput(
            "The account has no targets. Set them before rebalancing.",
            code="targets_missing",
        )
    windows = wash_windows(household_ids=[account.household_id], as_of=as_of)[account.household_id]
    own = own_pieces(open_pieces(accounts={account.pk: account}), windows)
    ids = {one.held.piece.place[1] for one in own}
    ids |= {target.asset_id for target in wanted if target.asset_id is not None}
    taxable = account.is_taxed
    has_budget = options.turnover_budget is not None or options.gain_budget is not None
    others = other_pieces(account_pk=account.pk, asset_ids=ids, windows=windows) if taxable else []
    lots, purchases = lots_and_purchases(own, others)
    facts = Facts(
        account_id=str(account.public_id),
        as_of=as_of,
        currency=account.currency,
        cash=account.cash,
        taxable=taxable,
        rates=owner_rates(account),
        assets=_assets(account, ids, windows, now),
        lots=lots,
        targets=[
            TargetFacts(row.asset_id, row.target_percentage, row.rebalance_threshold)
            for row in wanted
        ],
        restrictions=[
            RestrictionFacts(row.asset_id, row.kind, row.until_date)
            for row in restrictions(account_pk=account.pk, as_of=as_of)
        ],
        purchases=purchases,
        earlier_acquired_count=windows.rules.policy.earlier_acquired_count,
        year=year_so_far(account=account, as_of=as_of) if has_budget else NOTHING_YET,
    )
    return problem(facts=facts, options=options, engine_version=ENGINE_VERSION)


def _assets(
    account: Account, ids: set[int], windows: WashWindows, now: datetime
) -> dict[int, AssetFacts]:
    rows = list(Asset.objects.filter(pk__in=ids).order_by("id"))
    worth = unit_values(
        household_id=account.household_id, assets=rows, currency=account.currency, now=now
    )
    return {
        row.pk: asset_facts(row, worth=worth[row.pk], account_pk=account.pk, windows=windows)
        for row in rows
    }


def asset_facts(
    row: Asset, *, worth: UnitValue, account_pk: int, windows: WashWindows
) -> AssetFacts:
    """Return what the engine knows of an asset in an account; worth: in the account's currency."""
    quote, rate = worth.quote, worth.rate
    return AssetFacts(
        asset_id=row.pk,
        public_id=str(row.public_id),
        symbol=row.symbol,
        group_id=windows.group(row.pk),
        price=worth.value or None,
        stale=bool(quote and quote.stale),
        price_source=quote.source if quote else LIVE,
        half_spread_bp=row.half_spread_bp,
        fractional=row.fractional,
        fee_market=fee_market(
            exchange=row.exchange, asset_class=row.asset_class, currency=row.currency
        ),
        currency=row.currency,
        quote=quote.price if quote else None,
        fx_rate=rate.rate if rate else Decimal(1),
        wash_sales=windows.loss_counts(account=account_pk, asset=row.pk),
        blocked_until=windows.blocked_until(account=account_pk, asset=row.pk),
    )


@dataclass(frozen=True, slots=True)
class OwnPiece:
    """An open piece of the account: whether it may replace a loss, and its washable steps."""

    held: HeldPiece
    bought: bool
    washable: int


@dataclass(frozen=True, slots=True)
class OtherPiece:
    """A recent purchase in another account of the household; `permanent`: not a taxable one."""

    piece: Piece
    group: int
    permanent: bool


def own_pieces(held: Sequence[HeldPiece], windows: WashWindows) -> list[OwnPiece]:
    """Return the open pieces of an account with what the household's wash windows say of them."""
    found = []
    for row in held:
        account, asset = row.piece.place
        counts = windows.purchase_counts(account=account, asset=asset)
        found.append(
            OwnPiece(row, row.piece.purchase and counts, washable=windows.washable(row.piece))
        )
    return found


def other_pieces(
    *, account_pk: int, asset_ids: Collection[int], windows: WashWindows
) -> list[OtherPiece]:
    """Return purchases of the household's other accounts that may replace a loss of this one."""
    return [
        OtherPiece(piece, group, permanent=piece.place[0] not in windows.rules.taxable)
        for group in sorted({windows.group(asset) for asset in asset_ids})
        for piece in windows.of(group).purchases
        if piece.place[0] != account_pk
    ]


class _Orders:
    """The places of lots and purchases among all inputs of the engine, oldest first."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        turns = sorted({order_of(piece) for piece in pieces})
        self._lots = {turn: order for order, turn in enumerate(turns)}
        self._purchases: dict[tuple[object, ...], int] = {}
        for piece in pieces:
            order, key = self.lot(piece), piece.purchase_key
            self._purchases[key] = min(order, self._purchases.get(key, order))

    def lot(self, piece: Piece) -> int:
        """Return the place of the piece's lot."""
        return self._lots[order_of(piece)]

    def purchase(self, piece: Piece) -> int:
        """Return the place of the first lot of the piece's purchase."""
        return self._purchases[piece.purchase_key]


def lots_and_purchases(
    own: Sequence[OwnPiece], others: Sequence[OtherPiece]
) -> tuple[dict[int, list[Lot]], list[Purchase]]:
    """Return the engine's lots by asset id, and its purchases in other accounts."""
    orders = _Orders([one.held.piece for one in own] + [one.piece for one in others])
    lots: dict[int, list[Lot]] = {}
    for one in own:
        piece = one.held.piece
        lots.setdefault(piece.place[1], []).append(
            Lot(
                lot_id=str(one.held.lot_id),
                quantity=one.held.quantity,
                cost_basis=one.held.cost_basis,
                opened_date=piece.opened_at.date(),
                holding_period_date=piece.held_since,
                piece=one.held.number,
                opened_at=piece.opened_at,
                order=orders.lot(piece),
                purchase=orders.purchase(piece),
                bought=one.bought,
                replaces_loss=piece.replaces_loss,
                washable=Scale().quantity(one.washable),
            )
        )
    purchases = [
        Purchase(
            group=str(one.group),
            quantity=Scale().quantity(one.piece.quantity),
            opened_at=one.piece.opened_at,
            order=orders.lot(one.piece),
            purchase=orders.purchase(one.piece),
            permanent=one.permanent,
        )
        for one in others
    ]
    return lots, purchases


def owner_rates(account: Account) -> Rates:
    """Return the rates of the account's owner, who is loaded with it."""
    owner = account.owner
    return Rates(
        ordinary=owner.federal_ordinary_rate,
        long_term=owner.federal_long_term_rate,
        state=owner.state_rate,
        net_investment_income=owner.net_investment_income_rate,
    )
