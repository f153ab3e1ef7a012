from django.apps import AppConfig

from edge.metrics import export
from jobs.metrics import WaitingWork


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        export(WaitingWork())
