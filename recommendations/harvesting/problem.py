"""The inputs of a harvest of one account, their canonical JSON and their validation. Pure.

The securities, lots and recent purchases are those of the rebalancing engine, so that a harvest's
lines are computed by the same code (`engine.sale_lines`) and equal what the ledger writes later.

    securities     held ones and possible replacements, in the order of their symbols
    taxes          the owner's return; None if the account is not taxable or has no rate
    obstacles      per identity group: why a loss taken now would be lost (or is not wanted)
    replacements   per held asset: the stored candidates, best first, or why there are none
    switches       earlier harvests whose replacement is still held

Equal problems are equal bytes, and reading them back gives an equal problem.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import msgspec

from core.errors import Conflict, InvalidInput
from core.identifiers import canonical_json
from recommendations.engine.problem import RebalanceInputs, as_json
from recommendations.engine.problem import canonical as canonical_account
from recommendations.harvesting.options import HORIZON_YEARS_MAX, HarvestOptions
from recommendations.harvesting.tax_value import TaxPosition

# Raise it with every change that gives another result for the same inputs, also in the engine's
# `sale_lines`, `trades` and `fees`.
HARVEST_VERSION = "harvest-1"

SECURITIES_MAX = 5_000
LOTS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no loss of an identity group is harvested, and the last day of that, if known.

    code: reinvested_recently, reinvestment_expected, planned_purchase. detail: of a planned
    purchase, the recommendation that contains it.
    """

    group: str
    code: str
    until: date | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible replacement. correlation and tracking_error: of daily returns, over `sessions`.

    tracking_error: yearly, a fraction; expense_difference: its yearly charge less the charge of
    the asset it replaces, a fraction; None if one of them is not known.
    """

    asset_id: str
    correlation: Decimal
    tracking_error: Decimal
    sessions: int
    expense_difference: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Replacements:
    """The candidates of an asset, best first; without any, `reason` is the code of why."""

    asset_id: str
    candidates: tuple[Candidate, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """An approved harvest whose replacement is still held: sold, bought instead, and when.

    lots: the replacement's lots that were bought for it.
    """

    recommendation_id: str
    sold_asset_id: str
    replacement_asset_id: str
    sold_date: date
    lots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HarvestInputs:
    """All inputs of one run; see the module.

    untaxed: without `taxes`, the code of why: not_taxable, or exchange_rate_unknown if the owner's
    return cannot be converted.
    """

    version: str
    account: RebalanceInputs
    options: HarvestOptions
    taxes: TaxPosition | None
    obstacles: tuple[Obstacle, ...] = ()
    replacements: tuple[Replacements, ...] = ()
    switches: tuple[Switch, ...] = ()
    untaxed: str = "not_taxable"


@dataclass(frozen=True, slots=True)
class _Version:
    version: str


def canonical(*, inputs: HarvestInputs) -> HarvestInputs:
    """Return the problem in its canonical order."""
    return replace(
        inputs,
        account=canonical_account(inputs=inputs.account),
        obstacles=tuple(sorted(inputs.obstacles, key=lambda row: (row.group, row.code))),
        replacements=tuple(sorted(inputs.replacements, key=lambda row: row.asset_id)),
        switches=tuple(
            sorted(
                (replace(row, lots=tuple(sorted(row.lots))) for row in inputs.switches),
                key=lambda row: (row.sold_date, row.recommendation_id, row.sold_asset_id),
            )
        ),
    )


def inputs_json(*, inputs: HarvestInputs) -> str:
    """Return the canonical JSON text of the problem."""
    return canonical_json(as_json(canonical(inputs=inputs))).decode()


def inputs_from_json(*, text: str) -> HarvestInputs:
    """Return the problem of a canonical JSON text; refuse one of another version."""
    ensure_version(msgspec.json.decode(text, type=_Version).version)
    return msgspec.json.decode(text, type=HarvestInputs)


def ensure_version(version: str) -> None:
    """Refuse what another version of the harvest computed: its fields and its rules differ."""
    if version != HARVEST_VERSION:
        raise Conflict(
            f"The recommendation was computed by {version}, and this is {HARVEST_VERSION}. "
            "It can no longer be opened or computed again. Request a new harvest.",
            code="engine_version_unknown",
        )


def ensure_valid(*, inputs: HarvestInputs) -> None:
    """Refuse inputs without a right answer: InvalidInput with one of the codes

    too_many_securities, too_many_lots, setting_out_of_range.
    """
    securities = inputs.account.securities
    if len(securities) > SECURITIES_MAX:
        raise InvalidInput(
            f"The account has more than {SECURITIES_MAX} assets. Sell or transfer some first.",
            code="too_many_securities",
        )
    if sum(len(security.lots) for security in securities) > LOTS_MAX:
        raise InvalidInput(
            f"The account has more than {LOTS_MAX} open lots, which a harvest cannot take.",
            code="too_many_lots",
        )
    options = inputs.options
    amounts = (
        options.minimum_benefit,
        options.minimum_benefit_percentage,
        options.minimum_loss,
        options.brokerage_fee,
        options.discount_percentage,
        options.switch_back_gain_percentage,
    )
    if (
        any(not (value.is_finite() and value >= 0) for value in amounts)
        or not 0 <= options.horizon_years <= HORIZON_YEARS_MAX
        or options.minimum_benefit_percentage > 100
        or options.discount_percentage > 100
    ):
        raise InvalidInput(
            "Amounts and percentages of a harvest must not be negative, percentages at most 100, "
            f"and the horizon between 0 and {HORIZON_YEARS_MAX} years.",
            code="setting_out_of_range",
        )
    for security in securities:
        if not 0 <= security.half_spread_bp < Decimal(5_000):
            raise InvalidInput(
                f"The half spread of {security.symbol} must be below 5,000 basis points.",
                code="setting_out_of_range",
            )
