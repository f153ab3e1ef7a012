"""OFX and QFX: the positions and balances of investment, bank and card accounts. Pure.

    <INVSTMTRS><DTASOF>20240331 ... <INVPOSLIST><POSSTOCK><INVPOS>...</INVPOSLIST><INVBAL>...
    UNITS          negative or positive; POSTYPE SHORT makes it negative
    AVAILCASH      the cash of all sub-accounts, sweep funds included
    MARGINBALANCE  added to it: negative is money borrowed
    LEDGERBAL      the balance of a bank account

Securities are named by UNIQUEID; their tickers stand in the list at the end of the file. A position
that is stated in parts, one for each sub-account, is several rows.
"""

from collections.abc import Mapping
from datetime import date
from typing import BinaryIO

from transactions.files.formats.ofx import Group, groups, is_ofx, tags
from transactions.files.formats.ofx_rows import iso_date, plain_decimal, security_of
from transactions.files.reading.cells import UnreadableDate, moment
from transactions.files.reading.decoding import encoding_of
from transactions.files.reading.interface import Options, Security
from transactions.files.reading.lines import Line
from transactions.files.stated.interface import Collector, Statement, StatementFormat

_POSITIONS = frozenset({"POSSTOCK", "POSMF", "POSDEBT", "POSOPT", "POSOTHER"})
_BALANCES = frozenset({"INVBAL", "LEDGERBAL"})
_WANTED = _POSITIONS | _BALANCES | {"DTASOF"}


def read(data: BinaryIO, options: Options) -> Statement:
    encoding = encoding_of(data, declared=options.encoding)
    securities = _securities(data, encoding)
    found, day = Collector(), None
    # The list may be empty: then the account holds nothing.
    found.states_positions = any(name == "INVPOSLIST" for _, _, name, _ in tags(data, encoding))
    for group in groups(data, encoding, also=_WANTED):
        if group.name == "DTASOF":
            day = _day(group.values["DTASOF"])
        elif group.name in _POSITIONS:
            _position(found, group, securities, day, options)
        elif group.name in _BALANCES:
            _balance(found, group, day, options)
    return found.statement()


def _securities(data: BinaryIO, encoding: str) -> Mapping[str, Security]:
    known: dict[str, Security] = {}
    for group in groups(data, encoding):
        if group.name == "SECINFO":
            number, kind = group.values.get("UNIQUEID", ""), group.values.get("UNIQUEIDTYPE", "")
            named = security_of(number, kind)
            known[number] = Security(
                symbol=group.values.get("TICKER", "")[:64],
                isin=named.isin,
                cusip=named.cusip,
                name=group.values.get("SECNAME", "")[:120],
            )
    return known


def _position(
    found: Collector,
    group: Group,
    securities: Mapping[str, Security],
    day: date | None,
    options: Options,
) -> None:
    values, number = group.values, group.values.get("UNIQUEID", "")
    short = values.get("POSTYPE", "").upper() == "SHORT" and not values.get(
        "UNITS", ""
    ).strip().startswith("-")
    line = _line(
        group,
        options,
        quantity=values.get("UNITS", ""),
        value=values.get("MKTVAL", ""),
        currency=values.get("CURRENCY.CURSYM", "") or group.currency,
    )
    if group.name == "POSOPT":
        line.problem("option_not_supported")
    found.position(
        line,
        account=group.account,
        day=day or _day(values.get("DTPRICEASOF", "")),
        security=securities.get(number) or security_of(number, values.get("UNIQUEIDTYPE", "")),
        sign=-1 if short else 1,
    )


def _balance(found: Collector, group: Group, day: date | None, options: Options) -> None:
    values = group.values
    if group.name == "LEDGERBAL":
        line = _line(group, options, amount=values.get("BALAMT", ""), currency=group.currency)
        day = _day(values.get("DTASOF", ""))
        found.balance(line, account=group.account, day=day)
        return
    line = _line(group, options, amount=values.get("AVAILCASH", ""), currency=group.currency)
    borrowed = _line(group, options, amount=values.get("MARGINBALANCE", ""))
    found.balance(line, account=group.account, day=day)
    if borrowed.figure("amount"):
        borrowed.cells = {**borrowed.cells, "currency": group.currency}
        found.balance(borrowed, account=group.account, day=day)


def _line(group: Group, options: Options, **cells: str) -> Line:
    plain = {name: plain_decimal(text) for name, text in cells.items()}
    stated = {name: text for name, text in group.values.items() if "." not in name}
    return Line(
        group.line,
        cells=plain,
        columns={"quantity": "UNITS", "value": "MKTVAL", "amount": "AVAILCASH"},
        options=options,
        stated=stated,
        date_order="ymd",
        money={"value": "currency", "amount": "currency"},
    )


def _day(text: str) -> date | None:
    try:
        return moment(iso_date(text)[:10], "ymd").day
    except UnreadableDate:
        return None


STATEMENTS = [StatementFormat(name="ofx", title="OFX or QFX", read=read, is_head=is_ofx)]
