"""The Metadata request with topics' ids (KIP-516), which aiokafka does not have: version 12, or 5 for older brokers."""

from collections.abc import Sequence
from io import BytesIO

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

API_KEY = 3
NO_ID = bytes(16)


class Uuid(AbstractType[bytes]):  # type: ignore[misc]
    """16 bytes, as they are."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """Return the value."""
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """Read the value."""
        return data.read(16)


class DescribeTopicsResponse(Response):  # type: ignore[misc]
    """Metadata response, version 12."""

    API_KEY = API_KEY
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("topic_authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeTopicsRequest(RequestStruct):  # type: ignore[misc]
    """Metadata request, version 12."""

    FLEXIBLE_VERSION = True
    API_KEY = API_KEY
    API_VERSION = 12
    RESPONSE_TYPE = DescribeTopicsResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class DescribeTopics(Request[MetadataRequest_v5 | DescribeTopicsRequest]):  # type: ignore[misc]
    """Asks for topics by name, and creates none by asking."""

    API_KEY = API_KEY

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """Return the newest version that the broker knows as well."""
        if request_struct_class.API_VERSION < DescribeTopicsRequest.API_VERSION:
            return request_struct_class(self._topics, False)
        return request_struct_class([(NO_ID, topic, {}) for topic in self._topics], False, False, {})
