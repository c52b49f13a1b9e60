"""What the API hears and says: two tables."""

from services.api.usecases.follow_calls import complete_calls, fail_calls, fail_expired, note_recordings, start_calls
from services.api.usecases.follow_directory import (
    delete_agents,
    delete_numbers,
    issue_keys,
    revoke_keys,
    upsert_agents,
    upsert_numbers,
    upsert_orgs,
)
from services.api.usecases.follow_money import (
    fail_declined,
    note_balance,
    note_released,
    note_reserved,
    note_settled,
)
from shared.events.admissions import TestCallExpired
from shared.events.billing import BalanceChanged, ChargeSettled, FundsDeclined, FundsReserved, ReservationReleased
from shared.events.directory import (
    AgentDeleted,
    AgentUpserted,
    ApiKeyIssued,
    ApiKeyRevoked,
    OrgUpserted,
    PhoneNumberDeleted,
    PhoneNumberUpserted,
)
from shared.events.executions import CallStarted, RecordingSettled, TestCallCompleted, TestCallFailed
from shared.events.requests import CancelRequested, TestCallRequested
from shared.messaging.messages import Hears

HEARS = (
    Hears(OrgUpserted, upsert_orgs),
    Hears(ApiKeyIssued, issue_keys),
    Hears(ApiKeyRevoked, revoke_keys),
    Hears(AgentUpserted, upsert_agents),
    Hears(AgentDeleted, delete_agents),
    Hears(PhoneNumberUpserted, upsert_numbers),
    Hears(PhoneNumberDeleted, delete_numbers),
    Hears(FundsReserved, note_reserved),
    Hears(FundsDeclined, fail_declined),
    Hears(BalanceChanged, note_balance),
    Hears(TestCallExpired, fail_expired),
    Hears(CallStarted, start_calls),
    Hears(TestCallCompleted, complete_calls),
    Hears(TestCallFailed, fail_calls),
    Hears(RecordingSettled, note_recordings),
    Hears(ChargeSettled, note_settled),
    Hears(ReservationReleased, note_released),
)

SAYS = (TestCallRequested, CancelRequested)
