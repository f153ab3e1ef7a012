from django.apps import AppConfig

from edge.metrics import export
from notifications.metrics import WAITING_DELIVERIES


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        export(WAITING_DELIVERIES)
