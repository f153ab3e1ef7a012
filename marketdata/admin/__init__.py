"""Pages for operators."""

from marketdata.admin import assets, corporate_actions, prices, vendors

__all__ = ["assets", "corporate_actions", "prices", "vendors"]
