"""Processes are killed, stopped and disconnected, requests repeated; the data must stay right.

After every test its account has no failed job and no dead letter; at the end the ledger is rebuilt.
"""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from embedded.children import stop

pytestmark = pytest.mark.proof

REBALANCE = "recommendations.rebalance"
QUICKLY_S = 3.0
BROKER_TIMEOUT_S = 3.0


class Knocking:
    """A client that opens a connection for each request, one after the other, until it is left."""

    def __init__(self, port: str) -> None:
        self.port = int(port)
        self.answered = self.refused = self.cut_off = 0
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._knock)

    def _knock(self) -> None:
        while not self._left.is_set():
            connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", "/readyz")
                self.answered += connection.getresponse().status == 200
            except ConnectionRefusedError:
                self.refused += 1
            except (OSError, HTTPException):
                self.cut_off += 1
            finally:
                connection.close()

    def __enter__(self) -> "Knocking":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._thread.join()


def workers_of(pid: int) -> set[int]:
    """Return the processes that this one has started."""
    return {int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def done_once(home: Any, job_id: str, *, attempts: int = 1) -> None:
    """Check that the job completed in so many attempts, with one result and a notice per member."""
    job = home.until_status(job_id, "completed")
    home.until_told(job_id)
    assert job["attempts"] == attempts
    assert job["result"]["trades"]
    assert home.recommendations(job_id) == 1
    assert home.told(job_id) == [1, 1]


def test_a_worker_killed_with_its_work_in_hand_loses_nothing(stack: Any, home: Any) -> None:
    with stack.socket_of(home.spouse) as stream:
        with stack.results_held_back():
            job_id = home.rebalance()
            # The second process of the pool has its own work and dies with it.
            other_id = home.rebalance(minimum_trade="20")
            stack.until_results_wait(2)
            stack.kill("worker-interactive")
        assert [home.recommendations(x) for x in (job_id, other_id)] == [0, 0]
        assert home.job(job_id)["status"] == "processing", "nobody knows yet"
        done_once(home, job_id, attempts=2)
        done_once(home, other_id, attempts=2)
        stream.hear("rebalance_complete")
        stream.drain(seconds=1)
    assert (stream.events(job_id), stream.events(other_id)) == (1, 1)


def test_a_worker_that_slept_through_its_lease_writes_nothing(stack: Any, home: Any) -> None:
    program = stack.child("worker-interactive").program
    words = ["relief@%h" if word.startswith("interactive@") else word for word in program.command]
    with stack.results_held_back():
        job_id = home.rebalance()
        stack.until_results_wait()
        stack.send("worker-interactive", signal.SIGSTOP)
    relief = stack.supervisor.child(replace(program, name="relief", command=words))
    try:
        done_once(home, job_id, attempts=2)
        stack.send("worker-interactive", signal.SIGCONT)
        taken_over = home.job(job_id)
        stack.until(
            lambda: "will be retried after a temporary failure" in stack.log("worker-interactive"),
            what="the first worker to notice",
        )
        assert home.job(job_id) == taken_over
        done_once(home, job_id, attempts=2)
    finally:
        stack.send("worker-interactive", signal.SIGCONT)
        stop([relief])


def test_a_broker_killed_between_request_and_result_costs_only_time(stack: Any, home: Any) -> None:
    with stack.results_held_back():
        under_way = home.rebalance()
        stack.until_results_wait()
        stack.send("worker-interactive", signal.SIGSTOP)
        waiting = home.rebalance(minimum_trade="20")
        stack.kill("redis-broker")
        stack.send("worker-interactive", signal.SIGCONT)
    done_once(home, waiting)
    done_once(home, under_way)


def test_requests_without_a_broker_are_taken_at_once_and_done_once(
    stack: Any, home: Any, tmp_path: Path
) -> None:
    stack.kill("redis-broker")
    path = f"/portfolios/{home.account_id}/rebalance"
    options = [{"minimum_trade": str(10 + number)} for number in range(4)]
    answers = [home.owner.send("POST", path, body) for body in options]
    assert [answer.status for answer in answers] == [202] * 4
    assert max(answer.took_s for answer in answers) < QUICKLY_S
    deposit = {
        "account_id": home.account_id,
        "type": "deposit",
        "amount": "5",
        "executed_at": "2024-01-02T15:00:00Z",
    }
    assert home.owner.send("POST", "/transactions", deposit).took_s < QUICKLY_S
    # Two beats from here on: every message is sent twice.
    program = stack.child("beat").program
    words = [*program.command[:-1], str(tmp_path / "second-beat")]
    second = stack.supervisor.child(replace(program, name="beat-2", command=words))
    try:
        for answer in answers:
            done_once(home, answer.body["job_id"])
    finally:
        stop([second])


def test_a_broker_that_hangs_delays_a_request_by_one_timeout(stack: Any, home: Any) -> None:
    stack.send("redis-broker", signal.SIGSTOP)
    try:
        answer = home.owner.send("POST", f"/portfolios/{home.account_id}/rebalance", {})
    finally:
        stack.send("redis-broker", signal.SIGCONT)
    assert answer.status == 202
    assert answer.took_s < BROKER_TIMEOUT_S + QUICKLY_S
    done_once(home, answer.body["job_id"])


def test_repeated_messages_do_nothing_twice(stack: Any, home: Any) -> None:
    with Celery(broker=stack.variables["BROKER_URL"], set_as_current=False) as sender:
        stack.send("worker-interactive", signal.SIGSTOP)
        job_id = home.rebalance()
        key = stack.value("SELECT id FROM jobs_job WHERE public_id = %s", job_id)
        for _ in range(20):
            sender.send_task(REBALANCE, args=[key], queue="interactive")
            sender.send_task("notifications.relay", queue="notify")
        stack.send("worker-interactive", signal.SIGCONT)
        done_once(home, job_id)
        for _ in range(20):
            sender.send_task(REBALANCE, args=[key], queue="interactive")
        later = home.rebalance(minimum_trade="20")
        done_once(home, later)
    done_once(home, job_id)


def test_what_is_cancelled_while_it_runs_leaves_no_result(stack: Any, home: Any) -> None:
    with stack.results_held_back():
        job_id = home.rebalance()
        stack.until_results_wait()
        assert home.job(job_id)["status"] == "processing"
        cancelled = home.owner.post(f"/jobs/{job_id}/cancel", status=200)
        assert cancelled["status"] == "cancelled"
    # The same request starts over as another job; the first one's worker is free for it again.
    next_id = home.rebalance()
    assert next_id != job_id
    done_once(home, next_id)
    assert home.job(job_id) == cancelled
    assert home.recommendations(job_id) == 0
    assert home.told(job_id) == [0, 0]


def test_two_hundred_identical_requests_at_once_are_one_job(stack: Any, home: Any) -> None:
    path = f"/portfolios/{home.account_id}/rebalance"
    deposit = {
        "account_id": home.account_id,
        "type": "deposit",
        "amount": "7",
        "executed_at": "2024-01-02T15:00:00Z",
    }
    stack.send("worker-interactive", signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(50) as crowd:
            answers = list(crowd.map(lambda _: home.owner.send("POST", path, {}), range(200)))
    finally:
        stack.send("worker-interactive", signal.SIGCONT)
    assert {answer.status for answer in answers} == {202}
    (job_id,) = {answer.body["job_id"] for answer in answers}
    done_once(home, job_id)
    with ThreadPoolExecutor(20) as crowd:
        answers = list(
            crowd.map(
                lambda _: home.owner.send("POST", "/transactions", deposit, key="once"), range(40)
            )
        )
    booked = [answer for answer in answers if answer.status == 201]
    assert len({answer.body["id"] for answer in booked}) == 1
    refused = [answer.body["code"] for answer in answers if answer.status != 201]
    assert set(refused) <= {"idempotency_in_flight"}
    assert Decimal(home.owner.get(f"/accounts/{home.account_id}")["cash"]) == 78_007


def test_without_its_cache_everything_is_slower_and_right(stack: Any, home: Any) -> None:
    holdings = f"/portfolios/{home.account_id}/holdings"
    before = {x["symbol"]: x["quantity"] for x in home.owner.get(holdings)["data"]}
    with stack.socket_of(home.owner) as stream:
        stream.say(type="subscribe", symbols=["AAPL"])
        stream.hear("price_batch")
        stack.kill("redis-cache")
        answers = [home.owner.send("GET", holdings) for _ in range(3)]
        for answer in answers:
            assert answer.status == 200
            assert answer.took_s < QUICKLY_S
            assert {x["symbol"]: x["quantity"] for x in answer.body["data"]} == before
            assert all(x["price"] and x["weight"] for x in answer.body["data"])
        trade = {"type": "buy", "symbol": "KO", "quantity": "1", "price": "50"}
        booked = {**trade, "account_id": home.account_id, "executed_at": "2024-01-02T15:00:00Z"}
        home.owner.post("/transactions", booked)
        job_id = home.rebalance()
        deadline = time.monotonic() + QUICKLY_S
        while home.job(job_id)["status"] != "completed":  # nothing is restarted meanwhile
            assert time.monotonic() < deadline
            time.sleep(0.1)
        after = {x["symbol"]: x["quantity"] for x in home.owner.get(holdings)["data"]}
        assert Decimal(after["KO"]) == Decimal(before["KO"]) + 1, "a trade is visible at once"
        stack.until(lambda: stack.ready(stack.port), what="the cache to be back")
        assert home.owner.get(holdings)["data"][0]["quantity"] == after["AAPL"]
        done_once(home, job_id)
        heard = len(stream.heard)
        while not any(not x["stale"] for x in stream.hear("price_batch")["updates"]):
            assert len(stream.heard) < heard + 100
        if not stream.events(job_id):
            stream.hear("rebalance_complete")
        stream.drain(seconds=1)
    assert stream.events(job_id) >= 1, "the event was kept until it could be told"


@pytest.mark.parametrize("restart", ["reload", "a worker is killed", "all of it is killed"])
def test_no_connection_is_refused_while_the_web_process_restarts(stack: Any, restart: str) -> None:
    main = stack.child("web").process
    before = workers_of(main.pid)
    with Knocking(stack.port) as knocking:
        stack.until(lambda: knocking.answered > 20, what="the first answers")
        if restart == "reload":
            signal.raise_signal(signal.SIGUSR1)
            stack.until(lambda: not workers_of(main.pid) & before, what="other workers")
        elif restart == "a worker is killed":
            os.kill(min(before), signal.SIGKILL)
            stack.until(lambda: len(workers_of(main.pid) - before) == 1, what="another worker")
        else:
            stack.kill("web")
            stack.until(lambda: stack.child_or_none("web") is not None, what="another process")
        enough = knocking.answered + 20
        stack.until(lambda: knocking.answered > enough, what="answers afterwards")
    assert knocking.refused == 0
    # a killed process takes the requests that it had taken with it, but never one that waits
    assert knocking.cut_off <= (0 if restart == "reload" else 1), knocking.cut_off
    assert (stack.child("web").process.pid == main.pid) == (restart != "all of it is killed")
