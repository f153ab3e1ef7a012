"""Somebody with a password, an account with a past, and a browser that reports every complaint."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import pytest
from django.conf import settings as project
from django.db import connection
from django.test import Client
from django.utils import timezone

PASSWORD = "a-long-enough-password"
ARTEFACTS = Path(project.ROOT) / ".ci" / "artefacts"
# Nothing checks the pictures; they are for people.
SCREENSHOTS = os.environ.get("SCREENSHOTS") == "1"
PATIENCE_MS = 60_000
# What a page may complain about when a test provokes it: the answer's own status.
REFUSED = "Failed to load resource"


def wait_until(tab: Any, script: str, arg: Any = None) -> None:
    """Wait until a script is true in the page.

    Asked again from here: the browser's own waiting evaluates text in the page, which its content
    security policy forbids unless the script is true at once.
    """
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not tab.evaluate(script, arg):
        assert time.monotonic() < deadline, f"waited in vain for: {script}"
        tab.wait_for_timeout(50)


@pytest.fixture
def page_client() -> Callable[[Any], Client]:
    """A browser session of somebody, without a browser."""

    def client(user: Any) -> Client:
        session = Client()
        session.force_login(user)
        return session

    return client


@pytest.fixture
def invest(people: Any, assets: Any, account: Any) -> Any:
    """The owner's account with cash, two holdings bought twice, and targets."""
    from portfolios.operations import TargetWeight, set_targets
    from transactions.ledger.entries import Entry
    from transactions.operations import change_account, record

    now = timezone.now()

    def entry(kind: str, days: int, **fields: Any) -> Entry:
        at = now - timedelta(days=days)
        return Entry(type=kind, executed_at=at, currency="USD", **fields)

    def buy(symbol: str, days: int, quantity: str, price: str) -> Entry:
        return entry("buy", days, symbol=symbol, quantity=Decimal(quantity), price=Decimal(price))

    record(
        account=account,
        entries=[
            entry("deposit", 900, amount=Decimal(10000)),
            buy("AAA", 800, "80", "30"),
            buy("AAA", 90, "40", "45"),
            buy("BBB", 60, "100", "25"),
        ],
        user=people.owner,
        now=now,
    )
    weights = [("AAA", "50"), ("BBB", "40"), ("CASH", "10")]
    set_targets(
        account=account,
        weights=[TargetWeight(symbol, Decimal(share), Decimal(2)) for symbol, share in weights],
    )
    change_account(account=account, name="Harbour")
    account.refresh_from_db()
    return account


@pytest.fixture
def sold(invest: Any, people: Any) -> Any:
    """The same account after a gain and a loss that an IRA and itself replaced in part."""
    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    now = timezone.now()
    ira = open_account(user=people.owner, name="Rollover", type="ira", currency="USD", now=now)

    def write(account: Any, kind: str, days: int, symbol: str, units: str, price: str) -> None:
        at = now - timedelta(days=days)
        entry = Entry(kind, at, "USD", symbol, Decimal(units), Decimal(price))
        record(account=account, entries=[entry], user=people.owner, now=now)

    write(invest, "sell", 20, "AAA", "30", "48")
    write(invest, "sell", 12, "BBB", "40", "19")
    write(ira, "buy", 8, "BBB", "10", "19")
    write(invest, "buy", 6, "BBB", "12", "18.50")
    write(ira, "buy", 3, "AAA", "5", "49")
    write(invest, "buy", 2, "AAA", "7", "49")
    return invest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False


class Process:
    """A program of the house on the test's own database and Redis; killed with `kill`."""

    def __init__(self, *command: str, log: Path, **environment: str) -> None:
        self._command = [sys.executable, "-m", *command]
        self._environment = {**os.environ, "TESTING": "1", **environment}
        self.log = log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, cwd=project.ROOT
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def wait_until_up(process: Process, port: int) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not _answers(f"http://127.0.0.1:{port}/healthz"):
        assert time.monotonic() < deadline, process.log.read_text()
        time.sleep(0.1)


@dataclass(frozen=True)
class Site:
    """The pages of the test and the stream they open."""

    url: str
    stream: Process
    port: int

    def forget_prices(self) -> None:
        """A new stream process, which knows of no quote an earlier test published."""
        self.stream.kill()
        self.stream.start()
        wait_until_up(self.stream, self.port)


def tests_database() -> str:
    """The address of this test process's own database."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.fixture(scope="module")
def stream_process(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Process, int]]:
    """A real stream and its port. On another database it could check no rights and would close."""
    port = free_port()
    log = tmp_path_factory.mktemp("stream") / "log"
    process = Process("stream.server", "--port", str(port), log=log, DATABASE_URL=tests_database())
    try:
        wait_until_up(process, port)
        yield process, port
    finally:
        process.kill()


@pytest.fixture
def site(live_server: Any, settings: Any, stream_process: tuple[Process, int]) -> Site:
    """Real pages that know where the real stream is."""
    process, port = stream_process
    settings.STREAM_URL = f"ws://localhost:{port}/ws/v1/stream"
    return Site(url=live_server.url, stream=process, port=port)


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A real Celery worker on the test's database."""
    process = Process(
        "celery",
        *("-A", "config", "worker", "--pool", "solo", "-Q", "interactive,notify,urgent,deliveries"),
        log=tmp_path / "worker.log",
        DATABASE_URL=tests_database(),
    )
    yield
    process.kill()


@pytest.fixture(scope="module")
def chromium(browser_program: str) -> Iterator[Any]:
    """One Chromium for a module. Playwright keeps an event loop in this thread meanwhile."""
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=browser_program,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            yield browser
            browser.close()


@dataclass
class Visitor:
    """One tab. Console errors, uncaught exceptions and policy violations end the test."""

    tab: Any
    complaints: list[str]

    def log_in(self, user: Any) -> None:
        self.tab.goto("/login")
        self.tab.get_by_label("E-mail").fill(user.email)
        self.tab.get_by_label("Password").fill(PASSWORD)
        self.tab.get_by_role("button", name="Log in").click()
        self.tab.wait_for_url("**/")

    def shoot(self, name: str) -> None:
        """Scroll to the top; with SCREENSHOTS=1 keep a picture of the page, for people."""
        self.tab.evaluate("window.scrollTo(0, 0)")
        if SCREENSHOTS:
            ARTEFACTS.mkdir(parents=True, exist_ok=True)
            self.tab.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    def must_fit(self) -> None:
        """Nothing is wider than the window. Charts follow a new width at the next frame."""
        width = self.tab.viewport_size["width"]
        wait_until(self.tab, f"document.documentElement.scrollWidth <= {width}")

    def forgive_refusals(self) -> None:
        """The test provoked answers of 4xx; everything else still counts."""
        self.complaints[:] = [line for line in self.complaints if REFUSED not in line]


@pytest.fixture
def visit(site: Site, chromium: Any) -> Iterator[Callable[..., Visitor]]:
    """Opens tabs, and checks at the end that none of them complained."""
    opened: list[Visitor] = []

    def visitor(*, width: int = 1440, theme: str = "light", **options: Any) -> Visitor:
        context = chromium.new_context(
            base_url=site.url,
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            **options,
        )
        tab = context.new_page()
        tab.set_default_timeout(PATIENCE_MS)
        made = Visitor(tab, [])
        tab.on(
            "console",
            lambda line: (
                made.complaints.append(f"{tab.url}: {line.text}")
                if line.type in ("error", "warning")
                else None
            ),
        )
        tab.on("pageerror", lambda error: made.complaints.append(f"{tab.url}: {error}"))
        opened.append(made)
        return made

    yield visitor
    for made in opened:
        made.tab.context.close()
    assert [made.complaints for made in opened] == [[] for _ in opened]


@pytest.fixture
def owner(people: Any) -> Any:
    """The owner, able to log in."""
    people.owner.set_password(PASSWORD)
    people.owner.full_name = "Olga Owner"
    people.owner.save()
    return people.owner


@pytest.fixture
def history(assets: Any) -> Iterator[None]:
    """Two years of daily closes of AAA."""
    from marketdata.models import DailyPrice

    today = datetime.now(UTC).date()
    days = [today - timedelta(days=age) for age in range(720, 0, -1)]
    DailyPrice.objects.bulk_create(
        DailyPrice(asset=assets["AAA"], date=day, close=Decimal(30) + Decimal(n) / 36)
        for n, day in enumerate(day for day in days if day.weekday() < 5)
    )
    yield
    DailyPrice.objects.all().delete()  # its table is not managed, so no test empties it


@pytest.fixture
def quote(assets: Any) -> Callable[..., None]:
    """Publishes prices as the feed does."""
    from marketdata.operations import IncomingQuote, record_quotes

    def publish(**prices: str) -> None:
        now = timezone.now()
        quotes = [
            IncomingQuote(symbol, Decimal(price), now, "test") for symbol, price in prices.items()
        ]
        assert record_quotes(quotes=quotes, now=now).accepted == len(prices)

    return publish
