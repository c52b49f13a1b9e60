"""The register of the names of spans and their attributes. Metrics have theirs in the modules named `metrics`."""

# Span names. `messaging.*` and `http.*` attributes follow OpenTelemetry's semantic conventions.
SPAN_PUBLISH = "publish {topic}"
SPAN_CONSUME = "process {topic}"
SPAN_HTTP = "{method} {route}"
SPAN_CALL = "test call"
SPAN_REACH = "reach agent"
SPANS = (SPAN_PUBLISH, SPAN_CONSUME, SPAN_HTTP, SPAN_CALL, SPAN_REACH)

ATTRIBUTE_RUN_ID = "rehearsal.run_id"
ATTRIBUTE_ORG_ID = "rehearsal.org_id"
ATTRIBUTE_CALL_ID = "rehearsal.call_id"
ATTRIBUTE_END_REASON = "rehearsal.end_reason"
ATTRIBUTE_EVENT_TYPE = "cloudevents.event_type"
ATTRIBUTE_EVENT_ID = "cloudevents.event_id"
ATTRIBUTE_TOPIC = "messaging.destination.name"
ATTRIBUTE_SYSTEM = "messaging.system"
ATTRIBUTE_HTTP_METHOD = "http.request.method"
ATTRIBUTE_HTTP_ROUTE = "http.route"
ATTRIBUTE_HTTP_STATUS = "http.response.status_code"
ATTRIBUTES = tuple(value for name, value in list(globals().items()) if name.startswith("ATTRIBUTE_"))
