"""The inputs of the rebalancing engine, of one account."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from core.errors import InvalidInput
from marketdata.models import Asset
from portfolios.queries import restrictions, targets, unit_values
from recommendations.engine.fees import fee_market
from recommendations.engine.inputs import (
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
from transactions.ledger.lots import Piece
from transactions.ledger.open_wash_windows import WashWindows
from transactions.ledger.replacements import order_of
from transactions.ledger.units import Scale
from transactions.models import Account, AccountType
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
    held = open_pieces(accounts={account.pk: account})
    ids = {row.piece.place[1] for row in held}
    ids |= {target.asset_id for target in wanted if target.asset_id is not None}
    orders = _Orders(held, windows)
    taxable = account.type == AccountType.TAXABLE
    facts = Facts(
        account_id=str(account.public_id),
        as_of=as_of,
        currency=account.currency,
        cash=account.cash,
        taxable=taxable,
        rates=_rates(account),
        assets=_assets(account, ids, windows, now),
        lots=_lots(held, windows, orders),
        targets=[
            TargetFacts(row.asset_id, row.target_percentage, row.rebalance_threshold)
            for row in wanted
        ],
        restrictions=[
            RestrictionFacts(row.asset_id, row.kind, row.until_date)
            for row in restrictions(account_pk=account.pk, as_of=as_of)
        ],
        purchases=_purchases_elsewhere(account, ids, windows, orders) if taxable else (),
        earlier_acquired_count=windows.rules.policy.earlier_acquired_count,
    )
    return problem(facts=facts, options=options, engine_version=ENGINE_VERSION)


def _assets(
    account: Account, ids: set[int], windows: WashWindows, now: datetime
) -> dict[int, AssetFacts]:
    rows = list(Asset.objects.filter(pk__in=ids).order_by("id"))
    worth = unit_values(
        household_id=account.household_id, assets=rows, currency=account.currency, now=now
    )
    facts = {}
    for row in rows:
        unit = worth[row.pk]
        facts[row.pk] = AssetFacts(
            asset_id=row.pk,
            public_id=str(row.public_id),
            symbol=row.symbol,
            group_id=windows.group(row.pk),
            price=unit.value or None,
            stale=bool(unit.quote and unit.quote.stale),
            price_source=unit.quote.source if unit.quote else LIVE,
            half_spread_bp=row.half_spread_bp,
            fractional=row.fractional,
            fee_market=fee_market(
                exchange=row.exchange, asset_class=row.asset_class, currency=row.currency
            ),
            currency=row.currency,
            quote=unit.quote.price if unit.quote else None,
            fx_rate=unit.rate.rate if unit.rate else Decimal(1),
            wash_sales=windows.loss_counts(account=account.pk, asset=row.pk),
            blocked_until=windows.blocked_until(account=account.pk, asset=row.pk),
        )
    return facts


class _Orders:
    """The places of lots and purchases among all inputs of the engine, oldest first."""

    def __init__(self, held: Sequence[HeldPiece], windows: WashWindows) -> None:
        pieces = [row.piece for row in held]
        pieces += [piece for window in windows.windows.values() for piece in window.purchases]
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


def _lots(held: Sequence[HeldPiece], windows: WashWindows, orders: _Orders) -> dict[int, list[Lot]]:
    found: dict[int, list[Lot]] = {}
    for row in held:
        piece = row.piece
        account, asset = piece.place
        counts = windows.purchase_counts(account=account, asset=asset)
        found.setdefault(asset, []).append(
            Lot(
                lot_id=str(row.lot_id),
                quantity=row.quantity,
                cost_basis=row.cost_basis,
                opened_date=piece.opened_at.date(),
                holding_period_date=piece.held_since,
                piece=row.number,
                opened_at=piece.opened_at,
                order=orders.lot(piece),
                purchase=orders.purchase(piece),
                bought=piece.purchase and counts,
                replaces_loss=piece.replaces_loss,
                washable=Scale().quantity(windows.washable(piece)),
            )
        )
    return found


def _purchases_elsewhere(
    account: Account, ids: set[int], windows: WashWindows, orders: _Orders
) -> list[Purchase]:
    """Return purchases of the household's other accounts in the window that may replace a loss."""
    return [
        Purchase(
            group=str(group),
            quantity=Scale().quantity(piece.quantity),
            opened_at=piece.opened_at,
            order=orders.lot(piece),
            purchase=orders.purchase(piece),
            permanent=piece.place[0] not in windows.rules.taxable,
        )
        for group in sorted({windows.group(asset) for asset in ids})
        for piece in windows.of(group).purchases
        if piece.place[0] != account.pk
    ]


def _rates(account: Account) -> Rates:
    owner = account.owner
    return Rates(
        ordinary=owner.federal_ordinary_rate,
        long_term=owner.federal_long_term_rate,
        state=owner.state_rate,
        net_investment_income=owner.net_investment_income_rate,
    )
