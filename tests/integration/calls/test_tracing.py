"""How an agent was reached is part of its call's trace; why it was not, by the kind of error alone."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from services.caller.domain.call_clock import CallClock
from services.caller.domain.turn import PartyError
from services.caller.edges.media.ports import Ports
from shared.telemetry import names, tracing
from tests.integration.calls.exchange import an_exchange
from tests.integration.calls.test_far_ends import Agent, answering, refusing, to
from tests.integration.calls.test_loopback import Scripted
from tests.unit.caller.builders import AGENT_NUMBER, BOT_NUMBER, a_claim

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.mark.parametrize(("agent", "error"), [(Agent(), None), (refusing(486), "PartyError")])
async def test_reaching_an_agent_is_a_span_of_its_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: Agent, error: str | None
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    async with (
        an_exchange(tmp_path, Scripted(), first_port=35_400) as exchange,
        answering(agent, exchange.clock, Ports("127.0.0.1", 35_600, 35_699)) as port,
    ):
        call = exchange.calls.call(a_claim(11), to(port), CallClock(1.0, lambda: True), TRACEPARENT)
        try:
            await call.place()
        except PartyError:
            assert error is not None
        await call.close()
    (span,) = exporter.get_finished_spans()
    assert span.name == names.SPAN_REACH
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == ("a" * 32, "b" * 16)
    assert (span.status.status_code is StatusCode.ERROR, span.status.description) == (error is not None, error)
    told = span.to_json()
    assert AGENT_NUMBER not in told
    assert BOT_NUMBER not in told
