"""Settings, addresses, and the Celery application every process shares."""

import atexit
import gc

from config.celery import app as celery_app

__all__ = ["celery_app"]

# The interpreter collects garbage several times on its way out, over everything that was ever
# imported: 0.7 s of CPU for each process, and `make run` stops a dozen at once.
atexit.register(gc.freeze)
