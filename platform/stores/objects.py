"""Objects in a local folder or a store such as S3: put, get, list and delete, all bounded in time.

Addresses: `file:///folder`, `s3://bucket/prefix`, and what else obstore knows. Credentials and the
endpoint come from the environment, as its documentation says (AWS_ACCESS_KEY_ID, AWS_ENDPOINT, …).

A store that does not answer is not asked again for some seconds: nobody else waits for it.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

ANSWER_S_MAX = 10
AWAY_S = 5.0


class ObjectsAway(Exception):
    """The store did not answer, or refused."""


class NoSuchObject(Exception):
    """The store answered that it has no such object."""


class Objects:
    """One store."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._away_until_s = 0.0
        self._lock = threading.Lock()
        self._store: Any = None

    def put(self, path: str, data: bytes) -> None:
        """Write an object; one of the same name is replaced as a whole."""
        with self._asked() as store:
            obstore.put(store, path, data)

    def get(self, path: str) -> bytes:
        with self._asked() as store:
            return bytes(obstore.get(store, path).bytes())

    def delete(self, path: str) -> None:
        """Delete an object. It is no error if it does not exist."""
        try:
            with self._asked() as store:
                obstore.delete(store, path)
        except NoSuchObject:
            return

    def paths(self, prefix: str) -> list[str]:
        with self._asked() as store:
            return sorted(found["path"] for found in obstore.list(store, prefix=prefix).collect())

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        if time.monotonic() < self._away_until_s:
            raise ObjectsAway("The store did not answer a moment ago, so it is not asked yet.")
        try:
            yield self._opened()
        except FileNotFoundError as error:
            raise NoSuchObject(_first_line(error)) from None
        except (BaseError, OSError) as error:
            self._away_until_s = time.monotonic() + AWAY_S
            raise ObjectsAway(_first_line(error)) from None

    def _opened(self) -> Any:
        with self._lock:
            if self._store is None:
                self._store = _opened(self.url)
            return self._store


def _first_line(error: BaseException) -> str:
    """Return what happened without the library's own trace."""
    return str(error).strip().partition("\n")[0]


def objects(url: str) -> Objects:
    """Return the store of an address; a forked child gets its own."""
    return _objects(os.getpid(), url)


@cache
def _objects(pid: int, url: str) -> Objects:
    return Objects(url)


def _opened(url: str) -> Any:
    if url.startswith("file:"):
        return from_url(url, mkdir=True)
    # Containers are given every variable; one without a value is no endpoint and no region.
    for name in [name for name, value in os.environ.items() if name.startswith("AWS_")]:
        if not os.environ[name]:
            del os.environ[name]
    # Plain HTTP is for a store beside us; AWS itself is reached by HTTPS whatever this says.
    limit = timedelta(seconds=ANSWER_S_MAX)
    return from_url(
        url,
        client_options={
            "timeout": limit,
            "connect_timeout": timedelta(seconds=3),
            "allow_http": True,
        },
        retry_config={"max_retries": 2, "retry_timeout": limit},
    )
