"""OpenTelemetry traces: off unless configured; then spans for requests, publishing, consuming and calls.

Off or on, the `traceparent` of a story travels through outbox rows and headers, so that logs can be joined.
"""

import atexit
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from shared.events.register import BY_EVENT
from shared.telemetry import names
from shared.telemetry.traceparent import valid

Exporter = Literal["none", "console", "file", "otlp"]

_tracer: Tracer | None = None


@dataclass(frozen=True, slots=True)
class RunningSpan:
    """A span that has begun, and the traceparent for what follows from it."""

    span: Span
    traceparent: str

    def set(self, attribute: str, value: str | int | bool) -> None:
        """Add an attribute of the register."""
        self.span.set_attribute(attribute, value)

    def end(self, error: BaseException | None = None) -> None:
        """End the span; the type of an error is told, never its text."""
        if error is not None:
            self.span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        self.span.end()


def configure(*, service: str, exporter: Exporter, file: str | None = None) -> None:
    """Switch tracing on for this process. `otlp` reads OpenTelemetry's own OTEL_EXPORTER_OTLP_* variables."""
    global _tracer
    if exporter == "none":
        _tracer = None
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"rehearsal-{service}"}))
    chosen: SpanExporter
    if exporter == "otlp":
        chosen = OTLPSpanExporter()
        provider.add_span_processor(BatchSpanProcessor(chosen))
    else:
        out = open(file or "traces.jsonl", "a", buffering=1) if exporter == "file" else sys.stderr  # noqa: SIM115
        chosen = ConsoleSpanExporter(out=out, formatter=lambda span: (span.to_json(indent=None) or "{}") + "\n")
        provider.add_span_processor(SimpleSpanProcessor(chosen))
    atexit.register(provider.shutdown)
    _tracer = provider.get_tracer("rehearsal")


def enabled() -> bool:
    """Say whether spans are recorded."""
    return _tracer is not None


def start(
    name: str, kind: SpanKind, traceparent: str | None, attributes: Mapping[str, str | int] | None = None
) -> RunningSpan | None:
    """Begin a span below `traceparent` (a new trace if there is none); None while tracing is off."""
    if _tracer is None:
        return None
    span = _tracer.start_span(name, context=_context(traceparent), kind=kind, attributes=attributes)
    context = span.get_span_context()
    return RunningSpan(span, f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}")


def start_publishing(topic: str, traceparent: str | None) -> RunningSpan | None:
    """Begin the span of one record's way from the outbox to the broker."""
    return start(
        names.SPAN_PUBLISH.format(topic=topic),
        SpanKind.PRODUCER,
        traceparent,
        {names.ATTRIBUTE_TOPIC: topic, names.ATTRIBUTE_SYSTEM: "kafka"},
    )


def start_consuming(heard: Sequence[Any]) -> list[RunningSpan]:
    """Begin one span for each event heard."""
    spans = []
    for one in heard:
        attributes: dict[str, str | int] = {
            names.ATTRIBUTE_TOPIC: one.position[0],
            names.ATTRIBUTE_SYSTEM: "kafka",
            names.ATTRIBUTE_EVENT_TYPE: BY_EVENT[type(one.event)].type,
            names.ATTRIBUTE_EVENT_ID: one.event_id,
        }
        for attribute, field in ((names.ATTRIBUTE_RUN_ID, "run_id"), (names.ATTRIBUTE_ORG_ID, "org_id")):
            value = getattr(one.event, field, None)
            if value is not None:
                attributes[attribute] = value
        span = start(names.SPAN_CONSUME.format(topic=one.position[0]), SpanKind.CONSUMER, one.traceparent, attributes)
        if span is not None:
            spans.append(span)
    return spans


def _context(traceparent: str | None) -> Any:
    known = valid(traceparent)
    if known is None:
        return set_span_in_context(NonRecordingSpan(SpanContext(0, 0, is_remote=False)))
    # The flag is the decision of whoever began the trace (OTEL_TRACES_SAMPLER at the API): all services keep to it.
    parent = SpanContext(
        int(known[3:35], 16), int(known[36:52], 16), is_remote=True, trace_flags=TraceFlags(int(known[53:55], 16))
    )
    return set_span_in_context(NonRecordingSpan(parent))


__all__ = ["Link", "RunningSpan", "SpanKind", "configure", "enabled", "start", "start_consuming", "start_publishing"]
