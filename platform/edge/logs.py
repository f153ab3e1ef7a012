"""Logs: one JSON object per line in production, readable lines elsewhere, for all libraries.

Values bound with structlog's contextvars (the request id) are on every line of the request.
Tracebacks contain neither variables nor refused rows, in both formats (see tracebacks.py).
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from edge.tracebacks import log_uncaught, render_tracebacks


def configure(config: Mapping[str, Any]) -> None:
    """Django calls this with settings.LOGGING: {"level": "INFO", "json": true}."""
    level = logging.getLevelNamesMapping()[str(config.get("level", "INFO")).upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        render_tracebacks,
    ]
    if config.get("json"):
        last: list[Processor] = [
            structlog.processors.JSONRenderer(serializer=_line),
        ]
    else:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    sys.excepthook = log_uncaught
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("django", "django.server"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # Every answer with an error has its access line; a second line as a warning adds nothing.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    # One line per task taken and done, several a second; /metrics and the job rows show the same.
    for name in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _line(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()
