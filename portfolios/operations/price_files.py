"""A file of prices: what it would change, row by row, and the same recorded all together.

A row is new, changed, unchanged or refused. Recording writes the new and the changed rows in one
transaction, so that nothing is half done, and the same file a second time changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from core.money import plain
from identity.models import User
from marketdata import queries as market
from marketdata.models import Asset, OwnPrice, PriceOrigin
from marketdata.operations import checked_prices, store_own_prices
from marketdata.operations.own_prices import PricedAsset, asset_to_price
from marketdata.own_prices import Fault, StatedPrice
from portfolios.prices.files import FileRow, read_prices
from portfolios.queries.price_warnings import PriceWarning, price_warnings
from transactions.files.reading.interface import Options

NEW, CHANGED, UNCHANGED, REFUSED = "new", "changed", "unchanged", "refused"
STATUSES = (NEW, CHANGED, UNCHANGED, REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceUpload:
    """A file and what its rows do not say.

    symbol: the asset of rows that name none; currency: of rows that name none, empty for the
    asset's; nominal: for prices in percent of par, the nominal value of one unit; adjusted: whether
    its publisher adjusted prices for splits, None to go by its columns.
    """

    content: bytes
    symbol: str = ""
    currency: str = ""
    nominal: Decimal | None = None
    adjusted: bool | None = None


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row of the file, what becomes of it, and why if it is refused. `before`: the old price."""

    line: int
    status: str
    day: date | None
    symbol: str
    stated: Decimal | None
    currency: str
    price: Decimal | None
    before: Decimal | None
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """All rows in the file's order, cautions about those taken, and how it was read."""

    rows: tuple[JudgedRow, ...]
    warnings: tuple[PriceWarning, ...]
    adjusted: bool
    recorded: bool

    def count(self, status: str) -> int:
        """Return the number of rows with a status."""
        return sum(row.status == status for row in self.rows)


def judge_price_file(
    *, user: User, upload: PriceUpload, now: datetime, record: bool = False
) -> JudgedFile:
    """Return what becomes of each row; with `record` also write all that are taken."""
    default = asset_to_price(user=user, symbol=upload.symbol) if upload.symbol else None
    file = read_prices(content=upload.content, options=Options(now=now))
    adjusted = file.adjusted if upload.adjusted is None else upload.adjusted
    found = _assets(user, file.rows)
    meant = [_stated(row, default, found, upload) for row in file.rows]
    meant = _adjusted(meant) if adjusted else meant
    whole = [(index, *one) for index, one in enumerate(meant) if not isinstance(one, JudgedRow)]
    checked = checked_prices(
        prices=[(asset, stated) for _, asset, stated in whole], as_of=now.date()
    )
    stored = market.own_prices_of(
        household_id=user.household_id, asset_ids={asset.pk for _, asset, _ in whole}
    )
    rows = [one if isinstance(one, JudgedRow) else None for one in meant]
    taken: dict[tuple[int, date], PricedAsset] = {}
    for (index, asset, stated), one in zip(whole, checked, strict=True):
        row = _blank(file.rows[index], asset.symbol, stated.currency or asset.currency)
        rows[index] = _judged(row, one, taken, stored.get(asset.pk, {}))
    judged = [row for row in rows if row is not None]
    assert len(judged) == len(file.rows), "every row of the file has one outcome"
    told = price_warnings(household_id=user.household_id, prices=list(taken.values()), now=now)
    if record:
        store_own_prices(user=user, prices=list(taken.values()), origin=PriceOrigin.FILE, now=now)
    return JudgedFile(tuple(judged), tuple(told), adjusted, record)


def _assets(user: User, rows: Sequence[FileRow]) -> Mapping[str, Asset]:
    """Return assets by the symbols and ISINs of the file; two queries."""
    symbols = {name for row in rows for name in _names(row.symbol)}
    found = market.assets_by_symbol(household_id=user.household_id, symbols=symbols)
    isins = {row.isin for row in rows if row.isin}
    return {**market.assets_by_isin(household_id=user.household_id, isins=isins), **found}


def _names(symbol: str) -> tuple[str, ...]:
    """Return a symbol, and without the suffix that stooq gives to American ones."""
    return (symbol, symbol.removesuffix(".US")) if symbol else ()


def _stated(
    row: FileRow, default: Asset | None, found: Mapping[str, Asset], upload: PriceUpload
) -> JudgedRow | tuple[Asset, StatedPrice]:
    if row.code or row.day is None or row.price is None:
        return _refused(_blank(row, row.symbol or row.isin, row.currency), row.code, row.detail)
    names = (*_names(row.symbol), row.isin) if row.symbol or row.isin else ()
    asset = next((found[name] for name in names if name in found), None)
    if asset is None and not names:
        asset = default
    if asset is None:
        named = row.symbol or row.isin
        code = "symbol_unknown" if named else "symbol_missing"
        detail = (
            f"The security {named[:40]} is not known. Add it first, or correct the file."
            if named
            else "The row names no security. Name it for the whole file."
        )
        return _refused(_blank(row, named, row.currency), code, detail)
    currency = row.currency or upload.currency
    stated = StatedPrice(
        row.day, row.price, "" if currency == asset.currency else currency, upload.nominal
    )
    return asset, stated


def _adjusted(
    meant: Sequence[JudgedRow | tuple[Asset, StatedPrice]],
) -> list[JudgedRow | tuple[Asset, StatedPrice]]:
    """Return the prices as adjusted until the newest day of their asset in the file."""
    newest: dict[int, date] = {}
    for one in meant:
        if not isinstance(one, JudgedRow):
            newest[one[0].pk] = max(one[1].day, newest.get(one[0].pk, one[1].day))
    return [
        one
        if isinstance(one, JudgedRow)
        else (one[0], replace(one[1], adjusted_until=newest[one[0].pk]))
        for one in meant
    ]


def _judged(
    row: JudgedRow,
    one: PricedAsset | Fault,
    taken: dict[tuple[int, date], PricedAsset],
    stored: Mapping[date, OwnPrice],
) -> JudgedRow:
    """Return the outcome of a row; a row that is taken is added to `taken`."""
    if isinstance(one, Fault):
        return _refused(row, one.code, one.detail)
    row = replace(row, price=one.price)
    key = one.asset.pk, one.stated.day
    if key in taken:
        if taken[key].price == one.price:
            return replace(row, status=UNCHANGED, before=one.price)
        detail = f"The file has another price of that day: {plain(taken[key].stated.price)}."
        return _refused(row, "date_repeated", detail)
    taken[key] = one
    before = stored.get(one.stated.day)
    if before is None:
        return replace(row, status=NEW)
    return replace(row, status=UNCHANGED if _says(before, one) else CHANGED, before=before.price)


def _says(before: OwnPrice, one: PricedAsset) -> bool:
    """Return whether a stored price already is what the file says."""
    stated = one.stated
    return (
        before.price,
        before.stated,
        before.stated_currency,
        before.nominal,
        before.adjusted_until,
    ) == (
        one.price,
        stated.price,
        stated.currency or one.asset.currency,
        stated.nominal,
        stated.adjusted_until,
    )


def _blank(row: FileRow, symbol: str, currency: str) -> JudgedRow:
    return JudgedRow(row.line, "", row.day, symbol, row.price, currency, None, None)


def _refused(row: JudgedRow, code: str, detail: str) -> JudgedRow:
    return replace(row, status=REFUSED, code=code, detail=detail)
