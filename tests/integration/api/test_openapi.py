"""/openapi.json says what is served, no more and no less."""

import json
import re
from typing import Any

import pytest

from services.api.edges.http.routers.health import Health
from tests.integration.api.builders import a_batch
from tests.integration.api.harness import BATCHES, CALLS, Api

pytestmark = pytest.mark.integration

POST_STATUSES = {"200", "201", "400", "401", "402", "404", "409", "413", "415", "422", "429", "503"}
LIST_STATUSES = {"200", "400", "401", "503"}
ONE_STATUSES = {"200", "401", "404", "503"}
CANCEL_STATUSES = ONE_STATUSES | {"202", "400"}
DOCUMENTED = {
    ("post", CALLS): POST_STATUSES,
    ("get", CALLS): LIST_STATUSES,
    ("get", f"{CALLS}/{{id}}"): ONE_STATUSES | {"400"},
    ("post", f"{CALLS}/{{id}}/cancel"): CANCEL_STATUSES,
    ("post", BATCHES): POST_STATUSES,
    ("post", f"{BATCHES}/{{batch_id}}/cancel"): CANCEL_STATUSES,
    ("post", f"{BATCHES}/{{batch_id}}/retry"): POST_STATUSES,
    ("get", BATCHES): LIST_STATUSES,
    ("get", f"{BATCHES}/{{batch_id}}"): ONE_STATUSES | {"400"},
    ("get", "/v1/calls"): LIST_STATUSES,
    ("get", "/v1/calls/{call_id}"): ONE_STATUSES,
    ("get", "/v1/calls/{call_id}/transcript"): ONE_STATUSES,
    ("get", "/v1/calls/{call_id}/audio"): ONE_STATUSES,
    ("get", "/v1/calls/{call_id}/waveform"): ONE_STATUSES,
    ("get", "/v1/calls/{call_id}/figures"): ONE_STATUSES,
    ("get", "/v1/billing"): {"200", "401", "503"},
    ("get", "/v1/billing/entries"): LIST_STATUSES,
    ("get", "/v1/healthz"): {"200"},
}


def with_id(path: str, value: str) -> str:
    """A path with a value for its parameter."""
    return re.sub(r"{\w+}", value, path)


async def described(api: Api) -> dict[str, Any]:
    document: dict[str, Any] = (await api.client.get("/openapi.json")).json()
    return document


async def operations(api: Api) -> dict[tuple[str, str], dict[str, Any]]:
    paths = (await described(api))["paths"]
    return {(method, path): one for path, methods in paths.items() for method, one in methods.items()}


async def test_every_operation_is_described_with_every_status(api: Api) -> None:
    found = await operations(api)
    assert {key: set(operation["responses"]) for key, operation in found.items()} == DOCUMENTED
    assert len({operation["operationId"] for operation in found.values()}) == len(found)


async def test_every_described_operation_is_served(api: Api) -> None:
    org = await api.org()
    for method, path in await operations(api):
        answer = await api.client.request(method, with_id(path, "1"), headers=org.authorization)
        assert answer.status_code in (200, 400, 404), (method, path)
        assert answer.json() != {"detail": "Not found.", "code": "not_found"} or "{" in path


async def test_every_answer_has_a_schema_that_is_there(api: Api) -> None:
    document = await described(api)
    schemas = document["components"]["schemas"]
    for key, operation in (await operations(api)).items():
        for status, response in operation["responses"].items():
            assert response["content"]["application/json"]["schema"], (key, status)
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert names == set(schemas), "every schema is used and every reference is there"
    assert "HTTPValidationError" not in schemas
    assert schemas["Health"]["properties"].keys() == Health.model_fields.keys()


async def test_everything_but_the_health_check_asks_for_a_key(api: Api) -> None:
    document = await described(api)
    assert document["components"]["securitySchemes"]["secretKey"]["scheme"] == "bearer"
    for (_, path), operation in (await operations(api)).items():
        assert operation.get("security", []) == ([] if path == "/v1/healthz" else [{"secretKey": []}]), path


async def test_every_value_that_a_parameter_is_said_to_take_is_taken(api: Api) -> None:
    org, wrong = await api.org(), []
    for (method, path), operation in (await operations(api)).items():
        for parameter in operation.get("parameters", []):
            if method == "get" and parameter["in"] == "query":
                schema = parameter["schema"]
                bounds = [schema[name] for name in ("minimum", "maximum", "default") if name in schema]
                for value in [*schema.get("enum", []), *bounds]:
                    answer = await api.get(org, f"{with_id(path, '1')}?{parameter['name']}={value}")
                    if answer.status_code != (404 if "{" in path else 200):
                        wrong.append(f"{path}?{parameter['name']}={value}")
    assert wrong == []


async def test_a_value_just_outside_of_what_is_said_is_refused(api: Api) -> None:
    org, tried = await api.org(), 0
    for (method, path), operation in (await operations(api)).items():
        for parameter in operation.get("parameters", []):
            if method == "get" and parameter["in"] == "query":
                schema = parameter["schema"]
                outside = [schema["minimum"] - 1] if "minimum" in schema else []
                outside += [schema["maximum"] + 1] if "maximum" in schema else []
                outside += ["nothing"] if "enum" in schema or schema["type"] == "boolean" else []
                for value in outside:
                    tried += 1
                    answer = await api.get(org, f"{with_id(path, '1')}?{parameter['name']}={value}")
                    assert answer.status_code == 400, (path, parameter["name"], value)
    assert tried > 20


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_the_fields_that_are_said_to_be_required_are_those_that_are(api: Api, path: str) -> None:
    org = await api.org()
    operation = (await operations(api))["post", path]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    whole = a_batch(org, 1)
    body = {name: whole[name] for name in schema["required"]}
    assert (await api.post(org, path, body)).status_code == 201
    for name in schema["required"]:
        answer = await api.post(org, path, {key: value for key, value in body.items() if key != name})
        assert answer.status_code == 400, name


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_the_limits_that_are_said_of_fields_are_those_that_are(api: Api, path: str) -> None:
    org = await api.org()
    operation = (await operations(api))["post", path]
    properties = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    for name, schema in properties.items():
        outside: list[Any] = [schema["minimum"] - 1] if "minimum" in schema else []
        outside += [schema["maximum"] + 1] if "maximum" in schema else []
        outside += ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
        outside += [["x"] * (schema["maxItems"] + 1)] if "maxItems" in schema else []
        outside += ["nothing"] if "enum" in schema or "pattern" in schema else []
        for value in outside:
            answer = await api.post(org, path, {**a_batch(org, 1), name: value})
            assert (answer.status_code, name in answer.json()) == (400, True), (name, value)


async def test_a_path_parameter_is_named_and_described_once(api: Api) -> None:
    for (_, path), operation in (await operations(api)).items():
        named = re.findall(r"{(\w+)}", path)
        described = [one for one in operation.get("parameters", []) if one["in"] == "path"]
        assert [one["name"] for one in described] == named, path
        assert all(one["schema"] == {"type": "integer", "minimum": 1, "maximum": 2**53 - 1} for one in described)
