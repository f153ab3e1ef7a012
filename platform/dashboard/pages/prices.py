"""A household's own prices: which holdings need one, those of an asset, and files of them."""

from contextlib import suppress
from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, InvalidInput
from dashboard.forms.entries import add_refusal
from dashboard.forms.prices import PriceFileForm, PriceForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import page_asked, symbol_asked
from edge.pagination import counted
from marketdata import operations
from marketdata import queries as market
from marketdata.models import Asset, AssetClass
from marketdata.operations.own_prices import asset_to_price
from marketdata.own_prices import StatedPrice
from portfolios.operations.price_files import REFUSED, JudgedFile, PriceUpload, judge_price_file
from portfolios.prices.rule import FEEDS
from portfolios.queries.household_prices import household_quotes
from portfolios.queries.households import household_worth
from portfolios.queries.price_warnings import price_warnings

PRICES_SHOWN = 50
FILE_ROWS_SHOWN = 200
# Encodings that a file in a form may have had; it is kept as text until it is recorded.
_ENCODINGS = ("utf-8-sig", "utf-16", "cp1252")


@for_investors("GET")
def prices(request: SignedIn) -> HttpResponse:
    """List the holdings that no source prices, and take a file of prices."""
    return _file_form(request, PriceFileForm(initial={"symbol": symbol_asked(request)}))


@for_investors("GET", "POST")
def asset_prices(request: SignedIn, symbol: str) -> HttpResponse:
    """Show the price of an asset and the household's own prices of it; take one by hand."""
    now = timezone.now()
    asset = asset_to_price(user=request.user, symbol=symbol.upper())
    bound = request.POST if request.method == "POST" else None
    form = PriceForm(
        bound,
        currency=asset.currency,
        bond=asset.asset_class == AssetClass.BOND,
        initial={"date": now.date(), "currency": asset.currency},
    )
    status = 200
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                return _recorded(request, asset, form)
            except BallastError as refusal:
                add_refusal(form, refusal)
                status = refusal.status
    own = market.own_prices(household_id=request.user.household_id, asset=asset)
    pages = max(1, -(-counted(own) // PRICES_SHOWN))
    number = page_asked(request, pages=pages)
    start = (number - 1) * PRICES_SHOWN
    known = household_quotes(household_id=request.user.household_id, assets=[asset], now=now)
    return shown(
        request,
        "asset_prices",
        {
            "asset": asset,
            "quote": known.get(asset.pk),
            "form": form,
            "rows": own[start : start + PRICES_SHOWN],
            "page_number": number,
            "pages": pages,
        },
        status=status,
    )


def _recorded(request: SignedIn, asset: Asset, form: PriceForm) -> HttpResponse:
    """Record the price of a valid form, with its cautions as messages."""
    data, now = form.cleaned_data, timezone.now()
    stated = StatedPrice(data["date"], data["close"], data["currency"], data.get("nominal"))
    recorded = operations.record_own_prices(
        user=request.user, symbol=asset.symbol, prices=[stated], now=now
    )
    messages.success(request, f"The price of {asset.symbol} on {stated.day} was saved.")
    for told in price_warnings(household_id=request.user.household_id, prices=recorded, now=now):
        messages.warning(request, told.detail)
    return redirect("asset_prices", asset.symbol)


@for_investors("POST")
def asset_price_delete(request: SignedIn, symbol: str) -> HttpResponse:
    """Delete the household's own price of a day."""
    try:
        day = date.fromisoformat(request.POST.get("date", ""))
    except ValueError:
        raise InvalidInput("The day is missing. Reload the page.", code="date_invalid") from None
    try:
        operations.delete_own_price(user=request.user, symbol=symbol.upper(), day=day)
    except BallastError as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, f"The price of {day} was deleted.")
    return redirect("asset_prices", symbol.upper())


@for_investors("POST")
def price_file(request: SignedIn) -> HttpResponse:
    """Preview a file, or record what is taken of it. The preview keeps the file as text."""
    form = PriceFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _file_form(request, form, status=400)
    content, record = form.content, request.POST.get("action") == "record"
    upload = PriceUpload(
        content=content,
        symbol=form.cleaned_data["symbol"],
        nominal=form.nominal_value,
        adjusted=form.adjusted_by_publisher,
    )
    try:
        found = judge_price_file(
            user=request.user, upload=upload, now=timezone.now(), record=record
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _file_form(request, form, status=refusal.status)
    if record:
        taken = found.count("new") + found.count("changed")
        messages.success(request, f"{taken} price{'' if taken == 1 else 's'} saved.")
        return redirect("prices")
    return shown(request, "price_file", _preview(found, form, content))


def _preview(found: JudgedFile, form: PriceFileForm, content: bytes) -> dict[str, object]:
    refused = [row for row in found.rows if row.status == REFUSED]
    taken = [row for row in found.rows if row.status in ("new", "changed")]
    return {
        "found": found,
        "counts": {name: found.count(name) for name in ("new", "changed", "unchanged", "refused")},
        "refused": refused[:FILE_ROWS_SHOWN],
        "more_refused": len(refused) > FILE_ROWS_SHOWN,
        "taken": taken[:FILE_ROWS_SHOWN],
        "more_taken": len(taken) > FILE_ROWS_SHOWN,
        "form": form,
        "text": _text(content),
    }


def _text(content: bytes) -> str:
    for encoding in _ENCODINGS:
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    return content.decode("latin-1")


def _file_form(request: SignedIn, form: PriceFileForm, *, status: int = 200) -> HttpResponse:
    """Show the holdings that no source prices, and the form of a file."""
    found = household_worth(user=request.user, now=timezone.now())
    rows = [row for row in found.holdings if row.quote is None or row.quote.source not in FEEDS]
    context = {
        "rows": rows,
        "estimates": found.estimates,
        "currency": found.currency,
        "form": form,
    }
    return shown(request, "prices", context, status=status)
