"""Outbox, relay and consumer: how every service says and hears. Nothing else talks to Kafka."""
