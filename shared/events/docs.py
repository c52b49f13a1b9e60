"""`python -m shared.events.docs`: write docs/asyncapi.yaml (AsyncAPI 3) from the register of events."""

from pathlib import Path
from typing import Any

from shared.events.register import REGISTER, Registered
from shared.events.topics import MAX_RECORD_BYTES, TOPICS

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"
REFERENCE = "#/components/schemas/{model}"
ATTRIBUTES = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "traceparent", "content-type")


def document() -> dict[str, Any]:
    """Return the whole document."""
    schemas: dict[str, Any] = {}
    messages = {one.event.__name__: _message(one, schemas) for one in REGISTER}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rehearsal events",
            "version": "1",
            "description": "CloudEvents 1.0 over Kafka, binary mode: attributes in `ce_*` headers, JSON in the value.",
        },
        "channels": {topic.name: _channel(topic.name) for topic in TOPICS},
        "operations": _operations(),
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def _message(one: Registered, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = one.event.model_json_schema(ref_template=REFERENCE, mode="serialization")
    schemas.update(schema.pop("$defs", {}))
    schemas[one.event.__name__] = schema
    headers = {name: {"type": "string"} for name in ATTRIBUTES} | {"ce_type": {"const": one.type}}
    return {
        "name": one.type,
        "title": one.event.__name__,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers},
        "payload": {"$ref": REFERENCE.format(model=one.event.__name__)},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"the event's {one.key}, in decimal"}}},
        "x-subject": one.subject,
        "x-producer": one.producer,
        "x-consumers": list(one.consumers),
    }


def _channel(topic: str) -> dict[str, Any]:
    names = [one.event.__name__ for one in REGISTER if one.topic.name == topic]
    return {
        "address": topic,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topicConfiguration": {"max.message.bytes": MAX_RECORD_BYTES + 64 * 1024}}},
        "x-dead-letters": f"{topic}-dlq",
    }


def _operations() -> dict[str, Any]:
    operations = {}
    for service in ("api", "billing", "scheduler", "caller", "platform"):
        for topic in TOPICS:
            mine = [one for one in REGISTER if one.topic is topic]
            said = [one for one in mine if one.producer == service]
            heard = [one for one in mine if service in one.consumers]
            for action, ones in (("send", said), ("receive", heard)):
                if ones:
                    references = [{"$ref": f"#/channels/{topic.name}/messages/{one.event.__name__}"} for one in ones]
                    operations[f"{service}-{action}s-{topic.name}"] = {
                        "action": action,
                        "channel": {"$ref": f"#/channels/{topic.name}"},
                        "messages": references,
                    }
    return operations


def written() -> str:
    """Return the file's contents."""
    import yaml

    return "# Written by `make docs` from shared/events/register.py.\n" + yaml.safe_dump(
        document(), sort_keys=False, allow_unicode=True, width=120
    )


if __name__ == "__main__":
    FILE.write_text(written())
