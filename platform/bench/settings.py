"""Production settings, plus one bare view as the baseline."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
