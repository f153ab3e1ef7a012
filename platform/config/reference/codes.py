"""Catalog of error codes: for each, what is wrong and what to do.

`tests/config/test_reference.py` checks that the catalog has exactly the codes the source raises.
"""

from config.reference import (
    codes_allocations,
    codes_rebalancing,
    codes_strategies,
    notes,
    notifications,
)
from config.reference.codes_desk import DESK_CODES
from config.reference.codes_market import MARKET_CODES
from config.reference.codes_orders import ORDER_CODES

CODES: dict[str, dict[str, str]] = {
    "Requests": {
        "body_not_json": (
            "The body is not valid JSON. Send JSON with `Content-Type: application/json`."
        ),
        "body_not_utf8": "The body is not UTF-8 text. Encode it as UTF-8.",
        "body_too_deep": "The JSON is nested too deeply. Send a flatter body.",
        "body_too_large": "The body or file is larger than the limit. Split it.",
        "body_timeout": "The body arrived too slowly. After 10 s, send at least 16 KB each second.",
        "body_incomplete": "The body ended before its `Content-Length`. Send the request again.",
        "length_required": (
            "The body has no `Content-Length`. Send one instead of chunked encoding."
        ),
        "length_invalid": "`Content-Length` is not a number. Send the size of the body in bytes.",
        "form_malformed": (
            "The form is not valid multipart/form-data. Check the boundary and the parts."
        ),
        "field_repeated": "A JSON object contains the same field twice. Send each field once.",
        "unknown_field": "The operation has no such field. Remove it, or correct its spelling.",
        "required": "A required field is missing. Add it.",
        "invalid": "A value is not valid. Correct the fields listed in `errors`.",
        "invalid_value": (
            "The value cannot be stored, for example text with U+0000. Remove that character."
        ),
        "invalid_symbol": "The text is not a valid symbol. Use capitals, digits, dots and hyphens.",
        "unknown_currency": "The currency is not supported. Send an ISO 4217 code such as USD.",
        "minor_currency_unit": (
            "GBp, GBX, ZAc and ILA are minor units. Send the currency and figures in it."
        ),
        "timezone_required": "The time has no offset. Write it as in 2026-01-05T15:00:00Z.",
        "not_a_number": "The text is not a decimal number. Write it as in 1234.56.",
        "number_not_finite": "NaN and infinity are not accepted. Send a finite number.",
        "number_out_of_range": (
            "The exponent of the number is too large or too small. Correct the number."
        ),
        "negative": "The number must not be negative. Send zero or more.",
        "not_positive": "The number must be greater than zero.",
        "too_small": "The number is below the minimum. `errors` states the minimum.",
        "too_large": "The number is above the maximum. `errors` states the maximum.",
        "too_many_decimals": "The number has too many decimals. Round it.",
        "unknown_parameter": (
            "The operation has no such query parameter. Remove it, or correct its spelling."
        ),
        "parameter_repeated": "A query parameter appears twice. Send it once.",
        "parameter_empty": "A query parameter has no value. Omit it to get the default.",
        "filter_invalid": "A filter is not valid. Correct the parameter named in `errors`.",
        "too_many_values": "A filter lists too many values. Ask in several requests.",
        "page_invalid": "`page` must be a whole number, 1 or more.",
        "page_too_large": "`page` is above the limit. Read long lists with `cursor`.",
        "page_size_invalid": "`page_size` must be a whole number, 1 or more.",
        "page_size_too_large": "`page_size` is above the limit. `errors` states the limit.",
        "cursor_invalid": (
            "The cursor is not valid. Send `next_cursor` of the previous page unchanged."
        ),
        "date_invalid": "The date is not valid. Write it as YYYY-MM-DD.",
        "date_in_future": "The date is in the future. Send today's date or an earlier one.",
        "date_too_early": "The date is before 1950. Send a later one.",
        "date_too_late": "The date is after 2200. Send an earlier one.",
        "year_invalid": "The year is not valid. Send a year from 1950 to 2200.",
        "invalid_characters": "The form or link contains a NUL character. Remove it.",
        "range_reversed": "`from` is after `to`. Swap them.",
        "search_too_slow": "The search takes too long. Ask for fewer or rarer words.",
        "query_too_long": "The search text is too long. Shorten it.",
        "range_too_long": "The range is too long. Ask for a shorter one.",
        "idempotency_key_invalid": (
            "The Idempotency-Key is empty, too long or not printable. Send another key."
        ),
        "idempotency_key_reused": (
            "The key was already used for a different request. Send a new key."
        ),
        "idempotency_in_flight": (
            "The first request with this key is still running. Try again shortly."
        ),
        "not_found": "Nothing exists at this address. Check the URL.",
        "method_not_allowed": "The address does not accept this method. See the `Allow` header.",
        "not_acceptable": (
            "The response is not available in this format. Change the `Accept` header."
        ),
        "unsupported_media_type": (
            "The operation does not accept this Content-Type. Send the one it documents."
        ),
    },
    "Service": {
        "too_many_requests": "Too many requests. Wait as long as `Retry-After` says.",
        "too_many_answers": (
            "Too many large responses wait for their readers. Read one to its end, then ask again."
        ),
        "too_many_bodies": (
            "You are sending too many large bodies at once. Send them one at a time."
        ),
        "server_busy": "The server is overloaded. Nothing was changed. Try again.",
        "storage_unavailable": "The server cannot store the body or response. Try again later.",
        "unavailable": "The service is busy or partly down. Try again later.",
        "household_busy": "Another change of this household is being saved. Try again shortly.",
        "database_unavailable": "The database cannot be reached. Try again later.",
        "database_busy": "All database connections are in use. Try again shortly.",
        "query_timeout": "The database query took too long. Ask for less data, or try again.",
        "lock_timeout": "Someone else is changing the same data. Try again.",
        "write_contended": "Another change was saved at the same time. Try again.",
        "cache_unavailable": "The cache is down. Try again later.",
        "conflict": "The resource is not in a state that allows this request. Read it again.",
        "integrity_conflict": "The change conflicts with stored data. Read the resource again.",
        "internal_error": "An error on our side. Send `request_id` to the operator.",
    },
    "Log-in and people": {
        "email_invalid": "The e-mail address is not valid. Check its spelling.",
        "credentials_invalid": "The e-mail address or the password is wrong. Check both.",
        "csrf_failed": "The CSRF token of the page is missing or expired. Reload the page.",
        "not_authenticated": "The request has no access token. Send one.",
        "permission_denied": "You are not allowed to do this. Ask an operator for the right.",
        "role_not_allowed": "Your role does not allow this. Log in as a person whose role does.",
        "token_expired": "The token has expired. Refresh it.",
        "token_invalid": "The token was not issued by this service. Log in again.",
        "token_not_yet": (
            "The token is not valid yet because the clocks differ. Try again in a minute."
        ),
        "token_revoked": "The session was ended. Log in again.",
        "token_reused": "A refresh token was used twice, so the session was ended. Log in again.",
        "account_closed": "The user does not exist or is not active. Ask an operator.",
        "otp_required": (
            "The user has a second factor. Send a code of the authenticator app as `otp`."
        ),
        "otp_invalid": "The code is wrong or was used before. Wait for the next one.",
        "totp_exists": "An authenticator app is set up already. Remove it first.",
        "totp_not_started": "No set-up of an authenticator app is under way. Start it again.",
        "totp_code_wrong": "The first code of the app is wrong. Check the clock of its device.",
        "totp_missing": "No authenticator app is set up. There is nothing to remove.",
        "second_factor_missing": "Recovery codes need a second factor. Set up one first.",
        "proof_required": (
            "The act needs a recent proof of who you are. Post it to `auth/proof`, then repeat."
        ),
        "key_invalid": "The API key does not exist, has expired or was revoked. Make a new one.",
        "key_not_allowed": "No API key may make this call. Log in as a person.",
        "scope_missing": "The API key lacks the scope this call needs. Make one that has it.",
        "key_account_missing": (
            "The API key is limited to certain accounts. Name one of them in the call."
        ),
        "key_not_found": "The API key does not exist. Reload the list.",
        "too_many_keys": "You have the maximum number of API keys. Revoke one first.",
        "scope_unknown": "The scope does not exist. Choose read, record or trade.",
        "expiry_in_past": "The key would have expired already. Choose a later time.",
        "accounts_invalid": "Name at least one account, or leave them out.",
        "passkey_refused": "The passkey does not open an account here. Log in another way.",
        "passkey_invalid": "The answer of the device is not valid. Start again.",
        "passkey_known": "The passkey is added already. Use another device.",
        "passkey_not_found": "The passkey does not exist. Reload the list.",
        "ceremony_expired": "The request for the passkey has expired. Start again.",
        "too_many_passkeys": "You have the maximum number of passkeys. Remove one first.",
        "closing_already": "The deletion is asked for already. Take it back to stay.",
        "closing_not_asked": "No deletion is asked for. There is nothing to take back.",
        "operator_stays": "Operators are closed by another operator, in the administration.",
        "link_invalid": "The link has expired or was used before. Ask for a new one.",
        "password_weak": "The password is too weak. Choose a longer or less common one.",
        "password_wrong": "The current password is wrong. Enter it again.",
        "email_unavailable": "This e-mail address cannot be used. Choose another.",
        "household_full": "The household has the maximum number of members. Remove one first.",
        "household_not_found": "The household does not exist, or you have no access to it.",
        "invitation_invalid": (
            "The invitation has expired or is for another address. Ask for a new one."
        ),
        "already_member": "You belong to this household already. Nothing needs to be done.",
        "household_holds_data": (
            "The household you would leave holds accounts or assets that you would no longer "
            "reach. Delete them first, or be invited at another address."
        ),
        "archive_not_found": (
            "There is no archive of your data, or it has expired. Ask for a new one."
        ),
        "own_data_too_large": (
            "Your data are larger than one archive may be. Ask the operator for them."
        ),
        "invitation_not_found": "The invitation does not exist. Reload the list.",
        "adviser_is_member": "A member of the household cannot be its adviser. Name someone else.",
        "adviser_not_found": "No adviser has this e-mail address. Check its spelling.",
        "advisers_too_many": "The household has the maximum number of advisers. Remove one first.",
        "notice_not_found": "The notice does not exist. Reload the list.",
    },
    "Notes": notes.CODES,
    "Preferences, price alerts, webhooks": notifications.CODES,
    "Accounts": {
        "account_not_found": "The account does not exist, or you have no access to it.",
        "account_unknown": "The page address contains no valid account. Open it from the overview.",
        "account_archived": "The account is archived. Restore it first.",
        "account_holds_assets": (
            "The account still has holdings or cash. Sell, transfer or withdraw them first."
        ),
        "account_not_empty": (
            "The account has transactions, so it cannot be deleted. Archive it instead."
        ),
        "before_account_opened": (
            "The date is before the account was opened. Correct one of the two dates."
        ),
        "lot_method_unknown": (
            "The lot method does not exist. Use one of the methods in the API schema."
        ),
        "owner_not_a_member": "The owner must be a member of the household. Choose a member.",
        "too_many_accounts": (
            "The household has the maximum number of accounts. Delete an unused one."
        ),
        "type_unknown": "The type does not exist. Use one of the types in the API schema.",
    },
    **MARKET_CODES,
    "First steps, clients and accountants": DESK_CODES,
    "Transactions": {
        "transaction_not_found": "The transaction does not exist, or you have no access to it.",
        "already_reversed": "The transaction was already reversed. Nothing more is needed.",
        "reversal_in_progress": (
            "The import that brought this transaction is being undone. Reload, and reverse the "
            "transaction if it is still there."
        ),
        "reversal_of_reversal": "A reversal cannot be reversed. Record the transaction again.",
        "reversal_breaks_ledger": "Later transactions depend on this one. Reverse them first.",
        "rebooking_too_long": (
            "The change would rebook too many later transactions. Import it as a file instead."
        ),
        "several_households": (
            "The transactions belong to several households. Send one request for each."
        ),
        "amount_not_positive": "The amount must be greater than zero.",
        "amount_precision": "The amount has more decimals than its currency. Round it.",
        "amount_required": "The amount is missing. Add it.",
        "amount_too_large": "The amount is above the limit. Correct it.",
        "fee_precision": "The fee has more decimals than its currency. Round it.",
        "price_and_amount": "Both price and amount were given. Send one of them.",
        "price_required": "Price and amount are both missing. Send one of them.",
        "price_too_large": "The price is above the limit. Correct it.",
        "quantity_required": "The quantity is missing. Add it.",
        "symbol_required": "The symbol is missing. Add it.",
        "field_not_allowed": "This type of transaction does not use the field. Remove it.",
        "basis_percentage_invalid": "The basis percentage must be between 0 and 100.",
        "basis_percentage_required": "The basis percentage is missing. Add it.",
        "cash_in_lieu_without_fraction": (
            "The event leaves whole shares only. Remove the cash in lieu."
        ),
        "currency_mismatch": "The asset trades in another currency. Send its own currency.",
        "fx_rate_not_allowed": "Both currencies are the same. Remove `fx_rate`.",
        "correction_of_other_account": (
            "A correction stays in its account. Reverse the transaction and record it elsewhere."
        ),
        "fx_rate_and_settled": "Both `fx_rate` and `settled_amount` were given. Send one of them.",
        "settled_amount_mismatch": (
            "The settled amount does not match the amount and the fee. Correct one of them."
        ),
        "settled_precision": (
            "The settled amount has more decimals than the account's currency. Round it."
        ),
        "fx_rate_too_large": "The exchange rate is above the limit. Correct it.",
        "new_symbol_required": "The new symbol is missing. Add it.",
        "new_symbol_same": "The new symbol equals the old one. Send another.",
        "trade_date_far": "The trade date is a day or more away from the instant.",
        "opened_date_late": (
            "The acquisition date is after the transfer. Correct one of the two dates."
        ),
        "opened_date_required": "The acquisition date is missing. Add it.",
        "ratio_invalid": "The ratio is not valid. Write it as 3:2 or 1.05.",
        "ratio_or_quantity": "Both ratio and quantity were given. Send one of them.",
        "ratio_required": "The ratio is missing. Add it.",
        "ratio_unknown": "The file does not state the ratio. Enter it.",
        "insufficient_quantity": (
            "Fewer units are held on that date. Record the missing purchase first."
        ),
        "nothing_held": "None of the asset is held on that date. Record its purchase first.",
        "fraction_too_small": (
            "The event leaves too small a fraction of a lot. Sell the lot before the event."
        ),
        "lot_not_found": "The lot does not exist. Read the lots again.",
        "lot_selection_invalid": (
            "The named lots do not match the sale. Correct them or the quantity."
        ),
        "lots_and_method": "Both lots and a lot method were given. Send one of them.",
        "transfer_between_currencies": (
            "The accounts have different currencies. Record a transfer_out, and a transfer_in with "
            "the cost."
        ),
        "transfer_not_allowed": (
            "Lots cannot move between taxable and retirement accounts. Record a transfer_out, and "
            "a transfer_in with the value."
        ),
        "transfer_source_missing": (
            "The transfer_out of these lots was reversed or is later. Correct the date, or send "
            "the cost."
        ),
        "transfer_source_unknown": (
            "No matching transfer_out exists. Send the cost and the acquisition date."
        ),
        "transfer_to_itself": "Both accounts are the same. Name another account.",
        "dividend_not_due": (
            "The dividend is recorded or skipped, or no shares were held. Read the list again."
        ),
        "dividend_repeated": "The request names one dividend twice. Name each once.",
        "payment_date_required": (
            "No vendor says when the dividend is paid. Send the day your broker paid as `paid_on`."
        ),
        "paid_before_ex_date": "A dividend is paid after its ex-date. Correct `paid_on`.",
    },
    "Imports": {
        "import_not_found": "The import does not exist, or you have no access to it.",
        "import_busy": "A job is working on the import. Try again when it has ended.",
        "too_many_imports": "Too many files are waiting. Commit or discard some first.",
        "too_many_import_bytes": (
            "The waiting files are too large together. Commit or discard some first."
        ),
        "encoding_unknown": (
            "The text encoding is not supported. Use one of those in the API schema."
        ),
        "zone_unknown": "The time zone does not exist. Send a name such as Europe/Berlin.",
        "file_empty": "The file is empty. Choose another.",
        "reconciliation_not_found": (
            "The reconciliation does not exist, or you have no access to it."
        ),
        "account_ambiguous": "The file has several accounts. Send one of them as file_account.",
        "comparison_stale": (
            "The ledger has changed since this comparison. Compare the file again."
        ),
        "proposal_not_found": "The comparison proposes nothing there. Read it again.",
        "as_of_missing": "The file does not state its day. Send it as as_of.",
        "file_too_large": "The file is larger than the limit. Split it.",
        "format_unknown": "The file format is not supported. Use one of those in the API schema.",
        "column_used_twice": "Two fields read the same column. Choose another one for one of them.",
        "columns_missing": "The table lacks columns that are needed. Map the column of the date.",
        "not_in_preview": "The import is not a preview any more. Read it again.",
        "nothing_ready": "No row of the file is ready. Map its symbols, or include rows.",
        "preview_stale": (
            "The ledger or the exchange rates changed after the preview. Review the rows and the "
            "account's cash again, then commit."
        ),
        "ledger_moved": "The ledger changed while the file was being recorded. Try again.",
        "reference_unknown": (
            "The row refers to a transaction that does not exist. Import that one too."
        ),
        "reversal_without_row": (
            "The row reverses a row that is not imported. Include both or neither."
        ),
        "row_unknown": "The file has no such row. Read its rows again.",
        "symbol_not_in_file": "The file has no such security. Read its securities again.",
        "status_unknown": "The row status does not exist. Use one of those in the API schema.",
        "symbols_too_many": "The file names too many securities. Split it.",
    },
    "Targets, rebalancing, tax": codes_rebalancing.CODES,
    "Strategies": codes_strategies.CODES,
    "Models of target weights": codes_allocations.CODES,
    "Orders": ORDER_CODES,
    "Jobs": {
        "job_not_found": "The job does not exist, or you have no access to it.",
        "job_active": "The same job is already running. Wait for it.",
        "job_contended": "The same job is being started repeatedly. Try again.",
        "job_finished": "The job has already ended. Start a new one.",
        "attempts_exhausted": "The job was started several times and never ended. Start it again.",
        "access_withdrawn": (
            "The person who asked for the job no longer has access to the household. Start it "
            "again if you want it."
        ),
        "waited_too_long": "A service that the job needs was down for hours. Start the job again.",
    },
}

# Codes that only operators or the engine's own checks see; they are not in the catalog.
INTERNAL = frozenset(
    {
        *("duplicate_security", "lot_not_positive", "setting_out_of_range", "targets_not_whole"),
        *("weight_out_of_range", "not_in_demo_mode", "job_not_retriable", "outbox_not_dead"),
        "delivery_not_dead",
        *("verification_run_taken", "exchange_unknown", "seeding_runs", "seeding_among_users"),
    }
)


def catalog() -> str:
    """Return the catalog as Markdown tables, one for each subject."""
    parts = []
    for subject, codes in CODES.items():
        rows = "\n".join(f"| `{code}` | {text} |" for code, text in sorted(codes.items()))
        parts.append(f"### {subject}\n\n| code | what is wrong and what to do |\n|---|---|\n{rows}")
    return "\n\n".join(parts)
