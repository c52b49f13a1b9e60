"""What /openapi.json says otherwise than FastAPI: of guard and routes, and without what is never answered."""

from typing import Any

from fastapi import FastAPI

from services.api.edges.http.idempotency import IN_HEADER, MAX_HEADER_KEY_CHARS

OF_FASTAPI = ("HTTPValidationError", "ValidationError")
REFS = "#/components/schemas/"
SECRET_KEY = {"type": "http", "scheme": "bearer", "description": "A secret key, sk_…"}
IDEMPOTENCY_KEY = {
    "name": IN_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_HEADER_KEY_CHARS},
    "description": "Bare, or as a quoted string (RFC 9651): both are the same key.",
}


def describe(app: FastAPI) -> None:
    """Let the app describe itself."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = build()
            components = document["components"]
            for operation in (one for methods in document["paths"].values() for one in methods.values()):
                _mend(operation, components["schemas"])
            for unused in OF_FASTAPI:
                components["schemas"].pop(unused, None)
            components["securitySchemes"] = {"secretKey": SECRET_KEY}
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _mend(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    if "401" in operation["responses"]:
        operation["security"] = [{"secretKey": []}]
    if OF_FASTAPI[0] in str(operation["responses"].get("422")):
        del operation["responses"]["422"]
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        parameter["schema"] = {name: schema[name] for name in schema if name != "title" and schema[name] is not None}
    if "requestBody" in operation:
        operation["parameters"] = [*operation.get("parameters", ()), IDEMPOTENCY_KEY]
        content = operation["requestBody"]["content"]["application/json"]
        content["schema"] = schemas.pop(content["schema"]["$ref"].removeprefix(REFS))
