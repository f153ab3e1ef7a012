"""The Celery application.

There is no routing table. A job's row names its queue (`jobs.models.Queue`), which the operation
that enqueues it chooses; a task of the schedule names its queue in `schedule.py`.
"""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from config.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("ballast")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
app.autodiscover_tasks()


@worker_process_init.connect
def skip_lasting_objects(**_: Any) -> None:
    """Leave all that was made at start-up out of garbage collections: 10 % of a job's CPU time."""
    gc.freeze()
