from django.apps import AppConfig

from edge.metrics import export
from jobs.metrics import WAITING_WORK


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        export(WAITING_WORK)
