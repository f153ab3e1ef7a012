"""The last step of the OpenAPI description: every field explained, every operation with examples.

A field whose serializer has a `help_text` keeps it; any other takes its meaning from the
vocabulary. `tests/config/test_reference.py` refuses a field that nobody has explained.
"""

from typing import Any

from config.reference.examples import REQUESTS, example_of
from config.reference.vocabulary import meaning

PARAMETERS = {
    "import_id": "Import (UUID).",
    "adviser_id": "Grant of an adviser (UUID).",
    "recommendation_id": "Recommendation (UUID).",
    "notice_id": "Notice (UUID).",
    "invitation_id": "Invitation (UUID).",
    "q": "Text to search for.",
    "unread": "`true`: only what is unread.",
    "status": "Only rows in this state.",
    "closed": "`true`: closed lots too.",
    "year": "Calendar year; the newest with figures when left out.",
    "file_format": "Format of the file to write.",
    "household_id": "Household (UUID); an adviser names a client's.",
}


def described(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Add descriptions and examples to a generated schema (a hook of drf-spectacular)."""
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        for field, inner in schema.get("properties", {}).items():
            _explain(schema["properties"], name, field, inner)
    for methods in result["paths"].values():
        for operation in methods.values():
            _describe_operation(operation, schemas)
    return result


def _explain(properties: dict[str, Any], schema: str, field: str, inner: dict[str, Any]) -> None:
    text = meaning(schema, field)
    if text is None or inner.get("description"):
        return
    if "$ref" in inner:  # OpenAPI 3.0 ignores what stands beside a reference
        inner = {"allOf": [inner]}
    properties[field] = {**inner, "description": text}


def _describe_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        parameter.setdefault("description", PARAMETERS.get(name) or meaning("", name) or "")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json":
            content["example"] = REQUESTS[operation["operationId"]]
    for status, answer in operation.get("responses", {}).items():
        if not status.startswith("2"):
            continue
        for kind, content in answer.get("content", {}).items():
            if kind == "application/json" and "schema" in content:
                content["example"] = example_of(content["schema"], schemas)
