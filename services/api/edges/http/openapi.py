"""What /openapi.json says otherwise than FastAPI: no 422 of its own, and no null in a parameter."""

from typing import Any

from fastapi import FastAPI

OF_FASTAPI = ("HTTPValidationError", "ValidationError")
REFS = "#/components/schemas/"


def describe(app: FastAPI) -> None:
    """Let the app describe itself."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = build()
            for methods in document["paths"].values():
                for operation in methods.values():
                    _mend(operation, document["components"]["schemas"])
            for unused in OF_FASTAPI:
                document["components"]["schemas"].pop(unused, None)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _mend(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    if OF_FASTAPI[0] in str(operation["responses"].get("422")):
        del operation["responses"]["422"]
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        content["schema"] = schemas.pop(content["schema"]["$ref"].removeprefix(REFS))


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that is given, if it is there: null stands for omitted."""
    told = {name: value for name, value in schema.items() if name != "title" and (name, value) != ("default", None)}
    for choice in told.pop("anyOf", ()):
        told |= choice if choice != {"type": "null"} else {}
    return told
