"""The metrics of the stream process, served at /metrics of the process itself."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

SOCKETS = Gauge("ballast_stream_sockets", "Open sockets of this process, with or without a ticket")
MEMBERS = Gauge("ballast_stream_members", "Authenticated sockets of this process")
SYMBOLS = Gauge("ballast_stream_symbols", "Symbols with a known quote")
BLOCKED = Gauge("ballast_stream_blocked_sockets", "Sockets with a write that has not ended")
SOURCE_UP = Gauge("ballast_stream_source_up", "1 while the subscription to quotes stands")
RIGHTS_AGE_SECONDS = Gauge(
    "ballast_stream_rights_age_seconds", "Since the database last said whose rights still stand"
)
SOURCE_LOST = Counter("ballast_stream_source_lost", "Times the subscription was lost")

_frames = Counter("ballast_stream_frames", "Frames written", ["kind"])
FRAMES_REGULAR = _frames.labels("regular")
FRAMES_URGENT = _frames.labels("urgent")
FRAMES_EVENT = _frames.labels("event")

COALESCED = Counter(
    "ballast_stream_coalesced", "Times a client was passed over, its last write not having ended"
)
WRITES_FAILED = Counter("ballast_stream_writes_failed", "Writes to a socket that had gone away")
QUOTES_REFUSED = Counter("ballast_stream_quotes_refused", "Published quotes that made no sense")
CHORES_FAILED = Counter("ballast_stream_chores_failed", "Housekeeping that failed", ["chore"])
REFUSED = Counter("ballast_stream_refused", "Sockets turned away before a ticket", ["reason"])
CLOSED = Counter("ballast_stream_closed", "Sockets closed by the stream", ["reason"])

SOURCE_LAG_SECONDS = Histogram(
    "ballast_stream_source_lag_seconds",
    "From as_of of the newest quote of a publication to its arrival here",
    buckets=_SECONDS,
)
TICK_SECONDS = Histogram(
    "ballast_stream_tick_seconds",
    "From the arrival of a change here to the last client of its round being written to",
    buckets=_SECONDS,
)
