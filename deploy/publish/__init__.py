"""Publishes other platform services' events, as the demo, the bench and the tests stand in for them."""
