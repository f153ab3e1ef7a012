"""The API reference is complete: fields, operations, examples, codes."""

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.utils import timezone

from config.reference.codes import CODES, INTERNAL
from config.reference.examples import ACCOUNT, REQUESTS
from config.reference.guide import guide
from config.reference.vocabulary import MEANINGS
from edge.pagination import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("platform", "marketdata", "transactions", "portfolios", "recommendations", "notifications")


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "platform/openapi.yaml").read_text())
    return found


def operations() -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation | {"path": path, "method": method}
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
    }


def properties() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name, field, inner)
        for name, one in schema()["components"]["schemas"].items()
        for field, inner in one.get("properties", {}).items()
    ]


def test_every_field_and_every_parameter_says_what_it_means() -> None:
    silent = [f"{name}.{field}" for name, field, one in properties() if not one.get("description")]
    silent += [
        f"{name}?{parameter['name']}"
        for name, operation in operations().items()
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ]
    assert silent == [], "add them to config/reference/vocabulary.py"


def test_no_meaning_is_of_a_field_that_is_gone() -> None:
    known = {field for _, field, _ in properties()} | {
        parameter["name"]
        for operation in operations().values()
        for parameter in operation.get("parameters", ())
    }
    known |= {f"{name}.{field}" for name, field, _ in properties()}
    assert sorted(set(MEANINGS) - known) == []


def test_every_operation_has_an_example_that_fits_its_schema() -> None:
    components = {"components": schema()["components"]}
    silent = []
    for name, operation in operations().items():
        bodies = [operation.get("requestBody", {}).get("content", {})]
        bodies += [one.get("content", {}) for one in operation["responses"].values()]
        for content in bodies:
            body = content.get("application/json")
            if body is None:
                continue
            if "example" not in body:
                silent.append(name)
                continue
            jsonschema.validate(body["example"], _json_schema(body["schema"] | components))
    assert silent == []


def _json_schema(node: Any) -> Any:
    """Translate `nullable` of OpenAPI 3.0 into JSON Schema, which lists null among the types."""
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_the_example_of_a_request_is_accepted(name: str, shared_home: Any, client_of: Any) -> None:
    from marketdata.models import Asset, LatestPrice

    for symbol in ("AAPL", "KO"):
        asset = Asset.objects.create(
            symbol=symbol, name=symbol, asset_class="equity", currency="USD"
        )
        LatestPrice.objects.create(asset=asset, price=190, as_of=timezone.now(), source="test")
    people, home = shared_home
    operation = operations()[name]
    client = client_of(people.owner)
    text = json.dumps(REQUESTS[name]).replace(ACCOUNT, home.ids["account_id"])
    answer = client.generic(
        operation["method"].upper(),
        operation["path"].format(**home.ids),
        data=text,
        content_type="application/json",
    )
    allowed = {
        # The example names a user, a token or a password that this household does not have,
        "log_in": 401,
        "log_out": 401,
        "refresh_token": 401,
        "change_password": 400,
        "prove": 400,
        "add_passkey": 400,
        "log_in_with_passkey": 400,
        "confirm_totp": 409,
        "reset_password": 400,
        "verify_email": 400,
        "join_household": 400,
        "grant_adviser": 404,
        # or a strategy that is not hidden, or not its own,
        "strategies_publish": 409,
        "strategies_report": 409,
        # or a vendor, of which the tests have none,
        "market_listings_create": 400,
        # or needs objects its accounts lack: shares, a file, a row on which nothing depends.
        "sale_preview": 400,
        "imports_update": 400,
        "transactions_reverse": 409,
        "dividends_due_record": 409,
        "dividends_due_skip": 409,
        "transactions_correct": 400,
    }
    if name in allowed and answer.status_code >= 400:
        assert answer.status_code == allowed[name], answer.content
        codes = {error["code"] for error in answer.json()["errors"]}
        assert not codes & {"unknown_field", "required", "invalid", "invalid_choice"}
        return
    assert answer.status_code < 300, answer.content


def raised_codes() -> set[str]:
    """Return the codes that the source uses for refusals."""
    found = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "migrations" in path.parts or "reference" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                found |= _codes_of(node)
    return found


def _codes_of(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Call):
        return {
            word.value.value
            for word in node.keywords
            if word.arg == "code"
            and isinstance(word.value, ast.Constant)
            and isinstance(word.value.value, str)
        }
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        named = [one.id for one in node.targets if isinstance(one, ast.Name)]
        return {str(node.value.value)} if named == ["code"] else set()
    return set()


def test_the_catalog_has_every_code_that_is_raised() -> None:
    listed = {code for codes in CODES.values() for code in codes} | INTERNAL
    assert sorted(raised_codes() - listed) == [], "add them to config/reference/codes.py"


def test_no_code_stands_twice_in_the_catalog() -> None:
    listed = [code for codes in CODES.values() for code in codes]
    assert sorted(listed) == sorted(set(listed) - INTERNAL)


def test_the_guide_states_the_sizes_of_pages_as_they_are() -> None:
    assert f"`page_size` (default {PAGE_SIZE_DEFAULT}, maximum {PAGE_SIZE_MAX})" in guide()
