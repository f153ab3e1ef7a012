"""Examples of the API: a request body that works for each operation, and values for answers.

Request bodies are written by hand and sent to the API by a test. Answers are put together from the
schema, field by field.
"""

from typing import Any

from config.reference import notes, notifications

ACCOUNT = "01937a3e-7c00-7a10-8000-0000000000a1"
LOT = "01937a3e-7c00-7a10-8000-0000000000c3"

_PURCHASE = {
    "account_id": ACCOUNT,
    "type": "buy",
    "symbol": "AAPL",
    "quantity": "12.5",
    "price": "189.98",
    "fee": "1",
    "executed_at": "2026-03-02T15:30:00Z",
}
_CREDENTIAL = {"id": "c2lnbmF0dXJl", "rawId": "c2lnbmF0dXJl", "type": "public-key", "response": {}}
_WEIGHTS = [
    {"symbol": "AAPL", "target_percentage": "60", "rebalance_threshold": "5"},
    {"asset_class": "equity", "funds": ["KO", "AAPL"], "target_percentage": "35"},
    {"symbol": "CASH", "target_percentage": "5", "rebalance_threshold": "1"},
]
REQUESTS: dict[str, Any] = {
    "strategies_create": {
        "name": "Patient growth",
        "summary": "Two companies and a little cash, brought back four times a year.",
        "description": "Why these **two**: see [the notes](https://example.com/notes).",
        "risk_profile": "growth",
        "tags": ["equity", "low turnover"],
        "weights": _WEIGHTS,
        "rules": {"schedule": "quarterly", "bands": True},
    },
    "strategies_update": {"summary": "Two companies and a little cash.", "weights": _WEIGHTS},
    "strategies_publish": {"change_note": "First version.", "listed": True},
    "strategies_clone": {"account_id": ACCOUNT, "gain_budget": "5000"},
    "strategies_report": {"reason": "misleading", "details": "It promises a return."},
    "rebalance_policy_replace": {
        "cash_policy": "full",
        "cash_floor": "2500",
        "minimum_holding_days": 31,
        "gain_budget": "10000",
    },
    "accounts_create": {"name": "Brokerage", "type": "taxable", "currency": "USD"},
    "accounts_update": {"name": "Joint brokerage", "lot_method": "min_tax"},
    "log_out": {"refresh": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"},
    "change_password": {
        "current_password": "correct-horse-battery",
        "new_password": "a-longer-phrase-of-words",
    },
    "make_api_key": {
        "name": "Spreadsheet",
        "scopes": ["read"],
        "account_ids": [ACCOUNT],
        "expires_at": "2030-01-01T00:00:00Z",
    },
    "add_passkey": {
        "ceremony": "nY3a1r6hYk0H2v6y8r5bqk4n8eX9tq2d",
        "credential": _CREDENTIAL,
        "name": "Phone",
    },
    "log_in_with_passkey": {
        "ceremony": "nY3a1r6hYk0H2v6y8r5bqk4n8eX9tq2d",
        "credential": _CREDENTIAL,
    },
    "prove": {"password": "correct-horse-battery"},
    "confirm_totp": {"code": "287082"},
    "ask_for_password_reset": {"email": "ada@example.com"},
    "reset_password": {
        "token": "01937a3e7c007a1080000000000000f6.c2lnbmF0dXJl",
        "new_password": "a-longer-phrase-of-words",
    },
    "verify_email": {"token": "01937a3e7c007a1080000000000000f6.c2lnbmF0dXJl"},
    "register": {
        "email": "ada@example.com",
        "password": "correct-horse-battery",
        "full_name": "Ada Reyes",
    },
    "log_in": {"email": "ada@example.com", "password": "correct-horse-battery"},
    "refresh_token": {"refresh": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"},
    "grant_adviser": {"email": "adviser@example.com"},
    "join_household": {"invitation": "Xb3…"},
    "invite": {"email": "partner@example.com"},
    "imports_update": {"symbols": {"APPLE INC": "AAPL"}, "exclude": [3]},
    "imports_sample": {
        "mapping": {"executed_at": "Buchungstag", "amount": "Betrag", "note": "Text"},
        "options": {"amount_sign": "in", "currency": "EUR", "date_order": "dmy"},
    },
    "market_assets_create": {
        "symbol": "HOUSE",
        "name": "House in Lisbon",
        "currency": "EUR",
        "asset_class": "fund",
    },
    "asset_identity_decide": {
        "substantially_identical_to": "AAPL",
        "reason": "The same share in another class.",
    },
    "market_listings_create": {"provider": "tiingo", "provider_symbol": "VTI"},
    "market_asset_prices_create": [{"date": "2026-03-02", "close": "412000"}],
    "corporate_actions_propose": {
        "symbol": "AAPL",
        "kind": "split",
        "ex_date": "2020-08-31",
        "ratio": "4:1",
        "reference": "Form 8937 of the issuer",
    },
    "corporate_actions_confirm": {},
    "dividends_due_record": [
        {"symbol": "KO", "ex_date": "2026-09-15", "paid_on": "2026-10-01"},
        {"symbol": "AAPL", "ex_date": "2026-08-10", "amount": "2.59"},
    ],
    "dividends_due_skip": [{"symbol": "KO", "ex_date": "2026-06-12"}],
    "allocations_questionnaire_answer": {
        "answers": {
            "horizon": "7_to_15_years",
            "reserve": "3_to_12_months",
            "income": "steady",
            "share": "a_quarter_to_half",
            "withdrawals": "later",
            "fall": "wait",
            "range": "wide",
            "sure_or_chance": "coin_1500",
            "experience": "funds",
            "word": "price",
        }
    },
    "allocations_models_create": {
        "model": "risk_parity",
        "symbols": ["AAPL", "KO"],
        "risk_profile": "balanced",
        "years": 10,
        "weight_max": "80",
        "bounds": [{"symbol": "KO", "min": "10", "max": "60"}],
    },
    "allocations_models_adopt": {"account_id": ACCOUNT, "rebalance_threshold": "5"},
    "portfolio_harvest": {"minimum_benefit": "250", "minimum_benefit_percentage": "5"},
    "portfolio_rebalance": {"minimum_trade": "250", "whole_shares": True},
    "restrictions_replace": [
        {
            "symbol": "AAPL",
            "kind": "no_sell",
            "until_date": "2030-12-31",
            "reason": "Employer",
        }
    ],
    "sale_preview": {"symbol": "AAPL", "quantity": "10"},
    "targets_replace": [
        {"symbol": "AAPL", "target_percentage": "60", "rebalance_threshold": "5"},
        {"symbol": "KO", "target_percentage": "38", "rebalance_threshold": "5"},
        {"symbol": "CASH", "target_percentage": "2"},
    ],
    "tax_settings_replace": {
        "filing_status": "joint",
        "carryforwards": [],
    },
    "wash_sale_policy_replace": {
        "enabled": True,
        "earlier_acquired_count": True,
        "holding_period": "add_days",
        "employer_plan_counts": True,
        "crypto_exempt": True,
    },
    "orders_create": {
        "account_id": ACCOUNT,
        "symbol": "AAPL",
        "side": "buy",
        "quantity": "2",
        "type": "limit",
        "limit_price": "191.50",
    },
    "orders_fills_create": [
        {"quantity": "1", "price": "190.98", "executed_at": "2026-03-02T15:30:00Z"}
    ],
    "transactions_create": _PURCHASE,
    "transactions_check": _PURCHASE,
    "transactions_correct": _PURCHASE,
    "transactions_reverse": {"note": "Recorded twice"},
    "notes_create": {
        "subject_type": "account",
        "subject_id": ACCOUNT,
        "body": "Bought for the **house**. Sell in 2031.",
    },
    **notes.REQUESTS,
    **notifications.REQUESTS,
    "change_profile": {"full_name": "Ada Reyes", "base_currency": "USD"},
}

# By field; then by the format or the type of the schema.
FIELDS: dict[str, Any] = {
    "account_id": ACCOUNT,
    "lot_id": LOT,
    "symbol": "AAPL",
    "new_symbol": None,
    "currency": "USD",
    "base_currency": "USD",
    "account_currency": "USD",
    "price_currency": "USD",
    "base": "EUR",
    "quote": "USD",
    "isin": "US0378331005",
    "exchange": "XNYS",
    "name": "Brokerage",
    "full_name": "Ada Reyes",
    "email": "ada@example.com",
    "quantity": "12.5",
    "loss_quantity": "12.5",
    "closed_quantity": "2.5",
    "quantity_after": "10",
    "price": "189.98",
    "close": "189.98",
    "open": "188.40",
    "high": "190.12",
    "low": "187.65",
    "previous_close": "188.21",
    "average_cost": "150.00",
    "fee": "1.00",
    "ratio": None,
    "interval": "1d",
    "year": 2026,
    "line": 2,
    "row": 1,
    "page": 1,
    "page_size": 100,
    "total": 1,
    "progress": 100,
    "next_cursor": None,
    "code": "symbol_unknown",
    "detail": "The symbol NOPE is not known: search for it, or create it as your own asset.",
    "message": "is not known",
    "field": "symbol",
    "pointer": "/symbol",
    "request_id": "0f6c2d6fb1f94d6c8a3b6f8f2f6f1c55",
    "unknown_symbols": [],
    "weight": "25",
    "target_percentage": "25",
    "rebalance_threshold": "5",
    "exchange_rate": "1",
    "fx_rate": "1",
    "rate": "1.0842",
    "decided_by": "ada@example.com",
    "engine_version": "1",
    "note": "",
    "error": None,
    "recovery_date": None,
    "archived_at": None,
    "lot_method": "fifo",
    "amount": "2374.75",
    "cash_effect": "-2375.75",
    "counterpart": None,
    "reverses": None,
    "reversed_by": None,
    "order_id": None,
    "external_id": None,
    "basis_percentage": None,
    "undone_at": None,
}
FORMATS: dict[str, Any] = {
    "uuid": "01937a3e-7c00-7a10-8000-0000000000f6",
    "date": "2026-03-02",
    "date-time": "2026-03-02T15:30:00Z",
    "decimal": "1250.00",
    "email": "ada@example.com",
    "uri": "https://ballast.example",
}
_FRACTIONS = ("_return", "_rate", "volatility", "ratio", "_ordinary")


def example_of(schema: dict[str, Any], schemas: dict[str, Any], field: str = "") -> Any:
    """Return a value that fits `schema`, built from the tables above; `$ref`s are followed."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, field)
    for key in ("allOf", "oneOf", "anyOf"):
        if key in schema:
            return example_of(schema[key][0], schemas, field)
    for key in ("example", "default"):
        if schema.get(key) is not None:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {
            name: example_of(inner, schemas, name)
            for name, inner in schema.get("properties", {}).items()
        }
    if kind == "array":
        if isinstance(FIELDS.get(field), list):
            return FIELDS[field]
        return [example_of(schema["items"], schemas, field)]
    return _plain_value(schema, kind, field)


def _plain_value(schema: dict[str, Any], kind: str | None, field: str) -> Any:
    wanted = FIELDS.get(field)
    if kind == "string" and schema.get("format") in FORMATS:
        return wanted if isinstance(wanted, str) and field != "id" else FORMATS[schema["format"]]
    if _fits(wanted, kind) or (field in FIELDS and wanted is None and schema.get("nullable")):
        return wanted
    if kind == "boolean":
        return False
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind != "string":
        return None
    if any(part in field for part in _FRACTIONS):
        return "0.0723"
    if field.endswith("_percentage"):
        return "7.23"
    if field.endswith("sha256"):
        return "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    return "1250.00" if _is_money(field) else field.replace("_", " ").capitalize()


def _fits(value: Any, kind: str | None) -> bool:
    return isinstance(value, {"string": str, "integer": int}.get(kind or "", ()))


_MONEY = (
    *("amount", "gain", "loss", "basis", "proceeds", "value", "cash", "tax", "term", "income"),
    *(
        "total",
        "fees",
        "effect",
        "adjustment",
        "change",
        "state",
        "transfers",
        "spent",
        "cost",
        "basis",
    ),
)


def _is_money(field: str) -> bool:
    return any(part in field for part in _MONEY)
