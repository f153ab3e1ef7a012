"""The metrics of the stream process, served at /metrics of the process itself."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

SOCKETS = Gauge("ballast_stream_sockets", "Open WebSockets of this process, authenticated or not")
MEMBERS = Gauge("ballast_stream_members", "Authenticated WebSockets of this process")
SYMBOLS = Gauge("ballast_stream_symbols", "Symbols with a current quote")
BLOCKED = Gauge("ballast_stream_blocked_sockets", "WebSockets with an unfinished write")
SOURCE_UP = Gauge("ballast_stream_source_up", "1 while subscribed to quotes in Redis, otherwise 0")
RIGHTS_AGE_SECONDS = Gauge(
    "ballast_stream_rights_age_seconds",
    "Seconds since access rights were last checked in the database",
)
SOURCE_LOST = Counter(
    "ballast_stream_source_lost", "Number of times the subscription to quotes was lost"
)

_frames = Counter("ballast_stream_frames", "Frames written", ["kind"])
FRAMES_REGULAR = _frames.labels("regular")
FRAMES_URGENT = _frames.labels("urgent")
FRAMES_EVENT = _frames.labels("event")

COALESCED = Counter(
    "ballast_stream_coalesced", "Updates skipped for a client because its last write was unfinished"
)
WRITES_FAILED = Counter(
    "ballast_stream_writes_failed", "Writes to a WebSocket that was already closed"
)
QUOTES_REFUSED = Counter("ballast_stream_quotes_refused", "Published quotes that were malformed")
CHORES_FAILED = Counter("ballast_stream_chores_failed", "Failed runs of a periodic task", ["chore"])
REFUSED = Counter("ballast_stream_refused", "WebSockets refused before authentication", ["reason"])
CLOSED = Counter("ballast_stream_closed", "WebSockets closed by the server", ["reason"])

SOURCE_LAG_SECONDS = Histogram(
    "ballast_stream_source_lag_seconds",
    "Seconds from a quote's as_of to its arrival in this process",
    buckets=_SECONDS,
)
LOOP_LAG_SECONDS = Histogram(
    "ballast_stream_loop_lag_seconds",
    "Seconds by which the event loop wakes later than is due",
    buckets=_SECONDS,
)
TICK_SECONDS = Histogram(
    "ballast_stream_tick_seconds",
    "Seconds from the arrival of a change to the write to the last client",
    buckets=_SECONDS,
)
