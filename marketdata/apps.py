from django.apps import AppConfig

from edge.metrics import export


class MarketdataConfig(AppConfig):
    name = "marketdata"

    def ready(self) -> None:
        from marketdata.metrics import Vendors

        export(Vendors())
