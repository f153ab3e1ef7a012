"""The inputs of harvests, of many accounts of one household in a constant number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from core.errors import Conflict
from marketdata.fx import Rate
from marketdata.models import Asset
from marketdata.queries import exchange_rates
from portfolios.holdings.valuation import UnitValue, unit_value
from portfolios.models import Restriction
from portfolios.prices.rule import Quote
from portfolios.queries.household_prices import household_quotes
from portfolios.queries.taxes import household_of, tax_rates, tax_returns
from portfolios.tax.tax_return import TaxReturn, years_of
from recommendations.engine.inputs import Facts, RestrictionFacts, problem
from recommendations.engine.options import Options
from recommendations.engine.rebalancing import ENGINE_VERSION
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.problem import (
    HARVEST_VERSION,
    Candidate,
    HarvestInputs,
    Obstacle,
    Replacements,
    Switch,
)
from recommendations.harvesting.reinvestments import LOOKED_BACK_DAYS, reinvestment
from recommendations.harvesting.tax_value import TaxPosition
from recommendations.models import Replacement, ReplacementSearch
from recommendations.queries.household_plans import (
    OpenSwitch,
    PlannedPurchase,
    open_switches,
    planned_purchases,
)
from recommendations.queries.inputs import (
    asset_facts,
    lots_and_purchases,
    other_pieces,
    own_pieces,
    owner_rates,
)
from transactions.ledger.open_wash_windows import WashWindows
from transactions.ledger.wash_windows import window_end
from transactions.models import Account
from transactions.queries import open_pieces, wash_windows
from transactions.queries.reinvestments import reinvestment_days
from transactions.queries.wash_windows import HeldPiece

RateKey = tuple[str, str]
NO_RATE = "exchange_rate_unknown"


@dataclass(frozen=True, slots=True)
class _Read:
    """Everything read of a household, before it is divided among its accounts."""

    windows: WashWindows
    held: Mapping[int, list[HeldPiece]]
    assets: Mapping[int, Asset]
    quotes: Mapping[int, Quote]
    rates: Mapping[RateKey, Rate]
    returns: Mapping[str, TaxReturn]
    restrictions: Sequence[Restriction]
    replacements: Sequence[Replacement]
    searches: Mapping[int, ReplacementSearch]
    obstacles: Sequence[Obstacle]
    planned: Sequence[PlannedPurchase]
    switches: Sequence[OpenSwitch]


def harvest_inputs(
    *, accounts: Sequence[Account], options: HarvestOptions, now: datetime
) -> dict[int, HarvestInputs]:
    """Return the inputs of each account by its key; the accounts come with their owners.

    All accounts belong to one household. Call it in a repeatable-read transaction.
    """
    if not accounts:
        return {}
    read = _read(accounts, now)
    return {account.pk: _inputs(account, read, options, now) for account in accounts}


def _read(accounts: Sequence[Account], now: datetime) -> _Read:
    as_of, (household_id,) = now.date(), {account.household_id for account in accounts}
    windows = wash_windows(household_ids=[household_id], as_of=as_of)[household_id]
    by_pk = {account.pk: account for account in accounts}
    held: dict[int, list[HeldPiece]] = {pk: [] for pk in by_pk}
    for row in open_pieces(accounts=by_pk):
        held[row.piece.place[0]].append(row)
    switches = open_switches(account_ids=list(by_pk), now=now)
    ids = {row.piece.place[1] for rows in held.values() for row in rows}
    ids |= {row.sold_id for row in switches}
    replacements = list(Replacement.objects.filter(asset_id__in=ids).order_by("asset_id", "rank"))
    known = ids | {row.candidate_id for row in replacements}
    rows = list(Asset.objects.filter(pk__in=known).order_by("id"))
    returns = _returns(accounts, as_of)
    currencies = {account.currency for account in accounts}
    pairs = {(row.currency, home) for row in rows for home in currencies}
    pairs |= {(home, found.currency) for found in returns for home in currencies}
    return _Read(
        windows=windows,
        held=held,
        assets={row.pk: row for row in rows},
        quotes=household_quotes(household_id=household_id, assets=rows, now=now),
        rates=exchange_rates(pairs=sorted(pairs), as_of=as_of),
        returns={owner.id: found for found in returns for owner in found.owners},
        restrictions=list(
            Restriction.objects.filter(account_id__in=list(by_pk))
            .filter(Q(until_date=None) | Q(until_date__gte=as_of))
            .order_by("account_id", "asset_id")
        ),
        replacements=replacements,
        searches={row.asset_id: row for row in ReplacementSearch.objects.filter(asset_id__in=ids)},
        obstacles=_reinvestments(windows, as_of),
        planned=planned_purchases(account_ids=_members(household_id), now=now),
        switches=switches,
    )


def _returns(accounts: Sequence[Account], as_of: date) -> list[TaxReturn]:
    """Return the household's returns; none if a rate is missing, so its accounts are refused."""
    if not any(account.is_taxed for account in accounts):
        return []
    household = household_of(account=accounts[0])
    try:
        return tax_returns(household=household, year=as_of.year, as_of=as_of)
    except Conflict as refusal:
        if refusal.code != NO_RATE:
            raise
        return []


def _members(household_id: int) -> list[int]:
    rows = Account.objects.filter(household_id=household_id, archived_at=None)
    return list(rows.values_list("pk", flat=True))


def _reinvestments(windows: WashWindows, as_of: date) -> list[Obstacle]:
    """Return the groups that reinvested lately, or will within 30 days of a sale."""
    since = as_of - timedelta(days=LOOKED_BACK_DAYS)
    by_account = reinvestment_days(account_ids=_members(windows.household_id), since=since)
    found = []
    for (account, asset), days in by_account.items():
        if not windows.purchase_counts(account=account, asset=asset):
            continue
        rhythm = reinvestment(days=days, as_of=as_of)
        if rhythm is None:
            continue
        group = str(windows.group(asset))
        if window_end(rhythm.last_date) >= as_of:
            found.append(Obstacle(group, "reinvested_recently", window_end(rhythm.last_date)))
        elif rhythm.expected_date is not None and rhythm.expected_date <= window_end(as_of):
            # The purchase of that day counts until the 30th day after it.
            until = window_end(rhythm.expected_date)
            found.append(Obstacle(group, "reinvestment_expected", until))
    latest: dict[tuple[str, str], Obstacle] = {}
    for one in found:
        known = latest.get((one.group, one.code))
        if known is None or (known.until or as_of) < (one.until or as_of):
            latest[one.group, one.code] = one
    return list(latest.values())


def _inputs(account: Account, read: _Read, options: HarvestOptions, now: datetime) -> HarvestInputs:
    taxable = account.is_taxed
    own = own_pieces(read.held[account.pk], read.windows)
    held = {one.held.piece.place[1] for one in own}
    switches = [row for row in read.switches if row.account_id == account.pk]
    wanted = held | {row.sold_id for row in switches}
    mine = [row for row in read.replacements if row.asset_id in held]
    wanted |= {row.candidate_id for row in mine}
    others = (
        other_pieces(account_pk=account.pk, asset_ids=held, windows=read.windows) if taxable else []
    )
    lots, purchases = lots_and_purchases(own, others)
    facts = Facts(
        account_id=str(account.public_id),
        as_of=now.date(),
        currency=account.currency,
        cash=account.cash,
        taxable=taxable,
        rates=owner_rates(account),
        assets={
            pk: asset_facts(
                read.assets[pk],
                worth=_worth(read, pk, account.currency),
                account_pk=account.pk,
                windows=read.windows,
            )
            for pk in sorted(wanted)
        },
        lots=lots,
        restrictions=[
            RestrictionFacts(row.asset_id, row.kind, row.until_date)
            for row in read.restrictions
            if row.account_id == account.pk
        ],
        purchases=purchases,
        earlier_acquired_count=read.windows.rules.policy.earlier_acquired_count,
    )
    engine = Options(brokerage_fee=options.brokerage_fee)
    return HarvestInputs(
        version=HARVEST_VERSION,
        account=problem(facts=facts, options=engine, engine_version=ENGINE_VERSION),
        options=options,
        taxes=_position(account, read) if taxable else None,
        untaxed=NO_RATE if taxable else "not_taxable",
        obstacles=(*_planned(account, read), *_of_groups(read, held)),
        replacements=tuple(_replacements(pk, read) for pk in sorted(held)),
        switches=tuple(
            Switch(
                recommendation_id=str(row.recommendation_id),
                sold_asset_id=str(row.sold_public_id),
                replacement_asset_id=str(row.bought_public_id),
                sold_date=row.sold_date,
                lots=tuple(str(lot_id) for lot_id in row.lot_ids),
            )
            for row in switches
        ),
    )


def _worth(read: _Read, asset_id: int, home: str) -> UnitValue:
    asset = read.assets[asset_id]
    return unit_value(quote=read.quotes.get(asset_id), rate=read.rates.get((asset.currency, home)))


def _of_groups(read: _Read, held: set[int]) -> list[Obstacle]:
    """Return the household's obstacles that concern what the account holds."""
    groups = {str(read.windows.group(asset)) for asset in held}
    return [one for one in read.obstacles if one.group in groups]


def _planned(account: Account, read: _Read) -> list[Obstacle]:
    """Return the purchases that recommendations plan, but not the account's own replacements."""
    by_public_id = {str(row.public_id): pk for pk, row in read.assets.items()}
    found: dict[str, Obstacle] = {}
    for row in read.planned:
        own = row.account_id == account.pk and row.kind == "harvest"
        asset_id = by_public_id.get(row.asset_id)
        if own or asset_id is None:
            continue
        group = str(read.windows.group(asset_id))
        known = found.get(group)
        if known is None or (known.until is not None and known.until < row.until):
            found[group] = Obstacle(
                group, "planned_purchase", row.until, str(row.recommendation_id)
            )
    return list(found.values())


def _replacements(asset_id: int, read: _Read) -> Replacements:
    asset, search = read.assets[asset_id], read.searches.get(asset_id)
    return Replacements(
        asset_id=str(asset.public_id),
        candidates=tuple(
            Candidate(
                asset_id=str(read.assets[row.candidate_id].public_id),
                correlation=row.correlation,
                tracking_error=row.tracking_error,
                sessions=row.sessions,
                expense_difference=row.expense_difference,
            )
            for row in read.replacements
            if row.asset_id == asset_id
            # One that was closed since the search cannot be bought.
            and read.assets[row.candidate_id].is_active
        ),
        reason=search.reason if search else "not_screened",
    )


def _position(account: Account, read: _Read) -> TaxPosition | None:
    """Return the year of the owner's return, at the rates of the account's own owner.

    None if it cannot be converted.
    """
    found = read.returns.get(str(account.owner.public_id))
    if found is None:
        return None
    rate = read.rates.get((account.currency, found.currency))
    if rate is None and account.currency != found.currency:
        return None
    schedule = years_of(found)[found.year]
    rates = tax_rates(account.owner)
    return TaxPosition(
        year=found.year,
        currency=found.currency,
        short_term=schedule.gains.short_term,
        long_term=schedule.gains.long_term,
        carried_short=schedule.carried_in.short_term,
        carried_long=schedule.carried_in.long_term,
        loss_limit=schedule.loss_limit,
        ordinary_rate=rates.ordinary,
        long_term_rate=rates.long_term,
        state_rate=rates.state,
        net_investment_income_rate=rates.net_investment_income,
        fx_rate=rate.rate if rate else Decimal(1),
    )
