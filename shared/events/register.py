"""The register of events: the single truth about name, version, topic, key, producer and consumers.

Topic creation, the AsyncAPI file, the docs and the wiring test all come from here.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from shared.events import admissions, billing, directory, executions, payments, requests
from shared.events.event import Event
from shared.events.topics import (
    BILLING_ENTRIES,
    PLATFORM_DIRECTORY,
    PLATFORM_PAYMENTS,
    TEST_CALL_ADMISSIONS,
    TEST_CALL_EXECUTIONS,
    TEST_CALL_REQUESTS,
    Topic,
)

Service = Literal["api", "scheduler", "caller", "billing", "platform"]


@dataclass(frozen=True)
class Registered:
    """One event. `key` and `subject` name fields of the class; the subject may be missing (None) in the data."""

    event: type[Event]
    topic: Topic
    key: str
    subject: str
    producer: Service
    consumers: tuple[Service, ...]
    version: int = 1
    family: str = field(default="rehearsal")

    @cached_property
    def type(self) -> str:
        """The CloudEvents `type`: family, class and integer version."""
        return f"{self.family}.{self.event.__name__}.v{self.version}"


def _ours(
    event: type[Event], topic: Topic, key: str, subject: str, producer: Service, *consumers: Service
) -> Registered:
    return Registered(event, topic, key, subject, producer, consumers)


def _platform(event: type[Event], topic: Topic, subject: str, *consumers: Service) -> Registered:
    return Registered(event, topic, "org_id", subject, "platform", consumers, family="platform")


REGISTER: tuple[Registered, ...] = (
    _ours(requests.TestCallRequested, TEST_CALL_REQUESTS, "org_id", "request_id", "api", "billing", "scheduler"),
    _ours(requests.CancelRequested, TEST_CALL_REQUESTS, "org_id", "run_id", "api", "scheduler"),
    _ours(billing.FundsReserved, BILLING_ENTRIES, "org_id", "request_id", "billing", "api", "scheduler"),
    _ours(billing.FundsDeclined, BILLING_ENTRIES, "org_id", "request_id", "billing", "api", "scheduler"),
    _ours(billing.ChargeSettled, BILLING_ENTRIES, "org_id", "run_id", "billing", "api"),
    _ours(billing.ReservationReleased, BILLING_ENTRIES, "org_id", "run_id", "billing", "api"),
    _ours(billing.BalanceChanged, BILLING_ENTRIES, "org_id", "org_id", "billing", "api"),
    _ours(admissions.TestCallDispatched, TEST_CALL_ADMISSIONS, "run_id", "run_id", "scheduler", "caller"),
    _ours(admissions.TestCallExpired, TEST_CALL_ADMISSIONS, "run_id", "run_id", "scheduler", "api", "billing"),
    _ours(admissions.CancelPassedOn, TEST_CALL_ADMISSIONS, "run_id", "run_id", "scheduler", "caller"),
    _ours(executions.CallStarted, TEST_CALL_EXECUTIONS, "run_id", "run_id", "caller", "api", "scheduler"),
    _ours(
        executions.TestCallCompleted, TEST_CALL_EXECUTIONS, "run_id", "run_id", "caller", "api", "scheduler", "billing"
    ),
    _ours(executions.TestCallFailed, TEST_CALL_EXECUTIONS, "run_id", "run_id", "caller", "api", "scheduler", "billing"),
    _ours(executions.RecordingSettled, TEST_CALL_EXECUTIONS, "run_id", "run_id", "caller", "api"),
    _ours(executions.TestCallReturned, TEST_CALL_EXECUTIONS, "run_id", "run_id", "caller", "scheduler"),
    _ours(executions.CallerRoomAnnounced, TEST_CALL_EXECUTIONS, "worker_id", "worker_id", "caller", "scheduler"),
    _platform(directory.OrgUpserted, PLATFORM_DIRECTORY, "org_id", "api", "scheduler"),
    _platform(directory.ApiKeyIssued, PLATFORM_DIRECTORY, "key_id", "api"),
    _platform(directory.ApiKeyRevoked, PLATFORM_DIRECTORY, "key_id", "api"),
    _platform(directory.AgentUpserted, PLATFORM_DIRECTORY, "agent_id", "api"),
    _platform(directory.AgentDeleted, PLATFORM_DIRECTORY, "agent_id", "api"),
    _platform(directory.PhoneNumberUpserted, PLATFORM_DIRECTORY, "phone_number_id", "api"),
    _platform(directory.PhoneNumberDeleted, PLATFORM_DIRECTORY, "phone_number_id", "api"),
    _platform(payments.FundsDeposited, PLATFORM_PAYMENTS, "deposit_id", "billing"),
    _platform(payments.FundsAdjusted, PLATFORM_PAYMENTS, "adjustment_id", "billing"),
)

BY_TYPE = {registered.type: registered for registered in REGISTER}
BY_EVENT = {registered.event: registered for registered in REGISTER}
# `family.Name` without its version: tells a newer version of something known from something unknown.
KNOWN_NAMES = {registered.type.rsplit(".v", 1)[0] for registered in REGISTER}
