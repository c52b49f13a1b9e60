"""The register of leaks: what each kind means, in a sentence for the operator."""

from collections.abc import Hashable
from dataclasses import dataclass

KINDS = {
    # A run, compared between the services that have it.
    "unknown_to_billing": "The api accepted the run and counts its estimate; billing has not heard of it.",
    "answer_not_heard": "Billing has answered the request; the api still counts its estimate as unanswered.",
    "unknown_to_scheduler": "Funds are held for the run; the scheduler has not heard of it.",
    "open_without_hold": "The run goes on in the api; billing holds nothing for it.",
    "open_after_its_end": "The run goes on in the api; billing, scheduler or caller have ended it.",
    "in_progress_without_attempt": "The run is in progress in the api; the caller has no attempt of it.",
    "held_after_the_end": "The run has ended in the api; its funds are still held.",
    "held_for_no_run": "Funds are held for a run that the api does not have.",
    "completed_without_charge": "The run completed; billing did not charge it.",
    "failed_beside_a_charge": "The run failed in the api; billing charged it.",
    "unbilled": "The run has ended and billing has closed its hold; the api has not heard what it cost.",
    "billed_otherwise": "The api shows another price than billing charged.",
    "queued_after_the_end": "The run has ended in the api; the scheduler still has it in its queue.",
    "slot_without_attempt": "The run has a slot; the caller has no attempt that is up.",
    "attempt_after_the_end": "The attempt goes on; the run has ended.",
    "call_without_hold": "The attempt goes on; billing holds nothing for it.",
    "queued_past_its_time": "The run waits although its time in the queue is over.",
    "attempt_past_its_lease": "The attempt goes on although its lease, or its time to start, is over.",
    "other_organisation": "Two services have the run under two organisations.",
    # Billing's own books, and the api's copy of them.
    "hold_unbalanced": "What was held for the run is not what was charged and released.",
    "hold_without_reservation": "An entry holds funds that no reservation will let go.",
    "ledger_broken": "An entry's balance does not follow from the entry before it, or its accounts are not its kind's.",
    "account_otherwise": "The account is not the sum of its ledger.",
    "funds_otherwise": "The api shows other funds than billing's account of the same version.",
    "funds_not_heard": "The api's funds are of an older version than billing's account, and stay so.",
    "entry_not_heard": "The api does not have an entry of billing's ledger.",
    "entry_otherwise": "The api has an entry that billing's ledger does not have, or not so.",
    # Counters and queues.
    "slots_otherwise": "The scheduler's count of slots in use is not the number of dispatched runs.",
    "open_runs_otherwise": "The api's counts of an organisation's open runs are not what the runs add up to.",
    "outbox_stuck": "An event waits to be published.",
    "set_aside": "An event could not be sent and was set aside: nobody has heard it.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be so, or not for long.

    `subject` is what it is about ("run 17"); `key` tells whether it is the same one at the next look. `detail` is made
    of statuses and figures: nothing that a customer said.
    """

    kind: str
    subject: str
    age_seconds: float
    detail: str
    number: int = 0
    state: Hashable = None

    @property
    def key(self) -> Hashable:
        return (self.kind, self.subject, self.state)
