"""`python -m deploy.provision`: database, roles, schemas, migrations and topics. Idempotent.

Environment: ADMIN_DATABASE_URL (a superuser's), ROLE_PASSWORDS_FILE (JSON: service → password), KAFKA_BOOTSTRAP;
optional DATABASE_NAME (rehearsal), KAFKA_TOPIC_PREFIX, KAFKA_PARTITIONS (3), KAFKA_REPLICATION_FACTOR (1),
KAFKA_DEAD_LETTERS_KEPT_DAYS (14, at most 28; dead letters hold prompts and numbers as they came).
"""

import asyncio
import json
import os
from pathlib import Path

from deploy.provision.database import provision_database
from shared.events.topics import DEAD_LETTERS_KEPT_DAYS
from shared.messaging.cluster import DEFAULT_PARTITIONS, create_topics


async def _provision() -> None:
    passwords = json.loads(await asyncio.to_thread(Path(os.environ["ROLE_PASSWORDS_FILE"]).read_text))
    await asyncio.gather(
        provision_database(os.environ["ADMIN_DATABASE_URL"], os.environ.get("DATABASE_NAME", "rehearsal"), passwords),
        create_topics(
            os.environ["KAFKA_BOOTSTRAP"],
            prefix=os.environ.get("KAFKA_TOPIC_PREFIX", ""),
            partitions=int(os.environ.get("KAFKA_PARTITIONS", DEFAULT_PARTITIONS)),
            replication_factor=int(os.environ.get("KAFKA_REPLICATION_FACTOR", "1")),
            dead_letters_kept_days=int(os.environ.get("KAFKA_DEAD_LETTERS_KEPT_DAYS", DEAD_LETTERS_KEPT_DAYS)),
        ),
    )


if __name__ == "__main__":
    asyncio.run(_provision())
