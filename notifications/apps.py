from django.apps import AppConfig

from edge.metrics import export
from notifications.metrics import WaitingDeliveries


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        export(WaitingDeliveries())
