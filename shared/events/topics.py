"""The topics, with what an operator must know of each."""

from dataclasses import dataclass

MAX_RECORD_BYTES = 2 * 1024 * 1024  # headroom over the 1 MiB body limit of REST: JSON escapes are kept as they came
DLQ_SUFFIX = "-dlq"
KEPT_DAYS = 7
DEAD_LETTERS_KEPT_DAYS = 14  # long enough to be looked at; they hold prompts and numbers as they came
MAX_DEAD_LETTERS_KEPT_DAYS = 28  # billing remembers its answers for 30: a replayed dead letter must find them
SEGMENT_DAYS = 1
# Kafka deletes whole segments, each by its youngest record, and looks every few minutes.
OLDEST_RECORD_DAYS = KEPT_DAYS + SEGMENT_DAYS + 1
OLDEST_DEAD_LETTER_DAYS = DEAD_LETTERS_KEPT_DAYS + SEGMENT_DAYS + 1


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `kept_for_ever`: a service rebuilt from nothing reads it again from the start."""

    name: str
    kept_for_ever: bool = False

    @property
    def dlq(self) -> str:
        return self.name + DLQ_SUFFIX


TEST_CALL_REQUESTS = Topic("test-call-requests")
BILLING_ENTRIES = Topic("billing-entries")
TEST_CALL_ADMISSIONS = Topic("test-call-admissions")
TEST_CALL_EXECUTIONS = Topic("test-call-executions")
PLATFORM_DIRECTORY = Topic("platform-directory", kept_for_ever=True)
PLATFORM_PAYMENTS = Topic("platform-payments", kept_for_ever=True)
TOPICS = (
    TEST_CALL_REQUESTS,
    BILLING_ENTRIES,
    TEST_CALL_ADMISSIONS,
    TEST_CALL_EXECUTIONS,
    PLATFORM_DIRECTORY,
    PLATFORM_PAYMENTS,
)
