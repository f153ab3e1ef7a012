"""Chromium for the tests that need a browser: found, or installed from Debian if permitted."""

import os
import shutil
import subprocess

from embedded.children import say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of an installed Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Install Debian's chromium if it is missing and we are root there; print the outcome."""
    if chromium():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        say("Chromium is not installed and cannot be installed here; browser tests will be skipped")
        return
    say("installing Debian's chromium for the browser tests (once)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            ["apt-get", *words], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            say(f"apt-get {words[0]} failed: {' '.join(last)}")
            return
