"""Limits on sizes and counts in the API and the models.

Bodies, files, and the digits of figures. The sizes of pages are in `edge/pagination.py`, the rate
limits in `edge/rate_limits.py`, the engine's own bounds in `recommendations/engine/problem.py`.
Times, shares of memory, connections and lifetimes are settings (`config/settings.py`).
"""

from datetime import date
from decimal import Decimal

HISTORY_DAYS_MAX = 365
HISTORY_RECORDS_MAX = 10_000
# Days times holdings of one performance answer: fifty years of 270, or ten years of 1300.
PERFORMANCE_VALUES_MAX = 5_000_000

REQUEST_BODY_BYTES_MAX = 1_048_576
REQUEST_DEPTH_MAX = 32

IMPORT_FILE_BYTES_MAX = 52_428_800
IMPORT_ROWS_MAX = 250_000
# A request does the work itself up to these sizes; a job does larger work.
IMPORT_BYTES_AT_ONCE_MAX = 524_288
IMPORT_ROWS_AT_ONCE_MAX = 2_000
IMPORT_SYMBOLS_MAX = 5_000
IMPORTS_OPEN_PER_HOUSEHOLD_MAX = 50
# Files that wait for a decision, of one household, in bytes.
IMPORT_BYTES_PER_HOUSEHOLD_MAX = 209_715_200
IMPORT_DAYS_WAITING_MAX = 30
IMPORT_MAPPINGS_PER_HOUSEHOLD_MAX = 200
RECONCILED_LOTS_MAX = 10_000
RECONCILED_BYTES_MAX = 8_388_608
# Positions, balances and unreadable rows of one statement.
STATED_ROWS_MAX = 5_000
# Transactions of an account whose holdings are compared with a statement.
RECONCILED_TRANSACTIONS_MAX = 100_000
# Kept for each account; the oldest are dropped.
RECONCILIATIONS_PER_ACCOUNT_MAX = 200

EARLIEST_DATE = date(1950, 1, 1)
# The latest day and tax year accepted, so that date arithmetic cannot overflow.
LATEST_DATE = date(2200, 12, 31)
TAX_YEAR_MAX = 2200

QUANTITY_DIGITS = 28
QUANTITY_DECIMALS = 10
QUANTITY_MAX = Decimal(10) ** 12

PRICE_DIGITS = 24
PRICE_DECIMALS = 8
PRICE_MAX = Decimal(10) ** 12

MONEY_DIGITS = 24
MONEY_DECIMALS = 4
MONEY_MAX = Decimal(10) ** 15

# A rate keeps significant digits, not decimals: one dong is 0.0000118 Kuwaiti dinar.
FX_RATE_SIGNIFICANT_DIGITS = 18
FX_RATE_DECIMALS = 24
FX_RATE_DIGITS = 34
FX_RATE_MAX = Decimal(10) ** 9

# Federal, state and net investment income rates together, each a fraction of at most one.
TAX_RATES_SUM_MAX = 3

# The largest term of a split ratio.
RATIO_MAX = Decimal(10) ** 6

SYMBOL_LENGTH_MAX = 24
NAME_LENGTH_MAX = 120
NOTE_LENGTH_MAX = 500
# Texts in Markdown of a household's own.
NOTE_BODY_LENGTH_MAX = 10_000
NOTES_PER_HOUSEHOLD_MAX = 5_000
SEARCH_TEXT_LENGTH_MAX = 200
EXTERNAL_ID_LENGTH_MAX = 128
IDEMPOTENCY_KEY_LENGTH_MAX = 255

LOTS_PER_SALE_MAX = 1000
# The highest number of a piece; the ledger stores it in a small integer.
PIECES_PER_LOT_MAX = 32_767
TARGETS_MAX = 1000
# Of the archive of everything about one person, packed.
OWN_DATA_BYTES_MAX = 268_435_456
ORDERS_OPEN_PER_ACCOUNT_MAX = 1000
FILLS_AT_ONCE_MAX = 1000
RESTRICTIONS_MAX = 1000
DIVIDENDS_MAX = 500
ACCOUNTS_PER_HOUSEHOLD_MAX = 200
HOUSEHOLD_MEMBERS_MAX = 10
ADVISERS_PER_HOUSEHOLD_MAX = 20
ACCOUNTANTS_PER_HOUSEHOLD_MAX = 10
ACCOUNTANT_DAYS_MAX = 731
GOALS_PER_HOUSEHOLD_MAX = 20
GOAL_YEARS_MAX = 50
OWN_ASSETS_PER_HOUSEHOLD_MAX = 1000
OWN_PRICES_PER_REQUEST_MAX = 5000
PRICE_FILE_ROWS_MAX = 20_000
OWN_PRICES_PER_HOUSEHOLD_MAX = 500_000
# Rows of a price file that an answer shows; all of them are counted.
PRICE_FILE_ROWS_SHOWN_MAX = 1000
PRICES_PER_REQUEST_MAX = 1000

IMPORT_COLUMNS_MAX = 250
IMPORT_ROW_CHARS_MAX = 65_536

STRATEGIES_PER_AUTHOR_MAX = 200
STRATEGY_VERSIONS_MAX = 1000
STRATEGY_WEIGHTS_MAX = 100
# Funds that fill one asset class, in order.
FUNDS_PER_CLASS_MAX = 10
STRATEGY_NAME_LENGTH_MAX = 80
STRATEGY_SUMMARY_LENGTH_MAX = 300
STRATEGY_DESCRIPTION_LENGTH_MAX = 20_000
STRATEGY_NOTE_LENGTH_MAX = 500
STRATEGY_TAGS_MAX = 10
STRATEGY_TAG_LENGTH_MAX = 32
AUTHOR_NAME_LENGTH_MAX = 60

REBALANCE_COMPUTATION_S_MAX = 60
# Threads of one process that may wait for one household's lock, and how long none of them may get
# it before further ones are refused at once.
WRITERS_WAITING_MAX = 2
WRITERS_STILL_S_MAX = 1.0

JOB_ATTEMPTS_MAX = 3
# How long a job may wait for locks, the database or the broker before it is given up.
JOB_WAIT_S_MAX = 6 * 3600
# A request this soon after an identical one was completed gets the same job.
JOB_TWIN_S_MAX = 5
# The sweeper sends no more wake-ups to a queue with this many, because they would not speed it up.
WAKE_UPS_WAITING_MAX = 50
OUTBOX_ATTEMPTS_MAX = 3

WEBHOOKS_PER_USER_MAX = 20
WEBHOOK_URL_LENGTH_MAX = 500
PRICE_ALERTS_PER_USER_MAX = 200
PUSH_SUBSCRIPTIONS_PER_USER_MAX = 20
PUSH_ENDPOINT_LENGTH_MAX = 500
MUTED_ACCOUNTS_MAX = 200

# Findings a verification run stores; all of them are counted and printed.
VERIFICATION_DIFFERENCES_KEPT = 1000
VERIFICATION_TEXT_LENGTH_MAX = 1000

# API keys of one user that were not revoked, and accounts to which one of them is limited.
API_KEYS_MAX = 50
API_KEY_ACCOUNTS_MAX = 50
PASSKEYS_MAX = 20
