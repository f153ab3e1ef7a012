"""Complete the generated OpenAPI schema with field descriptions and examples.

A `help_text` on the serializer wins; any other field gets its description from the vocabulary.
`tests/config/test_reference.py` fails when a field has neither.
"""

from typing import Any

from config.reference.examples import REQUESTS, example_of
from config.reference.vocabulary import meaning

PARAMETERS = {
    "import_id": "Import (UUID).",
    "adviser_id": "Adviser's access to the household (UUID).",
    "recommendation_id": "Recommendation (UUID).",
    "order_id": "Order (UUID).",
    "model_id": "Model of target weights (UUID).",
    "key_id": "API key (UUID).",
    "passkey_id": "Passkey (UUID).",
    "log_in_id": "Log-in (UUID).",
    "notice_id": "Notice (UUID).",
    "invitation_id": "Invitation (UUID).",
    "q": "Text to search for.",
    "unread": "`true`: unread notices only.",
    "status": "Only rows with this status.",
    "closed": "`true`: include closed lots.",
    "year": "Calendar year; default: the latest with figures.",
    "file_format": "Format of the file to write.",
    "tax_file_format": "Format of the file to write: csv or txf.",
    "household_id": "Household (UUID); advisers name a client's household.",
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
    if "$ref" in inner:  # OpenAPI 3.0 ignores keys next to a $ref
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
