from django.apps import AppConfig

from edge.metrics import export
from monitoring.metrics import STATE
from monitoring.task_times import connect


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        export(STATE)
        connect()
