"""Measurements behind `manage.py bench`: real servers, real sockets, ratios within one run."""
