"""Portfolios over HTTP: what they hold, what they should hold, what was gained."""

from portfolios.api import holdings

urlpatterns = [*holdings.urlpatterns]
