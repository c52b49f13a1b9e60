"""How long topics keep their records; what topics were made without it, they are given."""

from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from shared.events.topics import DEAD_LETTERS_KEPT_DAYS, DLQ_SUFFIX, KEPT_DAYS, SEGMENT_DAYS, Topic

MS_PER_DAY = 24 * 3_600 * 1_000
FOR_EVER_MS = -1
OWN = 1  # a configuration's source: set for this topic, neither a default nor the broker's


def retentions(topic: Topic, *, dead_letters_kept_days: int = DEAD_LETTERS_KEPT_DAYS) -> dict[str, dict[str, str]]:
    """Return the configuration of a topic and of its dead letters, by name.

    Kafka deletes whole segments, so a segment is closed every day: else a quiet topic kept records for weeks longer.
    """
    dead = _kept(dead_letters_kept_days)
    return {topic.name: _kept(None if topic.kept_for_ever else KEPT_DAYS), topic.dlq: dead}


def _kept(days: int | None) -> dict[str, str]:
    if days is None:
        return {"retention.ms": str(FOR_EVER_MS)}
    return {"retention.ms": str(days * MS_PER_DAY), "segment.ms": str(SEGMENT_DAYS * MS_PER_DAY)}


async def complete(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Give topics that are there what they lack; return those that were changed. What an operator has set stays.

    An exception are dead letters that are kept for ever: they hold prompts and numbers, and nobody has decided that.
    """
    changed = []
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    for answer in await admin.describe_configs(resources):
        for code, message, _, name, entries in answer.resources:
            _raise(code, message)
            own = {entry[0]: entry[1] for entry in entries if entry[3] == OWN}
            kept_for_ever = own.get("retention.ms") == str(FOR_EVER_MS)
            lacking = {key: value for key, value in wanted[name].items() if key not in own}
            if name.endswith(DLQ_SUFFIX) and kept_for_ever:
                lacking["retention.ms"] = wanted[name]["retention.ms"]
            if lacking:
                changed.append(ConfigResource(ConfigResourceType.TOPIC, name, own | lacking))
    for answer in await admin.alter_configs(changed) if changed else ():
        for code, message, *_ in answer.resources:
            _raise(code, message)
    return [resource.name for resource in changed]


def _raise(code: int, message: str | None) -> None:
    if code:
        raise for_code(code)(message or "")
