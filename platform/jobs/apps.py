from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        from edge.metrics import export
        from jobs.metrics import WaitingWork

        export(WaitingWork())
