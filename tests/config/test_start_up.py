"""What a web or stream process loads at its start."""

import subprocess
import sys

# Seconds of start-up and tens of megabytes in each process. Only workers use them.
HEAVY = ("numba", "pandas", "exchange_calendars", "scipy", "pyarrow")

LOADED = """
import sys
import config.asgi, config.urls, config.wsgi
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""


def test_web_and_stream_start_without_the_libraries_of_workers() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LOADED, *HEAVY], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []
