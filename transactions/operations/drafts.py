"""Turn stated entries into rows ready to be written, with all references looked up at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from core.dates import ensure_past, on_day
from core.errors import BallastError, Conflict, InvalidInput
from core.identifiers import uuid7
from identity.models import User
from marketdata.fx import kept
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol, exchange_rates_on
from transactions.ledger.entries import Amounts, Entry, amounts
from transactions.ledger.kinds import BOOKED_TYPES, KINDS
from transactions.models import Account, Import, Transaction
from transactions.operations.accounts import ensure_method
from transactions.queries.households import HouseholdBooks, household_of
from transactions.queries.ledger import unknown_account

# The longest time between the two sides of a transfer.
_TRANSFER_DAYS_MAX = 30


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry with its references looked up, ready to be a row. `item`: the index of the entry.

    `takes`: the draft whose lots it takes (a transfer between own accounts stated as one entry).
    `counterpart`: the stored transfer out whose lots it takes.
    """

    item: int
    account: Account
    entry: Entry
    asset: Asset | None
    new_asset: Asset | None
    fx_rate: Decimal
    amounts: Amounts
    lot_method: str
    tax_rates: Mapping[str, str]
    takes: int | None = None
    counterpart: Transaction | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """The records that the entries of a batch refer to."""

    household: HouseholdBooks
    account: Account
    assets: Mapping[str, Asset]
    rates: Mapping[tuple[str, date], Decimal]
    tax_rates: Mapping[str, str]


def drafts(
    *,
    household: HouseholdBooks,
    account: Account,
    entries: Sequence[Entry],
    user: User,
    now: datetime,
) -> list[Draft]:
    """Return the drafts of `entries`. The number of queries does not depend on their number."""
    locked = household.accounts[account.pk]
    symbols = {symbol for row in entries for symbol in (row.symbol, row.new_symbol) if symbol}
    assets = assets_by_symbol(household_id=household.id, symbols=symbols) if symbols else {}
    entries = [_with_currency(entry, assets, locked) for entry in entries]
    known = _Known(
        household,
        locked,
        assets,
        _rates(locked, entries),
        _tax_rates(locked, entries),
    )
    made: list[Draft] = []
    for item, entry in enumerate(entries):
        try:
            _ensure_when(entry, now)
            _ensure_open(locked, entry)
            made += _drafts_of(known, item, entry, len(made))
        except BallastError as fault:
            fault.item = item
            raise
    return _paired(household, made)


def checked(
    *, account: Account, entries: Sequence[Entry], assets: Mapping[str, Asset], now: datetime
) -> list[Draft | BallastError]:
    """Return the draft of each entry or its refusal, after every check that precedes booking.

    `assets` are the assets of the entries, including those that do not exist yet.
    """
    household = household_of(household_id=account.household_id, accounts={account.pk: account})
    known = _Known(
        household, account, assets, _rates(account, entries), _tax_rates(account, entries)
    )
    found: list[Draft | BallastError] = []
    for item, entry in enumerate(entries):
        try:
            _ensure_when(entry, now)
            _ensure_open(account, entry)
            found.append(_draft(known, item, entry))
        except BallastError as fault:
            found.append(fault)
    return found


def _with_currency(entry: Entry, assets: Mapping[str, Asset], account: Account) -> Entry:
    if entry.currency:
        return entry
    asset = assets.get(entry.symbol or "")
    return replace(entry, currency=asset.currency if asset else account.currency)


def _ensure_when(entry: Entry, now: datetime) -> None:
    ensure_past(entry.executed_at, now=now, field="executed_at")
    on_day(entry.executed_at, entry.day)


def _ensure_open(locked: Account, entry: Entry) -> None:
    """Refuse what the account cannot hold, and what is before its opening."""
    if not locked.kind.securities and KINDS[entry.type].lots != "none":
        raise InvalidInput(
            f"An account of the type “{locked.kind.label}” holds no securities. Record this in "
            "another account, or add one of a type that does.",
            code="account_holds_cash_only",
            fields={"type": ["moves securities, which this account cannot hold"]},
        )
    opened = locked.opened_date
    if opened is not None and entry.day < opened:
        raise InvalidInput(
            f"The account was opened on {opened}. Correct the date, or the opening date.",
            code="before_account_opened",
            fields={"executed_at": [f"must not be before {opened}"]},
        )


def _drafts_of(known: _Known, item: int, entry: Entry, at: int) -> list[Draft]:
    draft = _draft(known, item, entry)
    if entry.to_account_id is None:
        return [draft]
    other = next(
        (row for row in known.household.accounts.values() if row.public_id == entry.to_account_id),
        None,
    )
    if other is None:
        raise unknown_account()
    _ensure_transferable(known.account, other)
    _ensure_open(other, entry)
    arrival = replace(
        draft,
        account=other,
        entry=replace(
            entry,
            type="transfer_in",
            lots=(),
            fee=Decimal(0),
            to_account_id=None,
            public_id=None,
        ),
        amounts=replace(draft.amounts, fee=Decimal(0), cash_effect=Decimal(0)),
        lot_method="",
        tax_rates={},
        takes=at,
    )
    return [draft, arrival]


def _ensure_transferable(one: Account, other: Account) -> None:
    if one.pk == other.pk:
        raise InvalidInput(
            "Both accounts of the transfer are the same. Name another account.",
            code="transfer_to_itself",
            fields={"to_account_id": ["is the account of the transfer itself"]},
        )
    if one.is_taxed != other.is_taxed:
        raise InvalidInput(
            "Lots cannot move between a taxable and a retirement account. Record a transfer_out, "
            "and a transfer_in with the value of the shares and the date.",
            code="transfer_not_allowed",
            fields={"to_account_id": ["is an account that is taxed differently"]},
        )
    if one.currency != other.currency:
        raise InvalidInput(
            "The accounts have different currencies. Record a transfer_out, and a "
            "transfer_in with the cost of the shares.",
            code="transfer_between_currencies",
            fields={"to_account_id": ["is an account in another currency"]},
        )


def _paired(household: HouseholdBooks, made: list[Draft]) -> list[Draft]:
    """Find the household's transfer out for each arrival that states no cost."""
    lonely = [
        index
        for index, draft in enumerate(made)
        if draft.entry.type == "transfer_in"
        and draft.takes is None
        and draft.entry.opened_date is None
    ]
    if not lonely:
        return made
    arrivals = [made[index] for index in lonely]
    for index, source in zip(lonely, _sources(list(household.accounts), arrivals), strict=True):
        draft = made[index]
        if source is None:
            fault = _source_unknown()
            fault.item = draft.item
            raise fault
        _ensure_transferable(household.accounts[source.account_id], draft.account)
        made[index] = replace(draft, counterpart=source)
    return made


def arrival_refusals(*, account: Account, arrivals: Sequence[Draft]) -> list[BallastError | None]:
    """Return why each arrival in this account that states no cost cannot be recorded, if so."""
    accounts = {row.pk: row for row in Account.objects.filter(household_id=account.household_id)}
    found: list[BallastError | None] = []
    for source in _sources(list(accounts), arrivals):
        if source is None:
            found.append(_source_unknown())
            continue
        try:
            _ensure_transferable(accounts[source.account_id], account)
        except BallastError as refusal:
            found.append(refusal)
        else:
            found.append(None)
    return found


def _source_unknown() -> Conflict:
    return Conflict(
        "No transfer_out of the household matches this one. Send the cost of the shares as "
        "amount and their acquisition date as opened_date.",
        code="transfer_source_unknown",
        status=400,
        fields={"amount": ["is required"], "opened_date": ["is required"]},
    )


def _sources(account_ids: Sequence[int], arrivals: Sequence[Draft]) -> list[Transaction | None]:
    """Return the transfer out of another account whose lots each arrival takes."""
    rows = (
        Transaction.objects.filter(
            account_id__in=account_ids,
            type="transfer_out",
            asset_id__in={draft.asset.pk for draft in arrivals if draft.asset and draft.asset.pk},
            reverses__isnull=True,
            reversed_by__isnull=True,
            taken_by__isnull=True,
        )
        .exclude(account_id__in={draft.account.pk for draft in arrivals})
        .order_by("executed_at", "id")
    )
    by_figures: dict[tuple[int | None, Decimal | None], list[Transaction]] = {}
    for row in rows:
        by_figures.setdefault((row.asset_id, row.quantity), []).append(row)
    found: list[Transaction | None] = []
    for draft in arrivals:
        asset = None if draft.asset is None else draft.asset.pk
        alike = by_figures.get((asset, draft.amounts.quantity), [])
        source = next((row for row in alike if _fits(row, draft)), None)
        if source is not None:
            alike.remove(source)
        found.append(source)
    return found


def _fits(source: Transaction, draft: Draft) -> bool:
    late = draft.entry.executed_at - source.executed_at
    return (
        draft.asset is not None
        and source.asset_id == draft.asset.pk
        and source.quantity == draft.amounts.quantity
        and timedelta(0) <= late <= timedelta(days=_TRANSFER_DAYS_MAX)
    )


def _rates(locked: Account, entries: Sequence[Entry]) -> dict[tuple[str, date], Decimal]:
    found = exchange_rates_on(
        wanted=[
            (entry.currency, locked.currency, entry.day)
            for entry in entries
            if entry.fx_rate is None
            and entry.settled_amount is None
            and entry.currency != locked.currency
        ]
    )
    return {(base, day): rate.rate for (base, _, day), rate in found.items()}


def _tax_rates(locked: Account, entries: Sequence[Entry]) -> dict[str, str]:
    """Return the owner's tax rates if a sale chooses lots by them. The sale keeps its rates."""
    wanted = {entry.lot_method or locked.lot_method for entry in entries}
    if "min_tax" not in wanted or not locked.is_taxed:
        return {}
    owner = User.objects.get(pk=locked.owner_id)
    other = owner.state_rate + owner.net_investment_income_rate
    return {
        "short": str(owner.federal_ordinary_rate + other),
        "long": str(owner.federal_long_term_rate + other),
    }


def _draft(known: _Known, item: int, entry: Entry) -> Draft:
    asset = _asset(known, entry, entry.symbol, "symbol")
    if asset is None and KINDS[entry.type].needs_symbol:
        raise InvalidInput(
            f"{KINDS[entry.type].label} needs the symbol. Add it.",
            code="symbol_required",
            fields={"symbol": ["is required"]},
        )
    if (
        asset is not None
        and KINDS[entry.type].figures == "trade"
        and entry.currency != asset.currency
    ):
        raise InvalidInput(
            f"{asset.symbol} trades in {asset.currency}, not in {entry.currency}. Correct the "
            "currency.",
            code="currency_mismatch",
            fields={"currency": [f"must be {asset.currency}"]},
        )
    rate = Decimal(1) if entry.settled_amount is not None else _fx_rate(known, entry)
    figures = amounts(entry=entry, fx_rate=rate, account_currency=known.account.currency)
    method = _lot_method(known, entry)
    return Draft(
        item,
        known.account,
        entry,
        asset,
        _asset(known, entry, entry.new_symbol, "new_symbol"),
        kept(figures.fx_rate),
        figures,
        method,
        entry.tax_rates or known.tax_rates if method == "min_tax" else {},
    )


def _asset(known: _Known, entry: Entry, symbol: str | None, field: str) -> Asset | None:
    if not symbol:
        return None
    asset = known.assets.get(symbol)
    if asset is None:
        raise InvalidInput(
            f"The symbol {symbol} is not known. Search for it, or create it as your own asset.",
            code="symbol_unknown",
            fields={field: ["is not known"]},
        )
    if entry.type in BOOKED_TYPES and not asset.tradable:
        raise InvalidInput(
            f"{asset.symbol} cannot be bought or sold. Choose another asset.",
            code="asset_not_tradable",
            fields={field: ["cannot be bought or sold"]},
        )
    return asset


def _lot_method(known: _Known, entry: Entry) -> str:
    """Return the lot method of an entry whose lots leave. Refuse one for any other entry."""
    if not KINDS[entry.type].chooses_lots:
        if entry.lots or entry.lot_method:
            raise InvalidInput(
                f"{KINDS[entry.type].label} has no lots. Remove lots and lot_method.",
                code="field_not_allowed",
            )
        if not KINDS[entry.type].may_sell:
            return ""
        return "fifo" if known.account.lot_method == "specific" else known.account.lot_method
    if entry.lots and entry.lot_method not in (None, "specific"):
        raise InvalidInput(
            f"Named lots and the method {entry.lot_method} exclude each other. Send one of them.",
            code="lots_and_method",
            fields={"lot_method": ["must be absent when lots are named"]},
        )
    method = "specific" if entry.lots else entry.lot_method or known.account.lot_method
    ensure_method(method)
    return method


def _fx_rate(known: _Known, entry: Entry) -> Decimal:
    currency = known.account.currency
    if entry.currency == currency:
        if entry.fx_rate not in (None, Decimal(1)):
            raise InvalidInput(
                "Both currencies are the same. Remove fx_rate.",
                code="fx_rate_not_allowed",
                fields={"fx_rate": ["must be absent"]},
            )
        return Decimal(1)
    if entry.fx_rate is not None:
        return kept(entry.fx_rate)
    day = entry.day
    rate = known.rates.get((entry.currency, day))
    if rate is None and not (entry.amount or entry.price or entry.fee):
        return Decimal(1)  # no money moves
    if rate is None:
        raise InvalidInput(
            f"No exchange rate from {entry.currency} to {currency} is available for {day}. "
            "Send fx_rate.",
            code="exchange_rate_unknown",
            fields={"fx_rate": ["is required"]},
        )
    return rate


def stored_row(
    *, draft: Draft, user: User, now: datetime, import_batch: Import | None
) -> Transaction:
    """Return the row of a draft. Writing fills in a counterpart among the other drafts."""
    entry, figures = draft.entry, draft.amounts
    return Transaction(
        public_id=entry.public_id or uuid7(),
        account=draft.account,
        type=entry.type,
        asset=draft.asset,
        quantity=figures.quantity,
        price=figures.price,
        amount=figures.amount,
        fee=figures.fee,
        currency=entry.currency,
        fx_rate=draft.fx_rate,
        cash_effect=figures.cash_effect,
        executed_at=entry.executed_at.astimezone(UTC),
        trade_date=entry.day,
        recorded_at=now,
        recorded_by_id=user.pk,
        new_asset=draft.new_asset,
        ratio_new=figures.ratio.new if figures.ratio else None,
        ratio_old=figures.ratio.old if figures.ratio else None,
        basis_percentage=entry.basis_percentage,
        opened_date=entry.opened_date,
        counterpart=draft.counterpart,
        order_id=entry.order_id,
        external_id=entry.external_id,
        import_batch=import_batch,
        lot_method=draft.lot_method,
        lots=[part.as_stored() for part in entry.lots],
        tax_rates=dict(draft.tax_rates),
        note=entry.note,
    )
