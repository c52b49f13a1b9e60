"""The inbound webhook: a call over SIP came in, says who answers it. The API makes its call log."""

from typing import Annotated

from pydantic import Field

from shared.events.event import Part
from shared.events.executions import SipCallId
from shared.events.fields import Id, Instant, ShortText

PATH = "/hooks/inbound-calls"
MAX_NUMBER_CHARS = 64  # what a far end calls itself: a number as a rule
MAX_BODY_BYTES = 16 * 1024

Number = Annotated[ShortText, Field(max_length=MAX_NUMBER_CHARS)]


class InboundCall(Part):
    """An INVITE that is about to be answered, for a run. Idempotent by `sip_call_id`, its Call-ID."""

    run_id: Id
    sip_call_id: SipCallId
    from_number: Number = ""
    to_number: Number = ""
    invited_at: Instant


class InboundCallLogged(Part):
    """The answer: the call log that was made, or had been made before."""

    call_id: Id
