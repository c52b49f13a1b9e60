"""The API's event, and what became of a request on the way to it."""

from dataclasses import dataclass
from datetime import datetime

from services.api.domain.admission import Target
from services.api.domain.asking import Asked
from services.api.domain.pricing import Pricing
from services.api.domain.reach import has_sound
from shared.events.conditions import Conditions
from shared.events.connection import read_connection
from shared.events.requests import Price, RequestedRun, TestCallRequested
from shared.events.requests import Target as CallTarget

# Numbers of the fictional range 555-0100…0199: who the bot seems to be, and the agent's where it is called directly.
DEMO_BOT_NUMBER = "+15555550100"
DEMO_AGENT_NUMBER = "+15555550199"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that has its room; ids follow."""

    index: int
    asked: Asked
    target: Target
    estimated_cost_cents: int  # of all its runs

    @property
    def recording(self) -> bool:
        """Whether its calls are recorded."""
        wanted = self.asked.recording
        return has_sound(self.asked.mode, self.target.kind) if wanted is None else wanted


def requested(
    one: Admitted, request_id: int, batch_id: int | None, run_ids: list[int], pricing: Pricing, now: datetime
) -> TestCallRequested:
    """Return TestCallRequested: all that later steps need, each prompt once."""
    asked, target = one.asked, one.target
    prompts = list(dict.fromkeys(asked.prompt_of(nth) for nth in range(asked.run_count)))
    place = {prompt: index for index, prompt in enumerate(prompts)}
    return TestCallRequested(
        request_id=request_id,
        org_id=asked.org_id,
        batch_id=batch_id,
        runs=tuple(
            RequestedRun(run_id=run_id, prompt_index=place[asked.prompt_of(nth)]) for nth, run_id in enumerate(run_ids)
        ),
        prompts=tuple(prompts),
        direction=asked.direction,
        mode=asked.mode,
        target=CallTarget(
            target_type=asked.target_type,
            target_id=asked.target_id,
            agent_id=target.agent_id or 0,
            agent_name=target.agent_name,
            agent_number=target.agent_number or DEMO_AGENT_NUMBER,
            bot_number=asked.target_number or DEMO_BOT_NUMBER,
            product=target.product,
            voice=target.voice,
            connection=read_connection(target.connection),
            sip_uri=target.sip_uri if asked.direction == "outbound" else None,
        ),
        price=Price(
            tariff_cents_per_minute=pricing.tariff_cents_per_minute(target.product),
            charge_multiplier=pricing.charge_multiplier,
            held_minutes=pricing.held_minutes,
        ),
        stagger_seconds=asked.stagger_seconds,
        requested_at=now,
        conditions=Conditions.model_validate(asked.conditions) if asked.conditions else None,
        recording=one.recording,
    )
