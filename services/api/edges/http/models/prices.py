"""What a dry run answers: the price of what was asked for."""

from typing import Literal

from pydantic import Field

from services.api.edges.http.models.base import Answer, Cents, Id
from services.api.edges.http.models.problems import Responses
from shared.events.fields import Direction, Mode, TargetType


class TestCallPrice(Answer):
    """What a request would have cost. It would have been accepted, and nothing of it is stored."""

    dry_run: Literal[True] = True
    target_type: TargetType
    target_id: Id
    target_name: str
    agent_name: str
    direction: Direction
    mode: Mode
    run_count: int
    recording: bool
    charge_multiplier: int
    tariff_cents_per_minute: Cents
    estimated_minutes: int
    estimated_cost_cents: Cents = Field(description="US cents, of all runs together")
    available_cents: Cents


PRICED: Responses = {200: {"model": TestCallPrice, "description": "The price: `dry_run` was true, nothing is stored."}}
