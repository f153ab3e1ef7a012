"""Transactions over HTTP."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.currencies import minor_unit_of
from core.dates import instant_text
from core.errors import InvalidInput
from core.limits import (
    EXTERNAL_ID_LENGTH_MAX,
    LOTS_PER_SALE_MAX,
    NOTE_LENGTH_MAX,
    PIECES_PER_LOT_MAX,
    PRICE_DECIMALS,
)
from core.money import WIDE, never_zero, plain
from core.money_text import money_text
from edge.filters import filter_parameters, filtered
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import (
    BasisPercentageField,
    MoneyField,
    PlacedInstantField,
    PriceField,
    QuantityField,
    QuotedCurrencyField,
    RateField,
    StrictSerializer,
    SymbolField,
)
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from transactions import queries
from transactions.ledger.entries import ChosenLot, Entry, ratio_of
from transactions.ledger.kinds import CHOICES
from transactions.models import Account, LotMethod, Transaction
from transactions.operations import check, correct, record, reverse
from transactions.operations.drafts import Draft
from transactions.operations.warnings import (
    WARNING_CODES,
    Warned,
    cash_warning,
    of_row,
    warnings_of,
)
from transactions.queries.filters import TransactionFilter


class LotChoice(StrictSerializer):
    lot_id = serializers.UUIDField(help_text="Lot id, as returned by GET lots.")
    quantity = QuantityField(help_text="Units of the lot or piece to sell.")
    piece = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=PIECES_PER_LOT_MAX,
        help_text="One piece of a lot that wash sales divided, by its number in GET lots. Without "
        "it the account's own order decides. A lot may be named once for each of its pieces.",
    )


class TransactionWrite(StrictSerializer):
    account_id = serializers.UUIDField()
    type = serializers.ChoiceField(choices=CHOICES)
    symbol = SymbolField(required=False)
    quantity = QuantityField(required=False)
    price = PriceField(required=False)
    amount = MoneyField(required=False)
    fee = MoneyField(required=False)
    currency = QuotedCurrencyField(
        required=False,
        help_text=(
            "Currency of price, amount and fee. Minor units such as GBp, GBX, ZAc and ILA are "
            "accepted: the figures are converted to the currency itself."
        ),
    )
    fx_rate = RateField(required=False)
    settled_amount = MoneyField(required=False)
    executed_at = PlacedInstantField(
        default_timezone=UTC,
        help_text="Time of the transaction. Its offset determines the default trade date.",
    )
    trade_date = serializers.DateField(
        required=False,
        help_text="Date at the place of the trade, at most one day from executed_at; default: the "
        "date of executed_at in its own offset.",
    )
    lot_method = serializers.ChoiceField(choices=LotMethod.choices, required=False)
    lots: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LotChoice(), required=False, max_length=LOTS_PER_SALE_MAX
    )
    new_symbol = SymbolField(required=False)
    ratio = serializers.CharField(
        max_length=40, required=False, help_text="Ratio of new to old units: 2:1, 1:10 or 1.05."
    )
    basis_percentage = BasisPercentageField(required=False)
    opened_date = serializers.DateField(
        required=False,
        help_text="Acquisition date of shares transferred in from outside the household.",
    )
    to_account_id = serializers.UUIDField(
        required=False, help_text="Receiving account of a transfer_out within the household."
    )
    order_id = serializers.CharField(max_length=EXTERNAL_ID_LENGTH_MAX, required=False)
    external_id = serializers.CharField(max_length=EXTERNAL_ID_LENGTH_MAX, required=False)
    note = serializers.CharField(max_length=NOTE_LENGTH_MAX, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the data in a currency, if it was stated in a minor unit."""
        unit = minor_unit_of(attrs.get("currency", ""))
        if unit is None:
            return attrs
        if "fx_rate" in attrs:
            raise serializers.ValidationError(
                {"fx_rate": ["Omit fx_rate, or send the figures in the currency itself."]},
                code="minor_currency_unit",
            )
        scaled: dict[str, Any] = {
            name: attrs[name] / unit.per for name in ("price", "amount", "fee") if name in attrs
        }
        price = scaled.get("price")
        if price is not None and round(price, PRICE_DECIMALS) != price:
            raise serializers.ValidationError(
                {"price": [f"At most {PRICE_DECIMALS} decimals of {unit.currency}."]},
                code="too_many_decimals",
            )
        return {**attrs, **scaled, "currency": unit.currency}


class TransactionRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    type = serializers.ChoiceField(choices=CHOICES)
    symbol = serializers.CharField(allow_null=True)
    quantity = serializers.CharField(allow_null=True)
    price = serializers.CharField(allow_null=True)
    amount = serializers.CharField()
    fee = serializers.CharField()
    currency = serializers.CharField()
    fx_rate = serializers.CharField()
    cash_effect = serializers.CharField()
    executed_at = serializers.DateTimeField()
    trade_date = serializers.DateField()
    recorded_at = serializers.DateTimeField()
    lot_id = serializers.UUIDField(allow_null=True)
    lot_method = serializers.CharField(allow_null=True)
    new_symbol = serializers.CharField(allow_null=True)
    ratio = serializers.CharField(allow_null=True)
    basis_percentage = serializers.CharField(allow_null=True)
    opened_date = serializers.DateField(allow_null=True)
    counterpart = serializers.UUIDField(allow_null=True)
    order_id = serializers.CharField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    reverses = serializers.UUIDField(allow_null=True)
    reversed_by = serializers.UUIDField(allow_null=True)
    corrects = serializers.UUIDField(allow_null=True)
    corrected_by = serializers.UUIDField(allow_null=True)
    note = serializers.CharField()


class TransactionWarning(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=list(WARNING_CODES))
    detail = serializers.CharField()
    field = serializers.CharField()


class TransactionRecorded(TransactionRead):
    warnings = TransactionWarning(many=True)


class TransactionChecked(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=CHOICES)
    symbol = serializers.CharField(allow_null=True)
    quantity = serializers.CharField(allow_null=True)
    price = serializers.CharField(allow_null=True)
    amount = serializers.CharField()
    fee = serializers.CharField()
    currency = serializers.CharField()
    fx_rate = serializers.CharField()
    cash_effect = serializers.CharField()
    warnings = TransactionWarning(many=True)


class ReversalWrite(StrictSerializer):
    note = serializers.CharField(max_length=NOTE_LENGTH_MAX, required=False, allow_blank=True)


def _price(price: Decimal | None, amount: Decimal, quantity: Decimal | None) -> str | None:
    """Return a price as stored; from amount and quantity where that would be 0 and is not."""
    if price is None:
        return None
    return plain(never_zero(WIDE.divide(amount, quantity) if quantity else price, price))


def transaction_row(row: Transaction) -> dict[str, object]:
    """Return a transaction as JSON; needs its account, asset and reversals loaded."""
    reversal = getattr(row, "reversed_by", None)
    correction = getattr(row, "corrected_by", None)
    other_side = row.counterpart or getattr(row, "taken_by", None)
    return {
        "id": str(row.public_id),
        "account_id": str(row.account.public_id),
        "type": row.type,
        "symbol": row.asset.symbol if row.asset else None,
        "quantity": None if row.quantity is None else plain(row.quantity),
        "price": _price(row.price, row.amount, row.quantity),
        "amount": money_text(row.amount, row.currency),
        "fee": money_text(row.fee, row.currency),
        "currency": row.currency,
        "fx_rate": plain(row.fx_rate),
        "cash_effect": money_text(row.cash_effect, row.account.currency),
        "executed_at": instant_text(row.executed_at),
        "trade_date": row.trade_date.isoformat(),
        "recorded_at": instant_text(row.recorded_at),
        "lot_id": str(row.public_id) if row.opens_a_lot else None,
        "lot_method": row.lot_method or None,
        "new_symbol": row.new_asset.symbol if row.new_asset else None,
        "ratio": row.ratio,
        "basis_percentage": None if row.basis_percentage is None else plain(row.basis_percentage),
        "opened_date": row.opened_date.isoformat() if row.opened_date else None,
        "counterpart": str(other_side.public_id) if other_side else None,
        "order_id": row.order_id or None,
        "external_id": row.external_id or None,
        "reverses": str(row.reverses.public_id) if row.reverses else None,
        "reversed_by": str(reversal.public_id) if reversal else None,
        "corrects": str(row.corrects.public_id) if row.corrects else None,
        "corrected_by": str(correction.public_id) if correction else None,
        "note": row.note,
    }


def warning_rows(warned: Iterable[Warned]) -> list[dict[str, str]]:
    """Return warnings as JSON."""
    return [{"code": one.code, "detail": one.detail, "field": one.field} for one in warned]


def _recorded_row(row: Transaction, now: datetime) -> dict[str, object]:
    (found,) = warnings_of(stated=[of_row(row)], now=now)
    if row.cash_effect < 0 and (low := cash_warning(account=row.account)):
        found.append(low)
    return {**transaction_row(row), "warnings": warning_rows(found)}


def _checked_row(draft: Draft, found: Iterable[Warned]) -> dict[str, object]:
    entry, figures = draft.entry, draft.amounts
    return {
        "type": entry.type,
        "symbol": draft.asset.symbol if draft.asset else None,
        "quantity": None if figures.quantity is None else plain(figures.quantity),
        "price": _price(figures.price, figures.amount, figures.quantity),
        "amount": money_text(figures.amount, entry.currency),
        "fee": money_text(figures.fee, entry.currency),
        "currency": entry.currency,
        "fx_rate": plain(draft.fx_rate),
        "cash_effect": money_text(figures.cash_effect, draft.account.currency),
        "warnings": warning_rows(found),
    }


class TransactionsView(APIView):
    @extend_schema(
        operation_id="transactions_list",
        responses=page_of(TransactionRead, keyset=True),
        parameters=[
            OpenApiParameter(
                "account_id", UUID, description="Only transactions of this account (UUID)."
            ),
            *filter_parameters(TransactionFilter),
            *page_parameters(keyset=True),
        ],
    )
    def get(self, request: Request) -> Response:
        """List transactions, newest first, by page or, for long lists, by cursor."""
        account_id = request.query_params.get("account_id")
        rows = queries.transactions(
            user=caller(request),
            account_id=serializers.UUIDField().run_validation(account_id) if account_id else None,
        )
        rows = filtered(TransactionFilter, params=request.query_params, rows=rows)
        return Keyset(sort_key="executed_at").answer(request, rows, row=transaction_row)

    @extend_schema(
        operation_id="transactions_create",
        request=TransactionWrite,
        responses={201: TransactionRecorded},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Record a transaction. A buy or sell takes price per unit or amount before the fee.

        Where the security trades in another currency than the account's, `settled_amount` states
        what the broker charged or paid in all, in the account's currency.
        """
        data = TransactionWrite.parsed(request)
        now = timezone.now()

        account_id = data.pop("account_id")

        def access() -> Account:
            return queries.account(user=caller(request), public_id=account_id)

        def effect(account: Account) -> Answer:
            row, *_ = record(
                account=account,
                entries=[entry(data)],
                user=caller(request),
                now=now,
            )
            return 201, _recorded_row(row, now)

        return answered_once(request, now=now, access=access, effect=effect)


class CheckView(APIView):
    @extend_schema(
        operation_id="transactions_check",
        request=TransactionWrite,
        responses=TransactionChecked,
    )
    def post(self, request: Request) -> Response:
        """Compute a transaction's figures and warnings without recording it.

        It refuses what recording refuses, except for lots: those are taken when it is recorded.
        """
        data = TransactionWrite.parsed(request)
        user = caller(request)
        account = queries.account(user=user, public_id=data.pop("account_id"))
        (draft, found), *_ = check(
            account=account, entries=[entry(data)], user=user, now=timezone.now()
        )
        return Response(_checked_row(draft, found))


class TransactionView(APIView):
    @extend_schema(operation_id="transactions_retrieve", responses=TransactionRead)
    def get(self, request: Request, transaction_id: UUID) -> Response:
        """Return a transaction."""
        row = queries.transaction_row(user=caller(request), public_id=transaction_id)
        return Response(transaction_row(row))


class ReversalView(APIView):
    @extend_schema(
        operation_id="transactions_reverse",
        request=ReversalWrite,
        responses={201: TransactionRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """Reverse a transaction by recording a reversal."""
        data = ReversalWrite.parsed(request)
        now = timezone.now()

        def access() -> Transaction:
            return queries.transaction_row(user=caller(request), public_id=transaction_id)

        def effect(original: Transaction) -> Answer:
            row = reverse(original=original, user=caller(request), now=now, **data)
            return 201, transaction_row(row)

        return answered_once(request, now=now, access=access, effect=effect)


class CorrectionView(APIView):
    @extend_schema(
        operation_id="transactions_correct",
        request=TransactionWrite,
        responses={201: TransactionRecorded},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, transaction_id: UUID) -> Response:
        """Replace a transaction in one step: it is reversed, and the new one is recorded.

        Both or neither happen. `account_id` must be the account of the transaction.
        """
        data = TransactionWrite.parsed(request)
        now = timezone.now()
        user, account_id = caller(request), data.pop("account_id")

        def access() -> Transaction:
            return queries.transaction_row(user=user, public_id=transaction_id)

        def effect(original: Transaction) -> Answer:
            if account_id != original.account.public_id:
                raise InvalidInput(
                    "A correction stays in its account. Reverse the transaction, and record it in "
                    "the other account.",
                    code="correction_of_other_account",
                    fields={"account_id": ["is not the account of the transaction"]},
                )
            row, *_ = correct(original=original, entry=entry(data), user=user, now=now)
            return 201, _recorded_row(row, now)

        return answered_once(request, now=now, access=access, effect=effect)


def entry(data: dict[str, Any]) -> Entry:
    """Return the entry that a validated request states."""
    chosen = tuple(ChosenLot(**part) for part in data.pop("lots", []))
    ratio = data.pop("ratio", None)
    executed_at: datetime = data.pop("executed_at")
    return Entry(
        executed_at=executed_at,
        currency=data.pop("currency", ""),
        lots=chosen,
        ratio=None if ratio is None else ratio_of(ratio),
        **data,
    )


urlpatterns = [
    path("transactions", TransactionsView.as_view()),
    path("transactions/check", CheckView.as_view()),
    path("transactions/<uuid:transaction_id>", TransactionView.as_view()),
    path("transactions/<uuid:transaction_id>/correct", CorrectionView.as_view()),
    path("transactions/<uuid:transaction_id>/reverse", ReversalView.as_view()),
]
