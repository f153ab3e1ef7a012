"""Production settings plus one bare view to compare with."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
