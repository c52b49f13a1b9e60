"""What an operator may do to a topic."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.support.waiting import eventually


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def delete(bootstrap: str, topic: str) -> None:
    """Delete a topic, and wait until the broker knows."""
    async with _admin(bootstrap) as admin:
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        await eventually(gone, what=f"{topic} is gone")


async def create(bootstrap: str, topic: str, **configs: str) -> None:
    """Create a topic. Configurations are given as `max_message_bytes="100000"`."""
    dotted = {name.replace("_", "."): value for name, value in configs.items()}
    async with _admin(bootstrap) as admin:
        answer = await admin.create_topics([NewTopic(topic, 2, 1, topic_configs=dotted)])
    assert answer.topic_errors[0][1] == 0, answer


async def create_anew(bootstrap: str, topic: str, **configs: str) -> None:
    """Delete a topic and create it under its old name, with other configurations."""
    await delete(bootstrap, topic)
    await create(bootstrap, topic, **configs)


async def configure(bootstrap: str, topic: str, **configs: str) -> None:
    """Change configurations. The broker goes by them a moment later."""
    dotted = {name.replace("_", "."): value for name, value in configs.items()}
    async with _admin(bootstrap) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=dotted)])
