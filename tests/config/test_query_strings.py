"""Query strings are checked against the schema, on every route."""

from typing import Any

import pytest

from edge.query_strings import MAY_BE_EMPTY, declared_parameters

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compiled_engine")]


def refusal(answer: Any) -> tuple[int, str, list[str]]:
    body = answer.json()
    return answer.status_code, body["code"], [error["field"] for error in body["errors"]]


def test_a_parameter_that_an_operation_does_not_declare_is_refused(
    closed_routes: list[Any], people: Any, furnish: Any, client_of: Any, digests: Any
) -> None:
    home, client = furnish(people.owner, 1), client_of(people.owner)
    before = digests()
    refusals = {
        route.name: refusal(
            client.generic(
                route.method,
                f"{home.url(route)}?colour=blue",
                data="{}",
                content_type="application/json",
            )
        )
        for route in closed_routes
    }
    assert refusals == dict.fromkeys(refusals, (400, "unknown_parameter", ["colour"]))
    assert digests() == before


def test_a_parameter_without_a_value_does_not_mean_all(
    get_routes: list[Any], people: Any, furnish: Any, client_of: Any
) -> None:
    home, client = furnish(people.owner, 1), client_of(people.owner)
    for route in get_routes:
        for name in route.queries:
            answer = client.get(f"{home.url(route)}?{name}=")
            if name in MAY_BE_EMPTY:
                assert answer.status_code == 200, (route.name, answer.content)
            else:
                assert refusal(answer) == (400, "parameter_empty", [name]), route.name


def test_a_parameter_that_stands_twice_is_refused(people: Any, client_of: Any) -> None:
    answer = client_of(people.owner).get("/api/v1/accounts?page=1&page=2")
    assert refusal(answer) == (400, "parameter_repeated", ["page"])


def test_an_unknown_name_is_answered_in_bounded_readable_text(people: Any, client_of: Any) -> None:
    answer = client_of(people.owner).get(f"/api/v1/accounts?{'x' * 5000}=1&%ff=2")
    status, code, fields = refusal(answer)
    assert (status, code) == (400, "unknown_parameter")
    assert max(map(len, fields)) == 100


def test_an_invented_method_is_not_remembered(people: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    client.get("/api/v1/accounts?page=1")
    before = declared_parameters.cache_info().currsize
    for number in range(5):
        answer = client.generic(f"INVENTED{number}", "/api/v1/accounts?colour=blue")
        assert answer.status_code == 405
    assert declared_parameters.cache_info().currsize == before
