"""Addresses for operators."""

from django.urls import path

from edge import health

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.figures, name="metrics"),
]
