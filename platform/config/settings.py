"""Django settings of Ballast, read once from the environment. `make run` sets `DEMO=1`."""

import os
from datetime import timedelta
from pathlib import Path

from config.environment import (
    database,
    ensure_paper_trading,
    ensure_vendors,
    flag,
    integer,
    package_folder,
    secret_key,
    text,
    words,
)
from config.reference.guide import guide
from core.limits import REQUEST_BODY_BYTES_MAX
from transactions.orders.brokers import ALPACA_PAPER_URL

ROOT = Path(__file__).resolve().parent.parent.parent
DATA_DIR = Path(text("DATA_DIR", str(ROOT / ".data")))

DEMO = flag("DEMO")
DEBUG = flag("DEBUG")
PRODUCTION = not (DEMO or DEBUG or flag("TESTING"))
SECRET_KEY = secret_key(production=PRODUCTION)
# Outside production everybody knows the log-ins: a page of the web whose name is made to point at
# this machine must not reach them, so only the machine's own names are served.
THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = words("ALLOWED_HOSTS", [] if PRODUCTION else THIS_MACHINE)

PORT = integer("PORT", 8000)
STREAM_PORT = integer("STREAM_PORT", 8001)
# The address browsers use for the stream; empty: this host with STREAM_PORT.
STREAM_URL = text("STREAM_URL", "")

# Django's own apps and libraries first, then our apps from the lowest layer up.
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "django_htmx",
    "pgtrigger",
    "pghistory",
    "edge",
    "identity",
    "jobs",
    "marketdata",
    "transactions",
    "portfolios",
    "recommendations",
    "notifications",
    "dashboard",
    "bench",
    "demo",
    "monitoring",
]

MIDDLEWARE = [
    "edge.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "identity.middleware.SessionLifetimeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "identity.middleware.OperatorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "edge.middleware.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "identity.middleware.AuditMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
RSGI_APPLICATION = "config.rsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The web process: a request takes a thread only when its whole body has arrived.
WEB_THREADS = integer("WEB_THREADS", 4)
WEB_WAITING_MAX = integer("WEB_WAITING_MAX", 64)  # requests in the queue before the threads
WEB_WAIT_S = integer("WEB_WAIT_S", 10)
WEB_STUCK_S = integer("WEB_STUCK_S", 120)  # no thread got anything done: /healthz says so
WEB_STANDSTILL_S = integer("WEB_STANDSTILL_S", 30)  # not even the event loop: the process ends
BODY_GRACE_S = integer("BODY_GRACE_S", 10)
BODY_BYTES_PER_S_MIN = integer("BODY_BYTES_PER_S_MIN", 16_384)
BODIES_BYTES_MAX = integer("BODIES_BYTES_MAX", 268_435_456)
BODIES_BYTES_PER_CALLER_MAX = integer("BODIES_BYTES_PER_CALLER_MAX", 134_217_728)
# Answers above 64 KB, in memory and on disk, until their clients have taken them.
ANSWERS_BYTES_MAX = integer("ANSWERS_BYTES_MAX", 268_435_456)
ANSWERS_BYTES_PER_CALLER_MAX = integer("ANSWERS_BYTES_PER_CALLER_MAX", 134_217_728)
ANSWER_PIECE_S = integer("ANSWER_PIECE_S", 30)  # a client that takes no 64 KB in this time is cut

# PostgreSQL. Timeouts are set on every connection; behind PgBouncer they belong on the role
# (DB_SESSION_OPTIONS=0), because transaction pooling drops connection options.
# Web and stream are started with 10 s, so a person waits at most 15 s; jobs may take longer.
STATEMENT_TIMEOUT_MS = integer("STATEMENT_TIMEOUT_MS", 30_000)
# If the server itself hangs, its timeouts do not work, so the client has one too. The margin
# covers PgBouncer's queue. 0: wait forever, as migrations do.
ANSWER_TIMEOUT_MS = integer(
    "ANSWER_TIMEOUT_MS", STATEMENT_TIMEOUT_MS + 5_000 if STATEMENT_TIMEOUT_MS else 0
)
LOCK_TIMEOUT_MS = integer("LOCK_TIMEOUT_MS", 10_000)
IDLE_IN_TRANSACTION_TIMEOUT_MS = integer("IDLE_IN_TRANSACTION_TIMEOUT_MS", 60_000)
DB_POOL_SIZE = integer("DB_POOL_SIZE", 0)
DB_POOL_TIMEOUT_S = integer("DB_POOL_TIMEOUT_S", 3)
DB_POOL_WAITING_MAX = integer("DB_POOL_WAITING_MAX", 64)
DATABASES = {
    "default": database(
        text("DATABASE_URL", "postgresql:///ballast"),
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
        answer_timeout_ms=ANSWER_TIMEOUT_MS,
        lock_timeout_ms=LOCK_TIMEOUT_MS,
        idle_in_transaction_timeout_ms=IDLE_IN_TRANSACTION_TIMEOUT_MS,
        session_options=flag("DB_SESSION_OPTIONS", default=True),
        pool_size=DB_POOL_SIZE,
        pool_timeout_s=DB_POOL_TIMEOUT_S,
        pool_waiting_max=DB_POOL_WAITING_MAX,
        conn_max_age_s=integer("CONN_MAX_AGE_S", 600),
    )
}
# Prices of two to five years ago may live in a second database, which holds nothing else.
if warm_url := text("WARM_DATABASE_URL", ""):
    DATABASES["warm"] = database(
        warm_url,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
        answer_timeout_ms=ANSWER_TIMEOUT_MS,
        lock_timeout_ms=LOCK_TIMEOUT_MS,
        idle_in_transaction_timeout_ms=IDLE_IN_TRANSACTION_TIMEOUT_MS,
        session_options=flag("DB_SESSION_OPTIONS", default=True),
        pool_size=DB_POOL_SIZE,
        pool_timeout_s=DB_POOL_TIMEOUT_S,
        pool_waiting_max=DB_POOL_WAITING_MAX,
        conn_max_age_s=integer("CONN_MAX_AGE_S", 600),
    )
DATABASE_ROUTERS = ["stores.postgresql.router.OnlyDefault"]
# Older prices are Parquet objects: in a local folder, or at an address such as s3://bucket/prefix.
PRICE_ARCHIVE_URL = text("PRICE_ARCHIVE_URL", (DATA_DIR / "price-archive").absolute().as_uri())
# The demo keeps all of its prices in the hot tier.
PRICE_ARCHIVE_ENABLED = flag("PRICE_ARCHIVE_ENABLED", default=not DEMO)
# Where `make backup` puts back-ups, and the embedded PostgreSQL its log; empty: nowhere.
BACKUP_DIR = text("BACKUP_DIR", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: one instance for data that may be lost (cache, quotes, tickets), one for the broker.
REDIS_URL = text("REDIS_URL", "redis://localhost:6379/0")
BROKER_URL = text("BROKER_URL", "redis://localhost:6380/0")
BROKER_REQUEST_TIMEOUT_MS = integer("BROKER_REQUEST_TIMEOUT_MS", 500)
REDIS_POOL_SIZE = integer("REDIS_POOL_SIZE", 64)
REDIS_TIMEOUT_S = integer("REDIS_TIMEOUT_S", 2)
# Inside a request; after a timeout the process treats Redis as down for one second.
REDIS_REQUEST_TIMEOUT_MS = integer("REDIS_REQUEST_TIMEOUT_MS", 250)
CACHES = {
    "default": {
        "BACKEND": "config.cache.JsonRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "django",
    }
}
# The pub/sub layer listens with a timeout of its own, so this one bounds what is sent: a Redis that
# hangs fails an event, which the relay repeats, and a quiet socket stays.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_timeout": REDIS_TIMEOUT_S,
                    "socket_connect_timeout": REDIS_TIMEOUT_S,
                }
            ]
        },
    }
}

# Celery: jobs are rows in PostgreSQL; a Celery message only wakes a worker.
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 600_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 7200,
    "socket_timeout": 3,  # inside a request: BROKER_REQUEST_TIMEOUT_MS
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 20,
    "max_retries": 0,  # a request never waits for a broker that is down
}
CELERY_TIMEZONE = "UTC"
REBALANCE_TIME_LIMIT_S = integer("REBALANCE_TIME_LIMIT_S", 60)
IMPORT_TIME_LIMIT_S = integer("IMPORT_TIME_LIMIT_S", 1800)
# Vendors of market data, the preferred one first: see `marketdata/providers/registry.py` for their
# names and what each needs. The demo replays recorded sessions and asks nobody.
PROVIDERS = words("PROVIDERS", [] if DEMO or flag("TESTING") else ["ecb"])
ensure_vendors(PROVIDERS)
# The night follows the sessions of this exchange, so many minutes after their close.
NIGHTLY_ENABLED = flag("NIGHTLY_ENABLED", default=True)
NIGHTLY_EXCHANGE = os.environ.get("NIGHTLY_EXCHANGE", "XNYS")
NIGHTLY_SETTLED_MIN = integer("NIGHTLY_SETTLED_MIN", 60)
NIGHTLY_CHUNK_ACCOUNTS = integer("NIGHTLY_CHUNK_ACCOUNTS", 2000)
NIGHTLY_CHUNK_LIMIT_S = integer("NIGHTLY_CHUNK_LIMIT_S", 600)
NIGHTLY_KEPT_DAYS = integer("NIGHTLY_KEPT_DAYS", 60)
# Alpaca's trading API, paper money only, and the public id of the account that trades there.
ALPACA_TRADING_KEY = text("ALPACA_TRADING_KEY", "")
ALPACA_TRADING_SECRET = text("ALPACA_TRADING_SECRET", "")
ALPACA_TRADING_URL = text("ALPACA_TRADING_URL", ALPACA_PAPER_URL)
ALPACA_TRADING_ACCOUNT = text("ALPACA_TRADING_ACCOUNT", "")
ensure_paper_trading(
    key=ALPACA_TRADING_KEY,
    secret=ALPACA_TRADING_SECRET,
    url=ALPACA_TRADING_URL,
    account=ALPACA_TRADING_ACCOUNT,
)
JOB_LEASE_S = integer("JOB_LEASE_S", 15)
# Job types whose result is stored in another table, and the function that reads it.
JOB_RESULTS = {
    "recommendations.rebalance": "recommendations.queries.job_result",
    "recommendations.harvest": "recommendations.queries.job_result",
    "recommendations.fit_allocation": "recommendations.queries.allocation_result",
}

# Deliveries. The address browsers use, for links in mails.
PUBLIC_URL = text("PUBLIC_URL", f"http://localhost:{PORT}")
DELIVERY_LEASE_S = integer("DELIVERY_LEASE_S", 120)  # of a worker that may have died
# Mails go through this server; the demo keeps them for its page /mailbox.
EMAIL_HOST = text("EMAIL_HOST", "")
EMAIL_PORT = integer("EMAIL_PORT", 587)
EMAIL_HOST_USER = text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = integer("EMAIL_TIMEOUT_S", 10)
EMAIL_BACKEND = (
    "notifications.operations.caught_mail.Backend"
    if DEMO and not EMAIL_HOST
    else "django.core.mail.backends.smtp.EmailBackend"
)
MAIL_ENABLED = bool(EMAIL_HOST) or DEMO or flag("TESTING")
MAIL_FROM = text("MAIL_FROM", "Ballast <ballast@localhost>")
WEBHOOK_TIMEOUT_S = integer("WEBHOOK_TIMEOUT_S", 10)
# Webhooks on plain HTTP and in the local network, for a demo and for tests only.
WEBHOOK_PRIVATE_ADDRESSES = flag("WEBHOOK_PRIVATE_ADDRESSES", default=DEMO)
# Rooms below `jobs` announce and wake through these.
ANNOUNCER = "jobs.operations.announce"
WAKER = "jobs.operations.worker_messages.send"
# The functions that make the link of a mail while it is sent, so that no token is stored.
MAIL_LINKS = {
    "invitation": "identity.operations.households.invitation_path",
    "verify_email": "identity.operations.mail_links.verify_email_path",
    "password_reset": "identity.operations.mail_links.password_reset_path",
}

# What API keys may call, and the function that says which accounts a user sees.
KEY_ROUTES = "config.key_routes.ROUTES"
KEY_OBJECTS = "config.key_routes.OBJECTS"
ACCOUNTS_SEEN = "transactions.queries.accounts_seen"
# What would be out of reach for somebody who leaves a household.
HOUSEHOLD_HOLDS = "recommendations.queries.holding_households.household_holds"

# Users and log-ins.
AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["identity.authentication.PasswordBackend"]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "identity.operations.passwords.BreachedPasswordValidator"},
]
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)  # from each rotation
REFRESH_TOKEN_ABSOLUTE_LIFETIME = timedelta(days=90)  # from the log-in, even if rotated
STREAM_TICKET_LIFETIME = timedelta(seconds=30)
# The audit trail is append-only: triggers refuse updates and deletions.
PGHISTORY_APPEND_ONLY = True
SESSION_ENGINE = "identity.operations.sessions"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_COOKIE_NAME = "ballast_session"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14  # slides with use
# Whether the admin takes operators only after a log-in with a second factor.
OPERATORS_NEED_SECOND_FACTOR = flag(
    "OPERATORS_NEED_SECOND_FACTOR", default=not (DEMO or flag("TESTING"))
)
SESSION_ABSOLUTE_AGE_S = 60 * 60 * 24 * 30  # upper limit, even with use
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = integer("SECURE_HSTS_SECONDS", 31_536_000 if PRODUCTION else 0)
CSRF_FAILURE_VIEW = "dashboard.pages.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", [])
TRUSTED_PROXY_COUNT = integer("TRUSTED_PROXY_COUNT", 0)
# How often one may try to log in, register and so on is in `edge/rate_limits.py`. Entries here
# override it, such as {"log_in.per_address": "60/minute", "register.per_subject": "10/hour"}.
RATE_LIMITS: dict[str, str] = {}
if flag("BEHIND_TLS_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_BODY_BYTES_MAX
# Files: counted first, then kept in memory below 2.5 MB and on disk above. These ends of addresses
# below /api/v1/ and /accounts/ take files; anywhere else an upload is as bounded as a JSON body.
FILE_UPLOAD_HANDLERS = [
    "edge.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_ROUTES = ("/imports", "/reconciliations")
FILE_PAGES = ("/imports", "/reconciliations")

# The stream. An empty list of origins means: only pages of this host.
STREAM_ALLOWED_ORIGINS = words("STREAM_ALLOWED_ORIGINS", [])
STREAM_ALLOW_NO_ORIGIN = flag("STREAM_ALLOW_NO_ORIGIN", default=True)
STREAM_CONNECTIONS_PER_ADDRESS_MAX = integer("STREAM_CONNECTIONS_PER_ADDRESS_MAX", 50)
STREAM_CONNECTIONS_MAX = integer("STREAM_CONNECTIONS_MAX", 100_000)
STREAM_AUTH_TIMEOUT_S = integer("STREAM_AUTH_TIMEOUT_S", 5)
STREAM_RECHECK_S = integer(
    "STREAM_RECHECK_S", 1
)  # how often access rights are checked in PostgreSQL
STREAM_AUTHORITY_S = integer(
    "STREAM_AUTHORITY_S", 30
)  # without a successful check, all sockets are closed
STREAM_IDLE_S = integer("STREAM_IDLE_S", 900)  # no subscriptions and no messages
STREAM_BLOCKED_S = integer("STREAM_BLOCKED_S", 10)  # a client that does not read
STREAM_LEASE_S = integer("STREAM_LEASE_S", 30)  # sockets of a killed process stop counting
STREAM_STALE_AFTER_S = integer("STREAM_STALE_AFTER_S", 15)  # without Redis, quotes turn stale
STREAM_DRAIN_S = integer("STREAM_DRAIN_S", 5)  # closing is spread over this

# The sizes of pages are in `edge/pagination.py`, those of bodies in `core/limits.py`.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "identity.authentication.ApiKeyAuthentication",
        "identity.authentication.AccessTokenAuthentication",
        "identity.authentication.PageSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["edge.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["edge.parsers.StrictJsonParser"],
    "DEFAULT_PAGINATION_CLASS": "edge.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "edge.schema.ProblemAutoSchema",
    "EXCEPTION_HANDLER": "edge.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
    "DATETIME_FORMAT": "iso-8601",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Ballast",
    "DESCRIPTION": guide(),
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.reference.schema.described",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AccountTypeEnum": "transactions.models.AccountType",
        "TransactionTypeEnum": "transactions.ledger.kinds.CHOICES",
        "CorporateActionKindEnum": "marketdata.corporate_actions.ACTION_CHOICES",
        "ImportStateEnum": "transactions.models.ImportState",
        "ImportFormatEnum": "transactions.api.imports.FORMAT_CHOICES",
        "ReconciliationFormatEnum": "transactions.api.reconciliations.FORMAT_CHOICES",
        "ReconciliationKindEnum": "transactions.models.ReconciliationKind",
        "ReconciledStatusEnum": "transactions.api.reconciliations.STATUSES",
        "LotReasonEnum": "transactions.api.reconciliations.LOT_REASONS",
        "HoldingReasonEnum": "transactions.api.reconciliations.HOLDING_REASONS",
        "ImportBalanceReasonEnum": "transactions.api.import_answers.BALANCE_REASONS",
        "ImportRowStatusEnum": "transactions.models.RowStatus",
        "StrategyReportReasonEnum": "recommendations.models.ReportReason",
        "RiskProfileEnum": "recommendations.models.RiskProfile",
        "OrderStateEnum": "transactions.orders.states.CHOICES",
        "OrderTypeEnum": "transactions.models.OrderType",
        "OrderSideEnum": "transactions.models.OrderSide",
        "KeyScopeEnum": "identity.api.keys.SCOPE_CHOICES",
        "LogInKindEnum": "identity.api.security.KINDS",
        "JobStatusEnum": "jobs.models.JobStatus",
        "PriceAlertKindEnum": "notifications.models.AlertKind",
        "NotificationTopicEnum": "notifications.topics.TOPIC_NAMES",
        "RecommendationStatusEnum": "recommendations.models.RecommendationStatus",
        "HarvestCalendarKindEnum": "recommendations.harvesting.calendar.KINDS",
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
# The chart library is served from an installed package, not copied.
STATICFILES_DIRS = [("vendor", package_folder("litecharts", "js"))]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION or DEMO
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

# Statements that take so long are logged with their plan; 0: none.
SLOW_QUERY_MS = integer("SLOW_QUERY_MS", 0)
LOGGING_CONFIG = "edge.logs.configure"
LOGGING = {"level": text("LOG_LEVEL", "INFO"), "json": flag("LOG_JSON", default=PRODUCTION)}

# Only these networks may read /metrics.
METRICS_ALLOWED_NETWORKS = words("METRICS_ALLOWED_NETWORKS", ["127.0.0.0/8", "::1/128"])
os.environ.setdefault("PROMETHEUS_DISABLE_CREATED_SERIES", "True")
