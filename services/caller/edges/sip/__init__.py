"""Calls over SIP: placed, answered, hung up. What is said in them is media's."""
