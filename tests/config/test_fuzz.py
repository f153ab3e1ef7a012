"""Generated cases: valid and invalid requests from the schema, against every route.

    CASES_PER_ROUTE=60 pytest tests/config/test_fuzz.py

tries a night's worth; the suite tries the same few in every run. No answer is a 500, and none has a
status or a form outside the schema. Each case is rolled back.
"""

from collections import Counter
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.effort import size

pytestmark = pytest.mark.django_db

CASES_PER_ROUTE = size("CASES_PER_ROUTE", usual=10, proof=60)
MODES = [GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Some generated cases must get through: a fuzzer that only gets 400 proves little.
SUCCEEDING = {"POST /api/v1/accounts", "PUT /api/v1/portfolios/{account_id}/restrictions"}


@cache
def _schema() -> Any:
    generator: Any = SchemaGenerator
    return schemathesis.openapi.from_dict(generator().get_schema(request=None, public=True))


def test_no_generated_request_breaks_a_route(
    shared_home: Any, client_of: Any, fuzzed_route: Any
) -> None:
    operation = _schema()[fuzzed_route.path][fuzzed_route.method]
    people, home = shared_home
    faults: dict[str, str] = {}
    sent: Counter[int] = Counter()
    _explore(operation, home.ids, client_of(people.owner), faults, sent)
    assert faults == {}
    assert operation.label not in SUCCEEDING or sent[2], sent


def test_what_must_succeed_is_a_route() -> None:
    operations: list[Any] = [found.ok() for found in _schema().get_all_operations()]
    assert {operation.label for operation in operations} >= SUCCEEDING


def _explore(
    operation: Any, ids: dict[str, str], client: Any, faults: dict[str, str], sent: "Counter[int]"
) -> None:
    @given(data=st.data())
    @settings(
        max_examples=CASES_PER_ROUTE,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def explore(data: Any) -> None:
        mode = data.draw(st.sampled_from(MODES))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if data.draw(st.integers(0, 3)):
            _point_at(case, ids)
        status = _answer(case, client, faults)
        sent[status // 100] += 1

    try:
        explore()
    except Unsatisfiable:
        # A request without body and parameters cannot be invalid.
        assert not operation.body


def _point_at(case: Any, ids: dict[str, str]) -> None:
    """Insert names of existing objects, so that a case gets further than to a 404."""
    known = {**ids, "currency": "USD", "type": "buy", "executed_at": "2024-06-03T15:00:00Z"}
    if isinstance(case.body, dict) and "account_id" not in case.body:
        known["type"] = "taxable"
    rows = case.body if isinstance(case.body, list) else [case.body]
    for container in (case.path_parameters, case.query, *rows):
        for name in container if isinstance(container, dict) else ():
            if name in known:
                container[name] = known[name]


def _answer(case: Any, client: Any, faults: dict[str, str]) -> int:
    """Send the case through Django's own client and check the answer against the schema."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    body: Any = prepared.body or b""
    with transaction.atomic():
        answer = client.generic(
            prepared.method,
            prepared.path_url,
            data=body if isinstance(body, bytes) else body.encode(),
            content_type=prepared.headers.get("Content-Type", "application/json"),
        )
        transaction.set_rollback(True)
    told = schemathesis.Response(
        status_code=answer.status_code,
        headers={name.lower(): [value] for name, value in answer.headers.items()},
        content=answer.getvalue(),
        request=prepared,
        elapsed=0.0,
        verify=True,
    )
    try:
        case.validate_response(told, checks=CHECKS)
    except FailureGroup as found:
        for fault in found.exceptions:
            faults.setdefault(f"{case.operation.label} {type(fault).__name__}", str(fault)[:1500])
    return int(answer.status_code)
